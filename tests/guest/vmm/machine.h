/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vfctl-vmm-fake: the VMM as it is, on the real KVM, with functions to assign that are played in
 * its own process (fakevfio). Its guests are attacked and attackers; a judge, which is the third of
 * the functions, looks at the VMM's books when a guest reads its register.
 *
 * The numbers are agreed on with tests/guest/host/test-assigned.c, which passes descriptors of
 * these numbers, and tests/guest/programs/assigned.c.
 */
#pragma once

#include "fakevfio/fakevfio.h"
#include "host/host.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

enum {
	FUNCTIONS = 3,
	JUDGE = 2,	    /* index */
	CONTAINER_FD = 200, /* then group and device of each function */
};

/* Registers of the judge, 32 bits each. */
enum {
	JUDGE_WRONG = 0x00, /* read: how much is wrong; the first of it goes to standard error */
	JUDGE_FIRE = 0x04, /* write: function << 16 | interrupt index << 8 | vector; read: taken? */
	JUDGE_DMA_BARS = 0x08,	/* read: parts of BARs in the IOMMU */
	JUDGE_SLOTS = 0x0c,	/* read: memory slots of KVM's */
	JUDGE_FAIL_VFIO = 0x10, /* write: that call from now on fails; 0: none */
	JUDGE_FAIL_SLOT = 0x14, /* write: that change of a memory slot from now on fails */
	JUDGE_DMA_LOW = 0x18,	/* write: an address for … */
	JUDGE_DMA_HIGH = 0x1c,
	JUDGE_DMA = 0x20, /* write: this word goes there, from function 0; read: did it arrive? */
};

struct shim {
	struct host host;
	struct host *real; /* descriptors that are what they are: KVM among them */
	struct fakevfio fake;
	pthread_mutex_t lock; /* the fake, which knows of no threads */
	atomic_uint slot_calls, fail_slot;
};

uint32_t judge_read(struct shim *s, uint64_t at);
void judge_write(struct shim *s, uint64_t at, uint32_t value);
