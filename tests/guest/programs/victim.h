/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A virtio-rng for those who mean harm: brought up as often as they break it. */
#pragma once

#include "virtio.h"

enum { VICTIM_RING = 16, VICTIM_BYTES = 65536 };

struct victim {
	struct virtio rng;
	struct ring ring;
	uint8_t *bytes;	   /* VICTIM_BYTES, what it may write to */
	uint64_t features; /* of its ring, beside what victim_fresh() is given */
};
extern struct victim victim;

/* Finds it and sees it work; gives up without. */
void victim_find(void);
void victim_begin(uint64_t features);
/* Reset, negotiated, its queue as new. */
void victim_fresh(uint64_t features);
/* It does an honest request. */
bool victim_works(void);

enum expectation { BREAKS, EITHER };
/* Whether it noticed, if it should, and works after a reset. */
void victim_judge(const char *name, enum expectation e);

uint32_t victim_random(void);
