/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * [Match]: which PFs a file is about. All keys must hold; a key holds when one of its values does.
 * Values are separated by blanks, several lines of one key add up, and a ! before the first value
 * of a line turns that line round: none of them may hold.
 */
#pragma once

#include "inventory/inventory.h"

struct match_kind;

struct match_test {
	const struct match_kind *kind;
	char **values; /* one at least */
	bool negated;
};

struct match {
	struct match_test *v;
	size_t n;
};

void match_done(struct match *m);
/*
 * One line. -EINVAL: *ret_bad is the value (allocated) that can never match; the line is left out.
 * An empty value takes back what lines of that key said before.
 */
int match_add(struct match *m, const char *key, const char *value, char **ret_bad);

/* Whether the file is for this machine at all: Host= and Architecture=. */
bool match_machine(const struct match *m, struct host *h);
bool match_pf(const struct match *m, struct host *h, const struct function *pf);

/* The keys in the manual's order until NULL, and what they take. */
const char *match_key(unsigned i);
const char *match_help(unsigned i);
