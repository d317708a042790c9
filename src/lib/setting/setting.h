/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Settings of a function as a user writes them, KEY=VALUE, of every kind: attributes of network VFs
 * through the PF's interface, queues and state of NVMe VFs through the PF's admin queue, the
 * eswitch and port functions through devlink, interrupt vectors, GPU quotas and accelerator
 * services through sysfs. Each setting has a result of its own; a failure of one does not hide the
 * others, and what the device tells afterwards counts, not its answer.
 *
 * None of these calls blocks without bound.
 */
#pragma once

#include "inventory/inventory.h"
#include "key.h"

/* ---- The tables ---- */

/* All keys in the order in which they are set; NULL after the last. */
const struct setting_key *setting_key_at(unsigned i);
/* Of "vlan" and of "vlan=100"; NULL. */
const struct setting_key *setting_key_find(const char *word);
/* "network", "nvme", …: the kind whose key it is. */
const char *setting_key_kind(const struct setting_key *key);
/*
 * The value of a word as setting_read() tells it: "vlan=none" gives "0", "trust=yes" "on". What is
 * equal in this form is equal. PROBLEM_USAGE for unknown keys and bad values.
 */
int setting_value(const char *word, char **ret, struct problem **reterr);

/* ---- Looking ---- */

enum setting_support { SETTING_UNKNOWN, SETTING_SUPPORTED, SETTING_UNSUPPORTED };

struct setting_state {
	const struct setting_key *key;
	enum setting_support support;
	char *why;   /* why it is not supported, or who says that it is; NULL: nothing to tell */
	char *value; /* now, as `set` takes it; NULL unknown */
};

struct setting_states {
	struct setting_state *v;
	size_t n;
};

void setting_states_done(struct setting_states *s);
#define autosettings CLEANUP(setting_states_done) struct setting_states

/*
 * Each key that a function of this class and level can have: whether this driver and kernel have
 * it, and its value. From what the kernel tells, else from what a driver answered before
 * (`learned_dir`, may be NULL). Changes nothing. A function that has none gives n = 0.
 * -ENOMEM only.
 */
int settings_supported(struct host *h, const struct function *f, const char *learned_dir,
	struct setting_states *ret);
const char *setting_support_name(enum setting_support s); /* "yes", "no", "unknown" */

/*
 * The value of one key now. -ENODATA when nobody tells it; PROBLEM_UNSUPPORTED when this function,
 * its driver or the kernel does not have it.
 */
int setting_read(struct host *h, const struct function *f, const char *key, char **ret,
	struct problem **reterr);

/* ---- Setting ---- */

struct setting_opts {
	bool dry_run;	   /* compare, change nothing */
	bool allow_in_use; /* take a device away under its users: NVMe offline, services down */
	/* Where drivers' answers are remembered, "/var/lib/vfctl/learned"; NULL: nowhere. */
	const char *learned_dir;
	/*
	 * Once for each setting, in the order in which they were tried: 1 changed (or would be),
	 * 0 was so, negative errno with `p`, which the callee owns. May be NULL.
	 */
	void (*result)(
		void *arg, const struct function *f, const char *word, int code, struct problem *p);
	void *arg;
};

/* Refuses what can never be right: unknown keys, bad values, two kinds of function in one. */
int settings_check(const char *const *words, size_t n, struct problem **reterr);
/* PROBLEM_UNSUPPORTED when the function is not of the kind or level that has these settings. */
int settings_suit(
	const struct function *f, const char *const *words, size_t n, struct problem **reterr);
/* The words that two VFs must not share (mac and GUIDs): the first of them, or NULL. */
const char *settings_unique(const char *const *words, size_t n);
/*
 * After both checks. 1 something changed, 0 all was so, or the first failure. What is told through
 * opts->result is not told through reterr: that is set only when nothing could be tried.
 */
int settings_apply(struct host *h, const struct function *f, const char *const *words, size_t n,
	const struct setting_opts *opts, struct problem **reterr);
