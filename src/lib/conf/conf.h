/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vfctl.conf(5): what holds for the machine as a whole, in sections, each of which belongs to one
 * reader. That of PFs and VFs is policy/policy.h. The file that counts is the first of
 *
 *   /etc/vfctl/vfctl.conf, /run/vfctl/vfctl.conf, /usr/lib/vfctl/vfctl.conf
 *
 * and a link to /dev/null says that there is none. The table of keys, conf.def, is what checks and
 * the manual are made of.
 */
#pragma once

#include "base/ini.h"
#include "base/problem.h"
#include "host/host.h"

#include <stdbool.h>

#define CONF_FILE "/etc/vfctl/vfctl.conf"

enum { CONF_DEADLINE_MAX_S = 120 };

struct conf_key {
	const char *section, *name;
	bool (*is)(const char *value);
	const char *takes; /* what `is` accepts, in words */
	const char *unset; /* what holds without it */
	const char *help;
};

extern const struct conf_key conf_keys[];
extern const size_t n_conf_keys;

/* NULL: there is no such key. */
const struct conf_key *conf_key_find(const char *section, const char *name);

/* The file that counts: both are allocated. -ENOENT: there is none; *ret_path on other errors, too.
 */
int conf_find(struct host *h, char **ret_path, char **ret_text, size_t *ret_len);

enum conf_fault {
	CONF_UNREADABLE,
	CONF_SYNTAX,
	CONF_NO_SECTION,
	CONF_NO_KEY,
	CONF_BAD_VALUE,
};

/* What is wrong, and where; of a file as a whole at {0, 0}. `hint` may be NULL. */
typedef void conf_complain(void *arg, enum conf_fault fault, const char *path, struct ini_pos at,
	const char *what, const char *hint);
/* All that is wrong with it. Returns how many complaints; -ENOMEM. */
int conf_check(struct host *h, conf_complain *complain, void *arg);

/* One value, of those that its key takes. -ENOMEM. */
typedef int conf_take(void *arg, const char *key, const char *value);
/*
 * The values of one section, in the order in which they are written; other sections are other
 * people's. No file: none. PROBLEM_USAGE with FILE:LINE for the first thing that is wrong, and then
 * nothing is taken.
 */
int conf_read_section(
	struct host *h, const char *section, conf_take *take, void *arg, struct problem **reterr);
