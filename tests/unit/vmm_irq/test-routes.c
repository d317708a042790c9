/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cm.h"

#include "vmm/irq/routes.h"

#include <stdlib.h>

enum { PINS = 40 };

static struct msi_message to(unsigned cpu, unsigned number)
{
	return (struct msi_message) { 0xfee00000 | cpu << 12, number };
}

static bool leads_to(const struct irq_routes *r, int gsi, struct msi_message m)
{
	struct msi_message is = routes_message(r, gsi);

	return is.address == m.address && is.data == m.data;
}

static void one_change_for_all_of_a_cpu(void **state UNUSED)
{
	struct irq_routes r;

	routes_init(&r, 4096, PINS);
	for (unsigned number = 16; number < 256; number++) {
		int gsi = routes_take(&r, to(3, number));

		assert_true(gsi >= IRQ_IOAPIC_PINS);
		assert_true(routes_is_used(&r, gsi));
		assert_true(leads_to(&r, gsi, to(3, number)));
		assert_int_equal(r.dirty, number == 16);
		r.dirty = false;
	}
	assert_int_equal(routes_count(&r), ROUTES_VECTORS);
}

static void two_with_the_same_message_have_each_their_own(void **state UNUSED)
{
	struct irq_routes r;
	int first, second;

	routes_init(&r, 4096, PINS);
	first = routes_take(&r, to(0, 0x40));
	second = routes_take(&r, to(0, 0x40));
	assert_int_not_equal(first, second);
	assert_true(leads_to(&r, first, to(0, 0x40)) && leads_to(&r, second, to(0, 0x40)));
	routes_give(&r, first);
	assert_false(routes_is_used(&r, first));
	assert_true(routes_is_used(&r, second));
	assert_int_equal(routes_take(&r, to(0, 0x40)), first);
}

/* Numbers that are no interrupts, messages with odd bits, more CPUs than blocks. */
static void what_fits_no_block_is_alone(void **state UNUSED)
{
	struct irq_routes r;
	int gsi;

	routes_init(&r, 4096, PINS);
	gsi = routes_take(&r, to(0, 3));
	assert_true(gsi >= 0 && leads_to(&r, gsi, to(0, 3)));
	for (unsigned cpu = 0; cpu < 40; cpu++) {
		gsi = routes_take(&r, to(cpu, 0x50));
		assert_true(gsi >= 0 && leads_to(&r, gsi, to(cpu, 0x50)));
	}
	assert_int_equal(routes_count(&r), ROUTES_BLOCKS * ROUTES_VECTORS + 1 + 40 - ROUTES_BLOCKS);
}

static void blocks_that_nobody_uses_go_to_others(void **state UNUSED)
{
	struct irq_routes r;

	routes_init(&r, 4096, PINS);
	for (unsigned cpu = 0; cpu < 200; cpu++) {
		int gsi = routes_take(&r, to(cpu, 0x50));

		assert_true(gsi < IRQ_IOAPIC_PINS + ROUTES_BLOCKS * ROUTES_VECTORS);
		assert_true(leads_to(&r, gsi, to(cpu, 0x50)));
		routes_give(&r, gsi);
	}
	assert_int_equal(routes_count(&r), ROUTES_BLOCKS * ROUTES_VECTORS);
}

static void the_end_of_the_table_is_told(void **state UNUSED)
{
	static const unsigned rooms[] = { 4096, 1024, 300, 60 };
	struct kvm_irq_routing_entry *e = calloc(4096, sizeof(*e));

	for (size_t i = 0; i < ARRAY_SIZE(rooms); i++) {
		struct irq_routes r;
		unsigned n = 0;

		routes_init(&r, rooms[i], PINS);
		while (routes_take(&r, to(n / 4, 0x30)) >= 0)
			n++;
		assert_int_equal(routes_take(&r, to(0, 0x30)), -ENOSPC);
		assert_true(n >= (rooms[i] - PINS) / ROUTES_VECTORS);
		assert_true(routes_count(&r) + PINS <= rooms[i]);
		routes_fill(&r, e);
		for (unsigned k = 0; k < routes_count(&r); k++)
			assert_true(e[k].gsi < rooms[i]);
	}
	free(e);
}

static void whatever_comes_each_leads_where_it_should(void **state UNUSED)
{
	struct irq_routes r;
	struct {
		int gsi;
		struct msi_message m;
	} held[64] = { 0 };
	unsigned seed = 42;

	routes_init(&r, 4096, PINS);
	for (unsigned i = 0; i < 50000; i++) {
		unsigned at = (unsigned)rand_r(&seed) % ARRAY_SIZE(held);

		if (held[at].gsi)
			routes_give(&r, held[at].gsi);
		held[at].m = to((unsigned)rand_r(&seed) % 30, (unsigned)rand_r(&seed) % 256);
		held[at].gsi = routes_take(&r, held[at].m);
		assert_true(held[at].gsi > 0);
		for (unsigned k = 0; k < ARRAY_SIZE(held); k++) {
			if (!held[k].gsi)
				continue;
			assert_true(leads_to(&r, held[k].gsi, held[k].m));
			assert_true(k == at || held[k].gsi != held[at].gsi);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_change_for_all_of_a_cpu),
		cmocka_unit_test(two_with_the_same_message_have_each_their_own),
		cmocka_unit_test(what_fits_no_block_is_alone),
		cmocka_unit_test(blocks_that_nobody_uses_go_to_others),
		cmocka_unit_test(the_end_of_the_table_is_told),
		cmocka_unit_test(whatever_comes_each_leads_where_it_should),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
