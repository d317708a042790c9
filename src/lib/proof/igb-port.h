/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A network function of Intel's 82576 driven from here: one receive and one transmit ring (82576EB
 * datasheet, chapters 7 and 8; queue 0 of a PF and of a VF has its registers in the same places).
 */
#pragma once

#include "run.h"

#include "base/mac.h"

enum {
	IGB_RING = 16,		/* descriptors */
	IGB_BUFFER = 2048,	/* bytes of each receive buffer */
	IGB_ETHERTYPE = 0x88b5, /* for local experiments (IEEE 802) */
	IGB_FRAME_MAX = 1514,
	/* As the VF's own driver has them: the emulated card adds new assignments to old ones. */
	IGB_VECTOR_TX = 0,
	IGB_VECTOR_RX = 1,
};

struct igb {
	struct proof_run *r;
	struct mac mac;
	char *rx_ring, *tx_ring, *rx_buffers, *tx_buffer;
	uint64_t rx_ring_iova, tx_ring_iova, rx_buffers_iova, tx_buffer_iova;
	unsigned rx_next, tx_next;
	uint64_t sent, received; /* frames of ours */
	bool started;
};

/* ---- igb-mailbox.c: how a VF speaks with its PF's driver ---- */

/*
 * Resets the VF with its PF's consent, which also tells its address or accepts ours. -ETIMEDOUT
 * when nobody answers, -EACCES when the PF refuses.
 */
int igb_mailbox_start(struct igb *g);

/* ---- igb-port.c ---- */

/* A PF: reset, its link restarted, what it sends comes back inside (MAC loopback). */
int igb_pf_start(struct igb *g);
/* 1 link, 0 none in time, or negative. */
int igb_wait_link(struct igb *g);
int igb_rings_make(struct igb *g);
/*
 * (Re)starts the receive ring with all descriptors free; descriptor i gets the buffer at
 * first + i * step.
 */
int igb_rx_start(struct igb *g, uint64_t first, uint64_t step);
int igb_tx_start(struct igb *g);
void igb_interrupts_on(struct igb *g);
void igb_stop(struct igb *g);
bool igb_is_at_rest(struct igb *g);

/* A frame to ourselves of `len` bytes, whose content depends on `seed`. */
void igb_frame(const struct igb *g, char *frame, size_t len, unsigned seed);
/* Sends what lies at `iova` and waits until the card says that it has: 1, 0 not in time, negative.
 */
int igb_send(struct igb *g, uint64_t iova, size_t len);
/* The next frame with our ethertype: its buffer's number, or -ETIMEDOUT; others are dropped. */
int igb_receive(struct igb *g, unsigned ms, size_t *ret_len);
