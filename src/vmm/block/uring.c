// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * io_uring(7): a ring that may touch one file, by a list of operations, see ring.h.
 *
 * A request has one entry in the rings at a time. Kernel-side polling shows completions before it
 * says that their entries are free, hence twice as many of them as requests. Tasks that end take
 * what they had submitted with them: -ECANCELED, and the request is submitted again.
 *
 * Who sleeps in the ring has it watch the doorbell, by one entry that completes at each ring
 * (IORING_POLL_ADD_MULTI, Linux 5.13). It is his: of another thread it would wake the wrong one.
 */
#include "batch.h"
#include "bounce.h"
#include "engines.h"
#include "ring.h"

#include <limits.h>
#include <linux/falloc.h>
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <time.h>

enum {
	TRIES = 64,
	ZERO_BYTES = 64 << 10,
	ZERO_PIECES = 16,
	PUNCH = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
	ZERO_RANGE = FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
};

/* How DISK_ZERO is tried, one after the other. */
enum zero_stage { STAGE_PUNCH, STAGE_RANGE, STAGE_WRITE };

struct uring {
	struct disk_channel channel;
	struct io_uring ring;
	bool sqpoll;
	unsigned woken_for; /* the tail that the kernel's thread was last woken for */
	struct disk_request *done, **last; /* not by the kernel, or taken from its ring */
	/* Of the entry that watches the doorbell: its tag. */
	uint64_t watch;
	bool watches, cannot_watch, rung;
	/* Of who sleeps in the ring. */
	struct batch batch;
	unsigned begun, completed; /* since he lay down, woke up */
	bool can_time;		   /* IORING_FEAT_EXT_ARG */
	KEEP_APART;
};

/* Entries of the ring that are no requests: those have even addresses. */
enum { TAG = 1, TAG_STEP = 2, NO_WATCH = 1 };
enum { FILE_SLOT, DOORBELL_SLOT };

static char zeroes[ZERO_BYTES] __attribute__((aligned(4096)));
static const struct iovec zero_pieces[ZERO_PIECES] = {
	[0 ... ZERO_PIECES - 1] = { zeroes, sizeof(zeroes) },
};

static struct uring *uring_of(struct disk_channel *c)
{
	return container_of(c, struct uring, channel);
}

static void append_done(struct uring *u, struct disk_request *r)
{
	r->next = NULL;
	*u->last = r;
	u->last = &r->next;
}

static struct disk_request *take_done(struct uring *u)
{
	struct disk_request *r = u->done;

	if (!r)
		return NULL;
	u->done = r->next;
	if (!u->done)
		u->last = &u->done;
	return r;
}

/* The kernel takes no more: what it has not taken ends with its error, and nothing hangs. */
static void take_back(struct uring *u, int error)
{
	struct io_uring_sq *sq = &u->ring.sq;
	unsigned head = io_uring_smp_load_acquire(sq->khead);

	for (unsigned i = head; i != *sq->ktail; i++) {
		uint64_t data = sq->sqes[i & sq->ring_mask].user_data;
		struct disk_request *r = (void *)(uintptr_t)data;

		if (data & TAG) {
			u->watches &= data != u->watch;
			continue;
		}
		r->result = error;
		disk_bounce_end(u->channel.disk, r);
		append_done(u, r);
	}
	sq->sqe_head = sq->sqe_tail = head;
	io_uring_smp_store_release(sq->ktail, head);
}

static void submit_all(struct uring *u)
{
	unsigned n, tries = 0;

	ring_publish(&u->ring);
	if (u->sqpoll) {
		if (ring_published(&u->ring))
			ring_wake(&u->ring, &u->woken_for);
		return;
	}
	while ((n = ring_published(&u->ring))) {
		int r = ring_enter(&u->ring, n, 0, 0);

		if (r > 0 || (r == -EINTR && ++tries < TRIES))
			continue;
		/* Memory is short in the kernel, for a moment. */
		if ((r == -EAGAIN || r == -EBUSY) && ++tries < TRIES)
			sched_yield();
		else
			take_back(u, r < 0 ? r : -EIO);
	}
}

static void uring_kick(struct disk_channel *c)
{
	if (!c->deferring || c->awake)
		submit_all(uring_of(c));
}

static struct io_uring_sqe *next_entry(struct uring *u)
{
	struct io_uring_sqe *s;

	while (!(s = io_uring_get_sqe(&u->ring))) {
		submit_all(u);
		if (u->sqpoll)
			ring_enter(&u->ring, 0, 0, IORING_ENTER_SQ_WAIT);
	}
	return s;
}

static void prepare_transfer(struct io_uring_sqe *s, const struct disk_request *r)
{
	const struct sg *sg = &r->sg;
	bool read = r->work == DISK_READ;

	if (sg->n == 1)
		io_uring_prep_rw(read ? IORING_OP_READ : IORING_OP_WRITE, s, 0, sg->v->iov_base,
			(unsigned)MIN(sg->len, (size_t)INT_MAX), r->offset);
	else
		io_uring_prep_rw(read ? IORING_OP_READV : IORING_OP_WRITEV, s, 0, sg->v,
			MIN(sg->n, (unsigned)IOV_MAX), r->offset);
}

static void prepare_zero(struct io_uring_sqe *s, const struct disk_request *r)
{
	if (r->stage == STAGE_WRITE && r->len >= ZERO_BYTES)
		io_uring_prep_rw(IORING_OP_WRITEV, s, 0, zero_pieces,
			(unsigned)MIN(r->len / ZERO_BYTES, (uint64_t)ZERO_PIECES), r->offset);
	else if (r->stage == STAGE_WRITE)
		io_uring_prep_rw(IORING_OP_WRITE, s, 0, zeroes, (unsigned)r->len, r->offset);
	else
		io_uring_prep_fallocate(s, 0, r->stage == STAGE_PUNCH ? PUNCH : ZERO_RANGE,
			(off_t)r->offset, (off_t)r->len);
}

static bool is_transfer(const struct disk_request *r)
{
	return r->work == DISK_READ || r->work == DISK_WRITE;
}

/* Written as zeroes it would have to be aligned; O_DIRECT. */
static bool goes_as_it_is(const struct disk *d, const struct disk_request *r)
{
	struct iovec v = { zeroes, r->len };
	struct sg s = { &v, 1, r->len };

	if (is_transfer(r))
		return disk_is_aligned(d, &r->sg, r->offset);
	return r->work != DISK_ZERO || r->stage != STAGE_WRITE || disk_is_aligned(d, &s, r->offset);
}

static void prepare_entry(struct io_uring_sqe *s, struct disk_request *r)
{
	if (r->bounce) {
		const struct disk_bounce_io io = disk_bounce_next(r);

		io_uring_prep_rw(io.write ? IORING_OP_WRITE : IORING_OP_READ, s, 0, io.buf,
			(unsigned)io.len, io.at);
	} else if (is_transfer(r)) {
		prepare_transfer(s, r);
	} else if (r->work == DISK_FLUSH) {
		io_uring_prep_fsync(s, 0, IORING_FSYNC_DATASYNC);
	} else if (r->work == DISK_DISCARD) {
		io_uring_prep_fallocate(s, 0, PUNCH, (off_t)r->offset, (off_t)r->len);
	} else {
		prepare_zero(s, r);
	}
	s->flags |= IOSQE_FIXED_FILE;
	io_uring_sqe_set_data(s, r);
}

/* What the file would not take as it is goes by way of memory of ours, and waits for nothing. */
static int begin_bounce(struct uring *u, struct disk_request *r)
{
	if (r->bounce || goes_as_it_is(u->channel.disk, r))
		return 0;
	if (is_transfer(r))
		disk_count(&u->channel.bounced);
	return disk_bounce_begin(u->channel.disk, r);
}

static void prepare(struct uring *u, struct disk_request *r)
{
	/* Nothing to move. */
	if (!r->bounce && is_transfer(r) && !r->sg.len) {
		append_done(u, r);
		return;
	}
	r->result = begin_bounce(u, r);
	if (r->result < 0)
		append_done(u, r);
	else
		prepare_entry(next_entry(u), r);
}

static void uring_submit(struct disk_channel *c, struct disk_request *r)
{
	r->stage = r->may_unmap ? STAGE_PUNCH : STAGE_RANGE;
	uring_of(c)->begun++;
	prepare(uring_of(c), r);
}

/* These say whether the request is done; if not, what is left of it is to be submitted. */

static bool transfer_done(struct disk_request *r, int res)
{
	/* The end of the file inside the disk: someone cut it. */
	r->result = res < 0 ? res : res == 0 ? -EIO : 0;
	if (r->result < 0)
		return true;
	sg_skip(&r->sg, (size_t)res);
	r->offset += (uint64_t)res;
	return r->sg.len == 0;
}

static bool zero_done(struct disk_request *r, int res)
{
	if (r->stage == STAGE_WRITE && res > 0) {
		r->offset += (uint64_t)res;
		r->len -= (uint64_t)res;
		return r->len == 0;
	}
	if (r->stage == STAGE_PUNCH ? res < 0 : r->stage == STAGE_RANGE && res == -EOPNOTSUPP) {
		r->stage++;
		return false;
	}
	r->result = r->stage == STAGE_WRITE && res == 0 ? -EIO : res;
	return true;
}

static bool is_done(struct uring *u, struct disk_request *r, int res)
{
	if (u->channel.dropping)
		return true;
	if (res == -EINTR || res == -EAGAIN || res == -ECANCELED) {
		if (++r->tries < TRIES)
			return false;
		if (r->bounce)
			r->result = -EIO;
		else
			disk_request_do(&u->channel, r);
		return true;
	}
	if (r->bounce)
		return disk_bounce_did(u->channel.disk, r, res);
	if (is_transfer(r))
		return transfer_done(r, res);
	if (r->work == DISK_ZERO)
		return zero_done(r, res);
	r->result = res;
	return true;
}

static bool finish(struct uring *u, struct disk_request *r, int res)
{
	bool done = is_done(u, r, res);

	if (done)
		disk_bounce_end(u->channel.disk, r);
	return done;
}

static void end_watch(struct uring *u, uint64_t which)
{
	struct io_uring_sqe *s = next_entry(u);

	io_uring_prep_poll_remove(s, which);
	s->flags |= IOSQE_FIXED_FILE;
	s->user_data = NO_WATCH;
}

/*
 * What is no request. The entry of somebody who has gone says nothing; if it is there still, as it
 * was about to speak when it should have ended (-EALREADY), it ends now.
 */
static void heed(struct uring *u, const struct io_uring_cqe *e)
{
	if (e->user_data != u->watch) {
		if (e->flags & IORING_CQE_F_MORE) {
			end_watch(u, e->user_data);
			uring_kick(&u->channel);
		}
		return;
	}
	if (e->res > 0)
		u->rung = true;
	else if (e->res != -ECANCELED)
		u->cannot_watch = true;
	if (!(e->flags & IORING_CQE_F_MORE))
		u->watches = false;
}

static bool is_ready(const struct uring *u)
{
	const struct io_uring_cq *cq = &u->ring.cq;

	return u->done || *cq->khead != io_uring_smp_load_acquire(cq->ktail);
}

/* One that the kernel has done to its end, or NULL. */
static struct disk_request *take_completion(struct uring *u)
{
	struct io_uring_cq *cq = &u->ring.cq;
	bool again = false;

	while (*cq->khead != io_uring_smp_load_acquire(cq->ktail)) {
		const struct io_uring_cqe *e = &cq->cqes[*cq->khead & cq->ring_mask];
		struct disk_request *r = (void *)(uintptr_t)e->user_data;
		int res = e->res;

		if (e->user_data & TAG) {
			heed(u, e);
			io_uring_cq_advance(&u->ring, 1);
			continue;
		}
		io_uring_cq_advance(&u->ring, 1);
		u->completed++;
		if (finish(u, r, res)) {
			if (again)
				uring_kick(&u->channel);
			return r;
		}
		prepare(u, r);
		again = true;
	}
	if (again)
		uring_kick(&u->channel);
	return NULL;
}

static struct disk_request *uring_reap(struct disk_channel *c, bool wait)
{
	struct uring *u = uring_of(c);
	struct disk_request *r;

	for (;;) {
		r = take_done(u);
		if (!r)
			r = take_completion(u);
		if (!r)
			r = take_done(u);
		if (r || !wait)
			return r;
		submit_all(u);
		if (is_ready(u))
			continue;
		/* Nothing else can be done about an error than to ask again. */
		if (ring_enter(&u->ring, 0, 1, IORING_ENTER_GETEVENTS) < 0)
			sched_yield();
	}
}

/* The ring's own descriptor is readable as long as there are completions. */
static bool uring_sleep(struct disk_channel *c, bool asleep)
{
	if (!asleep && c->attended)
		submit_all(uring_of(c));
	return asleep && is_ready(uring_of(c));
}

/* ---- who sleeps in the ring ---- */

static void watch(struct uring *u)
{
	struct io_uring_sqe *s = next_entry(u);

	u->watch += TAG_STEP;
	u->watches = true;
	io_uring_prep_poll_multishot(s, DOORBELL_SLOT, POLLIN);
	s->flags |= IOSQE_FIXED_FILE;
	s->user_data = u->watch;
}

static void unwatch(struct uring *u)
{
	end_watch(u, u->watch);
	u->watch += TAG_STEP;
	u->watches = false;
}

/* Done requests wait in their list, so that what is in the ring is the doorbell's or new. */
static void harvest(struct uring *u)
{
	struct disk_request *r;

	while ((r = take_completion(u)))
		append_done(u, r);
}

static unsigned n_ready(const struct uring *u)
{
	return io_uring_smp_load_acquire(u->ring.cq.ktail) - *u->ring.cq.khead;
}

static void uring_attend(struct disk_channel *c, bool on)
{
	struct uring *u = uring_of(c);

	if (on) {
		u->batch = (struct batch) { 0 };
		u->begun = u->completed = 0;
		return;
	}
	if (u->watches)
		unwatch(u);
	submit_all(u);
	harvest(u);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static unsigned choose_size(struct uring *u)
{
	unsigned under_way = u->can_time ? u->channel.in_flight : 0;
	bool deep = batch_is_deep(&u->batch, under_way);
	unsigned size = batch_begin(&u->batch, under_way, u->begun, deep ? now_ns() : 0);

	u->begun = 0;
	return size;
}

/* To be rung for counts as one, too, so that what it is for waits no longer than what is done. */
static int uring_doze_begin(struct disk_channel *c)
{
	struct uring *u = uring_of(c);

	if (n_ready(u) >= choose_size(u) || u->rung || u->done || u->cannot_watch) {
		batch_skip(&u->batch);
		submit_all(u);
		return -1;
	}
	if (!u->watches)
		watch(u);
	ring_publish(&u->ring);
	return (int)ring_published(&u->ring);
}

static int uring_doze(struct disk_channel *c, unsigned n)
{
	struct uring *u = uring_of(c);

	if (u->batch.size == 1)
		return ring_enter(&u->ring, n, 1, IORING_ENTER_GETEVENTS);
	return ring_enter_for(&u->ring, n, u->batch.size, batch_ns(&u->batch));
}

static void learn(struct uring *u, unsigned ready)
{
	bool deep = batch_is_deep(&u->batch, u->channel.in_flight);

	batch_woken(&u->batch, u->channel.in_flight, ready, u->completed, deep ? now_ns() : 0);
	u->completed = 0;
}

static int uring_doze_end(struct disk_channel *c, int slept)
{
	struct uring *u = uring_of(c);
	unsigned ready = n_ready(u);
	bool rung;

	if (slept < 0 && slept != -EINTR && slept != -ETIME)
		submit_all(u);
	harvest(u);
	learn(u, ready);
	if (u->cannot_watch)
		return -EOPNOTSUPP;
	rung = u->rung;
	u->rung = false;
	return rung;
}

static void uring_free(struct disk_channel *c)
{
	struct uring *u = uring_of(c);

	io_uring_queue_exit(&u->ring);
	closep_(&c->doorbell);
	free(u);
}

static const struct disk_channel_ops uring_ops = {
	.submit = uring_submit,
	.kick = uring_kick,
	.reap = uring_reap,
	.sleep = uring_sleep,
	.free = uring_free,
	.attend = uring_attend,
	.doze_begin = uring_doze_begin,
	.doze = uring_doze,
	.doze_end = uring_doze_end,
};

/* The kernel's thread would be one more on the way from the doorbell to here. */
static int open_ring(struct uring *u, int fd, unsigned depth, int share, const char **ret_what)
{
	static const uint8_t ops[] = { IORING_OP_READ, IORING_OP_WRITE, IORING_OP_READV,
		IORING_OP_WRITEV, IORING_OP_FSYNC, IORING_OP_FALLOCATE, IORING_OP_POLL_ADD,
		IORING_OP_POLL_REMOVE };
	const int files[] = { [FILE_SLOT] = fd, [DOORBELL_SLOT] = u->channel.doorbell };
	const unsigned n_files = u->sqpoll ? 1 : 2;
	const struct ring_rules rules = { ops, ARRAY_SIZE(ops) - (u->sqpoll ? 2 : 0), files,
		n_files, 0 };

	return ring_open(&u->ring, 2 * depth, u->sqpoll, share, &rules, ret_what);
}

static int make_doorbell(struct uring *u, const char **ret_what)
{
	*ret_what = "an eventfd";
	u->channel.doorbell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return u->channel.doorbell < 0 ? -errno : 0;
}

int disk_uring_new(int fd, unsigned depth, bool sqpoll, int share, struct disk_channel **ret,
	const char **ret_what)
{
	struct uring *u = calloc(1, sizeof(*u));
	int r;

	*ret_what = "memory";
	if (!u)
		return -ENOMEM;
	u->channel.ops = &uring_ops;
	u->channel.fd = u->channel.doorbell = -1;
	u->sqpoll = sqpoll;
	u->last = &u->done;
	u->watch = TAG | TAG_STEP;
	r = sqpoll ? 0 : make_doorbell(u, ret_what);
	if (r == 0)
		r = open_ring(u, fd, depth, share, ret_what);
	if (r < 0) {
		closep_(&u->channel.doorbell);
		free(u);
		return r;
	}
	u->channel.fd = u->ring.ring_fd;
	u->can_time = u->ring.features & IORING_FEAT_EXT_ARG;
	*ret = &u->channel;
	return 0;
}
