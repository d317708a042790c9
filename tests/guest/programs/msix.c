/* SPDX-License-Identifier: GPL-2.0-or-later */
/* MSI-X with virtio-rng as the source: each request completes with one interrupt, if it may. */
#include "virtio.h"

enum { VECTOR = 80, OTHER_VECTOR = 81, ENTRY = 1 };

static struct virtio rng;
static struct ring ring;
static uint8_t *bytes;

/* One request, waited for without interrupts. */
static void request(void)
{
	struct buffer b = { bytes, 64, true };

	if (ring_add(&ring, &b, 1) < 0)
		give_up("no descriptor");
	ring_kick(&ring);
	for (uint64_t start = cpu_cycles(); ring_take(&ring, NULL) < 0; relax())
		if (cpu_cycles() - start > 20000000000)
			give_up("the device does not answer");
}

/* No interrupt can be waited for when none must come: a while is all there is. */
static void settle(void)
{
	cpu_pause_us(3000);
}

static void counted(void)
{
	for (uint64_t i = 1; i <= 100; i++) {
		request();
		if (!cpu_spin(&interrupts[VECTOR], i))
			break;
	}
	settle();
	check_equal(interrupts[VECTOR], 100, "one-interrupt-per-request");
}

static void masked(void)
{
	uint64_t before = interrupts[VECTOR];

	msix_mask(&rng.msix, ENTRY, true);
	settle();
	check(!msix_pending(&rng.msix, ENTRY), "nothing-pending", "-");
	request();
	request();
	request();
	settle();
	check_equal(interrupts[VECTOR], before, "masked-is-silent");
	check(msix_pending(&rng.msix, ENTRY), "masked-is-pending", "-");
	msix_mask(&rng.msix, ENTRY, false);
	cpu_spin(&interrupts[VECTOR], before + 1);
	settle();
	check_equal(interrupts[VECTOR], before + 1, "unmasked-fires-once");
	check(!msix_pending(&rng.msix, ENTRY), "fired-is-not-pending", "-");
}

static void function_masked(void)
{
	uint64_t before = interrupts[VECTOR];

	msix_enable(&rng.msix, true, true);
	request();
	request();
	settle();
	check_equal(interrupts[VECTOR], before, "function-masked-is-silent");
	check(msix_pending(&rng.msix, ENTRY), "function-masked-is-pending", "-");
	msix_enable(&rng.msix, true, false);
	cpu_spin(&interrupts[VECTOR], before + 1);
	settle();
	check_equal(interrupts[VECTOR], before + 1, "function-unmasked-fires-once");
}

/* What is pending goes to where the entry points when it is unmasked. */
static void rerouted(void)
{
	uint64_t before = interrupts[VECTOR];

	msix_mask(&rng.msix, ENTRY, true);
	request();
	settle();
	msix_route(&rng.msix, ENTRY, OTHER_VECTOR, cpu_apic_id());
	cpu_spin(&interrupts[OTHER_VECTOR], 1);
	settle();
	check_equal(interrupts[OTHER_VECTOR], 1, "pending-follows-new-route");
	check_equal(interrupts[VECTOR], before, "old-route-is-silent");
	request();
	cpu_spin(&interrupts[OTHER_VECTOR], 2);
	check_equal(interrupts[OTHER_VECTOR], 2, "new-route");
	msix_route(&rng.msix, ENTRY, VECTOR, cpu_apic_id());
}

static void table_is_memory(void)
{
	uint64_t at = rng.msix.table;
	uint32_t saved = read32(at + 8);

	msix_mask(&rng.msix, 0, true);
	write64(at, 0x12345678fee01000);
	check_equal(read64(at), 0x12345678fee01000, "table-reads-back-64");
	write32(at + 8, 0xabcd);
	check_equal(read32(at + 8), 0xabcd, "table-reads-back-32");
	write8(at + 1, 0x77); /* not allowed by the specification: anything but harm */
	write16(at + 3, 0x7777);
	read16(at + 15);
	write32(rng.msix.table + 16 * rng.msix.vectors, 0xffffffff);
	write64(rng.msix.pending, ~0ULL);
	settle();
	check(!msix_pending(&rng.msix, ENTRY), "pending-bits-are-read-only", "-");
	write32(at + 8, saved);
}

/* Addresses that are no interrupt message: KVM drops or delivers, nobody dies. */
static void senseless_messages(void)
{
	static const uint64_t addresses[] = { 0, 0x1000000, 0xfee00000ull | 0xff000, ~0ULL & ~3ULL,
		0xfec00000, 0x100000000 };

	for (unsigned i = 0; i < ARRAY_SIZE(addresses); i++) {
		msix_mask(&rng.msix, ENTRY, true);
		write64(rng.msix.table + ENTRY * 16, addresses[i]);
		write32(rng.msix.table + ENTRY * 16 + 8, 0xc0de);
		msix_mask(&rng.msix, ENTRY, false);
		request();
	}
	settle();
	check(true, "survives-senseless-messages", "-");
	msix_mask(&rng.msix, ENTRY, true);
	msix_route(&rng.msix, ENTRY, VECTOR, cpu_apic_id());
	settle();
}

static void disabled(void)
{
	uint64_t before = interrupts[VECTOR];

	msix_enable(&rng.msix, false, false);
	request();
	settle();
	check_equal(interrupts[VECTOR], before, "disabled-is-silent");
	msix_enable(&rng.msix, true, false);
	request();
	cpu_spin(&interrupts[VECTOR], before + 1);
	settle();
	check(interrupts[VECTOR] > before, "enabled-again", "-");
}

static void start(void)
{
	if (!virtio_find(VIRTIO_RNG, 0, &rng) || !virtio_begin(&rng, 0) ||
		!ring_start(&ring, &rng, 0, 64, VECTOR))
		give_up("wants a virtio-rng");
	bytes = memory_take(64, 64);
	virtio_set_status(&rng, VIRTIO_DRIVER_OK);
	count("vectors", rng.msix.vectors);
}

/* For who compares what came with what the VMM says: every request is one signal. */
PROGRAM(vector)
{
	start();
	counted();
	masked();
	function_masked();
	rerouted();
	msix_mask(&rng.msix, ENTRY, true);
	request();
	request();
	settle();
	count("interrupts", interrupts[VECTOR] + interrupts[OTHER_VECTOR]);
}

PROGRAM(msix)
{
	start();
	counted();
	masked();
	function_masked();
	rerouted();
	table_is_memory();
	senseless_messages();
	disabled();
}
