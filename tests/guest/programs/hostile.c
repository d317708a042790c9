/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A driver that means harm: rings that lie, registers used against their sense, noise on every
 * port. After each attack the device must either go on or ask for a reset, and work after one. The
 * VMM must live; that the host's side sees.
 */
#include "victim.h"

enum { SIZE = VICTIM_RING };

/* Shows entry `head` and rings, whatever the device wishes. */
static void show(uint16_t head)
{
	victim.ring.avail[2 + victim.ring.next_avail % victim.ring.size] = head;
	victim.ring.next_avail++;
	fence();
	victim.ring.avail[1] = victim.ring.next_avail;
	fence();
	write16(victim.ring.doorbell, 0);
	cpu_pause_us(2000);
}

static void describe(unsigned i, uint64_t at, uint32_t length, uint16_t flags, uint16_t next)
{
	victim.ring.desc[i] = (struct descriptor) { at, length, flags, next };
}

static uint64_t good(void)
{
	return (uint64_t)(uintptr_t)victim.bytes;
}

static void lying_indices(void)
{
	victim_fresh(0);
	show(SIZE);
	victim_judge("head-out-of-range", BREAKS);
	victim_fresh(0);
	show(0xffff);
	victim_judge("head-65535", BREAKS);
	victim_fresh(0);
	victim.ring.next_avail = SIZE + 1;
	show(0);
	victim_judge("available-jumps-ahead", BREAKS);
	victim_fresh(0);
	victim.ring.next_avail = 0x7fff;
	show(0);
	victim_judge("available-jumps-far", BREAKS);
}

static void lying_chains(void)
{
	victim_fresh(0);
	describe(0, good(), 16, DESCRIPTOR_NEXT | DESCRIPTOR_WRITE, 0);
	show(0);
	victim_judge("chain-to-itself", BREAKS);
	victim_fresh(0);
	describe(0, good(), 16, DESCRIPTOR_NEXT | DESCRIPTOR_WRITE, 1);
	describe(1, good(), 16, DESCRIPTOR_NEXT | DESCRIPTOR_WRITE, 0);
	show(0);
	victim_judge("chain-in-a-circle", BREAKS);
	victim_fresh(0);
	describe(0, good(), 16, DESCRIPTOR_NEXT | DESCRIPTOR_WRITE, SIZE);
	show(0);
	victim_judge("next-out-of-range", BREAKS);
	victim_fresh(0);
	describe(0, good(), 16, DESCRIPTOR_INDIRECT, 0);
	show(0);
	victim_judge("indirect-not-negotiated", BREAKS);
}

static void lying_addresses(void)
{
	static const struct {
		const char *name;
		uint64_t at;
		uint32_t length;
	} bad[] = {
		{ "buffer-outside-ram", 0x3f0000000000, 64 },
		{ "buffer-in-the-hole", 0xfee00000, 64 },
		{ "buffer-wraps", ~0ULL - 15, 64 },
		{ "buffer-at-the-end", ~0ULL, 1 },
		{ "buffer-of-4-gib", 0x1000000, 0xffffffff },
		{ "buffer-on-a-device", 0xfec00000, 8 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		victim_fresh(0);
		describe(0, bad[i].at, bad[i].length, DESCRIPTOR_WRITE, 0);
		show(0);
		victim_judge(bad[i].name, BREAKS);
	}
	victim_fresh(0);
	describe(0, good(), 0, DESCRIPTOR_WRITE, 0);
	show(0);
	victim_judge("buffer-of-nothing", EITHER);
	victim_fresh(0);
	describe(0, good(), 64, 0, 0);
	show(0);
	victim_judge("nothing-to-write-to", EITHER);
	victim_fresh(0);
	describe(0, good(), 16, DESCRIPTOR_NEXT | DESCRIPTOR_WRITE, 1);
	describe(1, good(), 16, 0, 0);
	show(0);
	victim_judge("read-after-write", EITHER);
}

static void lying_indirect(void)
{
	struct descriptor *table = memory_take(16 * 64, 4096);
	uint64_t at = (uint64_t)(uintptr_t)table;

	victim_begin(FEATURE(RING_INDIRECT));
	if (!(victim.rng.features & FEATURE(RING_INDIRECT)))
		return;
	victim_fresh(FEATURE(RING_INDIRECT));
	describe(0, at, 15, DESCRIPTOR_INDIRECT, 0);
	show(0);
	victim_judge("indirect-odd-length", BREAKS);
	victim_fresh(FEATURE(RING_INDIRECT));
	describe(0, at, 0, DESCRIPTOR_INDIRECT, 0);
	show(0);
	victim_judge("indirect-empty", BREAKS);
	victim_fresh(FEATURE(RING_INDIRECT));
	describe(0, ~0ULL - 7, 16, DESCRIPTOR_INDIRECT, 0);
	show(0);
	victim_judge("indirect-wraps", BREAKS);
	victim_fresh(FEATURE(RING_INDIRECT));
	table[0] = (struct descriptor) { at, 16, DESCRIPTOR_INDIRECT, 0 };
	describe(0, at, 16, DESCRIPTOR_INDIRECT, 0);
	show(0);
	victim_judge("indirect-in-indirect", BREAKS);
	victim_fresh(FEATURE(RING_INDIRECT));
	table[0] = (struct descriptor) { good(), 16, DESCRIPTOR_NEXT | DESCRIPTOR_WRITE, 60000 };
	describe(0, at, 32, DESCRIPTOR_INDIRECT, 0);
	show(0);
	victim_judge("indirect-next-out-of-range", BREAKS);
	victim_fresh(FEATURE(RING_INDIRECT));
	describe(0, at, 0xfffffff0, DESCRIPTOR_INDIRECT, 0);
	show(0);
	victim_judge("indirect-of-4-gib", BREAKS);
}

/* The rings themselves are where no RAM is. */
static void lying_rings(void)
{
	static const uint64_t places[] = { 0x3f0000000000, 0xfee00000, ~0ULL & ~0xfffULL, 0xa0000,
		0x1000001 };
	static const unsigned parts[] = { COMMON_QUEUE_DESC, COMMON_QUEUE_DRIVER,
		COMMON_QUEUE_DEVICE };

	for (unsigned p = 0; p < ARRAY_SIZE(parts); p++)
		for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
			victim_begin(0);
			ring_start(&victim.ring, &victim.rng, 0, SIZE, 0);
			virtio_reset(&victim.rng);
			victim_begin(0);
			write16(victim.rng.common + COMMON_QUEUE_SELECT, 0);
			write16(victim.rng.common + COMMON_QUEUE_SIZE, SIZE);
			for (unsigned q = 0; q < ARRAY_SIZE(parts); q++)
				write64(victim.rng.common + parts[q], 0x1800000 + q * 0x1000);
			write32(victim.rng.common + parts[p], (uint32_t)places[i]);
			write32(victim.rng.common + parts[p] + 4, (uint32_t)(places[i] >> 32));
			write16(victim.rng.common + COMMON_QUEUE_ENABLE, 1);
			virtio_set_status(&victim.rng, VIRTIO_DRIVER_OK);
			write16(victim.ring.doorbell, 0);
			cpu_pause_us(500);
			victim_judge("rings-outside-ram", EITHER);
		}
}

static void senseless_registers(void)
{
	static const uint16_t sizes[] = { 0, 3, 0x8000, 0xffff };

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		victim_begin(0);
		write16(victim.rng.common + COMMON_QUEUE_SELECT, 0);
		write16(victim.rng.common + COMMON_QUEUE_SIZE, sizes[i]);
		write16(victim.rng.common + COMMON_QUEUE_ENABLE, 1);
		virtio_set_status(&victim.rng, VIRTIO_DRIVER_OK);
		write16(victim.ring.doorbell, 0);
		victim_judge("queue-size", EITHER);
	}
	victim_begin(0);
	write16(victim.rng.common + COMMON_QUEUE_SELECT, 999);
	check_equal(read16(victim.rng.common + COMMON_QUEUE_SIZE), 0, "absent-queue-has-no-size");
	write16(victim.rng.common + COMMON_QUEUE_ENABLE, 1);
	write16(victim.rng.notify +
			999ul * (victim.rng.notify_step ? victim.rng.notify_step : 1) % 4096,
		999);
	victim_judge("absent-queue", EITHER);
	victim_begin(0);
	write16(victim.rng.common + COMMON_QUEUE_SELECT, 0);
	write16(victim.rng.common + COMMON_QUEUE_VECTOR, 500);
	check_equal(read16(victim.rng.common + COMMON_QUEUE_VECTOR), 0xffff,
		"absent-vector-is-refused");
	write16(victim.rng.common + COMMON_CONFIG_VECTOR, 500);
	check_equal(read16(victim.rng.common + COMMON_CONFIG_VECTOR), 0xffff,
		"absent-config-vector-is-refused");
	/* Features that were never offered: FEATURES_OK must not stick. */
	virtio_reset(&victim.rng);
	virtio_set_status(&victim.rng, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
	write32(victim.rng.common + COMMON_DRIVER_SELECT, 0);
	write32(victim.rng.common + COMMON_DRIVER_FEATURES, 0x00ffffff);
	virtio_set_status(&victim.rng, VIRTIO_FEATURES_OK);
	check(!(virtio_status(&victim.rng) & VIRTIO_FEATURES_OK), "unoffered-features-are-refused",
		"-");
	victim_judge("unoffered-features", EITHER);
	virtio_reset(&victim.rng);
	write8(victim.rng.common + COMMON_STATUS, 0xff);
	victim_judge("all-status-bits-at-once", EITHER);
}

/* Any width anywhere in the device's registers, its MSI-X table included. */
static void noise_on_registers(void)
{
	struct pci_bar b;
	uint64_t at;

	victim_fresh(0);
	for (unsigned i = 0; i < 6; i++) {
		b = pci_bar(victim.rng.slot, i);
		for (unsigned n = 0; b.size && !b.io && n < 600; n++) {
			at = b.at + victim_random() % (b.size < 0x4000 ? b.size : 0x4000);
			switch (victim_random() % 6) {
			case 0:
				write8(at, (uint8_t)victim_random());
				break;
			case 1:
				write16(at, (uint16_t)victim_random());
				break;
			case 2:
				write32(at, victim_random());
				break;
			case 3:
				read32(at);
				break;
			case 4:
				read64(at);
				break;
			default:
				write64(at, victim_random());
			}
		}
		i += b.wide;
	}
	for (unsigned i = 0; i < victim.rng.msix.vectors; i++)
		msix_mask(&victim.rng.msix, i, true);
	victim_judge("noise-on-registers", EITHER);
}

/* Ports that end the machine are left out: they would be obeyed. */
static bool ends_the_machine(uint16_t port)
{
	return port == 0x64 || port == 0x92 || (port >= 0xcf8 && port <= 0xcff) ||
	       (port >= 0x3f8 && port <= 0x3ff) || (port >= 0x20 && port <= 0x43) ||
	       (port >= 0xa0 && port <= 0xa1) || (port >= 0x4d0 && port <= 0x4d1) ||
	       (port >= (uint16_t)arg_number("quiet_from", 0x600) &&
		       port < (uint16_t)arg_number("quiet_to", 0x700));
}

static void noise_on_ports(void)
{
	uint16_t port;

	for (unsigned n = 0; n < 3000; n++) {
		port = (uint16_t)(n < 1000 ? victim_random() % 0x400 : victim_random());
		if (ends_the_machine(port) || ends_the_machine((uint16_t)(port + 3)))
			continue;
		if (n % 2)
			out8(port, (uint8_t)victim_random());
		else
			in8(port);
		if (n % 5 == 0)
			out16(port, (uint16_t)victim_random());
		if (n % 7 == 0)
			in32(port);
	}
	victim_fresh(0);
	check(victim_works(), "noise-on-ports", "the device is dead");
}

PROGRAM(hostile)
{
	victim_find();
	lying_indices();
	lying_chains();
	lying_addresses();
	lying_indirect();
	lying_rings();
	senseless_registers();
	noise_on_registers();
	noise_on_ports();
}
