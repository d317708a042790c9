/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An NVMe controller behind the registers of a fakevfio function: one namespace of 512-byte blocks,
 * an admin queue and one I/O queue pair, as the NVM Express base specification 1.4 has them. The
 * wire layout is written out here on its own, so that a mistake in the code under test does not
 * cancel itself.
 */
#pragma once

#include "fakevfio.h"

enum fakenvme_fault {
	FAKENVME_SOUND,
	FAKENVME_OFFLINE,	  /* a secondary controller without resources */
	FAKENVME_ALL_ONES,	  /* gone from the bus */
	FAKENVME_NEVER_READY,	  /* EN has no effect */
	FAKENVME_FATAL,		  /* CSTS.CFS when enabled */
	FAKENVME_NEVER_COMPLETES, /* takes commands and is silent */
	FAKENVME_FOREIGN,	  /* completes commands that were not sent */
	FAKENVME_WRONG_DATA,	  /* one byte differs from time to time */
	FAKENVME_NO_DATA,	  /* completes without writing */
	FAKENVME_TOO_MUCH,	  /* a read writes more than a block */
	FAKENVME_REFUSES_IO,	  /* no I/O queue */
	FAKENVME_NO_INTERRUPT,
	FAKENVME_FLOOD,	       /* interrupts without end */
	FAKENVME_SURVIVES,     /* a reset does not stop it */
	FAKENVME_NO_SHUTDOWN,  /* SHST never completes */
	FAKENVME_DIES,	       /* does not start again after a reset */
	FAKENVME_HIDES_FAULTS, /* completes as if DMA had worked */
};

struct fakenvme {
	enum fakenvme_fault fault;
	unsigned interrupts; /* vectors that it may use; 0: as many as there are */
	unsigned namespaces; /* 0 or 1 */

	/* State. */
	uint32_t cc, csts, aqa;
	uint64_t asq, acq;
	struct fakenvme_queue {
		uint64_t sq, cq;
		uint16_t sq_size, cq_size, head, cq_tail;
		uint16_t vector;
		bool exists, phase;
	} queues[2];
	unsigned commands, reads, writes, resets; /* `writes`: commands that would change a disk */
};

/* Makes a function an NVMe controller with registers in BAR 0. `n` lives as long as it. */
void fakenvme_init(struct fakevfio_function *fn, struct fakenvme *n);
