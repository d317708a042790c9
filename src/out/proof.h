/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a test of functions found, as a table and as JSON. */
#pragma once

#include "table.h"
#include "proof/proof.h"

struct tested {
	char *address, *driver; /* owned; driver as during the test, NULL: none */
	struct proof proof;
};

void tested_done(struct tested *t);

/* A row is one check of one function; only for out_tested(). */
extern const struct out_column tested_columns[];
extern const size_t n_tested_columns;

/*
 * The table, then on o->notes what is not proved and why; or {"tests":[…]}. Returns the exit code
 * (0: all that there is was proved), or negative when showing failed.
 */
int out_tested(const struct out *o, const struct tested *v, size_t n, struct problem **reterr);
