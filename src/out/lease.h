/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Claims: who has which function, and whether he lives. */
#pragma once

#include "json.h"
#include "table.h"
#include "claim/owner.h"

/* A claim and what was found out about it. */
struct lease_row {
	const struct lease *lease;
	const char *pf_name; /* its PF's interface or controller; NULL: unknown */
	bool lost;	     /* the function is gone, or another stands there */
	enum owner_alive alive;
	char *why; /* from what that is told; may be NULL */
};

/* The rows are `const struct lease_row *`. */
extern const struct out_column lease_columns[];
extern const size_t n_lease_columns;

/* `unreadable`: what could not be read, for JSON; NULL: nothing. */
int out_leases(const struct out *o, const struct lease_row *v, size_t n, char *const *unreadable,
	struct problem **reterr);

/* What `claim` is of a function: null, or who has it. */
void claim_json(struct json *j, json_object *to, const char *key, const struct lease *l);
/* "process:4711", "quarantine: …"; absent when `l` is NULL. */
int claim_cell(char **ret, const struct lease *l);
