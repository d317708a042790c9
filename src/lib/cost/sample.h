/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a guest's VMM has counted up to one moment, as it answers "stats": a flat list, each counter
 * with its place in base/counter.def. The answer is a guest's neighbour's: names and numbers are
 * taken as they come, and believed by nobody.
 */
#pragma once

#include "base/attr.h"
#include "base/counter.h"

#include <json-c/json.h>
#include <stdint.h>

struct cost_count {
	enum counter_of of;
	const char *whose; /* device or region; NULL: the guest, or CPU `index` */
	int index;	   /* of CPU, queue or vector; -1: none, or all of them */
	const char *name;
	uint64_t v;
	const struct counter *means; /* NULL: nobody has said */
};

/* "model" is "virtio-blk"; see pci_device_ops.traits. */
struct cost_trait {
	const char *key, *word;
};

struct cost_device {
	const char *name;
	unsigned slot;
	struct cost_trait *traits;
	size_t n_traits;
};

struct cost_sample {
	json_object *from; /* all names are its */
	uint64_t at_us;	   /* when, by clock_us() */
	struct cost_count *counts;
	size_t n;
	struct cost_device *devices;
	size_t n_devices;
};

/* Keeps the answer. -ENOMEM; what is not as it should be is left out. */
int cost_sample_new(json_object *stats, uint64_t at_us, struct cost_sample *ret);
void cost_sample_done(struct cost_sample *s);
#define autosample CLEANUP(cost_sample_done) struct cost_sample

/* The word, NULL: it does not say. */
const char *cost_trait(const struct cost_device *d, const char *key);

/* Of a device's own counters or of its queue; 0 when there is no such counter. */
uint64_t cost_value(const struct cost_sample *s, enum counter_of of, const char *whose, int index,
	const char *name);
/*
 * By how much s->counts[i] has grown since `before`; NULL, or a guest that has started again
 * meanwhile, counts from 0.
 */
uint64_t cost_growth(const struct cost_sample *before, const struct cost_sample *s, size_t i);
/* "web1", "cpu0", "virtio-blk0", "virtio-blk0/1", allocated: as "vm set" and "vm stats" call it. */
char *cost_label(const struct cost_count *c, const char *guest);
/* "doorbells"; of vectors as the report has it, "vector1_merged" and "interrupts_merged". */
char *cost_name(const struct cost_count *c);
