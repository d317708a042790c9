// SPDX-License-Identifier: GPL-2.0-or-later
/* bench io: the same work of a guest on every path, and without a guest. */
#include "verbs.h"
#include "base/str.h"
#include "launch/child.h"
#include "out/bench.h"
#include "uplink/uplink.h"

#include <signal.h>

enum { OPS_MOST = 100000, ROUNDS_MOST = 99 };

#define PATH(name, ...) name " "
static const char path_words[] =
#include "bench/path.def"
	;
#undef PATH

#define WORKLOAD(name, ...) name " "
#define PROGRAM(name, ...)  name " "
static const char workload_words[] =
#include "bench/workload.def"
#include "bench/program.def"
	;
#undef WORKLOAD
#undef PROGRAM

static const struct option options[] = {
	{ 0, "path", TAKES_VALUE, "NAME,NAME", "only these paths; all are usual", path_words },
	{ 0, "workload", TAKES_VALUE, "NAME,NAME", "only this work; all is usual", workload_words },
	{ 'd', "disk", TAKES_VALUE, "FILE", "a file or block device; memory is usual", "<file>" },
	{ 0, "vf", TAKES_VALUE, "SELECTOR", "an NVMe function on a VFIO driver", "<function>" },
	{ 0, "host-disk", TAKES_VALUE, "DEVICE", "beside --vf, and for virtio over a VF's disk",
		"<file>" },
	{ 0, "netdev", TAKES_VALUE, "NAME,PEER", "for virtio over a VF's interface; PEER answers",
		"<netdev>" },
	{ 0, "write", TAKES_NOTHING, NULL, "overwrite what is on --disk or --vf", NULL },
	{ 0, "ops", TAKES_VALUE, "N", "operations of the shortest; 2000 are usual", NULL },
	{ 0, "rounds", TAKES_VALUE, "N", "how often each is measured; 3 are usual", NULL },
	{ 0, "guest-kernel", TAKES_VALUE, "FILE", "programs in a Linux guest: its kernel",
		"<file>" },
	{ 0, "guest-initrd", TAKES_VALUE, "FILE", "its initrd, by bench-initrd", "<file>" },
	{ 0, "svg", TAKES_VALUE, "FILE", "also a picture of it", "<file>" },
	OPTION_COLUMNS,
	OPTION_TIMEOUT,
};

static const struct example examples[] = {
	{ "bench io", "all that can be had here" },
	{ "bench io --disk d.img --svg io.svg", "with a picture" },
};

static volatile sig_atomic_t interrupted;

static void on_signal(int number UNUSED)
{
	interrupted = 1;
}

/* The guest that runs comes to its end first, so that a function is given back in order. */
static void catch_signals(void)
{
	const struct sigaction sa = { .sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND };

	interrupted = 0;
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
}

static bool progress(void *arg, const struct bench_path *p, const struct bench_workload *w)
{
	autofree char *text = str_printf("measuring %s: %s", p->name, w->name);

	if (text)
		cli_waiting(arg, text, 0);
	return interrupted != 0;
}

/* "A,B" → a list; NULL stays NULL. */
static int split(const char *text, char ***ret)
{
	autofree char *copy = text ? strdup(text) : NULL;
	char *save = NULL;

	if (text && !copy)
		return -ENOMEM;
	for (char *w = copy ? strtok_r(copy, ",", &save) : NULL; w; w = strtok_r(NULL, ",", &save))
		if (strv_add(ret, w) < 0)
			return -ENOMEM;
	return 0;
}

static int read_number(const struct args *a, const char *option, unsigned most, unsigned *ret,
	struct problem **reterr)
{
	const char *text = args_value(a, option);
	uint32_t n;

	if (!text)
		return 0;
	if (parse_u32(text, &n) < 0 || n < 1 || n > most)
		return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL,
			"--%s %s: a number from 1 to %u", option, text, most);
	*ret = n;
	return 0;
}

/* All that is read from the command line, and what it is kept in. */
struct asked {
	struct bench_wish wish;
	char **paths, **workloads, *vmm, *payload, *script, *netdev, *peer;
	struct launch_request function;
	struct inventory *inventory;
};

static void asked_done(struct asked *q)
{
	strv_free(q->paths);
	strv_free(q->workloads);
	free(q->vmm);
	free(q->payload);
	free(q->script);
	free(q->netdev);
	free(q->peer);
	launch_request_done(&q->function);
	inventory_free(q->inventory);
}

static int read_function(
	struct cli *cli, const struct args *a, struct asked *q, struct problem **reterr)
{
	int r;

	launch_request_init(&q->function);
	if (!args_has(a, "vf"))
		return 0;
	q->function.identity_dir = cli->identity_dir;
	r = launch_add_vf(&q->function, args_value(a, "vf"), reterr);
	if (r == 0 && q->function.vfs[0].fallback != LAUNCH_FALLBACK_NONE)
		r = problem(reterr, -EINVAL, PROBLEM_USAGE, NULL,
			"--vf %s: a fallback would be another path", args_value(a, "vf"));
	if (r == 0)
		r = cli_inventory(cli, INVENTORY_GROUPS, &q->inventory, reterr);
	q->wish.function = &q->function;
	q->wish.inventory = q->inventory;
	return r;
}

/* "NAME,PEER" */
static int read_netdev(const struct args *a, struct asked *q, struct problem **reterr)
{
	const char *text = args_value(a, "netdev"), *comma = text ? strchr(text, ',') : NULL;

	if (!text)
		return 0;
	if (!comma || !uplink_is_name(comma + 1))
		return problem(reterr, -EINVAL, PROBLEM_USAGE, "--netdev ens1f0v0,ens1f0",
			"--netdev %s: two network interfaces that reach each other", text);
	q->netdev = strndup(text, (size_t)(comma - text));
	q->peer = strdup(comma + 1);
	if (!q->netdev || !q->peer)
		return -ENOMEM;
	if (!uplink_is_name(q->netdev))
		return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL,
			"--netdev %s: a network interface and its peer", text);
	q->wish.netdev = q->netdev;
	q->wish.netdev_peer = q->peer;
	return 0;
}

static int read_wish(
	struct cli *cli, const struct args *a, struct asked *q, struct problem **reterr)
{
	unsigned ms = 0;
	int r;

	if (split(args_value(a, "path"), &q->paths) < 0 ||
		split(args_value(a, "workload"), &q->workloads) < 0)
		return -ENOMEM;
	q->wish = (struct bench_wish) {
		.disk = args_value(a, "disk"),
		.host_disk = args_value(a, "host-disk"),
		.write = args_has(a, "write"),
		.paths = q->paths,
		.workloads = q->workloads,
		.kernel = args_value(a, "guest-kernel"),
		.initrd = args_value(a, "guest-initrd"),
		.ops = 2000,
		.rounds = 3,
		.dry = cli->dry_run,
		.progress = progress,
		.arg = cli,
	};
	r = bench_check(&q->wish, reterr);
	if (r == 0)
		r = read_number(a, "ops", OPS_MOST / 4, &q->wish.ops, reterr);
	if (r == 0)
		r = read_number(a, "rounds", ROUNDS_MOST, &q->wish.rounds, reterr);
	if (r == 0)
		r = args_timeout_ms(a, &ms, reterr);
	q->wish.deadline_s = ms ? (ms + 999) / 1000 : 120;
	if (r == 0)
		r = read_netdev(a, q, reterr);
	return r == 0 ? read_function(cli, a, q, reterr) : r;
}

static int find_programs(struct asked *q, struct host *h, struct problem **reterr)
{
	int r = launch_find_vmm(h, getenv("VFCTL_VMM"), &q->vmm, reterr);

	if (r == 0 && q->wish.kernel)
		r = bench_find_script(h, getenv("VFCTL_BENCH_WORKLOAD"), &q->script, reterr);
	else if (r == 0)
		r = bench_find_payload(h, getenv("VFCTL_BENCH_GUEST"), &q->payload, reterr);
	q->wish.script = q->script;
	q->wish.vmm = q->vmm;
	q->wish.payload = q->payload;
	return r;
}

static int write_picture(
	const char *path, const struct bench_results *results, struct problem **reterr)
{
	autofree char *svg = NULL;
	FILE *f;
	int r = out_bench_svg(results, &svg, reterr);

	if (r < 0)
		return r;
	f = fopen(path, "we");
	if (f)
		fputs(svg, f);
	if (!f || ferror(f) | fclose(f))
		return problem(reterr, errno ? -errno : -EIO, PROBLEM_IO, NULL, "%s: %s", path,
			strerror(errno ? errno : EIO));
	return 0;
}

/* Each path that was wished for by name and is not there is a failure; of all of them it is news.
 */
static int judge(const struct bench_wish *w, const struct bench_results *results)
{
	const struct problem *why = NULL;
	bool some = false;

	for (size_t i = 0; i < results->n; i++) {
		some |= !results->v[i].why;
		if (!why && results->v[i].why && (w->paths || results->v[i].workload))
			why = results->v[i].why;
		if (!why && !some && i + 1 == results->n)
			why = results->v[i].why;
	}
	return why ? problem_kind_exit_code(why->kind) : 0;
}

static int run(struct cli *cli, const struct args *a, struct problem **reterr)
{
	CLEANUP(asked_done) struct asked q = { 0 };
	autobench results = { 0 };
	struct host *h;
	int r = read_wish(cli, a, &q, reterr);

	if (r == 0)
		r = cli_may_act(cli, reterr);
	if (r == 0)
		r = cli_host(cli, &h, reterr);
	if (r == 0 && !cli->dry_run)
		r = find_programs(&q, h, reterr);
	if (r < 0)
		return r;
	catch_signals();
	r = bench_run(h, &q.wish, &results, reterr);
	cli_waited(cli);
	if (r == 0)
		r = out_bench(&cli->out, &results, reterr);
	if (r == 0 && args_has(a, "svg"))
		r = write_picture(args_value(a, "svg"), &results, reterr);
	return r < 0 ? r : judge(&q.wish, &results);
}

const struct verb verb_bench_io = {
	.name = "bench io",
	.section = VERB_HAND_OVER,
	.args = "[OPTION…]",
	.summary = "what I/O costs a guest, path by path",
	.description =
		"Runs the same small guest on each path that its I/O can take here, and does the\n"
		"same work without a guest: how much longer it takes, and exactly how many exits,\n"
		"system calls, wake-ups and interrupts are one operation. A disk is only read but\n"
		"for --write; the network takes root. What cannot be had is told, and why.\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.examples = examples,
	.n_examples = ARRAY_SIZE(examples),
	.columns = bench_columns,
	.n_columns = &n_bench_columns,
	.min_args = 0,
	.max_args = 0,
	.run = run,
};
