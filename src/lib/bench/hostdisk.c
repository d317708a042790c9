// SPDX-License-Identifier: GPL-2.0-or-later
#include "hostdisk.h"
#include "times.h"

#include <liburing.h>
#include <string.h>

enum { ALIGN = 4096, DEPTH_MAX = 64 };

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

/* The run, however it is done. */
struct job {
	int fd;
	const struct bench_workload *w;
	struct order order;
	uint8_t *data; /* a block for each that can be on its way */
	size_t ops;
	struct times *t;
};

static int one_by_one(struct job *j)
{
	int r = 0;

	for (size_t i = 0; i < j->ops && r == 0; i++) {
		uint64_t start = times_now();

		r = one(j->fd, j->w, j->data, next_block(&j->order, j->w->sequential));
		times_add(j->t, times_now() - start);
	}
	return r;
}

static void put(struct job *j, struct io_uring *ring, size_t tag, uint64_t *began)
{
	struct io_uring_sqe *e = io_uring_get_sqe(ring); /* there is one for each tag */
	uint64_t at = next_block(&j->order, j->w->sequential) * j->w->bytes;
	uint8_t *data = j->data + tag * j->w->bytes;

	if (!e)
		return;
	if (j->w->op == BENCH_WRITE)
		io_uring_prep_write(e, j->fd, data, j->w->bytes, at);
	else
		io_uring_prep_read(e, j->fd, data, j->w->bytes, at);
	io_uring_sqe_set_data64(e, tag);
	began[tag] = times_now();
}

/* What has come back; after a failure nothing more is put in. */
static size_t take_all(
	struct job *j, struct io_uring *ring, uint64_t *began, size_t *put_in, int *failed)
{
	struct io_uring_cqe *c;
	size_t n = 0;

	for (; io_uring_peek_cqe(ring, &c) == 0; n++) {
		size_t tag = (size_t)io_uring_cqe_get_data64(c);

		if (c->res != (int)j->w->bytes && *failed == 0)
			*failed = c->res < 0 ? c->res : -EIO;
		times_add(j->t, times_now() - began[tag]);
		io_uring_cqe_seen(ring, c);
		if (*failed == 0 && *put_in < j->ops) {
			put(j, ring, tag, began);
			(*put_in)++;
		}
	}
	return n;
}

/*
 * As many at a time as the guest has, each as soon as one has come back. Also when one fails all
 * have come back at the end: they write into our memory.
 */
static int many(struct job *j, struct io_uring *ring)
{
	uint64_t began[DEPTH_MAX];
	size_t put_in = 0, done = 0;
	int failed = 0;

	for (; put_in < MIN(j->ops, (size_t)j->w->depth); put_in++)
		put(j, ring, put_in, began);
	while (done < put_in) {
		int r = io_uring_submit_and_wait(ring, 1);

		if (r < 0 && r != -EINTR && r != -EAGAIN && r != -EBUSY)
			return r;
		done += take_all(j, ring, began, &put_in, &failed);
	}
	return failed;
}

/* Where io_uring is not to be had, or is switched off, one after the other must do. */
static int run(struct job *j, const char **ret_by)
{
	struct io_uring ring;
	int r;

	*ret_by = j->w->op == BENCH_WRITE ? "pwrite" : "pread";
	if (j->w->depth == 1 || j->w->depth > DEPTH_MAX ||
		io_uring_queue_init(j->w->depth, &ring, 0) < 0)
		return one_by_one(j);
	*ret_by = "io_uring";
	r = many(j, &ring);
	io_uring_queue_exit(&ring);
	return r;
}

int hostdisk_run(int fd, uint64_t size, const struct bench_workload *w, size_t ops,
	struct bench_times *ret, const char **ret_by, struct problem **reterr)
{
	autofree void *data = aligned_alloc(ALIGN, (size_t)w->depth * w->bytes);
	autotimes t = { 0 };
	struct job j = {
		.fd = fd,
		.w = w,
		.order = { .seed = 1, .blocks = size / w->bytes },
		.data = data,
		.ops = ops,
		.t = &t,
	};
	int r;

	if (!data || times_begin(&t, ops) < 0)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	memset(data, 0x5a, (size_t)w->depth * w->bytes);
	if (!j.order.blocks)
		return problem(reterr, -EINVAL, PROBLEM_BAD_IMAGE, NULL,
			"the disk is smaller than one block of %u bytes", w->bytes);
	t.start = times_now();
	r = run(&j, ret_by);
	if (r < 0)
		return problem(
			reterr, r, PROBLEM_IO, NULL, "the disk, without a guest: %s", strerror(-r));
	*ret = times_end(&t);
	return 0;
}
