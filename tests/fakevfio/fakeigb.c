/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fakeigb.h"

#include <string.h>

enum {
	CTRL = 0x0000,
	STATUS = 0x0008,
	MDIC = 0x0020,
	RCTL = 0x0100,
	TCTL = 0x0400,
	MEMORY = 0x0800,
	MAILBOX = 0x0c40,
	EIMS = 0x1524,
	EIMC = 0x1528,
	IVAR0 = 0x1700,
	RX = 0x2800,
	TX = 0x3800,
	RAL0 = 0x5400,
	RAH0 = 0x5404,
	RING_ENABLE = 1 << 25,
	FRAME_MAX = 2048,
	RX_VECTOR_SHIFT = 0,
	TX_VECTOR_SHIFT = 8,
};

static struct fakeigb *igb_of(struct fakevfio_function *fn)
{
	return fn->model_state;
}

static uint32_t *reg(struct fakeigb *g, uint64_t at)
{
	return &g->regs[at / 4 % ARRAY_SIZE(g->regs)];
}

static uint64_t ring_base(struct fakeigb *g, unsigned ring)
{
	return (uint64_t)*reg(g, ring + 4) << 32 | *reg(g, ring);
}

/* The mailbox's low byte: what the PF sets is cleared by reading. */
static uint32_t read_mailbox(struct fakeigb *g)
{
	uint32_t v = *reg(g, MAILBOX);

	*reg(g, MAILBOX) &= ~0x30U;
	return v;
}

static uint32_t model_read(struct fakevfio_function *fn, unsigned bar, uint64_t at)
{
	struct fakeigb *g = igb_of(fn);
	uint32_t v = 0;

	if (g->fault == FAKEIGB_ALL_ONES)
		return UINT32_MAX;
	if (bar) {
		fakevfio_peek(fn, bar, at, &v, sizeof(v));
		return v;
	}
	return at == MAILBOX ? read_mailbox(g) : *reg(g, at);
}

/* The PF's driver: VF_RESET gives the address, SET_MAC_ADDR takes one. */
static void answer_mail(struct fakeigb *g)
{
	uint32_t *msg = reg(g, MEMORY), kind = msg[0];

	g->requests++;
	if (g->fault == FAKEIGB_PF_DOWN)
		return;
	if (kind == 1 && !g->no_mac)
		memcpy(&msg[1], g->mac, sizeof(g->mac));
	if (kind == 2 && g->fault != FAKEIGB_PF_REFUSES)
		memcpy(g->mac, &msg[1], sizeof(g->mac));
	if ((kind == 1 && !g->no_mac) || (kind == 2 && g->fault != FAKEIGB_PF_REFUSES))
		msg[0] = kind | 0xa0000000;
	else
		msg[0] = kind | 0x60000000;
	if (g->fault == FAKEIGB_BABBLES)
		msg[0] = 0xa0000007;
	*reg(g, MAILBOX) |= 0x30;
}

static void write_mailbox(struct fakeigb *g, uint32_t v)
{
	*reg(g, MAILBOX) = (*reg(g, MAILBOX) & ~4U) | (v & 4);
	if (v & 1)
		answer_mail(g);
}

static void fire(struct fakevfio_function *fn, unsigned shift)
{
	struct fakeigb *g = igb_of(fn);
	uint32_t ivar = *reg(g, IVAR0) >> shift & 0xff;
	unsigned times = g->fault == FAKEIGB_FLOOD ? 4000 : 1;

	if (g->fault == FAKEIGB_NO_INTERRUPT ||
		(g->fault == FAKEIGB_NO_RX_INTERRUPT && shift == RX_VECTOR_SHIFT))
		return;
	if (!(ivar & 0x80) || !(*reg(g, EIMS) & 1U << (ivar & 7)))
		return;
	for (unsigned i = 0; i < times; i++)
		fakevfio_fire(fn, VFIO_PCI_MSIX_IRQ_INDEX, ivar & 7);
}

/* Into the next free descriptor; an advanced one is written over with what was received. */
static void deliver(struct fakevfio_function *fn, const uint8_t *frame, uint32_t len)
{
	struct fakeigb *g = igb_of(fn);
	uint32_t head = *reg(g, RX + 0x10), n = *reg(g, RX + 8) / 16;
	uint64_t at = ring_base(g, RX) + head * 16ULL, buffer;
	uint32_t done[4] = { 0, 0, 3, len };

	if (!(*reg(g, RX + 0x28) & RING_ENABLE) || head == *reg(g, RX + 0x18) || !n ||
		(*reg(g, RX + 0xc) & 0x7f) * 1024 < len)
		return;
	if (!fakevfio_dma_read(fn, at, &buffer, sizeof(buffer)))
		return;
	fakevfio_dma_write(fn, buffer, frame, len);
	fakevfio_dma_write(fn, at, done, sizeof(done));
	*reg(g, RX + 0x10) = (head + 1) % n;
	fire(fn, RX_VECTOR_SHIFT);
}

static bool is_for_us(const struct fakeigb *g, const uint8_t *frame)
{
	return memcmp(frame, g->mac, sizeof(g->mac)) == 0;
}

static void loop_back(struct fakevfio_function *fn, uint8_t *frame, uint32_t len)
{
	struct fakeigb *g = igb_of(fn);
	uint8_t other[64] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 8, 6 };

	if (g->fault == FAKEIGB_NO_LOOPBACK || !is_for_us(g, frame) ||
		(g->pf && (*reg(g, RCTL) & 0x42) != 0x42))
		return;
	if (g->fault == FAKEIGB_CHATTER)
		deliver(fn, other, sizeof(other));
	if (g->fault == FAKEIGB_WRONG_DATA)
		frame[50] ^= 1;
	if (g->fault == FAKEIGB_CUTS)
		len--;
	if (g->keeps_crc)
		memset(frame + len, 0, 4);
	deliver(fn, frame, len + (g->keeps_crc ? 4 : 0));
}

/* One descriptor: false when it is none that is known here. */
static bool transmit(struct fakevfio_function *fn, uint64_t at)
{
	struct fakeigb *g = igb_of(fn);
	uint8_t frame[FRAME_MAX + 4];
	uint32_t d[4], len;

	if (!fakevfio_dma_read(fn, at, d, sizeof(d)))
		return false;
	len = d[2] & 0xffff;
	/* Advanced data, end of packet, report; the payload's length agrees. */
	if ((d[2] & 0x29300000) != 0x29300000 || len > FRAME_MAX || d[3] >> 14 != len)
		return false;
	g->frames++;
	if (fakevfio_dma_read(fn, (uint64_t)d[1] << 32 | d[0], frame, len))
		loop_back(fn, frame, len);
	d[3] = 1;
	fakevfio_dma_write(fn, at + 12, &d[3], sizeof(d[3]));
	fire(fn, TX_VECTOR_SHIFT);
	return true;
}

static void run_tx(struct fakevfio_function *fn)
{
	struct fakeigb *g = igb_of(fn);
	uint32_t n = *reg(g, TX + 8) / 16;

	if (!(*reg(g, TX + 0x28) & RING_ENABLE) || g->fault == FAKEIGB_NEVER_SENDS || !n ||
		(g->pf && !(*reg(g, TCTL) & 2)))
		return;
	while (*reg(g, TX + 0x10) != *reg(g, TX + 0x18)) {
		if (!transmit(fn, ring_base(g, TX) + *reg(g, TX + 0x10) * 16ULL))
			return;
		*reg(g, TX + 0x10) = (*reg(g, TX + 0x10) + 1) % n;
	}
}

static void stop(struct fakeigb *g)
{
	*reg(g, RX + 0x28) = *reg(g, TX + 0x28) = g->pf ? RING_ENABLE : 0;
	*reg(g, RCTL) = *reg(g, TCTL) = 0;
	*reg(g, EIMS) = 0;
}

static void model_write(struct fakevfio_function *fn, unsigned bar, uint64_t at, uint32_t value)
{
	struct fakeigb *g = igb_of(fn);

	if (bar || g->fault == FAKEIGB_ALL_ONES)
		return;
	switch (at) {
	case CTRL:
		if (value & 1 << 26)
			stop(g);
		break;
	case STATUS:
	case RAL0:
	case RAH0:
		break;
	case MDIC: /* a PF's link comes when its PHY is told to negotiate */
		if (g->fault != FAKEIGB_NO_LINK && (value & 0xffff) == 0x1200)
			*reg(g, STATUS) |= 2;
		break;
	case MAILBOX:
		write_mailbox(g, value);
		break;
	case EIMC:
		*reg(g, EIMS) &= ~value;
		break;
	case EIMS:
		*reg(g, EIMS) |= value;
		break;
	case RX + 0x28:
	case TX + 0x28:
		*reg(g, at) =
			g->fault == FAKEIGB_NO_QUEUES ? value & ~(uint32_t)RING_ENABLE : value;
		break;
	case TX + 0x18:
		*reg(g, at) = value;
		run_tx(fn);
		break;
	default:
		*reg(g, at) = value;
	}
}

static void model_reset(struct fakevfio_function *fn)
{
	struct fakeigb *g = igb_of(fn);

	g->resets++;
	if (g->fault != FAKEIGB_SURVIVES)
		stop(g);
}

void fakeigb_init(struct fakevfio_function *fn, struct fakeigb *g)
{
	static const struct fakevfio_model model = { model_read, model_write, model_reset };
	static const uint8_t mac[6] = { 0x52, 0x54, 0, 0xaa, 0xbb, 0xcc };

	fakevfio_bar(fn, 0, 0x8000);
	fn->model = &model;
	fn->model_state = g;
	if (!g->no_mac)
		memcpy(g->mac, mac, sizeof(mac));
	memcpy(reg(g, RAL0), mac, 4);
	memcpy(reg(g, RAH0), mac + 4, 2);
	if (!g->pf && g->fault != FAKEIGB_NO_LINK)
		*reg(g, STATUS) |= 2;
	stop(g);
}
