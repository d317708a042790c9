/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From what a user writes to the functions that he means:
 *
 *   0000:3b:00.1  3b:00.1       an address (domain 0 may be left out)
 *   ens1f0                      a network interface, by its name or an alternative one
 *   nvme0  nvme0n1              an NVMe controller, or what stands on it
 *   PF/vf3  PF/vf0-3,7          VFs of a PF, which is written in one of the ways above
 *   driver=igb                  an attribute; see attribute.h
 *
 * Names add up, and attributes then pick among them (or among all functions): several attributes
 * must all hold. A name that means nothing is an error with the nearest one that does.
 */
#pragma once

#include "inventory/inventory.h"

/* In the order of the words, ranges in order; attributes alone: by address. No duplicates. */
struct selection {
	struct function **v; /* borrowed from the inventory */
	size_t n;
};

void selection_done(struct selection *s);
#define autoselection CLEANUP(selection_done) struct selection

/* No words: everything. May find nothing, when only attributes were given. */
int select_matching(struct host *h, const struct inventory *inv, const char *const *words, size_t n,
	struct selection *ret, struct problem **reterr);
/* At least one, or PROBLEM_NOT_FOUND. */
int select_some(struct host *h, const struct inventory *inv, const char *const *words, size_t n,
	struct selection *ret, struct problem **reterr);
/* Exactly one; several are PROBLEM_AMBIGUOUS with the candidates in the hint. */
int select_one(struct host *h, const struct inventory *inv, const char *word, struct function **ret,
	struct problem **reterr);
/* As select_one, and it is a PF: else PROBLEM_UNSUPPORTED. */
int select_pf(struct host *h, const struct inventory *inv, const char *word, struct function **ret,
	struct problem **reterr);
