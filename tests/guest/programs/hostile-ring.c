/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Harm by packed rings (hostile.c has the split ones), and by changing rings of either kind with a
 * second CPU while the device reads them.
 *
 * Arguments of hostile_race: those of ring_wishes(), rounds=N.
 */
#include "victim.h"

enum { SIZE = VICTIM_RING, FAR = 0x3f0000 };

static uint64_t good(void)
{
	return (uint64_t)(uintptr_t)victim.bytes;
}

/* Entry i of the ring, as of the first time round; not the first one's flags, that is show()'s. */
static void describe(unsigned i, uint64_t at, uint32_t length, uint16_t id, uint16_t flags)
{
	volatile struct packed_descriptor *d = &victim.ring.packed.ring[i];

	d->at = at;
	d->length = length;
	d->id = id;
	d->flags = (uint16_t)(i ? flags | PACKED_AVAIL : 0);
}

static void show(uint16_t flags)
{
	fence();
	victim.ring.packed.ring[0].flags = flags | PACKED_AVAIL;
	fence();
	write16(victim.ring.doorbell, 0);
	cpu_pause_us(2000);
}

static void one(const char *name, uint64_t at, uint32_t length, uint16_t id, uint16_t flags)
{
	victim_fresh(FEATURE(RING_INDIRECT));
	describe(0, at, length, id, flags);
	show(flags);
	victim_judge(name, BREAKS);
}

static void lying_descriptors(void)
{
	uint64_t table = good() + 4096;

	one("packed-id-out-of-range", good(), 64, SIZE, DESCRIPTOR_WRITE);
	one("packed-id-65535", good(), 64, 0xffff, DESCRIPTOR_WRITE);
	one("packed-outside-ram", FAR * 0x1000000ul, 64, 0, DESCRIPTOR_WRITE);
	one("packed-wraps", ~0ul - 15, 64, 0, DESCRIPTOR_WRITE);
	one("packed-of-4-gib", good(), 0xffffffff, 0, DESCRIPTOR_WRITE);
	one("packed-of-nothing", good(), 0, 0, DESCRIPTOR_WRITE);
	one("packed-table-odd", table, 17, 0, DESCRIPTOR_INDIRECT);
	one("packed-table-empty", table, 0, 0, DESCRIPTOR_INDIRECT);
	one("packed-table-wraps", ~0ul - 7, 16, 0, DESCRIPTOR_INDIRECT);
	one("packed-table-of-4-gib", table, 0xfffffff0, 0, DESCRIPTOR_INDIRECT);
	one("packed-table-and-more", table, 16, 0, DESCRIPTOR_INDIRECT | DESCRIPTOR_NEXT);
}

static void lying_chains(void)
{
	victim_fresh(0);
	for (unsigned i = 0; i < SIZE; i++)
		describe(i, good(), 16, 0, DESCRIPTOR_WRITE | DESCRIPTOR_NEXT);
	show(DESCRIPTOR_WRITE | DESCRIPTOR_NEXT);
	victim_judge("packed-chain-without-end", BREAKS);
	victim_fresh(0);
	describe(0, good(), 16, 0, 0);
	describe(1, good(), 16, 0, 0);
	show(DESCRIPTOR_WRITE | DESCRIPTOR_NEXT);
	victim_judge("packed-read-after-write", BREAKS);
	victim_fresh(0);
	describe(0, good(), 16, 0, DESCRIPTOR_INDIRECT);
	show(DESCRIPTOR_INDIRECT);
	victim_judge("packed-indirect-not-negotiated", BREAKS);
	/* Whose it is, said against all sense: nothing new, or all of it. */
	victim_fresh(0);
	for (unsigned i = 0; i < SIZE; i++)
		victim.ring.packed.ring[i].flags = PACKED_AVAIL | PACKED_USED;
	show(PACKED_USED);
	victim_judge("packed-all-used", EITHER);
	victim_fresh(0);
	for (unsigned i = 0; i < SIZE; i++)
		describe(i, good(), 16, (uint16_t)(i / 2), DESCRIPTOR_WRITE);
	show(DESCRIPTOR_WRITE);
	victim_judge("packed-ids-twice", EITHER);
}

static void senseless_events(void)
{
	static const uint32_t events[] = { 0xffffffff, 0x00027fff, 0x0002ffff, 0x00038000 };

	for (unsigned i = 0; i < ARRAY_SIZE(events); i++) {
		victim_fresh(FEATURE(RING_EVENT_IDX));
		*victim.ring.packed.driver = events[i];
		check(victim_works(), "packed-senseless-event", "event %x", events[i]);
		victim_judge("packed-senseless-event", EITHER);
	}
}

static void senseless_sizes(void)
{
	static const uint16_t sizes[] = { 0, 65, 1025, 0x8000, 0xffff };
	uint64_t common = victim.rng.common;

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		victim_begin(0);
		write16(common + COMMON_QUEUE_SELECT, 0);
		write16(common + COMMON_QUEUE_SIZE, sizes[i]);
		write64(common + COMMON_QUEUE_DESC, good());
		write64(common + COMMON_QUEUE_DRIVER, good() + 0x8000);
		write64(common + COMMON_QUEUE_DEVICE, good() + 0x9000);
		write16(common + COMMON_QUEUE_ENABLE, 1);
		virtio_set_status(&victim.rng, VIRTIO_DRIVER_OK);
		write16(victim.ring.doorbell, 0);
		victim_judge("packed-queue-size", BREAKS);
	}
}

/* Resets of a queue that is not there, was not asked for, or is in the middle of work. */
static void senseless_resets(void)
{
	uint64_t common = victim.rng.common;

	victim_begin(0);
	write16(common + COMMON_QUEUE_SELECT, 77);
	write16(common + COMMON_QUEUE_RESET, 1);
	write16(common + COMMON_QUEUE_SELECT, 0);
	write16(common + COMMON_QUEUE_RESET, 0xffff);
	victim_judge("reset-of-nothing", EITHER);
	victim_fresh(0);
	write16(common + COMMON_QUEUE_SELECT, 0);
	write16(common + COMMON_QUEUE_RESET, 1);
	check_equal(read16(common + COMMON_QUEUE_ENABLE), 1, "reset-not-negotiated-is-none");
	for (unsigned i = 0; i < 200; i++) {
		struct buffer b = { victim.bytes, 4096, true };

		if (i == 0)
			victim_fresh(FEATURE(RING_RESET));
		ring_add(&victim.ring, &b, 1);
		ring_kick(&victim.ring);
		if (!ring_reset(&victim.ring))
			give_up("reset %u", i);
	}
	check(victim_works(), "reset-at-work", "dead");
	victim_judge("reset-at-work", EITHER);
}

PROGRAM(hostile_packed)
{
	victim.features = FEATURE(RING_PACKED);
	victim_find();
	lying_descriptors();
	lying_chains();
	senseless_events();
	senseless_sizes();
	senseless_resets();
	victim.features = 0;
	senseless_resets();
}

/* ---- a second CPU ---- */

static volatile bool stop;

/* Where the device may write, or nobody: never where this program is. */
static uint64_t an_address(uint32_t r)
{
	static const uint64_t bad[] = { FAR * 0x1000000ul, ~0ul - 15, 0xfee00000 };

	return r % 64 ? good() + r % (VICTIM_BYTES - 8192) : bad[r / 64 % ARRAY_SIZE(bad)];
}

/*
 * Length, and the two 16-bit fields behind it, in one word as the device may read them. Most of it
 * is what a driver may say: a queue that breaks at once shows nothing.
 */
static uint64_t the_rest(uint32_t r, uint32_t s)
{
	static const uint16_t whose[] = { PACKED_AVAIL, PACKED_USED };
	static const uint16_t kinds[] = { DESCRIPTOR_WRITE, DESCRIPTOR_WRITE, DESCRIPTOR_WRITE,
		DESCRIPTOR_WRITE | DESCRIPTOR_NEXT, DESCRIPTOR_INDIRECT };
	uint16_t kind = kinds[r % ARRAY_SIZE(kinds)];
	uint64_t length = kind & DESCRIPTOR_INDIRECT ? 16 * (1 + r / 8 % 4) : 1 + r / 8 % 4096;
	uint16_t number = (uint16_t)(s % 64 ? s / 64 % SIZE : s);

	if (s % 32 == 7)
		length = s / 32;
	if (victim.ring.is_packed)
		return length | (uint64_t)number << 32 |
		       (uint64_t)(kind | whose[s >> 16 & 1]) << 48;
	return length | (uint64_t)kind << 32 | (uint64_t)number << 48;
}

static uint32_t scribbles = 88172645;

/* Tables to go into lie at the start of the bytes, so they change as well. */
static void scribble_once(void)
{
	volatile uint64_t *places[2] = { (void *)victim.ring.desc, (void *)victim.bytes }, *at;
	uint32_t state = scribbles;

	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	scribbles = state;
	at = &places[state >> 4 & 1][2 * (state >> 8 & (SIZE - 1))];
	at[0] = an_address(state * 2654435761u);
	at[1] = the_rest(state * 40503u >> 8, state >> 3);
	if (victim.ring.is_packed)
		*victim.ring.packed.driver = state;
	else
		victim.ring.avail[2 + (state >> 12 & 15)] =
			(uint16_t)(state % 64 ? state >> 16 & 15 : state >> 16);
}

static void scribble(void *unused)
{
	(void)unused;
	while (!stop)
		scribble_once();
}

PROGRAM(hostile_race)
{
	uint64_t rounds = arg_number("rounds", 60), broke = 0;
	int helper;

	victim.features = ring_wishes() | FEATURE(RING_INDIRECT);
	victim_find();
	helper = cpu_wake(1);
	if (helper < 0)
		give_up("wants a second CPU");
	for (uint64_t i = 0; i < rounds; i++) {
		uint64_t start;

		victim_fresh(0);
		for (unsigned n = 0; n < 1000; n++)
			scribble_once();
		stop = false;
		cpu_run(helper, scribble, NULL);
		start = cpu_cycles();
		for (uint16_t n = 1; cpu_cycles() - start < 4000000; n++) {
			if (!victim.ring.is_packed)
				victim.ring.avail[1] = n;
			write16(victim.ring.doorbell, 0);
			if (virtio_status(&victim.rng) & VIRTIO_NEEDS_RESET)
				break;
		}
		stop = true;
		while (!cpu_idle(helper))
			relax();
		broke += !!(virtio_status(&victim.rng) & VIRTIO_NEEDS_RESET);
		victim_judge("race", EITHER);
	}
	count("broke", broke);
}
