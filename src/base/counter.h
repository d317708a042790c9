/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is counted of a running guest (counter.def): who counts names it in his report, who shows it
 * finds here what it means. Counters only grow until the guest starts again.
 */
#pragma once

#include <stddef.h>

/*
 * Around what counts for the account on the way of an operation. Builds with another number of
 * times (-DVFCTL_COUNT_TIMES=N) say nothing that is true, but show how long counting takes:
 * tests/bench/count.bench.
 */
#ifndef COUNT_TIMES
#define COUNT_TIMES 1
#endif
#define COUNTED(statement)                                                                         \
	do {                                                                                       \
		for (int counted_ = 0; counted_ < COUNT_TIMES; counted_++) {                       \
			statement;                                                                 \
			if (COUNT_TIMES > 1)                                                       \
				__asm__ volatile("" ::: "memory"); /* each for itself */           \
		}                                                                                  \
	} while (0)

enum counter_of {
	COUNTER_GUEST,
	COUNTER_CPU,
	COUNTER_DEVICE,
	COUNTER_QUEUE,	/* of a device */
	COUNTER_VECTOR, /* of a device's interrupts: one, or all of them */
	COUNTER_REGION, /* ports or addresses that the VMM serves, of no PCI device */
};

enum counter_unit {
	COUNTER_COUNT,
	COUNTER_BYTES,
};

struct counter {
	enum counter_of of;
	const char *name; /* in the report, without the number of queue or vector */
	enum counter_unit unit;
	const char *what; /* what one more means */
};

extern const struct counter counters[];
extern const size_t n_counters;

/* NULL: nobody has said what it means. */
const struct counter *counter_find(enum counter_of of, const char *name);
/* "guest", "cpu", "device", "queue", "vector" */
const char *counter_of_name(enum counter_of of);

/*
 * What a device's report calls `text`: "queue3-doorbells" is "doorbells" of queue 3,
 * "vector2_merged" and "interrupts_merged" are "merged" of vector 2 and of all (-1); anything else
 * is the device's own (-1). *ret_name points into `text`.
 */
enum counter_of counter_parse(const char *text, const char **ret_name, int *ret_index);
