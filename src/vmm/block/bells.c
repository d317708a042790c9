// SPDX-License-Identifier: GPL-2.0-or-later
#include "bells.h"
#include "ring.h"

#include "base/attr.h"
#include "vmm/count/syscalls.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
	ENTRIES = 64,
	SETTLE_TURNS = 10000,
	RING_IDLE_NS = RING_IDLE_MS * 1000000,
};

struct bells {
	struct io_uring ring;
	const int *fds;
	unsigned n;
	unsigned woken_for;
	uint64_t written; /* when a bell was rung here, as the kernel's thread slept */
};

static const uint64_t one = 1;

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void ring_here(struct bells *b, unsigned i)
{
	ssize_t n = write(b->fds[i], &one, sizeof(one));

	syscalls_count(1);
	(void)n; /* a full counter rings as well */
}

/* The first one after a while: nobody knows whether another follows. */
static bool is_lonely(struct bells *b)
{
	uint64_t now, before = b->written;

	if (!ring_sleeps(&b->ring))
		return false;
	now = now_ns();
	b->written = now;
	return now - before > RING_IDLE_NS;
}

void bells_mend(struct bells *b)
{
	struct io_uring_cq *cq = &b->ring.cq;

	while (*cq->khead != io_uring_smp_load_acquire(cq->ktail)) {
		unsigned i = (unsigned)cq->cqes[*cq->khead & cq->ring_mask].user_data;

		io_uring_cq_advance(&b->ring, 1);
		ring_here(b, i);
	}
}

void bells_ring(struct bells *b, unsigned i)
{
	struct io_uring_sqe *s;

	if (i >= b->n)
		return;
	bells_mend(b);
	s = is_lonely(b) ? NULL : io_uring_get_sqe(&b->ring);
	if (!s) {
		ring_here(b, i);
		return;
	}
	io_uring_prep_rw(IORING_OP_WRITE, s, (int)i, &one, sizeof(one), 0);
	s->flags |= IOSQE_FIXED_FILE | IOSQE_CQE_SKIP_SUCCESS;
	s->user_data = i;
	ring_publish(&b->ring);
	ring_wake(&b->ring, &b->woken_for);
}

void bells_settle(struct bells *b)
{
	for (unsigned i = 0; ring_published(&b->ring) && i < SETTLE_TURNS; i++) {
		ring_wake(&b->ring, &b->woken_for);
		sched_yield();
	}
	bells_mend(b);
}

int bells_fd(const struct bells *b)
{
	return b->ring.ring_fd;
}

int bells_new(const int *fds, unsigned n, int share, struct bells **ret, const char **ret_what)
{
	static const uint8_t ops[] = { IORING_OP_WRITE };
	const struct ring_rules rules = { ops, ARRAY_SIZE(ops), fds, n, IOSQE_CQE_SKIP_SUCCESS };
	struct bells *b = calloc(1, sizeof(*b));
	int r;

	*ret_what = "memory";
	if (!b)
		return -ENOMEM;
	b->fds = fds;
	b->n = n;
	r = ring_open(&b->ring, ENTRIES, true, share, &rules, ret_what);
	if (r == 0 && !(b->ring.features & IORING_FEAT_CQE_SKIP)) {
		*ret_what = "a ring that is silent about what went well";
		io_uring_queue_exit(&b->ring);
		r = -EOPNOTSUPP;
	}
	if (r < 0) {
		free(b);
		return r;
	}
	*ret = b;
	return 0;
}

void bells_free(struct bells *b)
{
	if (!b)
		return;
	io_uring_queue_exit(&b->ring);
	free(b);
}
