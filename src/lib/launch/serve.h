/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * threads=, poll= and pin= of a virtio device: who does its work; packed=, in-order= and
 * queue-size=: what queues the driver is offered. As vfctl-vmm has it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum { LAUNCH_SERVE_TEXT = 128 };

/* NULL, 0: as usual. */
struct launch_serve {
	const char *threads, *poll;		    /* static */
	unsigned pin;				    /* the CPU's number and one */
	const char *packed, *in_order, *queue_size; /* static */
};

/* Anything of it is not as usual. */
bool launch_serve_is_set(const struct launch_serve *s);

/* Is it one of these keys (1, or 0)? If so *ret_why is NULL, or what is wrong with the value. */
int launch_serve_set(
	struct launch_serve *s, const char *key, const char *value, const char **ret_why);
/* ",threads=io,…" or "". */
void launch_serve_text(const struct launch_serve *s, char buf[LAUNCH_SERVE_TEXT]);
