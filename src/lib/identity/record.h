/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records of identities: reading, writing and comparing them. For this room alone. */
#pragma once

#include "identity.h"

/* -ENOENT: none. -EBADMSG: not a record. */
int record_read(struct host *h, const char *dir, struct bdf pf, struct pf_identity *ret);
/* Of a record's text, of what stands or stood at `pf`. -EBADMSG: not a record. */
int record_parse(const char *text, size_t len, struct bdf pf, struct pf_identity *ret);
/* NULL: no memory. */
char *record_text(const struct pf_identity *p) NODISCARD;
int record_write(const char *dir, const struct pf_identity *p);
/* The addresses that have one, sorted by text; the list is the caller's. */
int record_list(struct host *h, const char *dir, char ***ret);

/*
 * 1 the same card for all that both know, and they know something besides their kind; 0 nothing
 * speaks against it; -ESTALE another card: *ret_why (may be NULL) says what differs.
 */
int record_compare(
	const struct pf_identity *recorded, const struct pf_identity *now, char **ret_why);
