// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Giving back in order, in rings of both layouts: chains that are complete together are shown by
 * one used entry where nothing is lost by that (2.7.9, 2.8.9).
 */
#include "cm.h"
#include "packed.h"

#include <linux/virtio_config.h>

#define ORDER (1ULL << VIRTIO_F_IN_ORDER)
#define EVENT (1ULL << VIRTIO_RING_F_EVENT_IDX)

enum { SIZE = 8, ROOM = 512 };
static const uint32_t UNTOUCHED = 0xabababab;

static const struct drv_piece OUT = { DRV_BUFFERS, 16, false };
static const struct drv_piece IN = { DRV_BUFFERS + 0x1000, ROOM, true };

struct fixture {
	struct drv_ram ram;
	bool is_packed;
	struct drv split;
	struct pdrv packed;
	struct virtq q;
	struct iovec iov[VIRTQ_SIZE_MAX];
	uint16_t heads[VIRTQ_SIZE_MAX]; /* as they were offered; `offered` and `seen` are numbers */
	unsigned offered, seen;
};

static void enable(struct fixture *f, uint16_t size, uint64_t features)
{
	f->offered = f->seen = 0;
	drv_init(&f->split, f->ram.memory, 0, size, features & EVENT);
	memset(f->split.used->ring, 0xab, 8U * size);
	if (f->is_packed)
		pdrv_init(&f->packed, f->ram.memory, size);
	f->q.size = size;
	f->q.desc = GPA(f->split.desc_at);
	f->q.driver = GPA(f->split.avail_at);
	f->q.device = GPA(f->split.used_at);
	if (f->is_packed)
		features |= 1ULL << VIRTIO_F_RING_PACKED;
	assert_int_equal(virtq_enable(&f->q, features), 0);
}

static struct fixture *open_queue(bool packed, uint16_t size, uint64_t features)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->is_packed = packed;
	drv_ram_open(&f->ram);
	virtq_init(&f->q, f->ram.memory, 0, VIRTQ_SIZE_MAX);
	enable(f, size, features);
	return f;
}

static void close_queue(struct fixture *f)
{
	virtq_done(&f->q);
	drv_ram_close(&f->ram);
	free(f);
}

/* A chain of n pieces, offered and taken; its head. */
static uint16_t take(struct fixture *f, const struct drv_piece *p, unsigned n)
{
	uint16_t size = f->q.size, head = (uint16_t)(f->offered % size);
	struct virtq_chain c;

	if (f->is_packed) {
		pdrv_chain(&f->packed, head, p, n);
		pdrv_publish(&f->packed);
	} else {
		head = drv_chain(&f->split, p, n);
		drv_publish(&f->split);
	}
	assert_int_equal(virtq_pop(&f->q, f->iov, VIRTQ_SIZE_MAX, &c), 1);
	assert_int_equal(c.head, head);
	f->heads[f->offered++ % size] = head;
	return head;
}

/* Does the oldest chain's place hold a used entry? */
static bool has_entry(const struct fixture *f)
{
	const struct pdrv *p = &f->packed;

	if (!f->is_packed)
		return f->split.used->ring[f->seen % f->q.size].id != UNTOUCHED;
	return !!(p->desc[p->next_used].flags & PD_AVAIL) == p->used_wrap &&
	       !!(p->desc[p->next_used].flags & PD_USED) == p->used_wrap;
}

/* The driver's step over one chain. */
static void step(struct fixture *f)
{
	uint16_t head = f->heads[f->seen % f->q.size];
	struct pdrv *p = &f->packed;

	if (f->is_packed) {
		pdrv_step(p, &p->next_used, &p->used_wrap, p->entries[head]);
		p->entries[head] = 0;
	} else {
		f->split.used->ring[f->seen % f->q.size].id = UNTOUCHED;
	}
	f->seen++;
}

static void assert_entry(struct fixture *f, uint16_t head, uint32_t written)
{
	assert_true(has_entry(f));
	if (f->is_packed) {
		const struct vring_packed_desc *d = &f->packed.desc[f->packed.next_used];

		assert_int_equal(d->id, head);
		assert_int_equal(d->len, written);
		assert_int_equal(!!(d->flags & VRING_DESC_F_WRITE), written > 0);
	} else {
		const struct vring_used_elem *e = &f->split.used->ring[f->seen % f->q.size];

		assert_int_equal(e->id, head);
		assert_int_equal(e->len, written);
	}
}

/* The next used entry stands for `chains`, of which the last has this many bytes; the places of
 * the others were not written. */
static void assert_batch(struct fixture *f, unsigned chains, uint32_t written)
{
	assert_entry(f, f->heads[(f->seen + chains - 1) % f->q.size], written);
	if (!f->is_packed)
		assert_true((uint16_t)(f->split.used->idx - f->seen) >= chains);
	step(f);
	for (unsigned i = 1; i < chains; i++) {
		assert_false(has_entry(f));
		step(f);
	}
}

static void assert_no_more(struct fixture *f)
{
	if (f->is_packed)
		assert_false(has_entry(f));
	else
		assert_int_equal(f->split.used->idx, (uint16_t)f->seen);
}

typedef void scene(bool packed);

static void on_both(scene *s)
{
	s(false);
	s(true);
}

static void whole_ones(bool packed)
{
	struct fixture *f = open_queue(packed, SIZE, ORDER);
	struct drv_piece both[] = { OUT, IN };

	/* Chains of two entries and of one, more or fewer in turn, over many rounds of the ring. */
	for (unsigned i = 0; i < 70000; i++) {
		unsigned n = 1 + i % 4;
		uint16_t heads[4];

		for (unsigned k = 0; k < n; k++)
			heads[k] = i % 3 ? take(f, both, 2) : take(f, &IN, 1);
		for (unsigned k = 0; k < n; k++)
			virtq_fill(&f->q, heads[k], ROOM);
		assert_no_more(f);
		virtq_publish(&f->q);
		assert_batch(f, n, ROOM);
		assert_no_more(f);
	}
	close_queue(f);
}

static void one_entry_for_all(void **state UNUSED)
{
	on_both(whole_ones);
}

static void all_sizes(bool packed)
{
	static const uint16_t sizes[] = { 1, 2, 4, 8, 64, 3, 7, 50 };

	for (size_t s = 0; s < (packed ? ARRAY_SIZE(sizes) : 5); s++) {
		struct fixture *f = open_queue(packed, sizes[s], ORDER);

		for (unsigned i = 0; i < 300; i++) {
			unsigned n = 1 + i % sizes[s];
			uint16_t heads[64];

			for (unsigned k = 0; k < n; k++)
				heads[k] = take(f, &OUT, 1);
			for (unsigned k = n; k-- > 0;)
				virtq_fill(&f->q, heads[k], 0);
			virtq_publish(&f->q);
			assert_batch(f, n, 0);
			assert_no_more(f);
		}
		assert_int_equal(f->q.in_flight, 0);
		close_queue(f);
	}
}

static void also_of_a_full_ring(void **state UNUSED)
{
	on_both(all_sizes);
}

/* The driver takes what is skipped for full: a length that says otherwise must reach it. */
static void partial_ones(bool packed)
{
	static const uint32_t written[] = { ROOM, ROOM, 1, ROOM, 0, ROOM - 1, ROOM, ROOM };
	struct fixture *f = open_queue(packed, SIZE, ORDER);

	for (unsigned round = 0; round < 10; round++) {
		uint16_t heads[SIZE];

		for (unsigned i = 0; i < SIZE; i++)
			heads[i] = take(f, &IN, 1);
		for (unsigned i = 0; i < SIZE; i++)
			virtq_fill(&f->q, heads[i], written[i]);
		virtq_publish(&f->q);
		assert_batch(f, 3, 1);
		assert_batch(f, 2, 0);
		assert_batch(f, 1, ROOM - 1);
		assert_batch(f, 2, ROOM);
		assert_no_more(f);
	}
	assert_int_equal(virtq_stats_get(&f->q).requests, 10 * SIZE);
	assert_int_equal(virtq_stats_get(&f->q).bytes_in, 10 * 6 * ROOM);
	close_queue(f);
}

static void lengths_are_not_lost(void **state UNUSED)
{
	on_both(partial_ones);
}

/* Those that overtook are a batch with the one that they waited for. */
static void overtaking(bool packed)
{
	struct fixture *f = open_queue(packed, SIZE, ORDER);

	for (unsigned round = 0; round < 100; round++) {
		uint16_t a = take(f, &IN, 1), b = take(f, &IN, 1), c = take(f, &IN, 1);

		virtq_fill(&f->q, c, ROOM);
		virtq_publish(&f->q);
		assert_no_more(f);
		virtq_fill(&f->q, a, ROOM);
		virtq_publish(&f->q);
		assert_batch(f, 1, ROOM);
		assert_no_more(f);
		virtq_fill(&f->q, b, ROOM);
		virtq_publish(&f->q);
		assert_batch(f, 2, ROOM);
		assert_no_more(f);
	}
	close_queue(f);
}

static void those_that_waited_come_together(void **state UNUSED)
{
	on_both(overtaking);
}

/* What the driver wants to be told of lies where nothing is written. */
static void events(bool packed)
{
	struct fixture *f = open_queue(packed, SIZE, ORDER | EVENT);

	for (unsigned round = 0; round < 1000; round++) {
		unsigned n = 4, at = round % 6;

		if (packed)
			pdrv_event_after(&f->packed, at);
		else
			*drv_used_event(&f->split) = (uint16_t)(f->seen + at);
		for (unsigned i = 0; i < n; i++)
			take(f, &IN, 1);
		for (unsigned i = 0; i < n; i++)
			virtq_fill(&f->q, f->heads[(f->seen + i) % SIZE], ROOM);
		virtq_publish(&f->q);
		assert_int_equal(virtq_wants_interrupt(&f->q), at < n);
		assert_batch(f, n, ROOM);
	}
	close_queue(f);
}

static void events_inside_of_a_batch(void **state UNUSED)
{
	on_both(events);
}

static void one_each(bool packed)
{
	for (unsigned singly = 0; singly < 2; singly++) {
		struct fixture *f = open_queue(packed, SIZE, singly ? ORDER : 0);
		uint16_t heads[4];

		f->q.singly = singly;
		for (unsigned i = 0; i < 4; i++)
			heads[i] = take(f, &IN, 1);
		for (unsigned i = 0; i < 4; i++)
			virtq_fill(&f->q, heads[i], ROOM);
		virtq_publish(&f->q);
		for (unsigned i = 0; i < 4; i++)
			assert_batch(f, 1, ROOM);
		assert_no_more(f);
		close_queue(f);
	}
}

static void an_entry_each_where_lengths_are_read_or_order_is_not_agreed(void **state UNUSED)
{
	on_both(one_each);
}

/* A batch that was begun is forgotten with the queue that it is of. */
static void reset_between(bool packed)
{
	struct fixture *f = open_queue(packed, SIZE, ORDER);
	uint16_t head = take(f, &IN, 1);

	take(f, &IN, 1);
	virtq_fill(&f->q, head, ROOM);
	virtq_reset(&f->q);
	enable(f, SIZE, ORDER);
	virtq_publish(&f->q);
	assert_no_more(f);
	head = take(f, &OUT, 1);
	virtq_push(&f->q, &(struct virtq_chain) { .head = head }, 0);
	assert_batch(f, 1, 0);
	assert_no_more(f);
	close_queue(f);
}

static void a_reset_forgets_what_was_begun(void **state UNUSED)
{
	on_both(reset_between);
}

/*
 * A driver that offers again what was not shown to it yet: more chains than the ring has places
 * are in one batch. It gets an index that makes no sense, and nobody else anything.
 */
static void offered_again_before_it_is_back(void **state UNUSED)
{
	enum { TIMES = 70001 };
	struct fixture *f = open_queue(false, 2, ORDER);
	const uint32_t *behind = (const uint32_t *)(f->split.used->ring + 2);

	for (unsigned i = 0; i < TIMES; i++)
		virtq_fill(&f->q, take(f, &IN, 1), ROOM);
	virtq_publish(&f->q);
	assert_null(f->q.broken);
	assert_int_equal(f->split.used->idx, (uint16_t)TIMES);
	assert_int_equal(f->split.used->ring[0].id, f->heads[0]);
	assert_int_equal(f->split.used->ring[1].id, UNTOUCHED);
	assert_int_equal(*behind, 0);
	f->seen = TIMES;
	virtq_push(&f->q, &(struct virtq_chain) { .head = take(f, &IN, 1) }, ROOM);
	assert_batch(f, 1, ROOM);
	close_queue(f);
}

/* The same in a packed ring, whose entries are the device's until they are shown. */
static void packed_entries_are_not_offered_again(void **state UNUSED)
{
	struct fixture *f = open_queue(true, 2, ORDER);
	struct virtq_chain c;

	virtq_fill(&f->q, take(f, &IN, 1), ROOM);
	virtq_fill(&f->q, take(f, &IN, 1), ROOM);
	pdrv_chain(&f->packed, 0, &IN, 1);
	pdrv_publish(&f->packed);
	assert_int_equal(virtq_pop(&f->q, f->iov, VIRTQ_SIZE_MAX, &c), 0);
	assert_true(virtq_arm(&f->q));
	virtq_publish(&f->q);
	assert_null(f->q.broken);
	assert_int_equal(f->q.packed.taken, 0);
	close_queue(f);
}

/* What was begun is not shown by a device that has stopped meanwhile. */
static void broken_between(bool packed)
{
	struct fixture *f = open_queue(packed, SIZE, ORDER);

	virtq_fill(&f->q, take(f, &IN, 1), ROOM);
	virtq_break(&f->q, "the driver is out of its mind");
	virtq_publish(&f->q);
	assert_no_more(f);
	close_queue(f);
}

static void nothing_is_shown_by_a_broken_queue(void **state UNUSED)
{
	on_both(broken_between);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_entry_for_all),
		cmocka_unit_test(also_of_a_full_ring),
		cmocka_unit_test(lengths_are_not_lost),
		cmocka_unit_test(those_that_waited_come_together),
		cmocka_unit_test(events_inside_of_a_batch),
		cmocka_unit_test(an_entry_each_where_lengths_are_read_or_order_is_not_agreed),
		cmocka_unit_test(a_reset_forgets_what_was_begun),
		cmocka_unit_test(offered_again_before_it_is_back),
		cmocka_unit_test(packed_entries_are_not_offered_again),
		cmocka_unit_test(nothing_is_shown_by_a_broken_queue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
