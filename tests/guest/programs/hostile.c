/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A driver that means harm: rings that lie, registers used against their sense, noise on every
 * port. After each attack the device must either go on or ask for a reset, and work after one. The
 * VMM must live; that the host's side sees.
 */
#include "virtio.h"

enum { VECTOR = 80, SIZE = 16 };

static struct virtio rng;
static struct ring ring;
static uint8_t *bytes;

static void begin(uint64_t features)
{
	if (!virtio_begin(&rng, features))
		give_up("no negotiation");
}

static void fresh(uint64_t features)
{
	begin(features);
	if (!ring_start(&ring, &rng, 0, SIZE, 0))
		give_up("the queue does not start");
	virtio_set_status(&rng, VIRTIO_DRIVER_OK);
}

/* The device does an honest request. */
static bool works(void)
{
	struct buffer b = { bytes, 64, true };
	uint64_t start = cpu_cycles();

	memset(bytes, 0, 64);
	if (ring_add(&ring, &b, 1) < 0)
		return false;
	ring_kick(&ring);
	while (ring_take(&ring, NULL) < 0) {
		if (cpu_cycles() - start > 4000000000)
			return false;
		relax();
	}
	for (unsigned i = 0; i < 64; i++)
		if (bytes[i])
			return true;
	return false;
}

/* Shows entry `head` and rings, whatever the device wishes. */
static void show(uint16_t head)
{
	ring.avail[2 + ring.next_avail % ring.size] = head;
	ring.next_avail++;
	fence();
	ring.avail[1] = ring.next_avail;
	fence();
	write16(ring.doorbell, 0);
	cpu_pause_us(2000);
}

enum expectation { BREAKS, EITHER };

static void judge(const char *name, enum expectation e)
{
	uint64_t start = cpu_cycles();
	bool broken;

	while (e == BREAKS && !(virtio_status(&rng) & VIRTIO_NEEDS_RESET) &&
		cpu_cycles() - start < 4000000000)
		relax();
	broken = virtio_status(&rng) & VIRTIO_NEEDS_RESET;
	if (e == BREAKS)
		check(broken, name, "status 0x%x: the device did not notice", virtio_status(&rng));
	fresh(0);
	check(works(), name, "dead after the reset");
}

static void describe(unsigned i, uint64_t at, uint32_t length, uint16_t flags, uint16_t next)
{
	ring.desc[i] = (struct descriptor) { at, length, flags, next };
}

static uint64_t good(void)
{
	return (uint64_t)(uintptr_t)bytes;
}

static void lying_indices(void)
{
	fresh(0);
	show(SIZE);
	judge("head-out-of-range", BREAKS);
	fresh(0);
	show(0xffff);
	judge("head-65535", BREAKS);
	fresh(0);
	ring.next_avail = SIZE + 1;
	show(0);
	judge("available-jumps-ahead", BREAKS);
	fresh(0);
	ring.next_avail = 0x7fff;
	show(0);
	judge("available-jumps-far", BREAKS);
}

static void lying_chains(void)
{
	fresh(0);
	describe(0, good(), 16, DESCRIPTOR_NEXT | DESCRIPTOR_WRITE, 0);
	show(0);
	judge("chain-to-itself", BREAKS);
	fresh(0);
	describe(0, good(), 16, DESCRIPTOR_NEXT | DESCRIPTOR_WRITE, 1);
	describe(1, good(), 16, DESCRIPTOR_NEXT | DESCRIPTOR_WRITE, 0);
	show(0);
	judge("chain-in-a-circle", BREAKS);
	fresh(0);
	describe(0, good(), 16, DESCRIPTOR_NEXT | DESCRIPTOR_WRITE, SIZE);
	show(0);
	judge("next-out-of-range", BREAKS);
	fresh(0);
	describe(0, good(), 16, DESCRIPTOR_INDIRECT, 0);
	show(0);
	judge("indirect-not-negotiated", BREAKS);
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
		fresh(0);
		describe(0, bad[i].at, bad[i].length, DESCRIPTOR_WRITE, 0);
		show(0);
		judge(bad[i].name, BREAKS);
	}
	fresh(0);
	describe(0, good(), 0, DESCRIPTOR_WRITE, 0);
	show(0);
	judge("buffer-of-nothing", EITHER);
	fresh(0);
	describe(0, good(), 64, 0, 0);
	show(0);
	judge("nothing-to-write-to", EITHER);
	fresh(0);
	describe(0, good(), 16, DESCRIPTOR_NEXT | DESCRIPTOR_WRITE, 1);
	describe(1, good(), 16, 0, 0);
	show(0);
	judge("read-after-write", EITHER);
}

static void lying_indirect(void)
{
	struct descriptor *table = memory_take(16 * 64, 4096);
	uint64_t at = (uint64_t)(uintptr_t)table;

	begin(FEATURE(RING_INDIRECT));
	if (!(rng.features & FEATURE(RING_INDIRECT)))
		return;
	fresh(FEATURE(RING_INDIRECT));
	describe(0, at, 15, DESCRIPTOR_INDIRECT, 0);
	show(0);
	judge("indirect-odd-length", BREAKS);
	fresh(FEATURE(RING_INDIRECT));
	describe(0, at, 0, DESCRIPTOR_INDIRECT, 0);
	show(0);
	judge("indirect-empty", BREAKS);
	fresh(FEATURE(RING_INDIRECT));
	describe(0, ~0ULL - 7, 16, DESCRIPTOR_INDIRECT, 0);
	show(0);
	judge("indirect-wraps", BREAKS);
	fresh(FEATURE(RING_INDIRECT));
	table[0] = (struct descriptor) { at, 16, DESCRIPTOR_INDIRECT, 0 };
	describe(0, at, 16, DESCRIPTOR_INDIRECT, 0);
	show(0);
	judge("indirect-in-indirect", BREAKS);
	fresh(FEATURE(RING_INDIRECT));
	table[0] = (struct descriptor) { good(), 16, DESCRIPTOR_NEXT | DESCRIPTOR_WRITE, 60000 };
	describe(0, at, 32, DESCRIPTOR_INDIRECT, 0);
	show(0);
	judge("indirect-next-out-of-range", BREAKS);
	fresh(FEATURE(RING_INDIRECT));
	describe(0, at, 0xfffffff0, DESCRIPTOR_INDIRECT, 0);
	show(0);
	judge("indirect-of-4-gib", BREAKS);
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
			begin(0);
			ring_start(&ring, &rng, 0, SIZE, 0);
			virtio_reset(&rng);
			begin(0);
			write16(rng.common + COMMON_QUEUE_SELECT, 0);
			write16(rng.common + COMMON_QUEUE_SIZE, SIZE);
			for (unsigned q = 0; q < ARRAY_SIZE(parts); q++)
				write64(rng.common + parts[q], 0x1800000 + q * 0x1000);
			write32(rng.common + parts[p], (uint32_t)places[i]);
			write32(rng.common + parts[p] + 4, (uint32_t)(places[i] >> 32));
			write16(rng.common + COMMON_QUEUE_ENABLE, 1);
			virtio_set_status(&rng, VIRTIO_DRIVER_OK);
			write16(ring.doorbell, 0);
			cpu_pause_us(500);
			judge("rings-outside-ram", EITHER);
		}
}

static void senseless_registers(void)
{
	static const uint16_t sizes[] = { 0, 3, 0x8000, 0xffff };

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		begin(0);
		write16(rng.common + COMMON_QUEUE_SELECT, 0);
		write16(rng.common + COMMON_QUEUE_SIZE, sizes[i]);
		write16(rng.common + COMMON_QUEUE_ENABLE, 1);
		virtio_set_status(&rng, VIRTIO_DRIVER_OK);
		write16(ring.doorbell, 0);
		judge("queue-size", EITHER);
	}
	begin(0);
	write16(rng.common + COMMON_QUEUE_SELECT, 999);
	check_equal(read16(rng.common + COMMON_QUEUE_SIZE), 0, "absent-queue-has-no-size");
	write16(rng.common + COMMON_QUEUE_ENABLE, 1);
	write16(rng.notify + 999ul * (rng.notify_step ? rng.notify_step : 1) % 4096, 999);
	judge("absent-queue", EITHER);
	begin(0);
	write16(rng.common + COMMON_QUEUE_SELECT, 0);
	write16(rng.common + COMMON_QUEUE_VECTOR, 500);
	check_equal(read16(rng.common + COMMON_QUEUE_VECTOR), 0xffff, "absent-vector-is-refused");
	write16(rng.common + COMMON_CONFIG_VECTOR, 500);
	check_equal(read16(rng.common + COMMON_CONFIG_VECTOR), 0xffff,
		"absent-config-vector-is-refused");
	/* Features that were never offered: FEATURES_OK must not stick. */
	virtio_reset(&rng);
	virtio_set_status(&rng, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
	write32(rng.common + COMMON_DRIVER_SELECT, 0);
	write32(rng.common + COMMON_DRIVER_FEATURES, 0x00ffffff);
	virtio_set_status(&rng, VIRTIO_FEATURES_OK);
	check(!(virtio_status(&rng) & VIRTIO_FEATURES_OK), "unoffered-features-are-refused", "-");
	judge("unoffered-features", EITHER);
	virtio_reset(&rng);
	write8(rng.common + COMMON_STATUS, 0xff);
	judge("all-status-bits-at-once", EITHER);
}

static uint32_t random_state = 2463534242;

static uint32_t random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state;
}

/* Any width anywhere in the device's registers, its MSI-X table included. */
static void noise_on_registers(void)
{
	struct pci_bar b;
	uint64_t at;

	fresh(0);
	for (unsigned i = 0; i < 6; i++) {
		b = pci_bar(rng.slot, i);
		for (unsigned n = 0; b.size && !b.io && n < 600; n++) {
			at = b.at + random() % (b.size < 0x4000 ? b.size : 0x4000);
			switch (random() % 6) {
			case 0:
				write8(at, (uint8_t)random());
				break;
			case 1:
				write16(at, (uint16_t)random());
				break;
			case 2:
				write32(at, random());
				break;
			case 3:
				read32(at);
				break;
			case 4:
				read64(at);
				break;
			default:
				write64(at, random());
			}
		}
		i += b.wide;
	}
	for (unsigned i = 0; i < rng.msix.vectors; i++)
		msix_mask(&rng.msix, i, true);
	judge("noise-on-registers", EITHER);
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
		port = (uint16_t)(n < 1000 ? random() % 0x400 : random());
		if (ends_the_machine(port) || ends_the_machine((uint16_t)(port + 3)))
			continue;
		if (n % 2)
			out8(port, (uint8_t)random());
		else
			in8(port);
		if (n % 5 == 0)
			out16(port, (uint16_t)random());
		if (n % 7 == 0)
			in32(port);
	}
	fresh(0);
	check(works(), "noise-on-ports", "the device is dead");
}

PROGRAM(hostile)
{
	if (!virtio_find(VIRTIO_RNG, 0, &rng))
		give_up("wants a virtio-rng");
	bytes = memory_take(4096, 4096);
	fresh(0);
	check(works(), "works-at-first", "-");
	lying_indices();
	lying_chains();
	lying_addresses();
	lying_indirect();
	lying_rings();
	senseless_registers();
	noise_on_registers();
	noise_on_ports();
}
