// SPDX-License-Identifier: GPL-2.0-or-later
/* Packed rings, and giving back in order, whatever the layout. */
#include "packed.h"

#define DRIVER struct pdrv
#include "queue-fixture.h"

#define RING_PACKED (1ULL << VIRTIO_F_RING_PACKED)
#define ORDER	    (1ULL << VIRTIO_F_IN_ORDER)

static void place(struct fixture *f, uint16_t size, uint64_t features)
{
	f->q.size = size;
	f->q.desc = GPA(f->drv.desc_at);
	f->q.driver = GPA(f->drv.driver_at);
	f->q.device = GPA(f->drv.device_at);
	assert_int_equal(virtq_enable(&f->q, features | RING_PACKED), 0);
}

static struct fixture *open_sized(uint16_t size, uint64_t features)
{
	struct fixture *f = calloc(1, sizeof(*f));

	drv_ram_open(&f->ram);
	pdrv_init(&f->drv, f->ram.memory, size);
	virtq_init(&f->q, f->ram.memory, 0, VIRTQ_SIZE_MAX);
	place(f, size, features);
	return f;
}

static struct fixture *open_queue(uint64_t features)
{
	return open_sized(SIZE, features);
}

static void a_chain_goes_round(void **state UNUSED)
{
	struct drv_piece p[] = { OUT, { DRV_BUFFERS + 0x800, 3, false }, IN };
	struct fixture *f = open_queue(0);
	struct vring_packed_desc e;
	struct virtq_chain c;

	assert_int_equal(pop(f, &c), 0);
	pdrv_chain(&f->drv, 5, p, 3);
	assert_int_equal(pop(f, &c), 0); /* not published yet */
	assert_true(pdrv_publish(&f->drv));
	assert_int_equal(pop(f, &c), 1);
	assert_int_equal(c.head, 5);
	assert_int_equal(c.out.n, 2);
	assert_int_equal(c.out.len, 19);
	assert_int_equal(c.in.n, 1);
	assert_ptr_equal(c.in.v[0].iov_base, drv_ptr(f->ram.memory, IN.at));
	assert_int_equal(pop(f, &c), 0);
	assert_false(pdrv_used(&f->drv, &e));
	c.head = 5;
	virtq_push(&f->q, &c, 77);
	assert_true(pdrv_used(&f->drv, &e));
	assert_int_equal(e.id, 5);
	assert_int_equal(e.len, 77);
	assert_true(e.flags & VRING_DESC_F_WRITE);
	assert_int_equal(f->drv.next_used, 3);
	assert_false(pdrv_used(&f->drv, &e));
	close_queue(f);
}

/* Chains of changing length, given back in another order, over rings of every size there is. */
static void both_counters_wrap(void **state UNUSED)
{
	static const uint16_t sizes[] = { 1, 2, 3, 7, 8, 100, 255, 256, 1000, 1024 };

	for (size_t s = 0; s < ARRAY_SIZE(sizes); s++) {
		struct fixture *f = open_sized(sizes[s], EVENT);
		struct vring_packed_desc e;
		struct virtq_chain c;

		for (unsigned i = 0; i < 20000; i++) {
			struct drv_piece p[] = { { DRV_BUFFERS + i % 4096, 1 + i % 7, false }, IN };
			unsigned n = sizes[s] > 1 ? 1 + i % 2 : 1;
			uint16_t id = (uint16_t)(i * 31 % sizes[s]);

			pdrv_chain(&f->drv, id, p, n);
			pdrv_publish(&f->drv);
			assert_int_equal(pop(f, &c), 1);
			assert_int_equal(c.head, id);
			assert_int_equal(c.out.len, 1 + i % 7);
			assert_int_equal(c.in.n, n - 1);
			virtq_push(&f->q, &c, i);
			assert_true(pdrv_used(&f->drv, &e));
			assert_int_equal(e.id, id);
			assert_int_equal(e.len, i);
		}
		assert_int_equal(virtq_stats_get(&f->q).requests, 20000);
		close_queue(f);
	}
}

/* What overtakes is given back in the oldest entry's place, with the gap of its own length. */
static void out_of_order(void **state UNUSED)
{
	struct drv_piece p[] = { OUT, OUT, IN };
	struct fixture *f = open_queue(0);
	struct vring_packed_desc e;
	struct virtq_chain a, b, c;

	for (unsigned round = 0; round < 1000; round++) {
		pdrv_chain(&f->drv, 1, p, 3);
		pdrv_chain(&f->drv, 6, p + 2, 1);
		pdrv_chain(&f->drv, 3, p + 1, 2);
		pdrv_publish(&f->drv);
		assert_int_equal(pop(f, &a), 1);
		assert_int_equal(pop(f, &b), 1);
		assert_int_equal(pop(f, &c), 1);
		virtq_fill(&f->q, c.head, 1);
		virtq_fill(&f->q, a.head, 2);
		assert_false(pdrv_used(&f->drv, &e)); /* the first one hides all */
		virtq_publish(&f->q);
		assert_true(pdrv_used(&f->drv, &e));
		assert_int_equal(e.id, 3);
		assert_true(pdrv_used(&f->drv, &e));
		assert_int_equal(e.id, 1);
		assert_false(pdrv_used(&f->drv, &e));
		virtq_push(&f->q, &b, 0);
		assert_true(pdrv_used(&f->drv, &e));
		assert_int_equal(e.id, 6);
		assert_false(e.flags & VRING_DESC_F_WRITE);
	}
	close_queue(f);
}

static void depth_one_rings_and_interrupts_each_time(uint64_t features)
{
	struct fixture *f = open_queue(features);
	unsigned interrupts = 0, n = 70000;
	struct vring_packed_desc e;
	struct virtq_chain c;

	assert_true(virtq_arm(&f->q));
	if (features & EVENT)
		pdrv_event_after(&f->drv, 0);
	for (unsigned i = 0; i < n; i++) {
		struct drv_piece p[] = { OUT, OUT, IN };

		pdrv_chain(&f->drv, 0, p, 3);
		assert_true(pdrv_publish(&f->drv));
		assert_int_equal(pop(f, &c), 1);
		assert_true(virtq_arm(&f->q));
		virtq_push(&f->q, &c, 1);
		interrupts += interrupted(f);
		assert_false(virtq_wants_interrupt(&f->q)); /* nothing new */
		assert_true(pdrv_used(&f->drv, &e));
		if (features & EVENT)
			pdrv_event_after(&f->drv, 0);
	}
	assert_int_equal(interrupts, n);
	assert_int_equal(f->drv.rings, n);
	assert_int_equal(virtq_stats_get(&f->q).injections_kept, 0);
	close_queue(f);
}

static void depth_one(void **state UNUSED)
{
	depth_one_rings_and_interrupts_each_time(0);
	depth_one_rings_and_interrupts_each_time(EVENT);
}

/* One ring of the bell and one interrupt for each full ring, at every place of the ring. */
static void events_suppress(void **state UNUSED)
{
	enum { ODD = 7, BATCH = 5 };
	struct fixture *f = open_sized(ODD, EVENT);
	struct vring_packed_desc e;
	struct virtq_chain c;
	unsigned interrupts = 0;

	assert_true(virtq_arm(&f->q));
	for (unsigned round = 0; round < 20000; round++) {
		uint64_t rings = f->drv.rings;

		for (int i = 0; i < BATCH; i++) {
			pdrv_chain(&f->drv, (uint16_t)i, &IN, 1);
			pdrv_publish(&f->drv);
		}
		assert_int_equal(f->drv.rings, rings + 1);
		pdrv_event_after(&f->drv, BATCH - 1);
		for (unsigned i = 0; i < BATCH; i++) {
			assert_int_equal(pop(f, &c), 1);
			assert_int_equal(virtq_arm(&f->q), i == BATCH - 1);
			virtq_push(&f->q, &c, 1);
			interrupts += interrupted(f);
			assert_true(pdrv_used(&f->drv, &e));
		}
		assert_int_equal(interrupts, round + 1);
	}
	assert_int_equal(virtq_stats_get(&f->q).injections_kept, 20000 * (BATCH - 1));
	assert_int_equal(virtq_stats_get(&f->q).injections, 20000);
	close_queue(f);
}

/* More is shown between two questions than the ring has entries: the named one was among it. */
static void a_late_question_is_answered_right(void **state UNUSED)
{
	for (unsigned n = 1; n < 40; n++)
		for (unsigned named = 0; named < SIZE; named++) {
			struct fixture *f = open_queue(EVENT);
			struct vring_packed_desc e;
			struct virtq_chain c;

			pdrv_event_after(&f->drv, named);
			for (unsigned i = 0; i < n; i++) {
				pdrv_chain(&f->drv, 2, &IN, 1);
				pdrv_publish(&f->drv);
				assert_int_equal(pop(f, &c), 1);
				virtq_push(&f->q, &c, 1);
				assert_true(pdrv_used(&f->drv, &e));
			}
			assert_int_equal(virtq_wants_interrupt(&f->q), n > named);
			close_queue(f);
		}
}

static void flags_suppress(void **state UNUSED)
{
	struct fixture *f = open_queue(0);
	struct virtq_chain c;

	assert_true(virtq_arm(&f->q));
	pdrv_chain(&f->drv, 0, &IN, 1);
	pdrv_chain(&f->drv, 1, &IN, 1);
	assert_true(pdrv_publish(&f->drv));
	assert_int_equal(pop(f, &c), 1);
	assert_false(virtq_arm(&f->q));
	assert_int_equal(*f->drv.device >> 16, VRING_PACKED_EVENT_FLAG_DISABLE);
	virtq_push(&f->q, &c, 1);
	assert_true(interrupted(f));
	assert_int_equal(pop(f, &c), 1);
	assert_true(virtq_arm(&f->q));
	assert_int_equal(*f->drv.device >> 16, VRING_PACKED_EVENT_FLAG_ENABLE);
	*f->drv.driver = (uint32_t)VRING_PACKED_EVENT_FLAG_DISABLE << 16;
	virtq_push(&f->q, &c, 1);
	assert_false(virtq_wants_interrupt(&f->q));
	assert_int_equal(virtq_stats_get(&f->q).injections_kept, 1);
	close_queue(f);
}

/* While somebody looks all the time nobody rings, over any number of rounds. */
static void a_disarmed_queue_is_not_rung(void **state UNUSED)
{
	for (unsigned features = 0; features < 2; features++) {
		struct fixture *f = open_queue(features ? EVENT : 0);
		struct vring_packed_desc e;
		struct virtq_chain c;

		virtq_disarm(&f->q);
		for (unsigned i = 0; i < 200000; i++) {
			pdrv_chain(&f->drv, 0, &IN, 1);
			assert_false(pdrv_publish(&f->drv));
			assert_int_equal(pop(f, &c), 1);
			virtq_push(&f->q, &c, 1);
			assert_true(pdrv_used(&f->drv, &e));
		}
		assert_int_equal(virtq_stats_get(&f->q).doorbells_suppressed, 200000);
		assert_true(virtq_arm(&f->q));
		pdrv_chain(&f->drv, 0, &IN, 1);
		assert_true(pdrv_publish(&f->drv));
		close_queue(f);
	}
}

static void indirect_tables(void **state UNUSED)
{
	struct drv_piece p[] = { OUT, { DRV_BUFFERS + 64, 32, false }, IN };
	struct fixture *f = open_queue(INDIRECT);
	struct vring_packed_desc e;
	struct virtq_chain c;

	for (unsigned i = 0; i < 100; i++) {
		pdrv_indirect(&f->drv, 7, DRV_INDIRECT + 8, p, 3); /* tables need no alignment */
		pdrv_publish(&f->drv);
		assert_int_equal(pop(f, &c), 1);
		assert_int_equal(c.head, 7);
		assert_int_equal(c.out.len, 48);
		assert_int_equal(c.in.len, 512);
		virtq_push(&f->q, &c, 9);
		assert_true(pdrv_used(&f->drv, &e));
		assert_int_equal(f->drv.next_used, (i + 1) % SIZE);
	}
	close_queue(f);
}

/* The queue breaks, says why, stays quiet, and a reset heals it. */
static void expect_broken(struct fixture *f, const char *why)
{
	struct virtq_chain c;
	int r;

	pdrv_publish(&f->drv);
	while ((r = pop(f, &c)) > 0)
		;
	assert_int_equal(r, -EPROTO);
	assert_string_equal(f->q.broken, why);
	assert_int_equal(pop(f, &c), 0);
	assert_true(virtq_arm(&f->q));
	assert_false(virtq_wants_interrupt(&f->q));
	virtq_reset(&f->q);
	pdrv_init(&f->drv, f->ram.memory, SIZE);
	place(f, SIZE, INDIRECT);
	pdrv_chain(&f->drv, 0, &IN, 1);
	pdrv_publish(&f->drv);
	assert_int_equal(pop(f, &c), 1);
	close_queue(f);
}

static void refuses_ids_beyond_the_queue(void **state UNUSED)
{
	static const uint16_t bad[] = { SIZE, 0x7fff, 0xffff };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct fixture *f = open_queue(0);

		pdrv_desc(&f->drv,
			(struct vring_packed_desc) { IN.at, IN.len, bad[i], VRING_DESC_F_WRITE });
		expect_broken(f, "a buffer's id is beyond the queue's size");
	}
}

static void refuses_an_id_twice(void **state UNUSED)
{
	struct fixture *f = open_queue(0);

	pdrv_chain(&f->drv, 4, &IN, 1);
	pdrv_chain(&f->drv, 4, &IN, 1);
	expect_broken(f, "a chain is offered again before it was given back");
}

/* A ring that is one chain without an end. */
static void refuses_endless_chains(void **state UNUSED)
{
	struct fixture *f = open_queue(0);

	for (unsigned i = 0; i < SIZE; i++)
		pdrv_desc(&f->drv,
			(struct vring_packed_desc) { OUT.at, OUT.len, 0, VRING_DESC_F_NEXT });
	expect_broken(f, "a chain is longer than the queue, or loops");
}

/* A chain that goes on into entries that are in flight. */
static void refuses_chains_over_others(void **state UNUSED)
{
	struct fixture *f = open_queue(0);

	for (int i = 0; i < SIZE - 1; i++)
		pdrv_chain(&f->drv, (uint16_t)i, &IN, 1);
	pdrv_desc(&f->drv,
		(struct vring_packed_desc) { OUT.at, OUT.len, SIZE - 1, VRING_DESC_F_NEXT });
	expect_broken(f, "a chain is longer than the queue, or loops");
}

/* More than all entries cannot be taken, whatever the flags of those in flight are made to say. */
static void a_full_ring_has_nothing_new(void **state UNUSED)
{
	struct fixture *f = open_queue(EVENT);
	struct virtq_chain c;

	for (int i = 0; i < SIZE; i++)
		pdrv_chain(&f->drv, (uint16_t)i, &IN, 1);
	pdrv_publish(&f->drv);
	for (unsigned i = 0; i < SIZE; i++)
		assert_int_equal(pop(f, &c), 1);
	f->drv.desc[0].flags = PD_USED;
	assert_int_equal(pop(f, &c), 0);
	assert_true(virtq_arm(&f->q));
	assert_null(f->q.broken);
	close_queue(f);
}

static void refuses_what_is_not_ram(void **state UNUSED)
{
	static const struct vring_packed_desc bad[] = {
		{ DRV_RAM_BYTES, 1, 0, 0 },
		{ DRV_RAM_BYTES - 1, 2, 0, 0 },
		{ 0, UINT32_MAX, 0, 0 },
		{ UINT64_MAX, 1, 0, 0 },
		{ UINT64_MAX - 15, 512, 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct fixture *f = open_queue(0);

		pdrv_desc(&f->drv, bad[i]);
		expect_broken(f, "a buffer is not in RAM");
	}
}

static void refuses_lying_tables(void **state UNUSED)
{
	static const struct {
		struct vring_packed_desc d;
		uint64_t features;
		const char *why;
	} bad[] = {
		{ { DRV_INDIRECT, 16, 0, VRING_DESC_F_INDIRECT }, 0,
			"an indirect table was not negotiated" },
		{ { DRV_INDIRECT, 0, 0, VRING_DESC_F_INDIRECT }, INDIRECT,
			"an indirect table has an impossible length" },
		{ { DRV_INDIRECT, 17, 0, VRING_DESC_F_INDIRECT }, INDIRECT,
			"an indirect table has an impossible length" },
		{ { UINT64_MAX - 7, 16, 0, VRING_DESC_F_INDIRECT }, INDIRECT,
			"an indirect table is not in RAM" },
		{ { DRV_INDIRECT, 16 * (SIZE + 1), 0, VRING_DESC_F_INDIRECT }, INDIRECT,
			"a chain is longer than the queue, or loops" },
		{ { DRV_INDIRECT, 16, 0, VRING_DESC_F_INDIRECT | VRING_DESC_F_NEXT }, INDIRECT,
			"an indirect table is not all of its chain" },
	};
	struct drv_piece p[SIZE + 1];

	for (size_t i = 0; i <= SIZE; i++)
		p[i] = OUT;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct fixture *f = open_queue(bad[i].features);
		struct pdrv aside = f->drv;

		pdrv_indirect(&aside, 0, DRV_INDIRECT, p, SIZE + 1);
		pdrv_desc(&f->drv, bad[i].d);
		expect_broken(f, bad[i].why);
	}
}

static void refuses_a_table_in_a_chain(void **state UNUSED)
{
	struct fixture *f = open_queue(INDIRECT);

	pdrv_desc(&f->drv, (struct vring_packed_desc) { OUT.at, OUT.len, 0, VRING_DESC_F_NEXT });
	pdrv_desc(
		&f->drv, (struct vring_packed_desc) { DRV_INDIRECT, 16, 0, VRING_DESC_F_INDIRECT });
	expect_broken(f, "an indirect table is not all of its chain");
}

/* Event structures that name no entry or have flags that there are none of. */
static void senseless_events_are_survived(void **state UNUSED)
{
	static const uint32_t events[] = { 0xffffffff, 0x00027fff, 0x0002ffff, 0x00030000,
		0x00020008, 0xdeadbeef };
	struct fixture *f = open_queue(EVENT);
	struct vring_packed_desc e;
	struct virtq_chain c;

	for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
		*f->drv.driver = events[i];
		pdrv_chain(&f->drv, 0, &IN, 1);
		pdrv_publish(&f->drv);
		assert_int_equal(pop(f, &c), 1);
		virtq_push(&f->q, &c, 1);
		virtq_wants_interrupt(&f->q);
		assert_true(pdrv_used(&f->drv, &e));
	}
	assert_null(f->q.broken);
	close_queue(f);
}

static void refuses_impossible_rings(void **state UNUSED)
{
	static const struct {
		uint16_t size;
		uint64_t desc, driver, device;
	} bad[] = {
		{ 0, DRV_DESC, DRV_AVAIL, DRV_USED },
		{ VIRTQ_SIZE_MAX + 1, DRV_DESC, DRV_AVAIL, DRV_USED },
		{ 0xffff, DRV_DESC, DRV_AVAIL, DRV_USED },
		{ 8, DRV_DESC + 8, DRV_AVAIL, DRV_USED },
		{ 8, DRV_DESC, DRV_AVAIL + 2, DRV_USED },
		{ 8, DRV_DESC, DRV_AVAIL, DRV_USED + 1 },
		{ 8, DRV_RAM_BYTES - 112, DRV_AVAIL, DRV_USED },
		{ 8, DRV_DESC, DRV_RAM_BYTES, DRV_USED },
		{ 8, DRV_DESC, DRV_AVAIL, UINT64_MAX - 3 },
	};
	struct fixture *f = open_queue(0);

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		virtq_reset(&f->q);
		f->q.size = bad[i].size;
		f->q.desc = GPA(bad[i].desc);
		f->q.driver = GPA(bad[i].driver);
		f->q.device = GPA(bad[i].device);
		assert_int_equal(virtq_enable(&f->q, RING_PACKED), -EINVAL);
		assert_non_null(f->q.broken);
	}
	close_queue(f);
}

/* ---- in order ---- */

/* Complete in any order, shown in the one they came in; an interrupt only for what is shown. */
static void order_is_kept(void **state UNUSED)
{
	static const unsigned finish[4] = { 2, 0, 3, 1 }, shown[4] = { 0, 1, 0, 3 };
	struct fixture *f = open_queue(ORDER);
	struct vring_packed_desc e;

	for (unsigned round = 0; round < 1000; round++) {
		struct virtq_chain c[4];
		uint16_t expected = 0;

		for (uint16_t i = 0; i < 4; i++)
			pdrv_chain(&f->drv, (uint16_t)(7 - i), &IN, 1);
		pdrv_publish(&f->drv);
		for (unsigned i = 0; i < 4; i++)
			assert_int_equal(pop(f, &c[i]), 1);
		for (unsigned i = 0; i < 4; i++) {
			virtq_push(&f->q, &c[finish[i]], 100 + finish[i]);
			assert_int_equal(virtq_wants_interrupt(&f->q), shown[i] > 0);
			for (unsigned n = 0; n < shown[i]; n++, expected++) {
				assert_true(pdrv_used(&f->drv, &e));
				assert_int_equal(e.id, 7 - expected);
				assert_int_equal(e.len, 100 + expected);
			}
			assert_false(pdrv_used(&f->drv, &e));
		}
	}
	close_queue(f);
}

static void order_is_kept_in_a_split_ring(void **state UNUSED)
{
	struct drv_ram ram;
	struct drv drv;
	struct virtq q;
	struct iovec iov[16];
	struct virtq_chain a, b;
	struct vring_used_elem e;

	drv_ram_open(&ram);
	drv_init(&drv, ram.memory, 0, SIZE, false);
	virtq_init(&q, ram.memory, 0, SIZE);
	q.desc = GPA(drv.desc_at);
	q.driver = GPA(drv.avail_at);
	q.device = GPA(drv.used_at);
	assert_int_equal(virtq_enable(&q, ORDER), 0);
	for (unsigned i = 0; i < 100000; i++) {
		uint16_t first = drv_chain(&drv, &IN, 1), second = drv_chain(&drv, &IN, 1);

		drv_publish(&drv);
		assert_int_equal(virtq_pop(&q, iov, 8, &a), 1);
		assert_int_equal(virtq_pop(&q, iov + 8, 8, &b), 1);
		virtq_push(&q, &b, 2);
		assert_false(drv_used(&drv, &e));
		virtq_push(&q, &a, 1);
		assert_true(drv_used(&drv, &e));
		assert_int_equal(e.id, first);
		assert_true(drv_used(&drv, &e));
		assert_int_equal(e.id, second);
	}
	virtq_done(&q);
	drv_ram_close(&ram);
}

/* What was reset away may finish late: it is nobody's any more. */
static void late_completions_are_passed_over(void **state UNUSED)
{
	struct fixture *f = open_queue(ORDER);
	struct vring_packed_desc e;
	struct virtq_chain c;

	pdrv_chain(&f->drv, 3, &IN, 1);
	pdrv_publish(&f->drv);
	assert_int_equal(pop(f, &c), 1);
	virtq_reset(&f->q);
	pdrv_init(&f->drv, f->ram.memory, SIZE);
	place(f, SIZE, ORDER);
	virtq_push(&f->q, &c, 1);
	c.head = 0xffff;
	virtq_push(&f->q, &c, 1);
	assert_false(virtq_wants_interrupt(&f->q));
	assert_false(pdrv_used(&f->drv, &e));
	assert_int_equal(virtq_stats_get(&f->q).requests, 0);
	close_queue(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_chain_goes_round),
		cmocka_unit_test(both_counters_wrap),
		cmocka_unit_test(out_of_order),
		cmocka_unit_test(depth_one),
		cmocka_unit_test(events_suppress),
		cmocka_unit_test(a_late_question_is_answered_right),
		cmocka_unit_test(flags_suppress),
		cmocka_unit_test(a_disarmed_queue_is_not_rung),
		cmocka_unit_test(indirect_tables),
		cmocka_unit_test(refuses_ids_beyond_the_queue),
		cmocka_unit_test(refuses_an_id_twice),
		cmocka_unit_test(refuses_endless_chains),
		cmocka_unit_test(refuses_chains_over_others),
		cmocka_unit_test(a_full_ring_has_nothing_new),
		cmocka_unit_test(refuses_what_is_not_ram),
		cmocka_unit_test(refuses_lying_tables),
		cmocka_unit_test(refuses_a_table_in_a_chain),
		cmocka_unit_test(senseless_events_are_survived),
		cmocka_unit_test(refuses_impossible_rings),
		cmocka_unit_test(order_is_kept),
		cmocka_unit_test(order_is_kept_in_a_split_ring),
		cmocka_unit_test(late_completions_are_passed_over),
	};

	return cmocka_run_group_tests_name("packed", tests, NULL, NULL);
}
