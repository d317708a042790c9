// SPDX-License-Identifier: GPL-2.0-or-later
/* Set-up is liburing's; what is submitted is counted here, to the system call. */
#include "ring.h"

#include "base/attr.h"
#include "vmm/count/syscalls.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>

enum { RULES_MAX = 16 };

int ring_enter(struct io_uring *ring, unsigned submit, unsigned wait, unsigned flags)
{
	syscalls_count(1);
	return io_uring_enter((unsigned)ring->ring_fd, submit, wait, flags, NULL);
}

int ring_enter_for(struct io_uring *ring, unsigned submit, unsigned wait, uint32_t ns)
{
	struct __kernel_timespec t = { .tv_nsec = ns };
	struct io_uring_getevents_arg arg = { .sigmask_sz = _NSIG / 8, .ts = (uintptr_t)&t };

	syscalls_count(1);
	return io_uring_enter2((unsigned)ring->ring_fd, submit, wait,
		IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, (void *)&arg, sizeof(arg));
}

unsigned ring_published(const struct io_uring *ring)
{
	return *ring->sq.ktail - io_uring_smp_load_acquire(ring->sq.khead);
}

/*
 * A store that is ordered before any later look at the flags: the kernel's thread sets its flag and
 * looks at the tail the other way round (no fence, which gcc's thread sanitizer does not know).
 */
void ring_publish(struct io_uring *ring)
{
	struct io_uring_sq *sq = &ring->sq;

	if (sq->sqe_head == sq->sqe_tail)
		return;
	for (unsigned i = sq->sqe_head; i != sq->sqe_tail; i++)
		sq->array[i & sq->ring_mask] = i & sq->ring_mask;
	sq->sqe_head = sq->sqe_tail;
	__atomic_store_n(sq->ktail, sq->sqe_tail, __ATOMIC_SEQ_CST);
}

bool ring_sleeps(const struct io_uring *ring)
{
	return __atomic_load_n(ring->sq.kflags, __ATOMIC_SEQ_CST) & IORING_SQ_NEED_WAKEUP;
}

/*
 * The kernel's thread looks at the ring once more before it sleeps: one call is enough for all that
 * was there when it was made, however long the thread takes to get a processor.
 */
void ring_wake(struct io_uring *ring, unsigned *woken_for)
{
	unsigned tail = *ring->sq.ktail;

	if (tail == *woken_for || !ring_sleeps(ring))
		return;
	*woken_for = tail;
	ring_enter(ring, 0, 0, IORING_ENTER_SQ_WAKEUP);
}

static int restrict_to(struct io_uring *ring, const struct ring_rules *rules, const char **ret_what)
{
	struct io_uring_restriction list[RULES_MAX] = { 0 };
	unsigned fd = (unsigned)ring->ring_fd, n = (unsigned)rules->n_ops;
	int r;

	if (n + 2 > RULES_MAX || rules->n_files > RING_FILES_MAX)
		return -E2BIG;
	for (unsigned i = 0; i < n; i++) {
		list[i].opcode = IORING_RESTRICTION_SQE_OP;
		list[i].sqe_op = rules->ops[i];
	}
	list[n].opcode = IORING_RESTRICTION_SQE_FLAGS_REQUIRED;
	list[n].sqe_flags = IOSQE_FIXED_FILE;
	list[n + 1].opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED;
	list[n + 1].sqe_flags = IOSQE_FIXED_FILE | rules->flags;
	*ret_what = "a registered file";
	r = io_uring_register_files(ring, rules->files, rules->n_files);
	if (r < 0)
		return r;
	/* liburing 2.3 declares functions for these two, and does not export them. */
	*ret_what = "restrictions of a ring";
	r = io_uring_register(fd, IORING_REGISTER_RESTRICTIONS, list, n + 2);
	if (r < 0)
		return r;
	*ret_what = "a restricted ring";
	return io_uring_register(fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
}

int ring_open(struct io_uring *ring, unsigned entries, bool sqpoll, int share,
	const struct ring_rules *rules, const char **ret_what)
{
	struct io_uring_params p = { .flags = IORING_SETUP_R_DISABLED };
	int r;

	if (sqpoll) {
		p.flags |= IORING_SETUP_SQPOLL;
		p.sq_thread_idle = RING_IDLE_MS;
	}
	if (sqpoll && share >= 0) {
		p.flags |= IORING_SETUP_ATTACH_WQ;
		p.wq_fd = (unsigned)share;
	}
	*ret_what = "a ring";
	r = io_uring_queue_init_params(entries, ring, &p);
	if (r < 0)
		return r;
	fcntl(ring->ring_fd, F_SETFD, FD_CLOEXEC);
	r = restrict_to(ring, rules, ret_what);
	if (r < 0)
		io_uring_queue_exit(ring);
	return r;
}
