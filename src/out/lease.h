/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Claims: who has which function, and whether he lives. */
#pragma once

#include "json.h"
#include "table.h"
#include "claim/owner.h"
#include "inventory/inventory.h"

/* A claim and what was found out about it. */
struct lease_row {
	const struct lease *lease;
	const char *pf_name; /* its PF's interface or controller; NULL: unknown */
	bool lost;	     /* the function is gone, or another stands there */
	enum owner_alive alive;
	char *why; /* from what that is told; may be NULL */
};

/* Rows, with all that they refer to but the inventory. */
struct lease_rows {
	struct lease_row *v;
	size_t n;
	struct leases leases; /* of rows that were read from JSON */
};

void lease_rows_done(struct lease_rows *r);
#define autoleaserows CLEANUP(lease_rows_done) struct lease_rows
/* Finds out about the owners now. `inv` knows the PFs' names; NULL: they stay unknown. -ENOMEM. */
int lease_rows_look(struct host *h, const struct inventory *inv, const struct lease *const *v,
	size_t n, struct lease_rows *ret);
/*
 * What out_leases() has printed as JSON, elsewhere; what it does not tell (which incarnation, the
 * node's owner before) is not in the leases. -EBADMSG: that is something else; -ENOMEM.
 */
int lease_rows_from_json(const char *text, const struct inventory *inv, struct lease_rows *ret);

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
