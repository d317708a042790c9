// SPDX-License-Identifier: GPL-2.0-or-later
#include "wanted.h"
#include "interrupt.h"
#include "base/str.h"
#include "out/complaint.h"
#include "out/plan.h"
#include "policy/policy.h"
#include "store/store.h"

#include <stdio.h>

enum { SEEN_BY_PLANS = INVENTORY_OVERRIDES | INVENTORY_SRIOV };

int wanted_start(struct act *act, struct cli *cli, const struct args *a, struct problem **reterr)
{
	bool dry_run = cli->dry_run;
	int r;

	cli->dry_run = true; /* planning changes nothing, wherever it is */
	r = act_start_seeing(act, cli, a, SEEN_BY_PLANS, reterr);
	cli->dry_run = dry_run;
	return r;
}

static int read_stream(FILE *f, char **ret)
{
	autostrbuf b = { 0 };
	char buf[4096];
	size_t n;

	while ((n = fread(buf, 1, sizeof(buf), f)) > 0 && b.len < (64U << 20))
		strbuf_add_bytes(&b, buf, n);
	if (ferror(f))
		return -EIO;
	*ret = strbuf_take(&b);
	return *ret ? 0 : -ENOMEM;
}

static void fclosep(FILE **f)
{
	if (*f && *f != stdin)
		fclose(*f);
}

static int read_text(const char *name, char **ret, struct problem **reterr)
{
	bool from_stdin = str_eq(name, "-");
	FILE *f CLEANUP(fclosep) = from_stdin ? stdin : store_open(name);
	int r = f ? read_stream(f, ret) : -errno;

	return r < 0 ? problem(reterr, r, problem_kind_from_errno(r), NULL, "%s: %s", name,
			       strerror(-r))
		     : 0;
}

/* A picture: the standard input, or a file whose name says so. */
static bool is_picture(const char *name)
{
	return str_eq(name, "-") || str_ends(name, ".json");
}

static void note_unknown(struct act *act, const struct policy *p)
{
	if (policy_lacks_addresses(p))
		fputs("vfctl: note: stable addresses are left out: they need /etc/machine-id, and "
		      "this capture does not have it\n",
			act->cli->out.notes);
}

static int read_policy(struct act *act, const struct args *a, const struct function *pf,
	struct wishes *ret, struct problem **reterr)
{
	CLEANUP(policy_freep) struct policy *p = NULL;
	autofree char *cwd = getcwd(NULL, 0);
	autostrv char **files = NULL;
	struct policy_opts opts = { .cwd = cwd,
		.identity_dir = act->cli->identity_dir,
		.learned_dir = act->cli->root ? NULL : act->cli->learned_dir };
	autohost *live = NULL;
	int r = 0;

	for (size_t i = 0; r == 0 && i < a->n_words; i++)
		r = strv_add(&files, a->words[i]);
	if (r == 0 && files && act->host->captured)
		r = host_new_live(&live, reterr);
	opts.files = files;
	opts.files_host = live;
	if (r == 0)
		r = policy_load(act->host, act->inv, &opts, &p);
	if (r == 0)
		r = policy_refuse_for(p, pf, reterr);
	if (r == 0)
		note_unknown(act, p);
	if (r == 0)
		r = policy_wishes(p, ret);
	if (r == -ENOMEM && reterr && !*reterr)
		problem(reterr, r, PROBLEM_NO_MEMORY, NULL, "out of memory");
	return r;
}

/* That of --pf; NULL: all. */
static int read_pf(
	struct act *act, const struct args *a, struct function **ret, struct problem **reterr)
{
	const char *word = args_value(a, "pf");
	struct function *f = NULL;
	int r = word ? select_one(act->host, act->inv, word, &f, reterr) : 0;

	if (r < 0)
		return r;
	if (f && f->kind != FUNCTION_PF)
		return problem(reterr, -EINVAL, PROBLEM_USAGE,
			"vfctl list kind=pf shows those that there are", "--pf %s: %s is not a PF",
			word, f->address);
	*ret = f;
	return 0;
}

static void note_nothing(struct act *act, const struct function *pf)
{
	if (!out_is_json(&act->cli->out))
		fprintf(act->cli->out.notes, "vfctl: no configuration is about %s: vfctl-pf.d(5)\n",
			pf ? pf->address : "a PF of this machine");
}

int wanted_read(struct act *act, const struct args *a, struct wishes *ret, struct problem **reterr)
{
	autofree char *text = NULL;
	struct function *pf = NULL;
	autowishes w = { 0 };
	bool picture = a->n_words == 1 && is_picture(a->words[0]);
	int r = read_pf(act, a, &pf, reterr);

	if (r == 0 && picture)
		r = read_text(a->words[0], &text, reterr);
	if (r == 0)
		r = picture ? wishes_from_json(text, a->words[0], &w, reterr)
			    : read_policy(act, a, pf, &w, reterr);
	if (r < 0)
		return r;
	if (pf)
		wishes_keep(&w, pf->bdf);
	if (!w.n && !picture)
		note_nothing(act, pf);
	*ret = w;
	w = (struct wishes) { 0 };
	return 0;
}

int wanted_lock(struct act *act, const struct wishes *w, struct problem **reterr)
{
	autofree struct bdf *pfs = calloc(w->n + 1, sizeof(*pfs));
	struct apply_opts opts = act_apply_opts(act);

	if (!pfs)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	for (size_t i = 0; i < w->n; i++) {
		int r = act_verify_card(act, w->v[i].bdf, reterr);

		if (r < 0)
			return r;
		pfs[i] = w->v[i].bdf;
	}
	/* The daemon takes them. */
	return act->daemon ? 0 : work_begin(act->host, pfs, w->n, &opts, &act->work, reterr);
}

/* Behind the lock, which others may have had before, everything is looked at anew. */
static int look_again(struct act *act, struct problem **reterr)
{
	struct inventory *fresh = NULL;
	int r;

	if (!act->work && (act->seen & SEEN_BY_PLANS) == SEEN_BY_PLANS)
		return 0;
	r = cli_inventory(act->cli, SEEN_BY_PLANS, &fresh, reterr);
	if (r < 0)
		return r;
	inventory_free(act->inv);
	act->inv = fresh;
	act->seen = SEEN_BY_PLANS;
	return 0;
}

struct plan_opts wanted_consent(const struct args *a)
{
	return (struct plan_opts) { .allow_destroy = args_has(a, "allow-destroy"),
		.allow_in_use = args_has(a, "allow-in-use") };
}

int wanted_plan(struct act *act, const struct wishes *w, const struct args *a, struct now *ret_now,
	struct plan *ret, struct problem **reterr)
{
	const struct plan_opts opts = wanted_consent(a);
	int r = look_again(act, reterr);

	if (r == 0)
		r = now_read(act->host, act->inv, w,
			act->cli->root ? NULL : act->cli->driver_state_dir, ret_now, reterr);
	if (r == 0 && plan_make(act->inv, ret_now, w, &opts, ret) < 0)
		r = problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	return r;
}

/* Only where somebody can answer; scripts have said what they want. */
static bool agreed(struct act *act, const struct args *a)
{
	char line[16];

	if (args_has(a, "yes") || !isatty(0) || !isatty(fileno(act->cli->out.notes)))
		return true;
	fputs("Do this? [y/N] ", act->cli->out.notes);
	fflush(act->cli->out.notes);
	return fgets(line, sizeof(line), stdin) && (line[0] == 'y' || line[0] == 'Y');
}

static void step_ended(
	void *arg, const struct step *s, const char *word, int code, struct problem *p)
{
	struct act *act = arg;
	autofree char *subject = act_subject(act, &s->todo), *text = action_text(&s->todo);

	/* Settings are told one by one; a step of them only if none could be tried. */
	if (!word && s->todo.kind == ACTION_SETTINGS && code >= 0)
		return;
	if (!word && s->todo.kind == ACTION_SETTINGS && act->results.n &&
		act->results.v[act->results.n - 1].problem) {
		problem_free(p);
		return;
	}
	if (code < 0 && !p)
		problem(&p, code, problem_kind_from_errno(code), NULL, "%s", strerror(-code));
	act_add(act, subject ? subject : "?", code, p, "%s", word ? word : text ? text : "?");
}

static int refused(const struct plan *p, struct problem **reterr)
{
	const struct problem *no = plan_refusal(p);

	if (!no)
		return 0;
	problem(reterr, no->code, no->kind, NULL, "%s", no->what);
	problem_hint(
		reterr, "%s; nothing was changed", no->hint ? no->hint : "vfctl plan shows all");
	return no->code;
}

/* With --keep-going, what is refused of one PF does not stop the others; each is a result. */
static void add_refused(struct act *act, const struct plan *p)
{
	for (size_t i = 0; i < p->n_groups; i++) {
		const struct problem *no = p->groups[i].refusal;
		struct problem *copy = NULL;

		if (!no)
			continue;
		problem(&copy, no->code, no->kind, no->hint, "%s", no->what);
		act_add(act, BDF_TEXT(p->groups[i].bdf), no->code, copy, "apply");
	}
}

int wanted_show(struct act *act, const struct plan *p, struct problem **reterr)
{
	const struct problem *no = plan_refusal(p);
	int r = out_plan(&act->cli->out, p, reterr);

	return r == 0 && no ? problem_kind_exit_code(no->kind) : r;
}

/* What was rolled back is no list of deeds: the story alone tells. */
static int tell(struct act *act, int r, const struct args *a, struct problem *p)
{
	if (r < 0 && !args_has(a, "keep-going")) {
		r = out_complain(&act->cli->out, p, r);
		problem_free(p);
		return r;
	}
	problem_free(p);
	return 0;
}

int wanted_apply(struct act *act, const struct wishes *w, const struct plan_opts *how,
	const struct plan *p, const struct args *a, struct problem **reterr)
{
	struct apply_opts opts = act_apply_opts(act);
	struct problem *why = NULL;
	struct out notes = act->cli->out;
	bool keep_going = args_has(a, "keep-going");
	int r = keep_going && p->n ? 0 : refused(p, reterr), code;

	if (r < 0)
		return r;
	notes.to = notes.notes;
	if (!out_is_json(&act->cli->out) && p->n && isatty(fileno(notes.notes)))
		out_plan(&notes, p, NULL);
	if (p->n && !agreed(act, a))
		return problem(reterr, -ECANCELED, PROBLEM_FAILED, NULL, "nothing was changed");
	if (keep_going)
		add_refused(act, p);
	opts.keep_going = keep_going;
	opts.result = step_ended;
	opts.result_arg = act;
	opts.act.allow_in_use = opts.act.driver.force = opts.act.sriov.force = true;
	act->skips_refused = keep_going;
	interrupt_catch();
	r = act->daemon ? act_ask(act, w, how, &opts, &why)
			: plan_apply(act->work, p, &opts, &act->journal_id, &why);
	if (!p->n && !out_is_json(&act->cli->out)) {
		fputs("Nothing to do: all is as it should be.\n", act->cli->out.to);
		return 0;
	}
	code = act_finish(act, reterr);
	r = tell(act, r, a, why);
	if (code == 0 && r == 0 && act->journal_id && !out_is_json(&act->cli->out))
		fprintf(act->cli->out.notes, "vfctl undo %u takes this back\n", act->journal_id);
	return code < 0 ? code : r ? r : code;
}
