// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The mailbox between a VF and its PF's driver (82576EB datasheet, 7.8.2.9.1, and the messages that
 * Linux's drivers of both sides use): sixteen words of memory, and a register in which each side
 * claims that memory, rings and acknowledges. Bits that the PF sets are cleared by reading.
 */
#include "igb-port.h"

#include <string.h>

enum {
	REG_CTRL = 0x0000,
	REG_MEMORY = 0x0800,
	REG_MAILBOX = 0x0c40,

	CTRL_RST = 1 << 26,

	BOX_REQUEST = 0x01,
	BOX_ACK = 0x02,
	BOX_VF_OWNS = 0x04,
	BOX_PF_SENT = 0x10,
	BOX_PF_ACKED = 0x20,

	MSG_RESET = 0x01,
	MSG_SET_MAC = 0x02,
	MSG_KIND = 0xff,
	MSG_WORDS = 3,

	ANSWER_MS = 3000,
	RESET_PAUSE_MS = 10,
	TRIES = 3,
};

static const uint32_t MSG_ACKED = 0x80000000;

struct box {
	struct igb *g;
	uint32_t seen, want;
};

static int saw(void *arg)
{
	struct box *b = arg;
	uint32_t v = reg_read(b->g->r, 0, REG_MAILBOX);

	if (v == UINT32_MAX)
		return -ENODEV;
	b->seen |= v;
	return (b->seen & b->want) != 0;
}

static int wait_for(struct box *b, uint32_t bit)
{
	int e;

	b->want = bit;
	e = proof_wait(b->g->r, ANSWER_MS, saw, b);
	return e == 0 ? -ETIMEDOUT : MIN(e, 0);
}

static int try_claim(void *arg)
{
	struct box *b = arg;
	uint32_t v;

	reg_write(b->g->r, 0, REG_MAILBOX, BOX_VF_OWNS);
	v = reg_read(b->g->r, 0, REG_MAILBOX);
	if (v == UINT32_MAX)
		return -ENODEV;
	b->seen |= v & ~(uint32_t)BOX_VF_OWNS;
	return (v & BOX_VF_OWNS) != 0;
}

static int claim(struct box *b)
{
	int e = proof_wait(b->g->r, ANSWER_MS, try_claim, b);

	return e == 0 ? -ETIMEDOUT : MIN(e, 0);
}

/* Sends a message and takes the answer to it. */
static int exchange(struct igb *g, uint32_t msg[MSG_WORDS])
{
	struct box b = { .g = g };
	int e = claim(&b);

	if (e < 0)
		return e;
	b.seen = 0;
	for (unsigned i = 0; i < MSG_WORDS; i++)
		reg_write(g->r, 0, REG_MEMORY + 4 * i, msg[i]);
	reg_write(g->r, 0, REG_MAILBOX, BOX_REQUEST);
	e = wait_for(&b, BOX_PF_ACKED);
	if (e == 0)
		e = wait_for(&b, BOX_PF_SENT);
	if (e == 0)
		e = claim(&b);
	if (e < 0)
		return e;
	for (unsigned i = 0; i < MSG_WORDS; i++)
		msg[i] = reg_read(g->r, 0, REG_MEMORY + 4 * i);
	reg_write(g->r, 0, REG_MAILBOX, BOX_ACK);
	return 0;
}

/* With the address, or without when the administrator gave none: then the PF says no. */
static int ask_reset(struct igb *g)
{
	uint32_t msg[MSG_WORDS] = { MSG_RESET };
	int e = exchange(g, msg);

	if (e < 0)
		return e;
	if ((msg[0] & MSG_KIND) != MSG_RESET)
		return -EBADMSG;
	memset(&g->mac, 0, sizeof(g->mac));
	if (!(msg[0] & MSG_ACKED))
		return 0;
	for (unsigned i = 0; i < 6; i++)
		g->mac.b[i] = (uint8_t)(msg[1 + i / 4] >> 8 * (i % 4));
	return 0;
}

/* A locally administered address of our own, from the function's. */
static int set_mac(struct igb *g)
{
	struct bdf a = g->r->target->bdf;
	struct mac mac = { { 0x02, 0x76, 0x66, a.bus, (uint8_t)(a.dev << 3 | a.fn), 0x01 } };
	uint32_t msg[MSG_WORDS] = { MSG_SET_MAC };
	int e;

	for (unsigned i = 0; i < 6; i++)
		msg[1 + i / 4] |= (uint32_t)mac.b[i] << 8 * (i % 4);
	e = exchange(g, msg);
	if (e < 0)
		return e;
	if ((msg[0] & MSG_KIND) != MSG_SET_MAC || !(msg[0] & MSG_ACKED))
		return -EACCES;
	g->mac = mac;
	return 0;
}

int igb_mailbox_start(struct igb *g)
{
	int e = -ETIMEDOUT;

	/* The PF's driver may be in the middle of noticing the reset: it is asked again. */
	for (int i = 0; i < TRIES && e == -ETIMEDOUT; i++) {
		reg_write(g->r, 0, REG_CTRL, CTRL_RST);
		host_sleep_ms(g->r->host, RESET_PAUSE_MS);
		e = ask_reset(g);
	}
	if (e == 0 && mac_is_zero(g->mac))
		e = set_mac(g);
	return e;
}
