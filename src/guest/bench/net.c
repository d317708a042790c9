/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sends frames, receives them, or sends one and waits until it comes back. */
#include "bench.h"
#include "frames.h"

static const struct bench_nic *const drivers[] = { &bench_virtio_net, &bench_e1000 };

static const struct bench_nic *nic;
static bool polls;
static uint32_t bytes;
static uint8_t frame[WIRE_MOST], ours[6], theirs[6];

static void build(enum wire_kind kind, uint32_t n, uint32_t n_bytes)
{
	const struct wire w = { WIRE_MAGIC, kind, n, n_bytes };

	memcpy(frame, theirs, 6);
	memcpy(frame + 6, ours, 6);
	frame[12] = WIRE_TYPE >> 8;
	frame[13] = WIRE_TYPE & 0xff;
	memcpy(frame + WIRE_HEADER, &w, sizeof(w));
}

static void wait(uint64_t seen)
{
	if (polls)
		relax();
	else if (!cpu_wait(&interrupts[BENCH_VECTOR], seen + 1))
		give_up("the network device sends no interrupt");
}

/* Into the ring, as soon as there is room. */
static void put(uint32_t length)
{
	while (!nic->send(frame, length)) {
		uint64_t seen = interrupts[BENCH_VECTOR];

		nic->kick();
		nic->arm(1);
		if (!nic->sent())
			wait(seen);
	}
}

/* The next of our frames of that kind. */
static void take(enum wire_kind kind)
{
	struct wire w = { 0 };
	const uint8_t *at;
	uint32_t length;

	for (;;) {
		uint64_t seen = interrupts[BENCH_VECTOR];

		nic->sent();
		length = nic->receive(&at);
		if (!length) {
			nic->refill();
			nic->arm(0);
			length = nic->receive(&at);
		}
		if (!length) {
			wait(seen);
			continue;
		}
		if (length < WIRE_HEADER + sizeof(w) || at[12] != WIRE_TYPE >> 8 ||
			at[13] != (WIRE_TYPE & 0xff))
			continue;
		memcpy(&w, at + WIRE_HEADER, sizeof(w));
		if (w.magic == WIRE_MAGIC && w.kind == kind)
			return;
	}
}

static void drain_sent(uint64_t *in_flight)
{
	uint64_t seen;

	while (*in_flight) {
		seen = interrupts[BENCH_VECTOR];
		nic->arm((unsigned)*in_flight);
		*in_flight -= nic->sent();
		if (*in_flight)
			wait(seen);
	}
}

/* At most `depth` on their way; each batch is shown at once. */
static void send_many(uint64_t n, unsigned depth, struct times *t)
{
	uint64_t in_flight = 0, start;

	build(WIRE_DATA, 0, 0);
	for (uint64_t i = 0; i < n;) {
		uint64_t batch = n - i < depth ? n - i : depth;

		start = cpu_cycles();
		for (uint64_t k = 0; k < batch; k++)
			put(bytes);
		nic->kick();
		in_flight = batch;
		drain_sent(&in_flight);
		for (uint64_t k = 0; t && k < batch; k++)
			times_add(t, (cpu_cycles() - start) / batch);
		i += batch;
	}
}

static void receive_many(uint64_t n, struct times *t)
{
	uint64_t last;

	if (!n)
		return;
	build(WIRE_ASK, (uint32_t)n, bytes);
	put(WIRE_LEAST);
	nic->kick();
	last = cpu_cycles();
	for (uint64_t i = 1; i <= n; i++) {
		uint64_t now;

		take(WIRE_DATA);
		now = cpu_cycles();
		if (t)
			times_add(t, now - last);
		last = now;
		if (i % WIRE_CREDIT)
			continue;
		build(WIRE_GRANT, WIRE_CREDIT, 0);
		put(WIRE_LEAST);
		nic->kick();
	}
}

static void ping_many(uint64_t n, struct times *t)
{
	for (uint64_t i = 0; i < n; i++) {
		uint64_t start = cpu_cycles();

		build(WIRE_PING, (uint32_t)i, 0);
		put(bytes);
		nic->kick();
		take(WIRE_PING);
		if (t)
			times_add(t, cpu_cycles() - start);
	}
}

static void run(uint64_t n, struct times *t)
{
	const char *op = arg_text("op", "ping");

	if (!strcmp(op, "send"))
		send_many(n, (unsigned)arg_number("depth", 32), t);
	else if (!strcmp(op, "receive"))
		receive_many(n, t);
	else
		ping_many(n, t);
}

static unsigned digit(char c)
{
	return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/* Twelve small hexadecimal digits. */
static void read_address(const char *key, uint8_t *to)
{
	const char *text = arg_text(key, "");

	if (strlen(text) != 12)
		give_up("%s=%s is no address", key, text);
	for (unsigned i = 0; i < 6; i++)
		to[i] = (uint8_t)(digit(text[2 * i]) * 16 + digit(text[2 * i + 1]));
}

static void start(void)
{
	read_address("ours", ours);
	read_address("theirs", theirs);
	polls = !strcmp(arg_text("wait", "interrupt"), "poll");
	bytes = (uint32_t)arg_number("bytes", WIRE_LEAST);
	if (bytes < WIRE_LEAST || bytes > WIRE_MOST || !arg_number("depth", 32) ||
		arg_number("depth", 32) > BENCH_DEPTH_MAX)
		give_up("depth or bytes=%u is out of range", bytes);
	for (unsigned i = 0; i < ARRAY_SIZE(drivers) && !nic; i++)
		if (drivers[i]->start(polls ? 0 : BENCH_VECTOR))
			nic = drivers[i];
	if (!nic)
		give_up("there is no network interface that this guest can drive");
	cpu_say_no_end();
	print("driver %s\n", nic->name);
}

PROGRAM(net)
{
	uint64_t ops = arg_number("ops", 1000);
	struct times t;

	start();
	run(arg_number("warm", 32), NULL);
	times_start(&t, ops);
	run(ops, &t);
	times_stop(&t);
	times_tell(&t, 0);
}
