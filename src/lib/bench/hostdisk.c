// SPDX-License-Identifier: GPL-2.0-or-later
#include "hostdisk.h"
#include "times.h"

#include <string.h>

enum { ALIGN = 4096 };

/* The addresses that the guest takes: src/guest/bench/disk.c. */
struct order {
	uint64_t next, seed, blocks;
};

static uint64_t next_block(struct order *o, bool sequential)
{
	uint64_t block = o->next++;

	if (!sequential) {
		o->seed = o->seed * 6364136223846793005U + 1442695040888963407U;
		block = o->seed >> 33;
	}
	return block % o->blocks;
}

static int one(int fd, const struct bench_workload *w, void *buf, uint64_t block)
{
	off_t at = (off_t)(block * w->bytes);
	ssize_t n =
		w->op == BENCH_WRITE ? pwrite(fd, buf, w->bytes, at) : pread(fd, buf, w->bytes, at);

	return n < 0 ? -errno : n == (ssize_t)w->bytes ? 0 : -EIO;
}

int hostdisk_run(int fd, uint64_t size, const struct bench_workload *w, size_t ops,
	struct bench_times *ret, const char **ret_by, struct problem **reterr)
{
	struct order order = { .seed = 1, .blocks = size / w->bytes };
	autofree void *buf = aligned_alloc(ALIGN, w->bytes);
	autotimes t = { 0 };
	int r = 0;

	if (!buf || times_begin(&t, ops) < 0)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	memset(buf, 0x5a, w->bytes);
	if (!order.blocks)
		return problem(reterr, -EINVAL, PROBLEM_BAD_IMAGE, NULL,
			"the disk is smaller than one block of %u bytes", w->bytes);
	for (size_t i = 0; i < ops && r == 0; i++) {
		uint64_t start = times_now();

		r = one(fd, w, buf, next_block(&order, w->sequential));
		times_add(&t, times_now() - start);
	}
	if (r < 0)
		return problem(
			reterr, r, PROBLEM_IO, NULL, "the disk, without a guest: %s", strerror(-r));
	*ret = times_end(&t);
	*ret_by = w->op == BENCH_WRITE ? "pwrite" : "pread";
	return 0;
}
