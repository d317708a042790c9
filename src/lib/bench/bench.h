/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The same work of a guest on each path that its I/O can take, and without a guest, in one run.
 *
 * Each measurement is two lives of the bench guest (src/guest/bench) that differ in nothing but the
 * number of operations: what the VMM counted more in the longer one is what these cost, exactly.
 * Times are the guest's own clock's; the host's side does the same operations just before.
 *
 * A Linux guest that somebody names does the work of real programs instead (program.def), which the
 * host runs, too. It takes long to boot and is never twice the same: one life is looked at before
 * and after the least of the work, and after all of it.
 */
#pragma once

#include "base/problem.h"
#include "host/host.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct inventory;
struct launch_request;

enum bench_io {
	BENCH_DISK,
	BENCH_NET,
	BENCH_FUNCTION,
	BENCH_HOST_DISK, /* a disk, over the wish's host_disk */
	BENCH_MACVTAP,	 /* a network, over the wish's netdev */
	BENCH_STORAGE,	 /* a disk, which another process serves */
	BENCH_VHOST_NET, /* a network, whose packets the kernel moves */
};
enum bench_op { BENCH_READ, BENCH_WRITE, BENCH_SEND, BENCH_RECEIVE, BENCH_PING };

enum bench_figure {
#define FIGURE(id, ...) BENCH_##id,
#include "figure.def"
#undef FIGURE
	BENCH_FIGURES
};

struct bench_path {
	const char *name;
	unsigned number;
	enum bench_io io;
	unsigned
		pollers; /* threads that look without end: as many processors, or they take turns */
	const char *device, *vmm, *guest, *what;
};

struct bench_workload {
	const char *name;
	enum bench_io io;
	enum bench_op op;
	bool sequential;
	unsigned bytes, depth, share;
	const char
		*program; /* of Debian's, which a Linux guest runs; NULL: the bench guest's own */
	const char *what; /* of a program; NULL: as the rest says */
};

struct bench_figure_info {
	const char *json, *column, *what;
};

extern const struct bench_path bench_paths[];
extern const size_t n_bench_paths;
extern const struct bench_workload bench_workloads[];
extern const size_t n_bench_workloads;
extern const struct bench_figure_info bench_figures[BENCH_FIGURES];

/* Is it packets that are moved? Else a disk is read or written. */
bool bench_is_net(enum bench_io io);
/* Whether that work can be done there: writes to somebody's disk take his word. */
bool bench_fits(const struct bench_path *p, const struct bench_workload *w);

/* Nanoseconds; for many at a time `mean` is the whole time by the number. */
struct bench_times {
	double mean, p50, p99;
};

/* Negative figures are unknown. */
struct bench_result {
	const struct bench_path *path;
	const struct bench_workload *workload; /* NULL: nothing could be done there */
	struct problem *why;		       /* why it was not measured; NULL: it was */
	uint64_t ops;
	struct bench_times guest, host; /* host.mean 0: nothing to compare with */
	const char *host_by;		/* "pread"; NULL: nothing */
	/* Guest to host, median of the rounds; 0: unknown. Of medians where one is on its way. */
	double ratio;
	double ratio_p50; /* of medians, always */
	double each[BENCH_FIGURES];
};

struct bench_wish {
	const char *vmm, *payload;   /* programs: vfctl-vmm, and the bench guest */
	const char *kernel, *initrd; /* of a Linux guest, made by bench-initrd; NULL: none */
	const char *script;	     /* what it does, for the host: bench-workload */
	const char *disk;	     /* a file or block device; NULL: memory */
	const char *host_disk; /* a VF's, or the function's storage as the host has it; only read */
	char *netdev,
		*netdev_peer; /* interfaces that reach each other, such as a VF's and its PF's */
	bool write;	      /* what is on `disk`, or on the function, may be lost */
	char *const *paths, *const *workloads; /* names; NULL: all */
	struct launch_request *function;       /* with one --vf; NULL: none */
	const struct inventory *inventory;     /* where to find it; NULL: nothing to find */
	unsigned ops;			       /* of the shortest workload */
	unsigned rounds;
	unsigned deadline_s; /* for one life of a guest */
	bool dry;	     /* nothing is run: what would be? */
	/* Called before each measurement; true: stop. May be NULL. */
	bool (*progress)(void *arg, const struct bench_path *p, const struct bench_workload *w);
	void *arg;
};

struct bench_results {
	struct bench_result *v;
	size_t n;
};

/* PROBLEM_USAGE with the nearest name when one of the wish's is none. */
int bench_check(const struct bench_wish *w, struct problem **reterr);
/*
 * A result for each path and workload; for a path that cannot be had here one with the reason.
 * Fails only when nothing can be measured at all, or -ECANCELED.
 */
int bench_run(struct host *h, const struct bench_wish *w, struct bench_results *ret,
	struct problem **reterr);
void bench_results_done(struct bench_results *r);
#define autobench CLEANUP(bench_results_done) struct bench_results

/* Where the bench guest is: `wish`, beside this program, in ../libexec/vfctl. Allocated. */
int bench_find_payload(struct host *h, const char *wish, char **ret, struct problem **reterr);
/* The same of bench-workload. */
int bench_find_script(struct host *h, const char *wish, char **ret, struct problem **reterr);
