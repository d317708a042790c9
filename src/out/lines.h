/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A heading and aligned "key  value" lines below it. */
#pragma once

#include "out.h"

struct lines {
	struct {
		char *key, *value;
	} * v;
	size_t n;
	bool failed; /* memory ran out: some are missing */
};

void lines_done(struct lines *l);
#define autolines CLEANUP(lines_done) struct lines

/* A key that equals the one before is printed once; "" continues. */
void lines_add(struct lines *l, const char *key, const char *fmt, ...) PRINTF(3, 4);
int lines_print(
	const struct lines *l, const char *heading, const struct out *o, struct problem **reterr);
