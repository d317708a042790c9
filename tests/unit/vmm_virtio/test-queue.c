// SPDX-License-Identifier: GPL-2.0-or-later
#include "driver.h"

#define DRIVER struct drv
#include "queue-fixture.h"

static void place(struct fixture *f, uint64_t features)
{
	f->q.size = SIZE;
	f->q.desc = GPA(f->drv.desc_at);
	f->q.driver = GPA(f->drv.avail_at);
	f->q.device = GPA(f->drv.used_at);
	assert_int_equal(virtq_enable(&f->q, features), 0);
}

static struct fixture *open_queue(uint64_t features)
{
	struct fixture *f = calloc(1, sizeof(*f));

	drv_ram_open(&f->ram);
	drv_init(&f->drv, f->ram.memory, 0, SIZE, features & EVENT);
	virtq_init(&f->q, f->ram.memory, 0, 256);
	place(f, features);
	return f;
}

static void a_chain_goes_round(void **state UNUSED)
{
	struct drv_piece p[] = { OUT, { DRV_BUFFERS + 0x800, 3, false }, IN,
		{ DRV_BUFFERS + 0x2000, 1, true } };
	struct fixture *f = open_queue(0);
	struct vring_used_elem e;
	struct virtq_chain c;
	uint16_t head;

	assert_int_equal(pop(f, &c), 0);
	head = drv_chain(&f->drv, p, 4);
	assert_int_equal(pop(f, &c), 0); /* not published yet */
	assert_true(drv_publish(&f->drv));
	assert_int_equal(pop(f, &c), 1);
	assert_int_equal(c.head, head);
	assert_int_equal(c.out.n, 2);
	assert_int_equal(c.out.len, 19);
	assert_int_equal(c.in.n, 2);
	assert_int_equal(c.in.len, 513);
	assert_ptr_equal(c.out.v[0].iov_base, drv_ptr(f->ram.memory, OUT.at));
	assert_ptr_equal(c.in.v[1].iov_base, drv_ptr(f->ram.memory, p[3].at));
	assert_int_equal(pop(f, &c), 0);
	assert_false(drv_used(&f->drv, &e));
	c.head = head;
	virtq_push(&f->q, &c, 513);
	assert_true(drv_used(&f->drv, &e));
	assert_int_equal(e.id, head);
	assert_int_equal(e.len, 513);
	assert_int_equal(virtq_stats_get(&f->q).requests, 1);
	assert_int_equal(virtq_stats_get(&f->q).bytes_out, 19);
	assert_int_equal(virtq_stats_get(&f->q).bytes_in, 513);
	close_queue(f);
}

static void several_are_shown_at_once(void **state UNUSED)
{
	struct fixture *f = open_queue(0);
	struct vring_used_elem e;
	struct virtq_chain a, b;

	drv_chain(&f->drv, &IN, 1);
	drv_chain(&f->drv, &IN, 1);
	drv_publish(&f->drv);
	assert_int_equal(pop(f, &a), 1);
	assert_int_equal(virtq_pop(&f->q, f->iov + 100, 100, &b), 1);
	virtq_fill(&f->q, b.head, 1);
	virtq_fill(&f->q, a.head, 2);
	assert_false(drv_used(&f->drv, &e));
	virtq_publish(&f->q);
	assert_true(drv_used(&f->drv, &e));
	assert_int_equal(e.id, b.head);
	assert_true(drv_used(&f->drv, &e));
	assert_int_equal(e.id, a.head);
	assert_false(drv_used(&f->drv, &e));
	close_queue(f);
}

/* 200,000 chains cross the wrap of the 16-bit indices three times. */
static void indices_wrap(uint64_t features, bool indirect)
{
	struct fixture *f = open_queue(features);
	struct vring_used_elem e;
	struct virtq_chain c;

	for (unsigned i = 0; i < 200000; i++) {
		struct drv_piece p[] = { { DRV_BUFFERS + i % 4096, 1 + i % 7, false }, IN };
		uint16_t head = indirect ? drv_indirect(&f->drv, DRV_INDIRECT, p, 2)
					 : drv_chain(&f->drv, p, 2);

		drv_publish(&f->drv);
		assert_int_equal(pop(f, &c), 1);
		assert_int_equal(c.head, head);
		assert_int_equal(c.out.len, 1 + i % 7);
		virtq_push(&f->q, &c, i);
		assert_true(drv_used(&f->drv, &e));
		assert_int_equal(e.id, head);
		assert_int_equal(e.len, i);
	}
	assert_int_equal(f->drv.used->idx, 200000 % 65536);
	assert_int_equal(virtq_stats_get(&f->q).requests, 200000);
	close_queue(f);
}

static void direct_chains_wrap(void **state UNUSED)
{
	indices_wrap(0, false);
}

static void indirect_chains_wrap(void **state UNUSED)
{
	indices_wrap(EVENT | INDIRECT, true);
}

/*
 * One request at a time: the driver is to ring for each and gets an interrupt for each, whatever
 * it does between the completion and the device's next look.
 */
static void depth_one_rings_and_interrupts_each_time(void **state UNUSED)
{
	struct fixture *f = open_queue(EVENT);
	unsigned interrupts = 0, n = 70000;
	struct vring_used_elem e;
	struct virtq_chain c;

	assert_true(virtq_arm(&f->q));
	for (unsigned i = 0; i < n; i++) {
		drv_chain(&f->drv, &IN, 1);
		assert_true(drv_publish(&f->drv));
		assert_int_equal(pop(f, &c), 1);
		assert_true(virtq_arm(&f->q));
		virtq_push(&f->q, &c, 1);
		interrupts += virtq_wants_interrupt(&f->q);
		assert_true(drv_used(&f->drv, &e));
		*drv_used_event(&f->drv) = f->drv.used_seen;
	}
	assert_int_equal(interrupts, n);
	assert_int_equal(f->drv.rings, n);
	assert_int_equal(virtq_stats_get(&f->q).injections_kept, 0);
	close_queue(f);
}

/* Eight offered one by one while the device works: one ring, and one interrupt when the driver
 * names the eighth. */
static void event_index_suppresses(void **state UNUSED)
{
	struct fixture *f = open_queue(EVENT);
	unsigned interrupts = 0;
	struct virtq_chain c;

	assert_true(virtq_arm(&f->q));
	for (unsigned round = 0; round < 20000; round++) {
		uint64_t rings = f->drv.rings;

		for (unsigned i = 0; i < SIZE; i++) {
			drv_chain(&f->drv, &IN, 1);
			drv_publish(&f->drv);
		}
		assert_int_equal(f->drv.rings, rings + 1);
		*drv_used_event(&f->drv) = (uint16_t)(f->drv.used_seen + SIZE - 1);
		for (unsigned i = 0; i < SIZE; i++) {
			assert_int_equal(pop(f, &c), 1);
			assert_int_equal(virtq_arm(&f->q), i == SIZE - 1);
			virtq_push(&f->q, &c, 1);
			interrupts += interrupted(f);
		}
		assert_int_equal(interrupts, round + 1);
		f->drv.used_seen = (uint16_t)(f->drv.used_seen + SIZE);
	}
	assert_int_equal(virtq_stats_get(&f->q).injections_kept, 20000 * (SIZE - 1));
	close_queue(f);
}

static void flags_suppress(void **state UNUSED)
{
	struct fixture *f = open_queue(0);
	struct virtq_chain c;

	assert_true(virtq_arm(&f->q));
	drv_chain(&f->drv, &IN, 1);
	drv_chain(&f->drv, &IN, 1);
	assert_true(drv_publish(&f->drv));
	assert_int_equal(pop(f, &c), 1);
	assert_false(virtq_arm(&f->q));
	assert_int_equal(f->drv.used->flags, VRING_USED_F_NO_NOTIFY);
	virtq_push(&f->q, &c, 1);
	assert_true(interrupted(f));
	assert_int_equal(pop(f, &c), 1);
	assert_true(virtq_arm(&f->q));
	assert_int_equal(f->drv.used->flags, 0);
	f->drv.avail->flags = VRING_AVAIL_F_NO_INTERRUPT;
	virtq_push(&f->q, &c, 1);
	assert_false(virtq_wants_interrupt(&f->q));
	assert_int_equal(virtq_stats_get(&f->q).injections_kept, 1);
	close_queue(f);
}

static void indirect_after_direct(void **state UNUSED)
{
	struct fixture *f = open_queue(INDIRECT);
	struct drv_piece p[] = { { DRV_BUFFERS + 64, 32, false }, IN };
	struct virtq_chain c;

	drv_indirect(&f->drv, DRV_INDIRECT + 8, p, 2); /* tables need no alignment */
	f->drv.desc[5] = drv_desc(&OUT, true, 0);
	f->drv.avail->ring[0] = 5;
	drv_publish(&f->drv);
	assert_int_equal(pop(f, &c), 1);
	assert_int_equal(c.head, 5);
	assert_int_equal(c.out.n, 2);
	assert_int_equal(c.out.len, 48);
	assert_int_equal(c.in.len, 512);
	close_queue(f);
}

/* Everything that a driver must not do: the queue breaks, says why, and stays quiet. */
static void expect_broken(struct fixture *f, const char *why)
{
	uint16_t used = f->drv.used->idx;
	struct virtq_chain c;

	drv_publish(&f->drv);
	assert_int_equal(pop(f, &c), -EPROTO);
	assert_non_null(f->q.broken);
	assert_string_equal(f->q.broken, why);
	assert_false(virtq_is_live(&f->q));
	drv_chain(&f->drv, &IN, 1);
	drv_publish(&f->drv);
	assert_int_equal(pop(f, &c), 0);
	c = (struct virtq_chain) { 0 };
	virtq_push(&f->q, &c, 1);
	assert_false(virtq_wants_interrupt(&f->q));
	assert_int_equal(f->drv.used->idx, used);

	/* And a reset heals it. */
	virtq_reset(&f->q);
	drv_init(&f->drv, f->ram.memory, 0, SIZE, f->drv.event_idx);
	place(f, INDIRECT);
	drv_chain(&f->drv, &IN, 1);
	drv_publish(&f->drv);
	assert_int_equal(pop(f, &c), 1);
	close_queue(f);
}

static struct vring_desc *one(struct fixture *f)
{
	return &f->drv.desc[drv_chain(&f->drv, &IN, 1)];
}

static struct vring_desc *table(struct fixture *f)
{
	static const struct drv_piece p[] = { { DRV_BUFFERS, 16, false },
		{ DRV_BUFFERS, 16, true } };

	drv_indirect(&f->drv, DRV_INDIRECT, p, 2);
	return drv_ptr(f->ram.memory, DRV_INDIRECT);
}

static void refuses_a_head_out_of_range(void **state UNUSED)
{
	struct fixture *f = open_queue(0);

	one(f);
	f->drv.avail->ring[0] = SIZE;
	expect_broken(f, "a descriptor's number is beyond its table");
}

static void refuses_next_out_of_range(void **state UNUSED)
{
	struct fixture *f = open_queue(0);
	struct vring_desc *d = one(f);

	d->flags |= VRING_DESC_F_NEXT;
	d->next = 0xffff;
	expect_broken(f, "a descriptor's number is beyond its table");
}

static void refuses_a_loop(void **state UNUSED)
{
	struct fixture *f = open_queue(0);
	struct vring_desc *d = one(f);

	d->flags |= VRING_DESC_F_NEXT;
	d->next = 0;
	expect_broken(f, "a chain is longer than the queue, or loops");
}

static void refuses_an_indirect_loop(void **state UNUSED)
{
	struct fixture *f = open_queue(INDIRECT);
	struct vring_desc *t = table(f);

	t[1].flags |= VRING_DESC_F_NEXT;
	t[1].next = 1;
	expect_broken(f, "a chain is longer than the queue, or loops");
}

static void refuses_a_jump(void **state UNUSED)
{
	struct fixture *f = open_queue(0);

	one(f);
	f->drv.avail_idx = SIZE + 1;
	expect_broken(f, "the available index jumped");
}

static void refuses_going_back(void **state UNUSED)
{
	struct fixture *f = open_queue(0);

	f->drv.avail_idx = 0xffff;
	expect_broken(f, "the available index jumped");
}

static void refuses_what_is_not_ram(void **state UNUSED)
{
	static const struct {
		uint64_t at;
		uint32_t len;
	} bad[] = {
		{ DRV_RAM_BYTES, 1 },
		{ DRV_RAM_BYTES - 1, 2 }, /* the start is in RAM, the end is not */
		{ 0, DRV_RAM_BYTES + 1 },
		{ 0, UINT32_MAX },
		{ UINT64_MAX, 1 },
		{ UINT64_MAX - 15, 512 }, /* wraps */
		{ 0xfee00000, 4 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct fixture *f = open_queue(0);
		struct vring_desc *d = one(f);

		d->addr = bad[i].at;
		d->len = bad[i].len;
		expect_broken(f, "a buffer is not in RAM");
	}
}

static void refuses_an_empty_buffer(void **state UNUSED)
{
	struct fixture *f = open_queue(0);

	one(f)->len = 0;
	expect_broken(f, "a buffer is empty");
}

static void refuses_readable_after_writable(void **state UNUSED)
{
	struct drv_piece p[] = { IN, OUT };
	struct fixture *f = open_queue(0);

	drv_chain(&f->drv, p, 2);
	expect_broken(f, "a readable buffer follows a writable one");
}

static void refuses_indirect_unasked(void **state UNUSED)
{
	struct fixture *f = open_queue(0);

	table(f);
	expect_broken(f, "an indirect table was not negotiated");
}

static void refuses_indirect_in_indirect(void **state UNUSED)
{
	struct fixture *f = open_queue(INDIRECT);

	table(f)[0] = (struct vring_desc) { DRV_INDIRECT, 16, VRING_DESC_F_INDIRECT, 0 };
	expect_broken(f, "an indirect table is inside another");
}

static void refuses_next_after_indirect(void **state UNUSED)
{
	struct fixture *f = open_queue(INDIRECT);

	table(f);
	f->drv.desc[0].flags |= VRING_DESC_F_NEXT;
	expect_broken(f, "a chain goes on after an indirect table");
}

static void refuses_odd_tables(void **state UNUSED)
{
	static const uint32_t bad[] = { 0, 15, 17, UINT32_MAX };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct fixture *f = open_queue(INDIRECT);

		table(f);
		f->drv.desc[0].len = bad[i];
		expect_broken(f, "an indirect table has an impossible length");
	}
}

static void refuses_tables_outside_ram(void **state UNUSED)
{
	struct fixture *f = open_queue(INDIRECT);

	table(f);
	f->drv.desc[0].addr = DRV_RAM_BYTES - 16;
	expect_broken(f, "an indirect table is not in RAM");
}

static void refuses_next_beyond_the_table(void **state UNUSED)
{
	struct fixture *f = open_queue(INDIRECT);

	table(f)[0].next = 2;
	expect_broken(f, "a descriptor's number is beyond its table");
}

/* Eight pieces are allowed, nine are not; through a table they would fit, the queue size counts. */
static void the_queue_size_bounds_a_chain(void **state UNUSED)
{
	struct drv_piece p[SIZE + 1];
	struct fixture *f = open_queue(INDIRECT);
	struct virtq_chain c;

	for (unsigned i = 0; i <= SIZE; i++)
		p[i] = OUT;
	drv_indirect(&f->drv, DRV_INDIRECT, p, SIZE);
	drv_publish(&f->drv);
	assert_int_equal(pop(f, &c), 1);
	assert_int_equal(c.out.n, SIZE);
	drv_indirect(&f->drv, DRV_INDIRECT, p, SIZE + 1);
	expect_broken(f, "a chain is longer than the queue, or loops");
}

/* It would be given back twice, and the second time be somebody else's. */
static void refuses_a_head_twice(void **state UNUSED)
{
	struct fixture *f = open_queue(0);
	struct virtq_chain c;

	drv_chain(&f->drv, &IN, 1);
	drv_publish(&f->drv);
	assert_int_equal(pop(f, &c), 1);
	drv_offer(&f->drv, 0);
	expect_broken(f, "a chain is offered again before it was given back");
}

/* While somebody looks all the time nobody rings, also when the indices wrap. */
static void a_disarmed_queue_is_not_rung(void **state UNUSED)
{
	for (unsigned features = 0; features < 2; features++) {
		struct fixture *f = open_queue(features ? EVENT : 0);
		struct virtq_chain c;

		virtq_disarm(&f->q);
		for (unsigned i = 0; i < 200000; i++) {
			drv_chain(&f->drv, &IN, 1);
			assert_false(drv_publish(&f->drv));
			assert_int_equal(pop(f, &c), 1);
			virtq_push(&f->q, &c, 1);
		}
		assert_int_equal(virtq_stats_get(&f->q).doorbells_suppressed, 200000);
		assert_true(virtq_arm(&f->q));
		drv_chain(&f->drv, &IN, 1);
		assert_true(drv_publish(&f->drv));
		close_queue(f);
	}
}

static void refuses_impossible_rings(void **state UNUSED)
{
	static const struct {
		uint16_t size;
		uint64_t desc, driver, device;
	} bad[] = {
		{ 0, DRV_DESC, DRV_AVAIL, DRV_USED },
		{ 3, DRV_DESC, DRV_AVAIL, DRV_USED },
		{ 512, DRV_DESC, DRV_AVAIL, DRV_USED },
		{ 8, DRV_DESC + 8, DRV_AVAIL, DRV_USED },
		{ 8, DRV_DESC, DRV_AVAIL + 1, DRV_USED },
		{ 8, DRV_DESC, DRV_AVAIL, DRV_USED + 2 },
		{ 8, DRV_RAM_BYTES - 112, DRV_AVAIL, DRV_USED },
		/* Only the event index at the end is outside. */
		{ 8, DRV_DESC, DRV_RAM_BYTES - 20, DRV_USED },
		{ 8, DRV_DESC, DRV_AVAIL, DRV_RAM_BYTES - 68 },
		{ 8, UINT64_MAX - 15, DRV_AVAIL, DRV_USED },
		{ 8, 0xd0000000, DRV_AVAIL, DRV_USED },
	};
	struct fixture *f = open_queue(EVENT);
	struct virtq_chain c;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		virtq_reset(&f->q);
		f->q.size = bad[i].size;
		f->q.desc = GPA(bad[i].desc);
		f->q.driver = GPA(bad[i].driver);
		f->q.device = GPA(bad[i].device);
		assert_int_equal(virtq_enable(&f->q, EVENT), -EINVAL);
		assert_non_null(f->q.broken);
		assert_int_equal(pop(f, &c), 0);
		assert_true(virtq_arm(&f->q));
	}
	/* At the very end of RAM is fine. */
	virtq_reset(&f->q);
	f->q.size = SIZE;
	f->q.desc = GPA(DRV_DESC);
	f->q.driver = GPA(DRV_AVAIL);
	f->q.device = GPA(DRV_RAM_BYTES - 4 - 64);
	assert_int_equal(virtq_enable(&f->q, 0), 0);
	close_queue(f);
}

/* Whatever the driver wants, and however many go back at once: each chain is told of once. */
static void each_chain_is_accounted_for(void **state UNUSED)
{
	struct fixture *f = open_queue(EVENT);
	struct virtq_stats s;
	struct virtq_chain c;
	unsigned rings = 0;

	assert_true(virtq_arm(&f->q));
	for (unsigned round = 0; round < 3000; round++) {
		unsigned n = 1 + round % SIZE, batch = 1 + round % 3;

		for (unsigned i = 0; i < n; i++) {
			drv_chain(&f->drv, &IN, 1);
			if (drv_publish(&f->drv)) {
				virtq_count_doorbells(&f->q, 1, true);
				rings++;
			}
		}
		*drv_used_event(&f->drv) = (uint16_t)(f->drv.used_seen + round % (n + 1));
		for (unsigned i = 0; i < n; i++) {
			assert_int_equal(pop(f, &c), 1);
			virtq_arm(&f->q);
			virtq_fill(&f->q, c.head, 1);
			if ((i + 1) % batch && i + 1 < n)
				continue;
			virtq_publish(&f->q);
			interrupted(f);
		}
		f->drv.used_seen = (uint16_t)(f->drv.used_seen + n);
	}
	s = virtq_stats_get(&f->q);
	assert_int_equal(s.doorbells, rings);
	assert_int_equal(s.requests, s.doorbells + s.doorbells_suppressed);
	assert_int_equal(s.requests, s.injections + s.injections_merged + s.injections_kept);
	assert_true(s.injections && s.injections_merged && s.injections_kept);
	close_queue(f);
}

static void doorbells_are_counted(void **state UNUSED)
{
	struct fixture *f = open_queue(0);

	virtq_count_doorbells(&f->q, 3, true);
	virtq_count_doorbells(&f->q, 1, false);
	virtq_count_injection(&f->q);
	assert_int_equal(virtq_stats_get(&f->q).doorbells, 4);
	assert_int_equal(virtq_stats_get(&f->q).wakeups, 1);
	assert_int_equal(virtq_stats_get(&f->q).injections, 1);
	assert_int_equal(virtq_stats_get(&f->q).injections_merged, 0);
	virtq_count_syscalls(&f->q, 7);
	assert_int_equal(virtq_stats_get(&f->q).host_syscalls, 7);
	virtq_reset(&f->q);
	assert_int_equal(virtq_stats_get(&f->q).doorbells, 4);
	close_queue(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_chain_goes_round),
		cmocka_unit_test(several_are_shown_at_once),
		cmocka_unit_test(direct_chains_wrap),
		cmocka_unit_test(indirect_chains_wrap),
		cmocka_unit_test(depth_one_rings_and_interrupts_each_time),
		cmocka_unit_test(event_index_suppresses),
		cmocka_unit_test(flags_suppress),
		cmocka_unit_test(indirect_after_direct),
		cmocka_unit_test(refuses_a_head_out_of_range),
		cmocka_unit_test(refuses_next_out_of_range),
		cmocka_unit_test(refuses_a_loop),
		cmocka_unit_test(refuses_an_indirect_loop),
		cmocka_unit_test(refuses_a_jump),
		cmocka_unit_test(refuses_going_back),
		cmocka_unit_test(refuses_what_is_not_ram),
		cmocka_unit_test(refuses_an_empty_buffer),
		cmocka_unit_test(refuses_readable_after_writable),
		cmocka_unit_test(refuses_indirect_unasked),
		cmocka_unit_test(refuses_indirect_in_indirect),
		cmocka_unit_test(refuses_next_after_indirect),
		cmocka_unit_test(refuses_odd_tables),
		cmocka_unit_test(refuses_tables_outside_ram),
		cmocka_unit_test(refuses_next_beyond_the_table),
		cmocka_unit_test(the_queue_size_bounds_a_chain),
		cmocka_unit_test(refuses_a_head_twice),
		cmocka_unit_test(a_disarmed_queue_is_not_rung),
		cmocka_unit_test(refuses_impossible_rings),
		cmocka_unit_test(each_chain_is_accounted_for),
		cmocka_unit_test(doorbells_are_counted),
	};

	return cmocka_run_group_tests_name("queue", tests, NULL, NULL);
}
