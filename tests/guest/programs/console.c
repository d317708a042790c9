/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-console: lines go out as they are, however they are cut into buffers; what is typed comes
 * in. The host types "hello" when it has seen "ready", and after that `typed` bytes of a pattern.
 *
 * Arguments: those of ring_wishes(), lines=N typed=N resized=COLUMNS, quit=1 after "ready".
 */
#include "virtio.h"

enum { VIRTIO_CONSOLE = 3, RX = 0, TX = 1, VECTOR_RX = 80, VECTOR_TX = 81, BYTES = 256 };

static struct ring rx, tx;

static void say(const char *text, uint32_t n)
{
	/* In two buffers, of which one is a single byte. */
	struct buffer parts[2] = { { (void *)(uintptr_t)text, 1, false },
		{ (void *)(uintptr_t)(text + 1), n - 1, false } };

	ring_add(&tx, parts, n > 1 ? 2 : 1);
	if (tx.event_idx)
		ring_interrupt_after(&tx, tx.next_used);
	ring_kick(&tx);
	if (ring_wait(&tx, NULL) < 0)
		give_up("the line was not taken");
}

/* What was typed, at least one byte. */
static uint32_t listen(uint8_t *bytes, uint32_t room)
{
	struct buffer b = { bytes, room, true };
	uint32_t n;

	ring_add(&rx, &b, 1);
	if (rx.event_idx)
		ring_interrupt_after(&rx, rx.next_used);
	ring_kick(&rx);
	if (ring_wait(&rx, &n) < 0 || n == 0 || n > room)
		give_up("nothing was typed");
	return n;
}

/* The terminal has become this wide, sooner or later. */
static void resized(const struct virtio *v, uint16_t columns)
{
	uint64_t start = cpu_cycles();

	while (columns && read16(v->device) != columns)
		if (cpu_cycles() - start > 8000000000)
			give_up("still %u columns", read16(v->device));
	check(!columns || read8(v->common + COMMON_GENERATION) > 0, "generation-counts", "-");
}

PROGRAM(console)
{
	static char line[BYTES];
	struct virtio v;
	uint8_t *bytes = memory_take(BYTES, 64);
	uint64_t lines = arg_number("lines", 100), typed = arg_number("typed", 0), bad = 0, got = 0;

	if (!virtio_find(VIRTIO_CONSOLE, 0, &v) || !virtio_begin(&v, ring_wishes() | FEATURE(0)) ||
		!ring_start(&rx, &v, RX, 16, VECTOR_RX) || !ring_start(&tx, &v, TX, 16, VECTOR_TX))
		give_up("wants a virtio-console");
	virtio_set_status(&v, VIRTIO_DRIVER_OK);
	check(v.features & FEATURE(0), "tells-its-size", "-");
	count("columns", read16(v.device));
	count("rows", read16(v.device + 2));
	cpu_pause_us(50000); /* the serial port prints to the same place */
	for (uint64_t i = 0; i < lines; i++) {
		for (unsigned n = 0; n < BYTES; n++)
			line[n] = (char)('a' + (i + n) % 26);
		line[BYTES - 1] = '\n';
		say(line, BYTES);
	}
	say("ready\n", 6);
	if (arg_number("quit", 0))
		return;
	while (got < 6)
		got += listen(bytes + got, 1 + (uint32_t)got % 3);
	check(!memcmp(bytes, "hello\n", 6), "hears-what-is-typed", "%c%c%c", bytes[0], bytes[1],
		bytes[2]);
	for (uint64_t at = 0; at < typed;) {
		uint32_t n = listen(bytes, BYTES);

		for (uint32_t i = 0; i < n; i++, at++)
			bad += bytes[i] != 'a' + at % 26;
	}
	check_equal(bad, 0, "hears-it-all");
	resized(&v, (uint16_t)arg_number("resized", 0));
	count("interrupts", interrupts[VECTOR_TX]);
}
