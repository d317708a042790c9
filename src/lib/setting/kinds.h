/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a kind of settings is, for this room alone: one table and one file each. */
#pragma once

#include "setting.h"

struct settings {
	const char *const *words;
	size_t n;
};

/* One application: where results go, and what they sum up to. */
struct application {
	struct host *host;
	const struct function *f;
	const struct setting_opts *opts;
	size_t told; /* results so far */
	int sum;     /* as settings_apply returns it */
};

/* Tells and remembers the result of one word; takes `p`. */
void application_add(struct application *app, const char *word, int code, struct problem *p);

struct setting_kind {
	const char *name;
	const char *class_word; /* of the functions that have it: "network"; NULL: any */
	const struct setting_key *keys;
	size_t n_keys;
	/* 0, or PROBLEM_UNSUPPORTED: f, of the right level, is not of this kind. */
	int (*suits)(const struct function *f, struct problem **reterr);
	/*
	 * Fills support, why and value of `states`, which are the kind's keys of f's level in the
	 * table's order. What cannot be found out stays unknown.
	 */
	void (*look)(
		struct host *h, const struct function *f, struct setting_state *states, size_t n);

	/*
	 * Either one by one: setting.c compares before, and reads back after a 0. 1: it is
	 * done, and either was read back or cannot be.
	 */
	int (*write)(struct application *app, const struct setting_key *key, const char *value,
		struct problem **reterr);
	/* Whether `is`, as it was read, is what `want` asks for. NULL: the same text. */
	bool (*same)(const struct setting_key *key, const char *want, const char *is);

	/* Or all at once, with comparing and reading back. -errno: nothing could be tried. */
	int (*apply)(struct application *app, const struct settings *s, struct problem **reterr);

	/* NULL: by the key's type. As setting_value(). */
	int (*value)(const struct setting_key *key, const char *text, char **ret);
};

extern const struct setting_kind devlink_kind, network_kind, nvme_kind, msix_kind, xe_kind,
	qat_kind;

/* The kinds in the order in which they are set; NULL after the last. */
const struct setting_kind *setting_kind_at(unsigned i);
const struct setting_kind *setting_kind_of(const struct setting_key *key);

/* The driver that decides: the PF's. NULL: none is bound. */
const char *setting_driver(const struct function *f);
/* The value part of "KEY=VALUE"; NULL without '='. */
const char *setting_word_value(const char *word);
enum setting_level setting_level_of(const struct function *f);
/* By the key's type alone: the form in which values are compared. -EINVAL. */
int setting_value_by_type(const struct setting_key *key, const char *text, char **ret);

/* For `look`: NULL-safe, and short of memory the fact is simply not told. */
void setting_state_supported(struct setting_state *s, const char *value);
void setting_state_unsupported(struct setting_state *s, const char *fmt, ...) PRINTF(2, 3);
struct setting_state *setting_state_find(struct setting_state *states, size_t n, const char *name);

/*
 * 0, or PROBLEM_IN_USE: cannot VERB because somebody uses a VF of app->f. Not asked when
 * opts->allow_in_use.
 */
int setting_vfs_unused(struct application *app, const char *verb, struct problem **reterr);

/* learned.c */
void learned_add(struct host *h, const char *dir, const char *driver, const struct setting_key *key,
	int code);
/* Fills what is still unknown. */
void learned_fill(struct host *h, const char *dir, const char *driver, struct setting_states *s);
