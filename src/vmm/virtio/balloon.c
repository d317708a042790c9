// SPDX-License-Identifier: GPL-2.0-or-later
#include "balloon.h"

#include "base/checked.h"
#include "base/str.h"
#include "vmm/count/syscalls.h"

#include <endian.h>
#include <linux/virtio_balloon.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <stdio.h>
#include <string.h>

enum {
	INFLATE,
	DEFLATE,
	STATS,
	/* The third and fourth of those that not every driver has. Linux, and QEMU with it, counts
	 * only those that were negotiated, the specification all: reporting is found at either. */
	QUEUES = 5,
	QUEUE_SIZE = 128,
	PIECE = 256, /* page numbers that are looked at together */
	BUDGET = 16, /* pieces in one go */
	STATS_MAX = 64,
	TAGS = VIRTIO_BALLOON_S_NR,
	LEAST_BYTES = 16 << 20, /* less than that runs no guest: a slip, not a wish */
};

#define PAGE_BYTES ((uint64_t)1 << VIRTIO_BALLOON_PFN_SHIFT)

/* A request that is being worked on; of the statistics one that waits to be asked for. */
struct work {
	struct virtq_chain chain;
	bool busy;
	struct iovec iov[VIRTQ_SIZE_MAX];
};

struct balloon {
	struct virtio_device dev;
	const struct guest_memory *memory;
	struct virtio_balloon_config config;
	struct work work[QUEUES]; /* each under its queue's lock */
	/* Atomic: written with some queue's lock, read anywhere. */
	uint64_t inflated, deflated, reported; /* bytes */
	uint64_t refused;
	uint64_t told[TAGS]; /* by the guest; UINT64_MAX: it has not */
};

/* Pages side by side, so that one call gives them back. */
struct run {
	uint64_t at, bytes;
};

static struct balloon *balloon_of(struct virtio_device *d)
{
	return container_of(d, struct balloon, dev);
}

static void add(uint64_t *counter, uint64_t n)
{
	__atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
}

/* ---- pages go ---- */

/* `at` and all behind it is in RAM, unless it is NULL. */
static bool give_back(struct balloon *b, void *at, uint64_t bytes)
{
	syscalls_count(1);
	if (at && guest_memory_give_back(b->memory, at, bytes) == 0)
		return true;
	add(&b->refused, bytes / PAGE_BYTES);
	return false;
}

static void end_run(struct balloon *b, struct run *run)
{
	if (run->bytes &&
		give_back(b, guest_memory_at(b->memory, GPA(run->at), run->bytes), run->bytes))
		add(&b->inflated, run->bytes);
	run->bytes = 0;
}

static void add_page(struct balloon *b, struct run *run, uint64_t at)
{
	if (run->bytes && at == run->at + run->bytes) {
		run->bytes += PAGE_BYTES;
	} else if (run->bytes && at + PAGE_BYTES == run->at) {
		run->at = at;
		run->bytes += PAGE_BYTES;
	} else {
		end_run(b, run);
		*run = (struct run) { at, PAGE_BYTES };
	}
}

/* The guest's page numbers, in a copy of ours. What is no RAM is no page. */
static void take_pages(struct balloon *b, const uint32_t *pfns, size_t n, bool inflate)
{
	struct run run = { 0 };

	for (size_t i = 0; i < n; i++) {
		uint64_t at = (uint64_t)le32toh(pfns[i]) << VIRTIO_BALLOON_PFN_SHIFT;

		if (!guest_memory_at(b->memory, GPA(at), PAGE_BYTES))
			add(&b->refused, 1);
		else if (inflate)
			add_page(b, &run, at);
		else
			add(&b->deflated, PAGE_BYTES); /* they come as they are touched */
	}
	end_run(b, &run);
}

/* True: the request is done. */
static bool work_on_pages(struct balloon *b, struct work *w, bool inflate)
{
	uint32_t pfns[PIECE];
	size_t n = MIN(w->chain.out.len / sizeof(*pfns), (size_t)PIECE);

	if (n && sg_pull(&w->chain.out, pfns, n * sizeof(*pfns)))
		take_pages(b, pfns, n, inflate);
	return w->chain.out.len < sizeof(*pfns);
}

/* One buffer, which is free memory itself: the whole pages of it. */
static bool work_on_free(struct balloon *b, struct work *w)
{
	struct sg *in = &w->chain.in;

	if (in->n) {
		uintptr_t base = (uintptr_t)in->v->iov_base;
		uint64_t skip = align_up(base, PAGE_BYTES) - base, len = in->v->iov_len;
		uint64_t bytes = len > skip ? align_down(len - skip, PAGE_BYTES) : 0;

		if (bytes && give_back(b, (char *)in->v->iov_base + skip, bytes))
			add(&b->reported, bytes);
		sg_skip(in, len);
	}
	return !in->n;
}

/* ---- what the guest tells ---- */

static void forget_told(struct balloon *b)
{
	for (unsigned i = 0; i < TAGS; i++)
		__atomic_store_n(&b->told[i], UINT64_MAX, __ATOMIC_RELAXED);
}

static void read_told(struct balloon *b, struct sg *out)
{
	struct virtio_balloon_stat s;

	for (unsigned i = 0; i < STATS_MAX && sg_pull(out, &s, sizeof(s)); i++)
		if (le16toh(s.tag) < TAGS)
			__atomic_store_n(
				&b->told[le16toh(s.tag)], le64toh(s.val), __ATOMIC_RELAXED);
}

/* Takes the buffer and keeps it: who gives it back asks for the next. */
static void keep_stats(struct balloon *b, struct virtq *q)
{
	struct work *w = &b->work[q->index];
	int r = 1;

	while (!w->busy && r >= 0) {
		r = virtq_pop(q, w->iov, ARRAY_SIZE(w->iov), &w->chain);
		w->busy = r > 0;
		if (w->busy)
			read_told(b, &w->chain.out);
		if (r >= 0 && virtq_arm(q))
			break;
	}
}

static bool has_stats(const struct balloon *b, const struct virtq *q)
{
	return q->index == STATS && virtio_has(&b->dev, VIRTIO_BALLOON_F_STATS_VQ);
}

/* What is shown is what came for the last question. */
static void ask_stats(struct balloon *b)
{
	struct virtq *q = &b->dev.queues[STATS];
	struct work *w = &b->work[STATS];

	virtq_lock(q);
	if (w->busy && has_stats(b, q) && virtio_device_runs(&b->dev) && virtq_is_live(q)) {
		w->busy = false;
		virtq_push(q, &w->chain, 0);
		virtio_device_interrupt(&b->dev, q);
		keep_stats(b, q);
		virtio_device_check(&b->dev, q);
	}
	virtq_unlock(q);
}

/* ---- the device ---- */

/* The next chain, or why not; of which kind it has to be is the queue's matter. */
static int next(struct balloon *b, struct virtq *q, bool *last)
{
	struct work *w = &b->work[q->index];
	int r = virtq_pop(q, w->iov, ARRAY_SIZE(w->iov), &w->chain);

	if (r > 0 && q->index <= DEFLATE && w->chain.in.n)
		r = virtq_break(q, "page numbers of a balloon are only to be read");
	if (r > 0 && q->index > DEFLATE && w->chain.out.n)
		r = virtq_break(q, "free pages are told as buffers to be written");
	*last = r < 0 || virtq_arm(q);
	w->busy = r > 0;
	return r;
}

static bool work_on(struct balloon *b, const struct virtq *q)
{
	struct work *w = &b->work[q->index];

	return q->index <= DEFLATE ? work_on_pages(b, w, q->index == INFLATE) : work_on_free(b, w);
}

static bool balloon_kicked(struct virtio_device *d, struct virtq *q)
{
	struct balloon *b = balloon_of(d);
	struct work *w = &b->work[q->index];
	bool last = false;
	unsigned n;

	if (has_stats(b, q)) {
		keep_stats(b, q);
		return false;
	}
	if (q->index > DEFLATE && !virtio_has(d, VIRTIO_BALLOON_F_REPORTING)) {
		virtq_break(q, "the queue is that of a feature that was not negotiated");
		return false;
	}
	for (n = 0; n < BUDGET; n++) {
		if (!w->busy && (last || next(b, q, &last) < 0))
			break;
		if (!w->busy || !work_on(b, q))
			continue;
		w->busy = false;
		virtq_push(q, &w->chain, 0);
		virtio_device_interrupt(d, q);
	}
	return n == BUDGET;
}

static void balloon_queue_reset(struct virtio_device *d, struct virtq *q)
{
	balloon_of(d)->work[q->index].busy = false;
}

static void set_actual(struct balloon *b, uint32_t v)
{
	virtio_device_change_config(&b->dev, &b->config.actual, &v, sizeof(v), false);
}

/* A driver that comes anew has nothing in its balloon, and is to have as much in it as before. */
static void balloon_reset(struct virtio_device *d)
{
	set_actual(balloon_of(d), 0);
	forget_told(balloon_of(d));
}

/* `actual` alone is the driver's. */
static void balloon_config_written(
	struct virtio_device *d, uint64_t offset, const void *data, size_t len)
{
	const size_t start = offsetof(struct virtio_balloon_config, actual);
	struct balloon *b = balloon_of(d);
	uint32_t v = b->config.actual;

	if (offset < start || offset + len > start + sizeof(v))
		return;
	memcpy((char *)&v + (offset - start), data, len);
	set_actual(b, v);
}

static uint32_t read_pages(struct balloon *b, const uint32_t *field)
{
	uint32_t v;

	pthread_mutex_lock(&b->dev.config_lock);
	v = *field;
	pthread_mutex_unlock(&b->dev.config_lock);
	return le32toh(v);
}

static int set_memory(struct balloon *b, const char *value, struct problem **reterr)
{
	uint64_t total = b->memory->size, least = MIN(total, (uint64_t)LEAST_BYTES), bytes;
	uint32_t pages;

	if (parse_bytes(value, &bytes) < 0 || bytes % PAGE_BYTES || bytes < least || bytes > total)
		return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL,
			"memory is what the guest is to do with, such as 512M: of its %llu MiB at "
			"least %llu, in whole pages",
			(unsigned long long)total >> 20, (unsigned long long)least >> 20);
	if ((total - bytes) / PAGE_BYTES > UINT32_MAX)
		return problem(
			reterr, -EINVAL, PROBLEM_USAGE, NULL, "a balloon holds less than 16 TiB");
	pages = htole32((uint32_t)((total - bytes) / PAGE_BYTES));
	virtio_device_change_config(&b->dev, &b->config.num_pages, &pages, sizeof(pages), true);
	return 0;
}

static int balloon_set(struct virtio_device *d, int queue, const char *key, const char *value,
	struct problem **reterr)
{
	if (!str_eq(key, "memory") || queue >= 0)
		return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL,
			"of %s as a whole can be set: memory", d->name);
	return set_memory(balloon_of(d), value, reterr);
}

static void balloon_stats(
	struct virtio_device *d, void (*each)(void *arg, const char *name, uint64_t v), void *arg)
{
	static const struct {
		unsigned tag;
		const char *name;
	} counted[] = {
		{ VIRTIO_BALLOON_S_SWAP_IN, "bytes-swapped-in" },
		{ VIRTIO_BALLOON_S_SWAP_OUT, "bytes-swapped-out" },
		{ VIRTIO_BALLOON_S_MAJFLT, "major-faults" },
		{ VIRTIO_BALLOON_S_MINFLT, "minor-faults" },
	};
	struct balloon *b = balloon_of(d);

	ask_stats(b);
	each(arg, "bytes-inflated", __atomic_load_n(&b->inflated, __ATOMIC_RELAXED));
	each(arg, "bytes-deflated", __atomic_load_n(&b->deflated, __ATOMIC_RELAXED));
	each(arg, "bytes-reported", __atomic_load_n(&b->reported, __ATOMIC_RELAXED));
	each(arg, "pages-refused", __atomic_load_n(&b->refused, __ATOMIC_RELAXED));
	for (size_t i = 0; i < ARRAY_SIZE(counted); i++) {
		uint64_t v = __atomic_load_n(&b->told[counted[i].tag], __ATOMIC_RELAXED);

		if (v != UINT64_MAX)
			each(arg, counted[i].name, v);
	}
}

static void tell(void (*each)(void *arg, const char *key, const char *word), void *arg,
	const char *key, uint64_t bytes)
{
	char word[24];

	snprintf(word, sizeof(word), "%llu", (unsigned long long)bytes);
	each(arg, key, word);
}

/* Sizes that go up and down; those of the guest only if it tells them. */
static void balloon_traits(struct virtio_device *d,
	void (*each)(void *arg, const char *key, const char *word), void *arg)
{
	struct balloon *b = balloon_of(d);
	uint64_t wished = PAGE_BYTES * read_pages(b, &b->config.num_pages);
	uint64_t actual = PAGE_BYTES * read_pages(b, &b->config.actual);
	uint64_t free = __atomic_load_n(&b->told[VIRTIO_BALLOON_S_MEMFREE], __ATOMIC_RELAXED);
	uint64_t avail = __atomic_load_n(&b->told[VIRTIO_BALLOON_S_AVAIL], __ATOMIC_RELAXED);

	tell(each, arg, "memory", b->memory->size - wished);
	tell(each, arg, "memory_now", b->memory->size - MIN(actual, b->memory->size));
	if (free != UINT64_MAX)
		tell(each, arg, "memory_free", free);
	if (avail != UINT64_MAX)
		tell(each, arg, "memory_available", avail);
}

static void balloon_free(struct virtio_device *d)
{
	virtio_device_done(d);
	free(balloon_of(d));
}

static const struct virtio_device_ops balloon_ops = {
	.kicked = balloon_kicked,
	.set = balloon_set,
	.queue_reset = balloon_queue_reset,
	.config_written = balloon_config_written,
	.reset = balloon_reset,
	.free = balloon_free,
	.stats = balloon_stats,
	.traits = balloon_traits,
};

int virtio_balloon_device_new(
	const struct guest_memory *m, const char *name, struct virtio_device **ret)
{
	struct balloon *b = calloc(1, sizeof(*b));
	struct virtio_device_params params = {
		.ops = &balloon_ops,
		.name = name,
		.id = VIRTIO_ID_BALLOON,
		.features = VIRTIO_FEATURE(VIRTIO_F_IN_ORDER) |
			    VIRTIO_FEATURE(VIRTIO_BALLOON_F_STATS_VQ) |
			    VIRTIO_FEATURE(VIRTIO_BALLOON_F_DEFLATE_ON_OOM) |
			    VIRTIO_FEATURE(VIRTIO_BALLOON_F_REPORTING),
		.n_queues = QUEUES,
		.queue_size = QUEUE_SIZE,
		.config = b ? &b->config : NULL,
		.config_bytes = offsetof(struct virtio_balloon_config, free_page_hint_cmd_id),
	};
	int r = b ? virtio_device_init(&b->dev, m, &params) : -ENOMEM;

	if (r < 0) {
		free(b);
		return r;
	}
	b->memory = m;
	forget_told(b);
	*ret = &b->dev;
	return 0;
}
