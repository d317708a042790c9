/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What does not count any more: a file per function in /run/vfctl/health, one line,
 *
 *   health 1 INCARNATION LOG CORRECTABLE NONFATAL FATAL
 *
 * with the number of the next line of the kernel's log, and its counters, as they were then. A
 * record about another incarnation of the address, and what cannot be read, forgive nothing.
 */
#pragma once

#include "health.h"

struct forgiven {
	uint64_t log; /* lines before this one */
	struct health_errors errors;
};

void forgiven_read(struct host *h, struct bdf a, struct forgiven *ret);
