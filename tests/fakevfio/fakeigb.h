/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An Intel 82576 function behind the registers of a fakevfio function, with one receive and one
 * transmit ring: a VF whose PF's driver answers its mailbox, and whose frames to itself come back;
 * or a PF that loops back in its MAC. Registers are those of the 82576EB datasheet, written out
 * here on their own.
 */
#pragma once

#include "fakevfio.h"

enum fakeigb_fault {
	FAKEIGB_SOUND,
	FAKEIGB_ALL_ONES,   /* gone from the bus */
	FAKEIGB_PF_DOWN,    /* nobody answers the mailbox */
	FAKEIGB_PF_REFUSES, /* no address given, and none accepted */
	FAKEIGB_BABBLES,    /* answers to something else */
	FAKEIGB_NO_LINK,
	FAKEIGB_NO_QUEUES,    /* rings do not switch on */
	FAKEIGB_NEVER_SENDS,  /* descriptors are never completed */
	FAKEIGB_NO_LOOPBACK,  /* sent, and never seen again */
	FAKEIGB_WRONG_DATA,   /* the 50th byte is another one */
	FAKEIGB_CUTS,	      /* the last byte is missing */
	FAKEIGB_NO_INTERRUPT, /* none at all */
	FAKEIGB_NO_RX_INTERRUPT,
	FAKEIGB_FLOOD,
	FAKEIGB_SURVIVES, /* a reset does not stop it */
	FAKEIGB_CHATTER,  /* frames of others between ours */
};

struct fakeigb {
	enum fakeigb_fault fault;
	bool pf;
	bool no_mac;	/* the administrator gave the VF none */
	bool keeps_crc; /* four bytes behind each frame */

	/* State. */
	uint32_t regs[0x6000 / 4];
	uint8_t mac[6];
	unsigned frames, resets, requests;
};

void fakeigb_init(struct fakevfio_function *fn, struct fakeigb *g);
