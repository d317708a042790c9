/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-net against the host's own IP stack at the other end of a tap: ARP, then pings of growing
 * size whose answers are compared byte by byte.
 *
 * Arguments: mac=HEX12 pings=N, and those of ring_wishes(); the host is 192.168.77.1, we are
 * 192.168.77.2.
 */
#include "packet.h"
#include "virtio.h"

enum {
	VECTOR_RX = 80,
	VECTOR_TX = 81, /* of pair p 2 p more */
	HEADER = 12,
	FRAME = 1514,
	BUFFERS = 32,
	PAIRS = 4,
	CTRL_VQ = 17,
	MQ = 22,
};

static struct virtio net;
static struct pair {
	struct ring rx, tx;
	uint8_t *frames[BUFFERS]; /* receive buffers by head */
} pairs[PAIRS], *in_use = pairs;

static void offer_buffer(void)
{
	uint8_t *frame = memory_take(HEADER + FRAME, 64);
	struct buffer b = { frame, HEADER + FRAME, true };
	int head = ring_add(&in_use->rx, &b, 1);

	if (head < 0 || head >= BUFFERS)
		give_up("no room for receive buffers");
	in_use->frames[head] = frame;
}

static void offer_again(uint8_t *frame)
{
	struct buffer b = { frame, HEADER + FRAME, true };
	int head = ring_add(&in_use->rx, &b, 1);

	in_use->frames[head] = frame;
	ring_kick(&in_use->rx);
}

/* One frame out; waits until the device has taken it. */
static void send(uint8_t *frame, uint32_t bytes)
{
	static uint8_t header[HEADER];
	struct buffer parts[2] = { { header, HEADER, false }, { frame, bytes, false } };

	ring_add(&in_use->tx, parts, 2);
	if (in_use->tx.event_idx)
		ring_interrupt_after(&in_use->tx, in_use->tx.next_used);
	ring_kick(&in_use->tx);
	if (ring_wait(&in_use->tx, NULL) < 0)
		give_up("the frame was not taken");
}

/* The next frame of this kind (Ethernet type, IP protocol or 0) into `to`; its length. */
static uint32_t receive(unsigned type, uint8_t protocol, uint8_t *to)
{
	uint32_t length;
	uint8_t *frame;
	int head;

	for (;;) {
		head = ring_wait(&in_use->rx, &length);
		if (head < 0)
			give_up("no answer came");
		frame = in_use->frames[head];
		length -= HEADER;
		memcpy(to, frame + HEADER, length);
		offer_again(frame);
		if (get16(to + 12) == type && (!protocol || to[23] == protocol))
			return length;
	}
}

static void ask_for_mac(void)
{
	static uint8_t f[PACKET_QUESTION], answer[FRAME];

	packet_ask(f);
	send(f, sizeof(f));
	do
		receive(PACKET_ARP, 0, answer);
	while (!packet_answered(answer));
}

static uint32_t build_ping(uint8_t *f, unsigned sequence, unsigned payload)
{
	packet_ip(f, 28 + payload, PACKET_ICMP, true);
	return packet_ping(f, sequence, payload, true);
}

static bool ping(unsigned sequence, unsigned payload)
{
	static uint8_t f[FRAME], answer[FRAME];
	uint32_t length = build_ping(f, sequence, payload);

	send(f, length);
	/* What else the host says meanwhile (its own neighbour discovery) is skipped. */
	do
		receive(PACKET_IP, PACKET_ICMP, answer);
	while (answer[34] != 0);
	return packet_is_pong(answer, f, sequence, payload);
}

static void check_mac(void)
{
	uint8_t mac[6];

	for (unsigned i = 0; i < 6; i++)
		mac[i] = read8(net.device + i);
	packet_check_mac(mac);
}

static void start_pair(unsigned p)
{
	in_use = &pairs[p];
	if (!ring_start(&in_use->rx, &net, 2 * p, BUFFERS, (uint8_t)(VECTOR_RX + 2 * p)) ||
		!ring_start(&in_use->tx, &net, 2 * p + 1, 32, (uint8_t)(VECTOR_TX + 2 * p)))
		give_up("has no such pair of queues");
	for (unsigned i = 0; i < BUFFERS; i++)
		offer_buffer();
}

/* VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET. */
static void use_pairs(struct ring *control, unsigned n)
{
	static uint8_t command[4] = { 4, 0 }, answer;
	const struct buffer parts[2] = { { command, sizeof(command), false },
		{ &answer, 1, true } };

	answer = 0xee;
	command[2] = (uint8_t)n;
	ring_add(control, parts, 2);
	ring_kick(control);
	if (ring_wait(control, NULL) < 0)
		give_up("the command was not taken");
	check_equal(answer, 0, "pairs-set");
}

/* The first answer may come by any pair: only then the host knows which one asks. */
static void use_pair(unsigned p, unsigned pings)
{
	static uint8_t f[FRAME], answer[FRAME];
	unsigned good = 0;

	in_use = &pairs[p];
	send(f, build_ping(f, 5000 + p, 8));
	send(f, build_ping(f, 6000 + p, 8));
	do
		receive(PACKET_IP, PACKET_ICMP, answer);
	while (get16(answer + 40) != 6000 + p);
	for (unsigned i = 0; i < pings; i++)
		good += ping(100 * p + i, i * 1472 / pings);
	check_equal(good, pings, "pings-of-a-pair");
	check_equal(in_use->tx.kicks, pings + 2, "kicks-of-a-pair");
}

PROGRAM(net)
{
	unsigned pings = (unsigned)arg_number("pings", 100), good = 0;
	unsigned n = (unsigned)arg_number("pairs", 1);
	uint64_t several = n > 1 ? FEATURE(CTRL_VQ) | FEATURE(MQ) : 0;
	static struct ring control;

	if (n > PAIRS || !virtio_find(VIRTIO_NET, 0, &net) ||
		!virtio_begin(&net, ring_wishes() | FEATURE(5) | several))
		give_up("wants a virtio-net");
	for (unsigned p = n; p--;)
		start_pair(p);
	if (several && !ring_start(&control, &net, 2 * n, 4, 0))
		give_up("has no control queue");
	virtio_set_status(&net, VIRTIO_DRIVER_OK);
	for (unsigned p = 0; p < n; p++)
		ring_kick(&pairs[p].rx);
	check_mac();
	ask_for_mac();
	for (unsigned i = 0; i < pings; i++)
		good += ping(i, i * 1472 / pings);
	check_equal(good, pings, "pings");
	check(ping(pings, 1472), "largest-ping", "-");
	check(ping(pings + 1, 0), "empty-ping", "-");
	count("frames_sent", pings + 3);
	count("tx_kicks", pairs[0].tx.kicks);
	count("tx_interrupts", interrupts[VECTOR_TX]);
	for (unsigned p = 1; p < n; p++) {
		use_pairs(&control, p + 1);
		use_pair(p, pings);
	}
}

/*
 * A back end that ends and comes back while pings are on their way, `WINDOW` of them. What it had
 * taken and not answered is lost, as on a wire, and sent again; but every frame is given back, and
 * traffic goes on. At a third of the `pings` the program says so, and the host does what it likes.
 */
enum { WINDOW = 8, LATE_CYCLES = 2000000000 };
#define TIME_TO_ACT 8000000000ULL /* cycles */

static struct under_way {
	unsigned sequence;
	int head; /* in the transmit ring; -1: given back */
	uint64_t since;
	uint8_t frame[FRAME], header[HEADER];
} window[WINDOW];

static struct {
	unsigned answered, again, wrong, next;
	uint64_t sent, returned;
} tally;

static uint32_t payload_of(unsigned sequence)
{
	return sequence * 7 % 1400;
}

static void send_one(struct under_way *w)
{
	uint32_t bytes = build_ping(w->frame, w->sequence & 0xffff, payload_of(w->sequence));
	struct buffer parts[2] = { { w->header, HEADER, false }, { w->frame, bytes, false } };

	w->head = ring_add(&in_use->tx, parts, 2);
	if (w->head < 0)
		give_up("the transmit ring is full");
	w->since = cpu_cycles();
	tally.sent++;
	ring_kick(&in_use->tx);
}

static void reclaim(void)
{
	for (int head = ring_take(&in_use->tx, NULL); head >= 0;
		head = ring_take(&in_use->tx, NULL)) {
		struct under_way *w = window;

		while (w < window + WINDOW && w->head != head)
			w++;
		if (w == window + WINDOW)
			give_up("a frame came back that was not sent");
		w->head = -1;
		tally.returned++;
	}
}

/* Late answers to what was sent again are none. */
static void judge(const uint8_t *f)
{
	const uint8_t *sent;

	for (struct under_way *w = window; w < window + WINDOW; w++) {
		if (get16(f + 40) != (w->sequence & 0xffff) || w->head >= 0)
			continue;
		sent = w->frame;
		tally.wrong += memcmp(f + 42, sent + 42, payload_of(w->sequence)) != 0;
		tally.answered++;
		w->sequence = tally.next++;
		send_one(w);
		return;
	}
}

static void collect(void)
{
	uint32_t length;
	uint8_t *frame;

	for (int head = ring_take(&in_use->rx, &length); head >= 0;
		head = ring_take(&in_use->rx, &length)) {
		frame = in_use->frames[head];
		reclaim();
		if (get16(frame + HEADER + 12) == PACKET_IP && frame[HEADER + 23] == PACKET_ICMP &&
			frame[HEADER + 34] == 0)
			judge(frame + HEADER);
		offer_again(frame);
	}
}

static void send_late_ones_again(void)
{
	for (struct under_way *w = window; w < window + WINDOW; w++)
		if (w->head < 0 && cpu_cycles() - w->since > LATE_CYCLES) {
			tally.again++;
			send_one(w);
		}
}

static void start_without_interrupts(void)
{
	in_use = &pairs[0];
	if (!ring_start(&in_use->rx, &net, 0, BUFFERS, 0) ||
		!ring_start(&in_use->tx, &net, 1, 32, 0))
		give_up("has no such pair of queues");
	for (unsigned i = 0; i < BUFFERS; i++)
		offer_buffer();
	virtio_set_status(&net, VIRTIO_DRIVER_OK);
	ring_kick(&in_use->rx);
}

PROGRAM(net_survive)
{
	unsigned pings = (unsigned)arg_number("pings", 1000);
	uint64_t said = 0;

	if (!virtio_find(VIRTIO_NET, 0, &net) || !virtio_begin(&net, ring_wishes() | FEATURE(5)))
		give_up("wants a virtio-net");
	start_without_interrupts();
	check_mac();
	ask_for_mac();
	for (struct under_way *w = window; w < window + WINDOW; w++) {
		w->sequence = tally.next++;
		send_one(w);
	}
	while (tally.answered < pings || cpu_cycles() - said < TIME_TO_ACT) {
		collect();
		reclaim();
		send_late_ones_again();
		if (!said && tally.answered >= pings / 3) {
			print("a third is done\n");
			said = cpu_cycles();
		}
		relax();
	}
	while (tally.returned < tally.sent)
		reclaim();
	check_equal(tally.wrong, 0, "every-answer-is-right");
	check_equal(tally.returned, tally.sent, "every-frame-is-given-back");
	/* When it goes, and once more when it comes back: it may read before it can answer. */
	check(tally.again <= 2 * WINDOW, "only-what-was-under-way-is-lost", "%u", tally.again);
	count("sent_again", tally.again);
}
