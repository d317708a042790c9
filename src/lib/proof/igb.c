// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Intel 82576 network functions. A PF loops its frames back in its MAC. A VF sends to its own
 * address, and the switch inside the card brings the frame back to it: QEMU's model does, with the
 * loopback that Linux's PF driver switches on together with VFs. The card itself has one more
 * switch per VF for frames to itself (DTXSWC.LLE, 82576EB datasheet 8.14.5), which that driver
 * leaves off: then what was sent is proved, and what would be received is not.
 */
#include "igb-port.h"

#include <inttypes.h>
#include <string.h>

enum {
	INTEL = 0x8086,
	REST_MS = 500,
	RECEIVE_MS = 2000,
	INTERRUPT_MS = 2000,
	ROUNDS = 8,
	FILL = 0xa5,
};

static const struct {
	uint16_t device;
	bool vf;
} known[] = {
	{ 0x10c9, false },
	{ 0x10e6, false },
	{ 0x10e7, false },
	{ 0x10e8, false },
	{ 0x150a, false },
	{ 0x1518, false },
	{ 0x1526, false },
	{ 0x150d, false },
	{ 0x10ca, true },
	{ 0x152d, true },
};

static bool matches(const struct proof_target *t)
{
	for (size_t i = 0; t->vendor == INTEL && i < ARRAY_SIZE(known); i++)
		if (known[i].device == t->device && known[i].vf == t->is_vf)
			return true;
	return false;
}

static void igb_free(struct proof_run *r)
{
	free(r->state);
	r->state = NULL;
}

/* A VF whose PF says nothing is not broken: its PF is down. */
static bool blame_mailbox(struct proof_check *c, int e)
{
	if (e == -ETIMEDOUT) {
		check_unproved(c, "its PF's driver does not answer the mailbox");
		check_hint(c, "the PF's interface must be up: `ip link set PF up`");
	} else if (e == -EACCES) {
		check_failed(c, "its PF refuses it an address");
		check_hint(c, "give it one: `vfctl set SEL mac=…`");
	} else {
		check_failed(c, "%s: %s", "the mailbox to its PF", strerror(-e));
	}
	return false;
}

static bool start(struct igb *g, struct proof_check *c)
{
	int e = g->r->target->is_vf ? igb_mailbox_start(g) : igb_pf_start(g);

	if (e < 0 && g->r->target->is_vf)
		return blame_mailbox(c, e);
	if (e == 0)
		e = igb_wait_link(g);
	if (e == 0) {
		check_unproved(c, "no link");
		check_hint(c, "connect the port, and bring the PF's interface up");
		return false;
	}
	if (e > 0)
		e = igb_rings_make(g);
	if (e == 0)
		e = igb_rx_start(g, g->rx_buffers_iova, IGB_BUFFER);
	if (e == 0)
		e = igb_tx_start(g);
	if (e < 0) {
		check_failed(c, "its rings do not start: %s", strerror(-e));
		return false;
	}
	igb_interrupts_on(g);
	g->started = true;
	return true;
}

static bool prove_rings(struct igb *g)
{
	struct proof_check *c = check_start(g->r, "rings");
	int e = irq_arm(g->r);

	if (e < 0) {
		check_failed(
			c, "%s cannot be switched on: %s", irq_name(g->r->irq.index), strerror(-e));
		return false;
	}
	if (!start(g, c))
		return false;
	check_proved(c, "receive and transmit rings of %d, link is up", IGB_RING);
	check_evidence(c, "%s %s", g->r->target->is_vf ? "its PF answers; address" : "address",
		MAC_TEXT(g->mac));
	return true;
}

/* 1 received as sent; 0 said otherwise. */
static int exchange(struct igb *g, struct proof_check *c, size_t len, unsigned seed)
{
	char want[IGB_FRAME_MAX];
	const char *got;
	size_t got_len;
	int e;

	igb_frame(g, want, len, seed);
	memcpy(g->tx_buffer, want, len);
	memset(g->rx_buffers, FILL, (size_t)IGB_RING * IGB_BUFFER);
	e = igb_send(g, g->tx_buffer_iova, len);
	if (e <= 0) {
		check_failed(c, "a frame of %zu bytes is not sent: %s", len,
			e ? strerror(-e) : "the descriptor is never completed");
		return 0;
	}
	c->bytes += len;
	e = igb_receive(g, RECEIVE_MS, &got_len);
	if (e < 0) {
		check_unproved(c, "a frame of %zu bytes was sent and did not come back", len);
		check_hint(c, "some cards do not give a VF its own frames");
		return 0;
	}
	got = g->rx_buffers + (size_t)e * IGB_BUFFER;
	/* With four bytes of checksum behind it where the PF does not strip them. */
	if ((got_len != len && got_len != len + 4) || memcmp(got, want, len) != 0) {
		check_failed(c, "a frame of %zu bytes came back changed (%zu bytes)", len, got_len);
		return 0;
	}
	c->bytes += len;
	return 1;
}

static bool prove_loopback(struct igb *g)
{
	static const size_t lengths[] = { 60, 64, 777, IGB_FRAME_MAX };
	struct proof_check *c = check_start(g->r, "loopback");

	for (unsigned i = 0; i < ROUNDS; i++)
		for (size_t k = 0; k < ARRAY_SIZE(lengths); k++)
			if (!exchange(g, c, lengths[k], i * 4 + (unsigned)k))
				return false;
	check_proved(c, "%zu frames of 60 to %d bytes sent and received, byte for byte",
		ROUNDS * ARRAY_SIZE(lengths), IGB_FRAME_MAX);
	return true;
}

struct signals {
	struct igb *g;
	uint64_t rx, tx;
};

static int have_signals(void *arg)
{
	struct signals *s = arg;

	s->rx += irq_take(s->g->r, IGB_VECTOR_RX);
	s->tx += irq_take(s->g->r, IGB_VECTOR_TX);
	return s->rx && s->tx;
}

static void prove_vectors(struct igb *g)
{
	struct proof_check *c = check_start(g->r, "vectors");
	struct signals s = { .g = g };

	if (g->r->n_vectors < 2) {
		check_unproved(c, "it has fewer than two vectors");
		return;
	}
	proof_wait(g->r, INTERRUPT_MS, have_signals, &s);
	c->interrupts = s.rx + s.tx;
	if (s.rx && s.tx)
		check_proved(c, "%" PRIu64 " interrupts: %" PRIu64 " received, %" PRIu64 " sent",
			s.rx + s.tx, s.rx, s.tx);
	else
		check_failed(c, "no interrupt came for frames %s",
			s.rx   ? "sent"
			: s.tx ? "received"
			       : "sent or received");
	/* Broadcasts of others raise some too, but never so many. */
	if (c->interrupts > 16 * g->sent + 1024)
		check_failed(c, "%" PRIu64 " interrupts came for %" PRIu64 " frames: a flood",
			c->interrupts, g->sent);
}

static int send_seeded(struct igb *g, unsigned seed)
{
	igb_frame(g, g->tx_buffer, IGB_FRAME_MAX, seed);
	return igb_send(g, g->tx_buffer_iova, IGB_FRAME_MAX);
}

struct landing {
	const struct outside *o;
};

static int has_landed(void *arg)
{
	return !outside_is(((struct landing *)arg)->o, FILL);
}

/* A frame received into the page while that is mapped: its silence later shall mean something. */
static bool write_mapped(struct igb *g, struct proof_check *c, struct outside *o)
{
	struct landing l = { o };
	struct problem *p = NULL;
	int e = outside_map(g->r, o, &p);

	if (e == 0) {
		outside_fill(o, FILL);
		e = igb_rx_start(g, o->iova, 0);
	}
	if (e == 0)
		e = MIN(send_seeded(g, 1), 0);
	if (e < 0) {
		check_problem(c, p, e);
		return false;
	}
	if (proof_wait(g->r, RECEIVE_MS, has_landed, &l) <= 0) {
		check_failed(c, "a frame does not reach a mapped page");
		return false;
	}
	e = igb_rx_start(g, o->iova, 0);
	if (e == 0)
		e = outside_unmap(g->r, o, &p);
	if (e < 0)
		check_problem(c, p, e);
	return e == 0;
}

struct trespass {
	struct igb *g;
	struct outside *o;
	bool read; /* a frame came back that can only have come from there */
};

static int trespass_by_writing(void *arg)
{
	struct trespass *t = arg;

	return MIN(send_seeded(t->g, 2), 0);
}

static void prove_no_writes(struct igb *g, struct outside *o)
{
	struct proof_check *c = check_start(g->r, "isolation-write");
	struct trespass t = { g, o, false };

	if (!write_mapped(g, c, o))
		return;
	outside_fill(o, FILL);
	check_isolation(g->r, c, o, FILL, trespass_by_writing, &t);
}

/* The frame to send lies in the unmapped page. */
static int trespass_by_reading(void *arg)
{
	struct trespass *t = arg;
	size_t len;

	igb_frame(t->g, t->o->mem, IGB_FRAME_MAX, 3);
	dma_barrier();
	igb_send(t->g, t->o->iova, IGB_FRAME_MAX);
	t->read |= igb_receive(t->g, REST_MS, &len) >= 0;
	outside_fill(t->o, FILL);
	return t->read ? -EFAULT : 0;
}

static void prove_no_reads(struct igb *g, struct outside *o)
{
	struct proof_check *c = check_start(g->r, "isolation-read");
	struct trespass t = { g, o, false };
	int e = igb_rx_start(g, g->rx_buffers_iova, IGB_BUFFER);

	if (e < 0) {
		check_failed(c, "its receive ring does not start again: %s", strerror(-e));
		return;
	}
	outside_fill(o, FILL);
	fault_mark(g->r);
	check_isolation(g->r, c, o, FILL, trespass_by_reading, &t);
	if (t.read)
		check_failed(c, "a frame was sent out of memory that is not mapped for it");
}

static void prove_isolation(struct igb *g)
{
	struct outside o = { 0 };

	if (g->r->opts->no_faults) {
		check_skipped(check_start(g->r, "isolation"), "no faults were wanted");
		return;
	}
	if (outside_open(g->r, &o) < 0) {
		check_unproved(check_start(g->r, "isolation-write"), "out of memory");
		return;
	}
	prove_no_writes(g, &o);
	if (!o.mapped && !g->r->cancelled)
		prove_no_reads(g, &o);
	outside_close(g->r, &o);
}

static void prove(struct proof_run *r)
{
	struct igb *g = calloc(1, sizeof(*g));

	if (!g) {
		check_unproved(check_start(r, "rings"), "out of memory");
		return;
	}
	g->r = r;
	r->state = g;
	if (!prove_rings(g) || !prove_loopback(g))
		return;
	prove_vectors(g);
	prove_isolation(g);
}

/* Without the loopback, that its rings start again is all that can be seen. */
static void after_reset(struct proof_run *r)
{
	struct igb *g = r->state;
	struct proof_check *c;
	bool loops;

	if (!g || !g->started)
		return;
	loops = g->received > 0;
	c = check_start(r, "restart");
	if (!igb_is_at_rest(g)) {
		check_failed(c, "the reset did not stop its rings");
		return;
	}
	if (start(g, c) && (!loops || exchange(g, c, IGB_FRAME_MAX, 99)))
		check_proved(c, "stopped by the reset, started again%s",
			loops ? ", a frame came back" : "");
	igb_stop(g);
}

const struct proof_plugin proof_igb = {
	.name = "igb",
	.matches = matches,
	.prove = prove,
	.after_reset = after_reset,
	.free = igb_free,
};
