/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An 82540EM: each look at why it interrupted, and each wish for more of that, is a register. */
#include "e1000.h"
#include "bench.h"

enum { RING = 256, GIVE_BACK = 32 };

static struct e1000 nic;
static uint8_t *buffers; /* of what is sent */
static uint8_t vector;
static unsigned tx_oldest, n_sent;    /* on their way */
static unsigned rx_given, n_received; /* not given back: the last of them is being read */
static uint64_t seen;		      /* interrupts when they were last allowed */
static uint32_t allowed;

static bool start(uint8_t want)
{
	if (!e1000_open(&nic, RING))
		return false;
	if (!want)
		give_up("the card interrupts, or nobody knows when it is done");
	vector = want;
	buffers = memory_take(RING * E1000_BUFFER, 4096);
	e1000_interrupt(&nic, vector);
	return true;
}

static bool send(const void *frame, uint32_t bytes)
{
	uint8_t *to = buffers + nic.tx_next * E1000_BUFFER;

	if (n_sent == RING - 1)
		return false;
	memcpy(to, frame, bytes);
	*e1000_next_tx(&nic) = (struct e1000_descriptor) { (uint64_t)(uintptr_t)to,
		bytes | E1000_END | E1000_REPORT, 0 };
	n_sent++;
	return true;
}

static void kick(void)
{
	barrier();
	write32(nic.at + E1000_TDBA + E1000_TAIL, nic.tx_next);
}

static unsigned sent(void)
{
	unsigned n = 0;

	for (; n_sent && e1000_is_done(&nic.tx[tx_oldest]); n++, n_sent--)
		tx_oldest = (tx_oldest + 1) % RING;
	return n;
}

/* The tail is the last one that the card may not fill. */
static void refill(void)
{
	if (!n_received)
		return;
	for (; n_received; n_received--) {
		nic.rx[rx_given].upper = 0;
		rx_given = (rx_given + 1) % RING;
	}
	barrier();
	write32(nic.at + E1000_RDBA + E1000_TAIL, (rx_given + RING - 1) % RING);
}

static uint32_t receive(const uint8_t **ret)
{
	struct e1000_descriptor *d = &nic.rx[nic.rx_next];

	if (n_received == GIVE_BACK)
		refill();
	if (!e1000_is_done(d))
		return 0;
	barrier();
	*ret = nic.frames + nic.rx_next * E1000_BUFFER;
	nic.rx_next = (nic.rx_next + 1) % RING;
	n_received++;
	return d->lower & 0xffff;
}

/* What came before is found in the rings after this: the register forgets it. */
static void arm(unsigned back)
{
	uint32_t want = E1000_CAUSE_RX | (back ? (uint32_t)E1000_CAUSE_TX : 0);

	if (seen == interrupts[vector] && allowed && !(want & ~allowed))
		return;
	read32(nic.at + E1000_ICR);
	seen = interrupts[vector];
	allowed = want;
	write32(nic.at + E1000_IMS, want);
}

const struct bench_nic bench_e1000 = {
	.name = "e1000",
	.start = start,
	.send = send,
	.kick = kick,
	.sent = sent,
	.receive = receive,
	.refill = refill,
	.arm = arm,
};
