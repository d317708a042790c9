// SPDX-License-Identifier: GPL-2.0-or-later
#include "bench.h"

#include "base/str.h"

const struct bench_path bench_paths[] = {
#define PATH(name, number, io, pollers, device, vmm, guest, what)                                  \
	{ name, number, BENCH_##io, pollers, device, vmm, guest, what },
#include "path.def"
#undef PATH
};
const size_t n_bench_paths = ARRAY_SIZE(bench_paths);

const struct bench_workload bench_workloads[] = {
#define WORKLOAD(name, io, op, sequential, bytes, depth, share)                                    \
	{ name, BENCH_##io, BENCH_##op, sequential, bytes, depth, share, NULL, NULL },
#include "workload.def"
#undef WORKLOAD
#define PROGRAM(name, io, op, bytes, depth, share, program, what)                                  \
	{ name, BENCH_##io, BENCH_##op, false, bytes, depth, share, program, what },
#include "program.def"
#undef PROGRAM
};
const size_t n_bench_workloads = ARRAY_SIZE(bench_workloads);

const struct bench_figure_info bench_figures[BENCH_FIGURES] = {
#define FIGURE(id, json, column, from, counter, brief, what) [BENCH_##id] = { json, column, what },
#include "figure.def"
#undef FIGURE
};

bool bench_is_net(enum bench_io io)
{
	return io == BENCH_NET || io == BENCH_MACVTAP || io == BENCH_VHOST_NET;
}

bool bench_fits(const struct bench_path *p, const struct bench_workload *w)
{
	return bench_is_net(p->io) == bench_is_net(w->io);
}

static const char *path_name(size_t i)
{
	return bench_paths[i].name;
}

static const char *workload_name(size_t i)
{
	return bench_workloads[i].name;
}

static int check_names(char *const *names, const char *(*name)(size_t i), size_t n,
	const char *what, struct problem **reterr)
{
	autostrv char **known = NULL;

	for (size_t i = 0; i < n; i++)
		if (strv_add(&known, name(i)) < 0)
			return -ENOMEM;
	STRV_FOREACH (s, names) {
		const char *near;

		if (strv_has(known, *s))
			continue;
		near = strv_nearest(known, *s);
		problem(reterr, -EINVAL, PROBLEM_USAGE, "see vfctl help bench io",
			"%s %s: there is none", what, *s);
		if (near)
			problem_hint(reterr, "did you mean %s?", near);
		return -EINVAL;
	}
	return 0;
}

/* Each guest has work of its own. */
static int check_guest(const struct bench_wish *w, struct problem **reterr)
{
	if (!w->kernel != !w->initrd)
		return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL,
			"--guest-kernel and --guest-initrd go together");
	for (size_t i = 0; i < n_bench_workloads; i++) {
		const struct bench_workload *l = &bench_workloads[i];

		if (!w->workloads || !strv_has(w->workloads, l->name) || !l->program == !w->kernel)
			continue;
		return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL,
			l->program ? "workload %s takes --guest-kernel and --guest-initrd"
				   : "workload %s is of the guest without --guest-kernel",
			l->name);
	}
	return 0;
}

int bench_check(const struct bench_wish *w, struct problem **reterr)
{
	int r = check_names(w->paths, path_name, n_bench_paths, "path", reterr);

	if (r == 0)
		r = check_names(w->workloads, workload_name, n_bench_workloads, "workload", reterr);
	return r < 0 ? r : check_guest(w, reterr);
}
