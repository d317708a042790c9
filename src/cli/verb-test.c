// SPDX-License-Identifier: GPL-2.0-or-later
#include "verbs.h"
#include "act.h"
#include "state-file.h"
#include "base/str.h"
#include "out/proof.h"

#include <signal.h>

static const struct option options[] = {
	{ 0, "bind", TAKES_NOTHING, NULL, "bind it to VFIO for the test, and back", NULL },
	{ 0, "no-faults", TAKES_NOTHING, NULL, "do not try to reach unmapped memory", NULL },
	{ 0, "vf-token", TAKES_VALUE, "UUID", "of a VF whose PF is on vfio-pci", "" },
	{ 0, "vfio", TAKES_VALUE, "BACKEND", "auto (iommufd if it works), iommufd or type1",
		"auto iommufd type1" },
	{ 0, "save-state", TAKES_VALUE, "FILE", "keep the state that its driver takes out of it",
		"<file>" },
	{ 0, "load-state", TAKES_VALUE, "FILE", "let its driver put in this one", "<file>" },
	OPTION_COLUMNS,
	OPTION_TIMEOUT,
};

static const struct example examples[] = {
	{ "test ens1f0/vf0", "a VF that is on vfio-pci" },
	{ "test nvme0/vf0-1 --json", "two, for a program" },
	{ "test ens1f0/vf2 --bind", "one that gets its driver back" },
	{ "test 3b:00.1 -o CHECK,VERDICT,EVIDENCE", "with the kernel's lines on faults" },
	{ "test 3b:00.1 --load-state vf.state", "would it take that host's VF over?" },
};

/* What is to be given back after the test. */
struct borrowed {
	bool changed, had_note;
	char *driver;
};

static volatile sig_atomic_t interrupted;

static void on_signal(int number UNUSED)
{
	interrupted = 1;
}

/* An interrupted test ends in order: the function is reset, and has its driver again. */
static void catch_signals(void)
{
	const struct sigaction sa = { .sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND };

	interrupted = 0;
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
}

static bool is_interrupted(void *arg UNUSED)
{
	return interrupted != 0;
}

struct telling {
	struct act *act;
	const char *address;
};

static void progress(void *arg, const char *check, unsigned waited_ms)
{
	struct telling *t = arg;
	autofree char *text = str_printf("testing %s: %s", t->address, check);

	if (text)
		cli_waiting(t->act->cli, text, waited_ms);
}

static bool has_note(struct act *act, const struct function *f, const struct driver_opts *opts)
{
	autofree char *driver = NULL;

	return driver_remembered(act->host, f->bdf, opts->state_dir, &driver) == 0;
}

static int borrow(
	struct act *act, const struct function *f, struct borrowed *b, struct problem **reterr)
{
	struct driver_opts opts = act_driver_opts(act);
	int r = driver_read(act->host, f->bdf, &b->driver);

	if (r < 0 || driver_is_vfio(b->driver))
		return r;
	b->had_note = has_note(act, f, &opts);
	r = driver_bind(act->host, f->bdf, NULL, &opts, reterr);
	b->changed = r > 0;
	return MIN(r, 0);
}

/* Whoever had bound it before us by name finds his own choice, and the way back from that. */
static int give_back(struct act *act, const struct function *f, const struct borrowed *b,
	struct problem **reterr)
{
	struct driver_opts opts = act_driver_opts(act);

	if (!b->changed)
		return 0;
	if (!b->had_note)
		return driver_restore(act->host, f->bdf, &opts, reterr);
	if (!b->driver)
		return driver_unbind(act->host, f->bdf, &opts, reterr);
	return driver_bind(act->host, f->bdf, b->driver, &opts, reterr);
}

static struct proof_target target_of(const struct function *f, const char *vf_token)
{
	return (struct proof_target) {
		.bdf = f->bdf,
		.vendor = f->id.vendor,
		.device = f->id.device,
		.class_code = f->id.class_code,
		.group = f->iommu_group,
		.is_vf = f->kind == FUNCTION_VF,
		.vf_token = vf_token,
	};
}

static int read_backend(const struct args *a, enum vfio_backend *ret, struct problem **reterr)
{
	const char *text = args_value(a, "vfio");

	if (!text || vfio_backend_parse(text, ret) == 0)
		return 0;
	return problem(reterr, -EINVAL, PROBLEM_USAGE, vfio_backend_names,
		"--vfio %s: no back end of VFIO", text);
}

/* What the user named for states; of one function. */
struct states {
	struct state_file save, load;
};

static int open_states(struct states *s, const struct args *a, struct problem **reterr)
{
	int r = state_file_open(&s->load, args_value(a, "load-state"), false, reterr);

	s->save.fd = -1;
	return r < 0 ? r : state_file_open(&s->save, args_value(a, "save-state"), true, reterr);
}

static void close_states(struct states *s)
{
	state_file_close(&s->save);
	state_file_close(&s->load);
}

static int test(struct act *act, const struct function *f, const struct args *a,
	const struct states *states, struct tested *ret, struct problem **reterr)
{
	struct proof_target target = target_of(f, args_value(a, "vf-token"));
	struct telling telling = { act, f->address };
	struct proof_opts opts = {
		.no_faults = args_has(a, "no-faults"),
		.save_to = state_file_in(&states->save),
		.load_from = state_file_in(&states->load),
		.progress = progress,
		.cancelled = is_interrupted,
		.arg = &telling,
	};
	struct borrowed b = { 0 };
	struct problem *back = NULL;
	int r = 0, e = 0;

	read_backend(a, &opts.backend, NULL);
	if (args_has(a, "bind"))
		r = borrow(act, f, &b, reterr);
	if (r == 0)
		driver_read(act->host, f->bdf, &ret->driver);
	if (r == 0)
		r = proof_run(act->host, &target, &opts, &ret->proof, reterr);
	cli_waited(act->cli);
	e = give_back(act, f, &b, &back);
	free(b.driver);
	/* Which of two failures is told? That of the test; the other is only lost if both are. */
	if (r == 0 && e < 0) {
		if (reterr)
			*reterr = TAKE_PTR(back);
		r = e;
	}
	problem_free(back);
	return r < 0 ? problem_wrap(reterr, r, "test %s", f->address) : 0;
}

/* --dry-run: what would be tested, and as what. */
static int rehearse(
	struct act *act, const struct selection *s, const struct args *a, struct problem **reterr)
{
	for (size_t i = 0; i < s->n; i++) {
		struct proof_target target = target_of(s->v[i], NULL);
		struct driver_opts opts = act_driver_opts(act);
		struct problem *p = NULL;
		int r = 1;

		if (args_has(a, "bind"))
			r = driver_bind_check(act->host, s->v[i]->bdf, NULL, &opts, &p);
		act_add(act, s->v[i]->address, r < 0 ? r : 1, p, "test (%s)", proof_class(&target));
	}
	return act_finish(act, reterr);
}

static void list_done(struct tested *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		tested_done(&v[i]);
	free(v);
}

static int run_tests(
	struct act *act, const struct selection *s, const struct args *a, struct problem **reterr)
{
	struct tested *v = calloc(s->n, sizeof(*v));
	struct states states;
	size_t n = 0;
	int r = open_states(&states, a, reterr);

	if (r == 0 && !v)
		r = -ENOMEM;
	catch_signals();
	while (r == 0 && n < s->n) {
		v[n].address = strdup(s->v[n]->address);
		r = v[n].address ? test(act, s->v[n], a, &states, &v[n], reterr) : -ENOMEM;
		n++;
	}
	close_states(&states);
	if (r == 0)
		r = out_tested(&act->cli->out, v, n, reterr);
	list_done(v, n);
	return r;
}

static int check_states(const struct args *a, size_t n, struct problem **reterr)
{
	if (n == 1 || (!args_has(a, "save-state") && !args_has(a, "load-state")))
		return 0;
	return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL,
		"a state is that of one function, and %zu are selected", n);
}

static int run(struct cli *cli, const struct args *a, struct problem **reterr)
{
	autoselection found = { 0 };
	autoact act = { 0 };
	enum vfio_backend backend;
	int r = read_backend(a, &backend, reterr);

	if (r == 0)
		r = act_start(&act, cli, a, reterr);
	if (r == 0)
		r = select_some(act.host, act.inv, a->words, a->n_words, &found, reterr);
	if (r == 0)
		r = check_states(a, found.n, reterr);
	if (r == 0)
		r = act_lock(&act, &found, reterr);
	if (r < 0)
		return r;
	return cli->dry_run ? rehearse(&act, &found, a, reterr)
			    : run_tests(&act, &found, a, reterr);
}

const struct verb verb_test = {
	.name = "test",
	.section = VERB_HAND_OVER,
	.args = "SELECTOR…",
	.summary = "prove on it that it can be assigned",
	.description =
		"Opens each function as a VMM would, tries registers, interrupts, mappings, then\n"
		"lets it work where its class is known: an NVMe controller answers Identify and\n"
		"reads block 0, an Intel 82576 function sends frames to itself. Unmapped memory\n"
		"must be out of its reach, and a reset must end all it does and leave its\n"
		"configuration as it was. Where its driver offers live migration, its state is\n"
		"taken out, and put in again, from and into files if wished (no guest is moved).\n"
		"No disk is written. The function must be on a VFIO driver (or --bind) and used\n"
		"by nobody; if vfctl is killed, the kernel closes and resets it, and restore\n"
		"undoes --bind. The faults that are provoked are harmless, unless the firmware\n"
		"thinks otherwise: --no-faults leaves them out.\n"
		"\n"
		"A check is proved, failed, unproved (could not be tried to its end) or skipped\n"
		"(there is no such thing here). The exit status is 0 if none failed and none is\n"
		"unproved, else that of the first that did.\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.examples = examples,
	.n_examples = ARRAY_SIZE(examples),
	.columns = tested_columns,
	.n_columns = &n_tested_columns,
	.completes = "<function>",
	.min_args = 1,
	.max_args = ANY_NUMBER,
	.run = run,
};
