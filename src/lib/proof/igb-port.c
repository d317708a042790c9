// SPDX-License-Identifier: GPL-2.0-or-later
#include "igb-port.h"

#include <endian.h>
#include <string.h>

enum {
	REG_CTRL = 0x0000,
	REG_STATUS = 0x0008,
	REG_MDIC = 0x0020,
	REG_RCTL = 0x0100,
	REG_TCTL = 0x0400,
	REG_IMC = 0x150c,
	REG_GPIE = 0x1514,
	REG_EIMS = 0x1524,
	REG_EIMC = 0x1528,
	REG_EIAC = 0x152c,
	REG_EIAM = 0x1530,
	REG_IVAR0 = 0x1700,
	REG_RAL0 = 0x5400,
	REG_RAH0 = 0x5404,

	/* Of a ring, from its base. */
	RX = 0x2800,
	TX = 0x3800,
	RING_LOW = 0x00,
	RING_HIGH = 0x04,
	RING_BYTES = 0x08,
	RING_SRRCTL = 0x0c, /* receive only */
	RING_HEAD = 0x10,
	RING_TAIL = 0x18,
	RING_CONTROL = 0x28,

	CTRL_FULL_DUPLEX = 1 << 0,
	CTRL_LINK_UP = 1 << 6,
	CTRL_RST = 1 << 26,
	STATUS_LINK = 1 << 1,
	RCTL_ENABLE = 1 << 1,
	RCTL_ALL_UNICAST = 1 << 3,
	RCTL_LOOPBACK_MAC = 1 << 6,
	RCTL_BROADCAST = 1 << 15,
	RCTL_STRIP_CRC = 1 << 26,
	TCTL_ENABLE = 1 << 1,
	TCTL_PAD = 1 << 3,
	TCTL_COLLISIONS = 0x0f << 4 | 0x40 << 12,
	MDIC_WRITE_CONTROL = 1 << 26 | 1 << 21, /* PHY 1, its register 0 */
	MDIC_RESTART = 0x1200,			/* autonegotiate, again */
	GPIE_MSIX = 1 << 4 | 1 << 0,
	RING_ENABLE = 1 << 25,
	SRRCTL_ADVANCED = 1 << 25,
	IVAR_VALID = 0x80,

	DESCRIPTOR = 16,
	STATUS_DONE = 1,
	TX_DATA = 3 << 20,
	TX_END = 1 << 24,
	TX_CRC = 1 << 25,
	TX_REPORT = 1 << 27,
	TX_ADVANCED = 1 << 29,
	PAYLOAD_SHIFT = 14,

	LINK_MS = 5000,
	QUEUE_MS = 2000,
	SEND_MS = 2000,
	RESET_PAUSE_MS = 20,
	VECTORS = 7,
};

static uint32_t get(struct igb *g, uint64_t at)
{
	return reg_read(g->r, 0, at);
}

static void put(struct igb *g, uint64_t at, uint32_t value)
{
	reg_write(g->r, 0, at, value);
}

static int has_link(void *arg)
{
	uint32_t status = get(arg, REG_STATUS);

	return status == UINT32_MAX ? -ENODEV : (status & STATUS_LINK) != 0;
}

int igb_wait_link(struct igb *g)
{
	return proof_wait(g->r, LINK_MS, has_link, g);
}

int igb_pf_start(struct igb *g)
{
	uint32_t low, high;

	put(g, REG_IMC, UINT32_MAX);
	put(g, REG_EIMC, UINT32_MAX);
	put(g, REG_CTRL, CTRL_RST);
	host_sleep_ms(g->r->host, RESET_PAUSE_MS);
	low = get(g, REG_RAL0);
	high = get(g, REG_RAH0);
	if (low == UINT32_MAX && high == UINT32_MAX)
		return -ENODEV;
	for (unsigned i = 0; i < 6; i++)
		g->mac.b[i] = (uint8_t)((i < 4 ? low : high) >> 8 * (i % 4));
	put(g, REG_CTRL, CTRL_LINK_UP | CTRL_FULL_DUPLEX);
	put(g, REG_MDIC, MDIC_WRITE_CONTROL | MDIC_RESTART);
	put(g, REG_GPIE, GPIE_MSIX);
	put(g, REG_RCTL,
		RCTL_ENABLE | RCTL_ALL_UNICAST | RCTL_LOOPBACK_MAC | RCTL_BROADCAST |
			RCTL_STRIP_CRC);
	put(g, REG_TCTL, TCTL_ENABLE | TCTL_PAD | TCTL_COLLISIONS);
	return 0;
}

int igb_rings_make(struct igb *g)
{
	struct proof_run *r = g->r;

	r->arena.used = 0;
	g->rx_ring = arena_take(r, IGB_RING * DESCRIPTOR, &g->rx_ring_iova);
	g->tx_ring = arena_take(r, IGB_RING * DESCRIPTOR, &g->tx_ring_iova);
	g->rx_buffers = arena_take(r, IGB_RING * IGB_BUFFER, &g->rx_buffers_iova);
	g->tx_buffer = arena_take(r, IGB_BUFFER, &g->tx_buffer_iova);
	return g->rx_ring && g->tx_ring && g->rx_buffers && g->tx_buffer ? 0 : -ENOMEM;
}

struct queue_state {
	struct igb *g;
	uint64_t base;
	bool on;
};

static int has_state(void *arg)
{
	const struct queue_state *q = arg;
	uint32_t v = get(q->g, q->base + RING_CONTROL);

	return v == UINT32_MAX ? -ENODEV : ((v & RING_ENABLE) != 0) == q->on;
}

static int switch_queue(struct igb *g, uint64_t base, bool on)
{
	struct queue_state q = { g, base, on };
	uint32_t v = get(g, base + RING_CONTROL) & ~(uint32_t)RING_ENABLE;
	int e;

	put(g, base + RING_CONTROL, on ? v | RING_ENABLE : v);
	e = proof_wait(g->r, QUEUE_MS, has_state, &q);
	return e == 0 ? -ETIMEDOUT : MIN(e, 0);
}

static int start_ring(struct igb *g, uint64_t base, uint64_t iova)
{
	int e = switch_queue(g, base, false);

	if (e < 0)
		return e;
	put(g, base + RING_LOW, (uint32_t)iova);
	put(g, base + RING_HIGH, (uint32_t)(iova >> 32));
	put(g, base + RING_BYTES, IGB_RING * DESCRIPTOR);
	put(g, base + RING_HEAD, 0);
	put(g, base + RING_TAIL, 0);
	if (base == RX)
		put(g, base + RING_SRRCTL, SRRCTL_ADVANCED | IGB_BUFFER / 1024);
	return switch_queue(g, base, true);
}

static volatile uint32_t *descriptor(char *ring, unsigned i)
{
	return (volatile uint32_t *)(volatile void *)(ring + (size_t)i * DESCRIPTOR);
}

static void offer(struct igb *g, unsigned i, uint64_t iova)
{
	volatile uint32_t *d = descriptor(g->rx_ring, i);

	d[0] = htole32((uint32_t)iova);
	d[1] = htole32((uint32_t)(iova >> 32));
	d[2] = d[3] = 0;
}

int igb_rx_start(struct igb *g, uint64_t first, uint64_t step)
{
	int e;

	for (unsigned i = 0; i < IGB_RING; i++)
		offer(g, i, first + i * step);
	e = start_ring(g, RX, g->rx_ring_iova);
	g->rx_next = 0;
	/* One less than all: an equal head and tail would mean none. */
	if (e == 0)
		put(g, RX + RING_TAIL, IGB_RING - 1);
	return e;
}

int igb_tx_start(struct igb *g)
{
	g->tx_next = 0;
	return start_ring(g, TX, g->tx_ring_iova);
}

void igb_interrupts_on(struct igb *g)
{
	put(g, REG_EIMC, VECTORS);
	put(g, REG_IVAR0, (IVAR_VALID | IGB_VECTOR_TX) << 8 | IVAR_VALID | IGB_VECTOR_RX);
	put(g, REG_EIAC, VECTORS); /* each clears its cause when it fires */
	put(g, REG_EIAM, 0);
	put(g, REG_EIMS, VECTORS);
}

void igb_stop(struct igb *g)
{
	put(g, REG_EIMC, VECTORS);
	switch_queue(g, RX, false);
	switch_queue(g, TX, false);
}

bool igb_is_at_rest(struct igb *g)
{
	/* A PF's first queues are on after a reset, its receiver and transmitter are not. */
	if (!g->r->target->is_vf)
		return !((get(g, REG_RCTL) & RCTL_ENABLE) | (get(g, REG_TCTL) & TCTL_ENABLE));
	return !((get(g, RX + RING_CONTROL) | get(g, TX + RING_CONTROL)) & RING_ENABLE);
}

void igb_frame(const struct igb *g, char *frame, size_t len, unsigned seed)
{
	memcpy(frame, g->mac.b, 6);
	memcpy(frame + 6, g->mac.b, 6);
	frame[12] = (char)(IGB_ETHERTYPE >> 8);
	frame[13] = (char)(IGB_ETHERTYPE & 0xff);
	for (size_t i = 14; i < len; i++)
		frame[i] = (char)(i * 7 + seed * 31 + (i >> 8));
}

static int is_sent(void *arg)
{
	const volatile uint32_t *d = arg;

	return (le32toh(d[3]) & STATUS_DONE) != 0;
}

int igb_send(struct igb *g, uint64_t iova, size_t len)
{
	volatile uint32_t *d = descriptor(g->tx_ring, g->tx_next);

	d[0] = htole32((uint32_t)iova);
	d[1] = htole32((uint32_t)(iova >> 32));
	d[2] = htole32((uint32_t)len | TX_DATA | TX_END | TX_CRC | TX_REPORT | TX_ADVANCED);
	d[3] = htole32((uint32_t)len << PAYLOAD_SHIFT);
	g->tx_next = (g->tx_next + 1) % IGB_RING;
	put(g, TX + RING_TAIL, g->tx_next);
	g->sent++;
	/* The payload's length stands where the status will; its lowest bits are zero. */
	return proof_wait(g->r, SEND_MS, is_sent, (void *)(uintptr_t)d);
}

struct arrival {
	struct igb *g;
	size_t len;
};

static int has_arrived(void *arg)
{
	struct arrival *a = arg;
	const volatile uint32_t *d = descriptor(a->g->rx_ring, a->g->rx_next);

	if (!(le32toh(d[2]) & STATUS_DONE))
		return 0;
	dma_barrier();
	a->len = le32toh(d[3]) & 0xffff;
	return 1;
}

/* Takes the filled descriptor and offers the one before it again. */
static unsigned next_filled(struct igb *g)
{
	unsigned i = g->rx_next;

	g->rx_next = (i + 1) % IGB_RING;
	return i;
}

static void offer_again(struct igb *g, unsigned i)
{
	offer(g, i, g->rx_buffers_iova + (uint64_t)i * IGB_BUFFER);
	put(g, RX + RING_TAIL, i);
}

static bool is_ours(const char *frame, size_t len)
{
	return len >= 14 && (uint8_t)frame[12] == IGB_ETHERTYPE >> 8 &&
	       (uint8_t)frame[13] == (IGB_ETHERTYPE & 0xff);
}

int igb_receive(struct igb *g, unsigned ms, size_t *ret_len)
{
	struct arrival a = { .g = g };

	/* Others may speak on the wire meanwhile, but not without end. */
	for (unsigned others = 0; others < 1024; others++) {
		int e = proof_wait(g->r, ms, has_arrived, &a);
		unsigned i;

		if (e <= 0)
			return e == 0 ? -ETIMEDOUT : e;
		i = next_filled(g);
		offer_again(g, i);
		if (is_ours(g->rx_buffers + (size_t)i * IGB_BUFFER, a.len)) {
			*ret_len = a.len;
			g->received++;
			return (int)i;
		}
	}
	return -ETIMEDOUT;
}
