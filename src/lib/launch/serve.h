/* SPDX-License-Identifier: GPL-2.0-or-later */
/* threads=, poll= and pin= of an emulated device: who does its work, as vfctl-vmm has it. */
#pragma once

#include <stddef.h>

/* NULL, 0: as usual. */
struct launch_serve {
	const char *threads, *poll; /* static */
	unsigned pin;		    /* the CPU's number and one */
};

/* Is it one of these keys? If so *ret_why is NULL, or what is wrong with the value. */
int launch_serve_set(
	struct launch_serve *s, const char *key, const char *value, const char **ret_why);
/* ",threads=io,…" or "". */
void launch_serve_text(const struct launch_serve *s, char *buf, size_t size);
