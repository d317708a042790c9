/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bench.h"
#include "virtio.h"
#include "frames.h"

enum { HEADER = 12, RING = 256, BUFFER = 2048, NET_MAC = 5 };

static struct virtio virtio;
static struct ring rx, tx;
static uint8_t *rx_buffers, *tx_buffers;
static uint16_t rx_slots[RING], tx_slots[RING]; /* by head */
static uint16_t tx_free[RING];
static unsigned n_tx_free;
static int held = -1; /* the receive buffer that was handed out last */
static unsigned refilled;

static void offer(unsigned slot)
{
	const struct buffer b = { rx_buffers + slot * BUFFER, BUFFER, true };
	int head = ring_add(&rx, &b, 1);

	if (head < 0 || head >= RING)
		give_up("no room for receive buffers");
	rx_slots[head] = (uint16_t)slot;
}

static bool start(uint8_t vector)
{
	if (!virtio_find(VIRTIO_NET, 0, &virtio))
		return false;
	if (!virtio_begin(&virtio, FEATURE(RING_EVENT_IDX) | FEATURE(NET_MAC)) ||
		!ring_start(&rx, &virtio, 0, RING, vector) ||
		!ring_start(&tx, &virtio, 1, RING, vector))
		give_up("virtio-net does not start");
	rx_buffers = memory_take(RING * BUFFER, 4096);
	tx_buffers = memory_take(RING * BUFFER, 4096);
	for (unsigned i = 0; i < rx.size; i++)
		offer(i);
	/* Two descriptors would do for header and frame; one buffer holds both. */
	for (unsigned i = 0; i < tx.size; i++)
		tx_free[n_tx_free++] = (uint16_t)i;
	virtio_set_status(&virtio, VIRTIO_DRIVER_OK);
	ring_kick(&rx);
	return true;
}

static bool send(const void *frame, uint32_t bytes)
{
	unsigned slot;
	struct buffer b = { NULL, HEADER + bytes, false };
	int head;

	if (!n_tx_free)
		return false;
	slot = tx_free[--n_tx_free];
	b.at = tx_buffers + slot * BUFFER;
	memset(b.at, 0, HEADER);
	memcpy((uint8_t *)b.at + HEADER, frame, bytes);
	head = ring_add(&tx, &b, 1);
	if (head < 0 || head >= RING)
		give_up("no room in the ring");
	tx_slots[head] = (uint16_t)slot;
	return true;
}

static void kick(void)
{
	ring_kick(&tx);
}

static unsigned sent(void)
{
	unsigned n = 0;

	for (int head; (head = ring_take(&tx, NULL)) >= 0; n++)
		tx_free[n_tx_free++] = tx_slots[head];
	return n;
}

static void refill(void)
{
	if (held >= 0) {
		offer((unsigned)held);
		held = -1;
		refilled++;
	}
	if (refilled)
		ring_kick(&rx);
	refilled = 0;
}

static uint32_t receive(const uint8_t **ret)
{
	uint32_t length;
	int head;

	if (held >= 0) {
		offer((unsigned)held);
		held = -1;
		if (++refilled >= 32)
			refill();
	}
	head = ring_take(&rx, &length);
	if (head < 0 || head >= RING)
		return 0;
	held = rx_slots[head];
	*ret = rx_buffers + (unsigned)held * BUFFER + HEADER;
	return length > HEADER ? length - HEADER : 0;
}

/* Without event indices every frame interrupts, wished for or not. */
static void arm(unsigned back)
{
	if (rx.event_idx)
		ring_interrupt_after(&rx, rx.next_used);
	if (tx.event_idx)
		ring_interrupt_after(&tx, (uint16_t)(tx.next_used + (back ? back - 1 : 0x7fff)));
}

const struct bench_nic bench_virtio_net = {
	.name = "virtio-net",
	.start = start,
	.send = send,
	.kick = kick,
	.sent = sent,
	.receive = receive,
	.refill = refill,
	.arm = arm,
};
