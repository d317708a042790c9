/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attributes of a VF as a user sets them, KEY=VALUE: those of a network VF through its PF's
 * interface (netdev/vfattr.h), those of an NVMe VF (vq, vi, online) through the PF's admin queue.
 * Each attribute has a result of its own; a failure of one does not hide the others.
 */
#pragma once

#include "inventory/inventory.h"

struct setting_opts {
	bool dry_run;	   /* compare, change nothing */
	bool allow_in_use; /* take an NVMe controller offline under its users */
	/*
	 * Once for each attribute, in the order in which they were tried: 1 changed (or would be),
	 * 0 was so, negative errno with `p`, which the callee owns. May be NULL.
	 */
	void (*result)(void *arg, const struct function *vf, const char *word, int code,
		struct problem *p);
	void *arg;
};

/* Refuses what can never be right: unknown keys, bad values, network and NVMe in one. */
int settings_check(const char *const *words, size_t n, struct problem **reterr);
/* PROBLEM_UNSUPPORTED when the function is no VF, or not of the kind that has these attributes. */
int settings_suit(
	const struct function *f, const char *const *words, size_t n, struct problem **reterr);
/* The words that two VFs must not share (mac and GUIDs): the first of them, or NULL. */
const char *settings_unique(const char *const *words, size_t n);
/*
 * After both checks. 1 something changed, 0 all was so, or the first failure. What is told through
 * opts->result is not told through reterr: that is set only when nothing could be tried.
 */
int settings_apply(struct host *h, const struct function *vf, const char *const *words, size_t n,
	const struct setting_opts *opts, struct problem **reterr);
