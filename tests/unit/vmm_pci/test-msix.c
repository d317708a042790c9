/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cm.h"

#include "fakevfio/fakekvm.h"
#include "vmm/pci/msix.h"

#include <stdlib.h>

enum { VECTORS = 70, TABLE = 0, PBA = 0x800, CTRL = PCI_MSIX_ENTRY_VECTOR_CTRL };

struct env {
	struct fakekvm k;
	struct kvm_vm *vm;
	struct irq_chip *irq;
	struct pci_device dev;
	struct msix *m;
	unsigned cap, live[VECTORS], enabled;
};

static void on_enabled(void *opaque, bool on)
{
	((struct env *)opaque)->enabled += on;
}

static void on_live(void *opaque, unsigned vector)
{
	struct env *e = opaque;

	assert_true(msix_fd(e->m, vector) >= 0);
	e->live[vector]++;
}

static int set_up(void **state)
{
	static const struct msix_ops ops = { .enabled = on_enabled, .live = on_live };
	static const struct pci_device_ops dev_ops = { 0 };
	struct env *e = calloc(1, sizeof(*e));
	struct msix_params p = {
		.vectors = VECTORS,
		.table_bar = 1,
		.pba_bar = 1,
		.table_offset = TABLE,
		.pba_offset = PBA,
		.ops = &ops,
		.opaque = e,
	};

	fakekvm_init(&e->k);
	assert_int_equal(kvm_vm_new(&e->k.host, e->k.fd, &e->vm, NULL), 0);
	assert_int_equal(irq_chip_new(e->vm, &e->irq, NULL), 0);
	p.irq = e->irq;
	pci_device_init(&e->dev, &dev_ops, "dev", &(struct pci_ids) { .vendor = 1 });
	assert_int_equal(msix_new(&e->dev, &p, 0, &e->m), 0);
	e->cap = pci_find_capability(&e->dev, PCI_CAP_ID_MSIX);
	*state = e;
	return 0;
}

static int tear_down(void **state)
{
	struct env *e = *state;

	msix_free(e->m);
	assert_int_equal(fakekvm_irqfds(&e->k), 0);
	pci_device_done(&e->dev);
	irq_chip_free(e->irq);
	kvm_vm_free(e->vm);
	fakekvm_done(&e->k);
	free(e);
	return 0;
}

static void flags(struct env *e, uint16_t v)
{
	pci_config_default_write(&e->dev, e->cap + PCI_MSIX_FLAGS, 2, v);
	msix_config_written(e->m, e->cap + PCI_MSIX_FLAGS, 2);
}

static void set(struct env *e, unsigned vector, unsigned field, uint32_t v)
{
	assert_true(msix_bar_write(e->m, 1, TABLE + vector * 16 + field, 4, v));
}

static uint64_t get(struct env *e, uint64_t offset, unsigned len)
{
	uint64_t v;

	assert_true(msix_bar_read(e->m, 1, offset, len, &v));
	return v;
}

/* The message's data names the vector. */
static void program(struct env *e, unsigned vector, uint32_t data)
{
	set(e, vector, 0, 0xfee00000);
	set(e, vector, 4, 0);
	set(e, vector, 8, data);
	set(e, vector, CTRL, 0);
}

static void capability_is_right(void **state)
{
	struct env *e = *state;

	assert_int_equal(pci_get16(&e->dev, e->cap + PCI_MSIX_FLAGS), VECTORS - 1);
	assert_int_equal(pci_get32(&e->dev, e->cap + PCI_MSIX_TABLE), TABLE | 1);
	assert_int_equal(pci_get32(&e->dev, e->cap + PCI_MSIX_PBA), PBA | 1);
	flags(e, 0xffff);
	assert_int_equal(pci_get16(&e->dev, e->cap + PCI_MSIX_FLAGS), 0xc000 | (VECTORS - 1));
}

static void fires_when_live(void **state)
{
	struct env *e = *state;

	program(e, 3, 103);
	msix_notify(e->m, 3); /* not enabled: dropped */
	flags(e, PCI_MSIX_FLAGS_ENABLE);
	assert_true(msix_is_enabled(e->m));
	assert_int_equal(fakekvm_deliver(&e->k, 103), 0);
	msix_notify(e->m, 3);
	assert_int_equal(fakekvm_deliver(&e->k, 103), 1);
	assert_int_equal(e->live[3], 1);
	assert_int_equal(e->enabled, 1);
	msix_notify(e->m, VECTORS); /* no such vector */
	assert_int_equal(fakekvm_deliver(&e->k, 103), 0);
	/* Only the one that is used costs an irqfd. */
	assert_int_equal(fakekvm_irqfds(&e->k), 1);
}

static void masked_is_pending_and_fires_once(void **state)
{
	struct env *e = *state;

	program(e, 65, 165);
	flags(e, PCI_MSIX_FLAGS_ENABLE);
	set(e, 65, CTRL, 1);
	msix_notify(e->m, 65);
	msix_notify(e->m, 65);
	assert_int_equal(fakekvm_deliver(&e->k, 165), 0);
	assert_int_equal(get(e, PBA, 8), 0);
	assert_int_equal(get(e, PBA + 8, 8), 2);
	assert_int_equal(get(e, PBA + 8, 1), 2);
	assert_int_equal(get(e, PBA + 9, 1), 0);
	set(e, 65, CTRL, 0);
	assert_int_equal(get(e, PBA + 8, 8), 0);
	assert_int_equal(fakekvm_deliver(&e->k, 165), 1);
	assert_int_equal(fakekvm_deliver(&e->k, 165), 0);
}

static void function_mask_masks_all(void **state)
{
	struct env *e = *state;

	program(e, 0, 100);
	program(e, 1, 100);
	flags(e, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	msix_notify(e->m, 0);
	msix_notify(e->m, 1);
	assert_int_equal(fakekvm_irqfds(&e->k), 0);
	assert_int_equal(get(e, PBA, 4), 3);
	flags(e, PCI_MSIX_FLAGS_ENABLE);
	assert_int_equal(fakekvm_deliver(&e->k, 100), 2);
}

static void disabling_forgets(void **state)
{
	struct env *e = *state;

	program(e, 0, 100);
	flags(e, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	msix_notify(e->m, 0);
	flags(e, 0);
	assert_int_equal(get(e, PBA, 8), 0);
	flags(e, PCI_MSIX_FLAGS_ENABLE);
	assert_int_equal(fakekvm_deliver(&e->k, 100), 0);
	assert_int_equal(e->live[0], 1);
	flags(e, 0);
	flags(e, PCI_MSIX_FLAGS_ENABLE);
	assert_int_equal(e->live[0], 2);
}

/* A driver that sets up many vectors while they are masked costs one routing update, not n. */
static void routes_go_out_together(void **state)
{
	struct env *e = *state;
	uint64_t before;

	flags(e, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	for (unsigned i = 0; i < 50; i++)
		program(e, i, 200 + i);
	before = irq_routing_updates(e->irq);
	flags(e, PCI_MSIX_FLAGS_ENABLE);
	assert_int_equal(irq_routing_updates(e->irq), before + 1);
	assert_int_equal(fakekvm_irqfds(&e->k), 50);
	/* Masking and unmasking costs none, a new message one. */
	set(e, 7, CTRL, 1);
	set(e, 7, CTRL, 0);
	assert_int_equal(irq_routing_updates(e->irq), before + 1);
	set(e, 7, 8, 999);
	assert_int_equal(irq_routing_updates(e->irq), before + 2);
	msix_notify(e->m, 7);
	assert_int_equal(fakekvm_deliver(&e->k, 999), 1);
}

/* As Linux does it: each vector alone, when its handler is requested; to the CPUs in turn. */
static void a_boot_costs_few_routing_updates(void **state)
{
	enum { USED = 64, CPUS = 8 };
	struct env *e = *state;
	uint64_t before = irq_routing_updates(e->irq);

	flags(e, PCI_MSIX_FLAGS_ENABLE);
	for (unsigned i = 0; i < USED; i++) {
		set(e, i, 0, 0xfee00000 | i % CPUS << 12);
		set(e, i, 8, 0x21 + i / CPUS);
		set(e, i, CTRL, 0);
	}
	assert_int_equal(fakekvm_irqfds(&e->k), USED);
	assert_true(irq_routing_updates(e->irq) - before <= USED / 8 + 8);
	/* Affinity changes: nothing new for KVM. */
	before = irq_routing_updates(e->irq);
	for (unsigned i = 0; i < USED; i++) {
		set(e, i, CTRL, 1);
		set(e, i, 0, 0xfee00000 | (i + 1) % CPUS << 12);
		set(e, i, 8, 0x80 + i / CPUS);
		msix_notify(e->m, i); /* while it is masked */
		set(e, i, CTRL, 0);
	}
	assert_int_equal(irq_routing_updates(e->irq), before);
	for (unsigned i = 0; i < USED / CPUS; i++)
		assert_int_equal(fakekvm_deliver(&e->k, 0x80 + i), i ? 0 : CPUS);
}

static void table_reads_back(void **state)
{
	struct env *e = *state;

	assert_int_equal(get(e, TABLE + CTRL, 4), 1); /* masked after reset */
	assert_true(msix_bar_write(e->m, 1, TABLE + 16, 8, 0x11223344aabbccdf));
	assert_true(get(e, TABLE + 16, 8) == 0x11223344aabbccdc); /* two bits are reserved */
	set(e, 1, CTRL, 0xffffffff);
	assert_int_equal(get(e, TABLE + 16 + CTRL, 4), 1);
	assert_true(msix_bar_write(e->m, 1, PBA, 8, UINT64_MAX)); /* read-only */
	assert_int_equal(get(e, PBA, 8), 0);
	assert_false(msix_bar_write(e->m, 1, TABLE + VECTORS * 16, 4, 0));
	assert_false(msix_bar_write(e->m, 0, TABLE, 4, 0));
}

/* Any length anywhere; the sanitizers watch. */
static void odd_accesses(void **state)
{
	struct env *e = *state;
	uint64_t v;

	flags(e, PCI_MSIX_FLAGS_ENABLE);
	for (uint64_t at = 0; at < 0x900; at++)
		for (unsigned len = 1; len <= 8; len++) {
			msix_bar_write(e->m, 1, at, len, UINT64_MAX);
			msix_bar_read(e->m, 1, at, len, &v);
		}
	/* An access that leaves the table reads ones behind it. */
	assert_int_equal(get(e, TABLE + VECTORS * 16 - 1, 2) >> 8, 0xff);
}

static void reset_masks_and_disables(void **state)
{
	struct env *e = *state;

	program(e, 2, 102);
	flags(e, PCI_MSIX_FLAGS_ENABLE);
	msix_reset(e->m);
	assert_false(msix_is_enabled(e->m));
	assert_int_equal(fakekvm_irqfds(&e->k), 0);
	assert_int_equal(pci_get16(&e->dev, e->cap + PCI_MSIX_FLAGS), VECTORS - 1);
	assert_int_equal(get(e, TABLE + 32 + CTRL, 4), 1);
	assert_int_equal(get(e, TABLE + 32, 8), 0);
}

static void senseless_parameters(void **state)
{
	struct env *e = *state;
	struct msix_params p = { .irq = e->irq, .vectors = 0 };
	struct msix *m = NULL;

	assert_int_equal(msix_new(&e->dev, &p, 0, &m), -EINVAL);
	p.vectors = 2049;
	assert_int_equal(msix_new(&e->dev, &p, 0, &m), -EINVAL);
	p.vectors = 1;
	p.table_offset = 4;
	assert_int_equal(msix_new(&e->dev, &p, 0, &m), -EINVAL);
	p.table_offset = 0;
	assert_int_equal(msix_new(&e->dev, &p, 250, &m), -EINVAL);
	assert_null(m);
	assert_int_equal(msix_fd(e->m, VECTORS), -ERANGE);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(capability_is_right),
		TEST(fires_when_live),
		TEST(masked_is_pending_and_fires_once),
		TEST(function_mask_masks_all),
		TEST(disabling_forgets),
		TEST(routes_go_out_together),
		TEST(a_boot_costs_few_routing_updates),
		TEST(table_reads_back),
		TEST(odd_accesses),
		TEST(reset_masks_and_disables),
		TEST(senseless_parameters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
