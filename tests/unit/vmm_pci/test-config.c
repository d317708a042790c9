/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The root bus as vCPUs reach it: every width and offset, BARs that move, guests that mean harm. */
#include "cm.h"

#include "fakevfio/fakekvm.h"
#include "vmm/pci/bus.h"

#include <stdlib.h>
#include <string.h>

#define ECAM  0xe0000000ULL
#define MEM32 0xc0000000ULL
#define MEM64 0x100000000ULL
#define MIB   (1ULL << 20)

enum { SLOT = 3, FN = SLOT << 15 };

struct toy {
	struct pci_device dev;
	unsigned mapped, unmapped, stopped, *freed;
	uint64_t at[PCI_BARS], wrote;
	unsigned bad_lens;
	bool clings; /* lets no BAR go */
};

struct env {
	struct fakekvm k;
	struct kvm_vm *vm;
	struct irq_chip *irq;
	struct bus *pio, *mmio;
	struct pci_bus *pci;
	struct toy *toy;
	unsigned freed;
};

static struct toy *toy_of(struct pci_device *dev)
{
	return container_of(dev, struct toy, dev);
}

static int toy_mapped(struct pci_device *dev, unsigned bar, struct gpa at)
{
	toy_of(dev)->mapped++;
	toy_of(dev)->at[bar] = at.v;
	return 0;
}

static int toy_unmapped(struct pci_device *dev, unsigned bar, struct gpa at)
{
	assert_int_equal(toy_of(dev)->at[bar], at.v);
	if (toy_of(dev)->clings)
		return -ENOMEM;
	toy_of(dev)->unmapped++;
	toy_of(dev)->at[bar] = 0;
	return 0;
}

static uint64_t toy_read(
	struct pci_device *dev UNUSED, unsigned bar, uint64_t offset, unsigned len UNUSED)
{
	return (uint64_t)bar << 32 | offset;
}

static void toy_write(struct pci_device *dev, unsigned bar UNUSED, uint64_t offset UNUSED,
	unsigned len UNUSED, uint64_t value)
{
	toy_of(dev)->wrote = value;
}

static uint32_t toy_config_read(struct pci_device *dev, unsigned offset, unsigned len)
{
	/* The promise of device.h: 1, 2 or 4 bytes inside one dword. */
	toy_of(dev)->bad_lens += (len != 1 && len != 2 && len != 4) || offset % 4 + len > 4;
	return pci_config_default_read(dev, offset, len);
}

static void toy_config_write(struct pci_device *dev, unsigned offset, unsigned len, uint32_t value)
{
	toy_of(dev)->bad_lens += (len != 1 && len != 2 && len != 4) || offset % 4 + len > 4;
	pci_config_default_write(dev, offset, len, value);
}

static void toy_stop(struct pci_device *dev)
{
	toy_of(dev)->stopped++;
}

static void toy_free(struct pci_device *dev)
{
	if (toy_of(dev)->freed)
		++*toy_of(dev)->freed;
	pci_device_done(dev);
	free(toy_of(dev));
}

static const struct pci_device_ops toy_ops = {
	.config_read = toy_config_read,
	.config_write = toy_config_write,
	.bar_mapped = toy_mapped,
	.bar_unmapped = toy_unmapped,
	.bar_read = toy_read,
	.bar_write = toy_write,
	.stop = toy_stop,
	.free = toy_free,
};

static struct toy *toy_new(void)
{
	const struct pci_ids ids = {
		.vendor = 0x1234,
		.device = 0x5678,
		.subsystem_vendor = 0xabcd,
		.subsystem = 0xef01,
		.revision = 7,
		.class = 0x020000,
	};
	struct toy *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	pci_device_init(&t->dev, &toy_ops, "toy", &ids);
	return t;
}

static void add_toy(struct env *e)
{
	struct toy *t = toy_new();

	assert_int_equal(pci_set_bar(&t->dev, 0, PCI_BAR_MEM32, false, 0x4000), 0);
	assert_int_equal(pci_set_bar(&t->dev, 1, PCI_BAR_IO, false, 0x20), 0);
	assert_int_equal(pci_set_bar(&t->dev, 2, PCI_BAR_MEM64, true, 2 * MIB), 0);
	assert_int_equal(pci_set_bar(&t->dev, PCI_ROM_BAR, PCI_BAR_ROM, false, 0x10000), 0);
	t->dev.config[PCI_INTERRUPT_PIN] = 1;
	t->freed = &e->freed;
	e->toy = t;
	assert_int_equal(pci_bus_add(e->pci, &t->dev, SLOT, NULL), 0);
}

static int set_up(void **state)
{
	struct env *e = calloc(1, sizeof(*e));
	struct pci_bus_params p = {
		.ecam = ECAM,
		.io = { 0x1000, 0xf000 },
		.mem32 = { MEM32, ECAM - MEM32 },
		.mem64 = { MEM64, 64ULL << 30 },
	};

	fakekvm_init(&e->k);
	assert_int_equal(kvm_vm_new(&e->k.host, e->k.fd, &e->vm, NULL), 0);
	assert_int_equal(irq_chip_new(e->vm, &e->irq, NULL), 0);
	assert_int_equal(bus_new("pio", &e->pio), 0);
	assert_int_equal(bus_new("mmio", &e->mmio), 0);
	p.pio = e->pio;
	p.mmio = e->mmio;
	p.irq = e->irq;
	assert_int_equal(pci_bus_new(&p, &e->pci, NULL), 0);
	add_toy(e);
	*state = e;
	return 0;
}

static int tear_down(void **state)
{
	struct env *e = *state;

	assert_int_equal(e->freed, 0);
	pci_bus_free(e->pci);
	assert_int_equal(e->freed, 1);
	bus_free(e->pio);
	bus_free(e->mmio);
	irq_chip_free(e->irq);
	kvm_vm_free(e->vm);
	fakekvm_done(&e->k);
	free(e);
	return 0;
}

static uint64_t ecam(struct env *e, unsigned offset, unsigned len)
{
	uint64_t v;

	assert_true(bus_read(e->mmio, ECAM + FN + offset, len, &v));
	return v;
}

static void ecam_set(struct env *e, unsigned offset, unsigned len, uint64_t value)
{
	assert_true(bus_write(e->mmio, ECAM + FN + offset, len, value));
}

static uint64_t port(struct env *e, unsigned offset, unsigned len)
{
	uint64_t v;

	bus_write(e->pio, 0xcf8, 4, 1U << 31 | SLOT << 11 | (offset & 0xfc));
	assert_true(bus_read(e->pio, 0xcfc + offset % 4, len, &v));
	return v;
}

static void assert_sane(struct env *e)
{
	char why[120] = "";
	unsigned wrong = pci_bus_check(e->pci, why, sizeof(why));

	if (wrong)
		fail_msg("%u BARs are wrong: %s", wrong, why);
	assert_int_equal(e->toy->bad_lens, 0);
}

static void header_is_there(void **state)
{
	struct env *e = *state;

	assert_int_equal(ecam(e, PCI_VENDOR_ID, 4), 0x56781234);
	assert_int_equal(ecam(e, PCI_CLASS_REVISION, 4), 0x02000007);
	assert_int_equal(ecam(e, PCI_SUBSYSTEM_VENDOR_ID, 4), 0xef01abcd);
	assert_int_equal(ecam(e, PCI_INTERRUPT_LINE, 1), 16 + SLOT);
	assert_int_equal(ecam(e, PCI_COMMAND, 2), 0);
}

static void both_ways_agree_in_every_width(void **state)
{
	static const unsigned lens[] = { 1, 2, 4 };
	struct env *e = *state;

	for (unsigned i = 0; i < 256; i++)
		e->toy->dev.config[i] = (uint8_t)(i * 7 + 1);
	for (unsigned i = 0; i < 3; i++)
		for (unsigned at = 0; at + lens[i] <= 256; at++) {
			uint64_t want = 0;

			for (unsigned b = 0; b < lens[i]; b++)
				want |= (uint64_t)(uint8_t)((at + b) * 7 + 1) << (8 * b);
			assert_int_equal(ecam(e, at, lens[i]), want);
			if (at % 4 + lens[i] <= 4)
				assert_int_equal(port(e, at, lens[i]), want);
		}
	assert_int_equal(e->toy->bad_lens, 0);
}

static void odd_accesses_are_split(void **state)
{
	struct env *e = *state;

	for (unsigned at = 0; at < PCI_CONFIG_BYTES; at++)
		for (unsigned len = 1; len <= 8; len++) {
			uint64_t v = ecam(e, at, len);

			if (at + len > PCI_CONFIG_BYTES) /* beyond the function: ones */
				assert_true(v >> (8 * (PCI_CONFIG_BYTES - at)) ==
					    bus_all_ones(at + len - PCI_CONFIG_BYTES));
			ecam_set(e, at, len, UINT64_MAX);
			ecam_set(e, at, len, 0);
		}
	assert_int_equal(ecam(e, PCI_VENDOR_ID, 4), 0x56781234);
	assert_sane(e);
}

static void nobody_home_reads_ones(void **state)
{
	struct env *e = *state;
	uint64_t v;

	bus_read(e->mmio, ECAM + (4 << 15), 4, &v); /* an empty slot */
	assert_int_equal(v, 0xffffffff);
	bus_read(e->mmio, ECAM + FN + 4096, 4, &v); /* function 1 */
	assert_int_equal(v, 0xffffffff);
	bus_write(e->mmio, ECAM + FN + 4096, 4, 0);
	bus_write(e->pio, 0xcf8, 4, SLOT << 11); /* not enabled */
	bus_read(e->pio, 0xcfc, 4, &v);
	assert_int_equal(v, 0xffffffff);
	bus_write(e->pio, 0xcf8, 4, 1U << 31 | 1 << 16 | SLOT << 11); /* bus 1 */
	bus_read(e->pio, 0xcfc, 2, &v);
	assert_int_equal(v, 0xffff);
	bus_write(e->pio, 0xcf9, 1, 6); /* a byte there is not the address register */
	bus_read(e->pio, 0xcf8, 4, &v);
	assert_int_equal(v, 1U << 31 | 1 << 16 | SLOT << 11);
}

static void sizes_are_told(void **state)
{
	struct env *e = *state;

	for (unsigned at = PCI_BASE_ADDRESS_0; at < PCI_BASE_ADDRESS_0 + 24; at += 4)
		ecam_set(e, at, 4, UINT32_MAX);
	ecam_set(e, PCI_ROM_ADDRESS, 4, 0xfffff800);
	assert_int_equal(ecam(e, PCI_BASE_ADDRESS_0, 4), 0xffffc000);
	assert_int_equal(ecam(e, PCI_BASE_ADDRESS_1, 4), 0xffffffe1);
	assert_int_equal(ecam(e, PCI_BASE_ADDRESS_2, 4), 0xffe0000c);
	assert_int_equal(ecam(e, PCI_BASE_ADDRESS_3, 4), 0xffffffff);
	assert_int_equal(ecam(e, PCI_BASE_ADDRESS_4, 4), 0);
	assert_int_equal(ecam(e, PCI_ROM_ADDRESS, 4), 0xffff0000);
	assert_int_equal(e->toy->mapped, 0);
}

static void decode_maps_and_unmaps(void **state)
{
	struct env *e = *state;
	uint64_t at0 = ecam(e, PCI_BASE_ADDRESS_0, 4), io = ecam(e, PCI_BASE_ADDRESS_1, 4) & ~3ULL;
	uint64_t at2 = ecam(e, PCI_BASE_ADDRESS_2, 8) & ~15ULL, v;

	assert_true(at0 >= MEM32 && at0 + 0x4000 <= ECAM);
	assert_true(at2 >= MEM64 && at2 % (2 * MIB) == 0);
	assert_false(bus_read(e->mmio, at0, 4, &v));
	ecam_set(e, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_true(bus_read(e->mmio, at0 + 0x3ffc, 4, &v));
	assert_int_equal(v, 0x3ffc);
	assert_true(bus_read(e->mmio, at2 + 8, 8, &v));
	assert_true(v == (2ULL << 32 | 8));
	assert_false(bus_read(e->pio, io, 1, &v));
	ecam_set(e, PCI_COMMAND, 1, PCI_COMMAND_IO);
	assert_true(bus_read(e->pio, io + 0x1f, 1, &v));
	assert_false(bus_read(e->mmio, at0, 4, &v));
	assert_int_equal(e->toy->unmapped, 2);
	/* The ROM needs both switches. */
	ecam_set(e, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_int_equal(e->toy->at[PCI_ROM_BAR], 0);
	ecam_set(e, PCI_ROM_ADDRESS, 1, 1);
	assert_int_not_equal(e->toy->at[PCI_ROM_BAR], 0);
	assert_sane(e);
}

static void bars_move(void **state)
{
	struct env *e = *state;
	uint64_t old = ecam(e, PCI_BASE_ADDRESS_0, 4), v;

	ecam_set(e, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	ecam_set(e, PCI_BASE_ADDRESS_0, 4, 0xd0000000);
	assert_false(bus_read(e->mmio, old, 4, &v));
	assert_true(bus_read(e->mmio, 0xd0000000, 4, &v));
	/* Half by half through a place that exists, as writes to a decoding 64-bit BAR go. */
	ecam_set(e, PCI_BASE_ADDRESS_2 + 4, 4, 5);
	ecam_set(e, PCI_BASE_ADDRESS_2, 4, 0x40000000);
	assert_true(bus_read(e->mmio, 0x540000000, 4, &v));
	/* A 64-bit BAR below 4 GiB is fine too. */
	ecam_set(e, PCI_BASE_ADDRESS_2, 8, 0xd8000000);
	assert_true(bus_read(e->mmio, 0xd8000000, 4, &v));
	assert_sane(e);
}

static void bad_places_are_not_mapped(void **state)
{
	static const uint64_t bad[] = { 0, 0x1000, 0xbfffc000, ECAM, 0xfec00000, 0xfee00000,
		0xfffff000 };
	struct env *e = *state;
	uint64_t good = ecam(e, PCI_BASE_ADDRESS_0, 4), v;

	ecam_set(e, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		ecam_set(e, PCI_BASE_ADDRESS_0, 4, bad[i]);
		assert_int_equal(e->toy->at[0], 0);
		assert_sane(e);
	}
	assert_int_equal(ecam(e, PCI_VENDOR_ID, 2), 0x1234);
	ecam_set(e, PCI_BASE_ADDRESS_2, 8, 1ULL << 60);
	assert_int_equal(e->toy->at[2], 0);
	ecam_set(e, PCI_BASE_ADDRESS_0, 4, good);
	assert_true(bus_read(e->mmio, good, 4, &v));
}

/* On top of each other: the first keeps the place, the second comes when it is free. */
static void overlaps_resolve(void **state)
{
	struct env *e = *state;

	ecam_set(e, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	ecam_set(e, PCI_BASE_ADDRESS_0, 4, 0xd0000000);
	ecam_set(e, PCI_BASE_ADDRESS_2, 8, 0xd0000000);
	assert_int_equal(e->toy->at[0], 0xd0000000);
	assert_int_equal(e->toy->at[2], 0);
	assert_sane(e);
	ecam_set(e, PCI_BASE_ADDRESS_0, 4, 0xd4000000);
	assert_int_equal(e->toy->at[0], 0xd4000000);
	assert_int_equal(e->toy->at[2], 0xd0000000);
	assert_sane(e);
}

static void noise_breaks_nothing(void **state)
{
	struct env *e = *state;
	uint32_t seed = 12345;

	for (unsigned i = 0; i < 200000; i++) {
		unsigned at, len;

		seed = seed * 1664525 + 1013904223;
		at = seed >> 8 & (i % 3 ? 0x3f : 0xfff);
		len = 1 + (seed >> 4) % 8;
		ecam_set(e, at, len, (uint64_t)seed << 20 | seed >> 12);
		if (i % 1000 == 0)
			assert_sane(e);
	}
	assert_int_equal(ecam(e, PCI_VENDOR_ID, 4), 0x56781234);
	assert_int_equal(e->toy->mapped - e->toy->unmapped,
		!!e->toy->at[0] + !!e->toy->at[1] + !!e->toy->at[2] + !!e->toy->at[PCI_ROM_BAR]);
	assert_sane(e);
}

static void capabilities_chain(void **state)
{
	struct env *e = *state;
	struct pci_device *dev = &e->toy->dev;
	int a = pci_add_capability(dev, PCI_CAP_ID_VNDR, 7), b;

	assert_int_equal(a, 0x40);
	b = pci_add_capability(dev, PCI_CAP_ID_MSIX, 12);
	assert_int_equal(b, 0x48); /* on a dword boundary */
	assert_int_equal(ecam(e, PCI_CAPABILITY_LIST, 1), a);
	assert_int_equal(ecam(e, (unsigned)a, 2), 0x4809);
	assert_int_equal(ecam(e, (unsigned)b, 2), 0x0011);
	assert_true(ecam(e, PCI_STATUS, 2) & PCI_STATUS_CAP_LIST);
	assert_int_equal(pci_find_capability(dev, PCI_CAP_ID_MSIX), b);
	assert_int_equal(pci_find_capability(dev, PCI_CAP_ID_MSI), 0);
	assert_int_equal(pci_add_capability(dev, 1, 0xac), 0x54);
	assert_int_equal(pci_add_capability(dev, 1, 4), -ENOSPC);
}

static void senseless_bars_are_refused(void **state UNUSED)
{
	struct toy *t = toy_new();

	assert_int_equal(pci_set_bar(&t->dev, 0, PCI_BAR_MEM32, false, 0x3000), -EINVAL);
	assert_int_equal(pci_set_bar(&t->dev, 0, PCI_BAR_MEM32, false, 1ULL << 32), -EINVAL);
	assert_int_equal(pci_set_bar(&t->dev, 0, PCI_BAR_IO, false, 512), -EINVAL);
	assert_int_equal(pci_set_bar(&t->dev, 0, PCI_BAR_ROM, false, 4096), -EINVAL);
	assert_int_equal(pci_set_bar(&t->dev, 5, PCI_BAR_MEM64, false, 4096), -EINVAL);
	assert_int_equal(pci_set_bar(&t->dev, 7, PCI_BAR_MEM32, false, 4096), -EINVAL);
	assert_int_equal(pci_set_bar(&t->dev, 2, PCI_BAR_MEM64, false, 4096), 0);
	assert_int_equal(pci_set_bar(&t->dev, 3, PCI_BAR_MEM32, false, 4096), -EBUSY);
	assert_int_equal(pci_set_bar(&t->dev, 1, PCI_BAR_MEM64, false, 4096), -EBUSY);
	toy_free(&t->dev);
}

static void no_room_frees_the_device(void **state)
{
	struct env *e = *state;
	struct toy *t = toy_new();
	autoproblem *p = NULL;
	unsigned freed = 0;

	t->freed = &freed;
	assert_int_equal(pci_set_bar(&t->dev, 0, PCI_BAR_MEM32, false, 1ULL << 31), 0);
	assert_int_equal(pci_bus_add(e->pci, &t->dev, PCI_SLOT_ANY, &p), -ENOSPC);
	assert_int_equal(freed, 1);
	assert_non_null(p);
	t = toy_new();
	t->freed = &freed;
	assert_int_equal(pci_bus_add(e->pci, &t->dev, SLOT, NULL), -EBUSY);
	assert_int_equal(freed, 2);
}

static void stops_once(void **state)
{
	struct env *e = *state;

	pci_bus_stop(e->pci);
	pci_bus_stop(e->pci);
	assert_int_equal(e->toy->stopped, 1);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

/* All of it stays where it was, in the bus too, and goes as soon as it can. */
static void what_the_device_cannot_unmap_stays(void **state)
{
	struct env *e = *state;
	uint64_t before, v;

	ecam_set(e, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	before = e->toy->at[0];
	assert_true(before);
	e->toy->clings = true;
	ecam_set(e, PCI_BASE_ADDRESS_0, 4, before + 0x100000);
	assert_int_equal(e->toy->at[0], before);
	assert_true(bus_read(e->mmio, before, 4, &v));
	assert_false(bus_read(e->mmio, before + 0x100000, 4, &v));
	assert_sane(e);
	/* It was never gone. */
	ecam_set(e, PCI_BASE_ADDRESS_0, 4, before);
	assert_sane(e);
	ecam_set(e, PCI_BASE_ADDRESS_0, 4, before + 0x200000);
	e->toy->clings = false;
	ecam_set(e, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_int_equal(e->toy->at[0], before + 0x200000);
	assert_false(bus_read(e->mmio, before, 4, &v));
	assert_sane(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(header_is_there),
		TEST(both_ways_agree_in_every_width),
		TEST(odd_accesses_are_split),
		TEST(nobody_home_reads_ones),
		TEST(sizes_are_told),
		TEST(decode_maps_and_unmaps),
		TEST(bars_move),
		TEST(what_the_device_cannot_unmap_stays),
		TEST(bad_places_are_not_mapped),
		TEST(overlaps_resolve),
		TEST(noise_breaks_nothing),
		TEST(capabilities_chain),
		TEST(senseless_bars_are_refused),
		TEST(no_room_frees_the_device),
		TEST(stops_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
