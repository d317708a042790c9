/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cm.h"

#include "fakevfio/fakekvm.h"
#include "vmm/bus/bus.h"
#include "vmm/dev/plug.h"
#include "vmm/irq/irq.h"

#include <stdlib.h>

struct env {
	struct fakekvm k;
	struct kvm_vm *vm;
	struct irq_chip *irq;
	struct bus *pio;
	struct plug *p;
	uint32_t ejected;
};

static void on_eject(void *arg, uint32_t slots)
{
	((struct env *)arg)->ejected = slots;
}

static int set_up(void **state)
{
	struct env *e = calloc(1, sizeof(*e));
	struct plug_params p = { .eject = on_eject, .arg = e };

	fakekvm_init(&e->k);
	assert_int_equal(kvm_vm_new(&e->k.host, e->k.fd, &e->vm, NULL), 0);
	assert_int_equal(irq_chip_new(e->vm, &e->irq, NULL), 0);
	assert_int_equal(bus_new("pio", &e->pio), 0);
	p.pio = e->pio;
	p.irq = e->irq;
	assert_int_equal(plug_new(&p, &e->p), 0);
	*state = e;
	return 0;
}

static int tear_down(void **state)
{
	struct env *e = *state;

	plug_free(e->p);
	assert_int_equal(e->k.levels[IRQ_ACPI_SCI], 0);
	bus_free(e->pio);
	irq_chip_free(e->irq);
	kvm_vm_free(e->vm);
	fakekvm_done(&e->k);
	free(e);
	return 0;
}

static uint32_t in(struct env *e, unsigned at, unsigned len)
{
	uint64_t v;

	assert_true(bus_read(e->pio, PLUG_PORT + at, len, &v));
	return (uint32_t)v;
}

static void the_line_is_up_until_all_is_read(void **state)
{
	struct env *e = *state;

	assert_false(plug_is_heard(e->p));
	plug_came(e->p, 3);
	plug_came(e->p, 31);
	plug_should_leave(e->p, 4);
	plug_press_button(e->p);
	assert_int_equal(e->k.levels[IRQ_ACPI_SCI], 1);
	assert_int_equal(in(e, 0, 4), 1U << 3 | 1U << 31 | 1);
	assert_int_equal(in(e, 0, 4), 0);
	assert_int_equal(e->k.levels[IRQ_ACPI_SCI], 1);
	assert_int_equal(in(e, 4, 4), 1U << 4);
	assert_int_equal(e->k.levels[IRQ_ACPI_SCI], 0);
	assert_true(plug_is_heard(e->p));
}

/* Who leaves before it was heard that he came has not come. */
static void the_last_word_counts(void **state)
{
	struct env *e = *state;

	plug_came(e->p, 3);
	plug_should_leave(e->p, 3);
	assert_int_equal(in(e, 0, 4), 0);
	assert_int_equal(in(e, 4, 4), 1U << 3);
	plug_should_leave(e->p, 3);
	plug_came(e->p, 3);
	assert_int_equal(in(e, 4, 4), 0);
	assert_int_equal(in(e, 0, 4), 1U << 3);
}

static void only_whole_registers_count(void **state)
{
	struct env *e = *state;

	plug_came(e->p, 3);
	for (unsigned at = 0; at < PLUG_BYTES; at++)
		for (unsigned len = 1; at + len <= PLUG_BYTES && len <= 8; len++)
			if (len != 4 || at % 4)
				assert_int_equal(in(e, at, len), 0);
	assert_int_equal(in(e, 8, 4), 0);
	assert_false(plug_is_heard(e->p));
	bus_write(e->pio, PLUG_PORT + 8, 1, 0xff);
	bus_write(e->pio, PLUG_PORT, 4, 0xff);
	assert_int_equal(e->ejected, 0);
	bus_write(e->pio, PLUG_PORT + 8, 4, 0x80000010);
	assert_int_equal(e->ejected, 0x80000010);
	assert_int_equal(in(e, 0, 4), 1U << 3);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(the_line_is_up_until_all_is_read),
		T(the_last_word_counts),
		T(only_whole_registers_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
