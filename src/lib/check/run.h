/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a check is given and how it tells what it found. */
#pragma once

#include "check.h"

#include "health/health.h"

struct checker {
	struct host *h;
	const struct inventory *inv;
	struct check_opts opts;
	struct topology *topo;
	char *cmdline;		/* of the kernel; NULL unknown */
	struct holders holders; /* of the functions asked about and their groups */
	struct bdf *looked;	/* for whose holders was looked */
	size_t n_looked;
	struct healths *healths; /* of those asked about */
};

struct check_run {
	struct checker *c;
	struct host *h;
	const struct inventory *inv;
	const struct function *f; /* NULL: the host */
	const struct check *check;
	struct check_report *to;
	bool failed; /* memory ran out */
};

/*
 * One finding. The fact is taken over (NULL: none). A check may find several things, or nothing,
 * which means that it does not apply. The result is good until the next finding; NULL without
 * memory.
 */
struct check_result *found(struct check_run *r, enum check_verdict v, struct fact *fact,
	const char *fmt, ...) PRINTF(4, 5);
/* Adds what helps; `to` may be NULL. */
void fix(struct check_run *r, struct check_result *to, const char *fmt, ...) PRINTF(3, 4);

/* The kernel's command line: is the word there, or the value of its last KEY=VALUE (allocated). */
bool cmdline_has(const struct check_run *r, const char *word);
char *cmdline_value(const struct check_run *r, const char *key) NODISCARD;
/* 1 and the fact when a comma-separated word of KEY's value is `word` or begins with "word=". */
int cmdline_lists(const struct check_run *r, const char *key, const char *word, struct fact *ret);
/* The fact "/proc/cmdline: WHAT". */
int cmdline_fact(struct fact *f, const char *what);

/* Who holds `a` by now, looked up if that has not been done. NULL and 0: nobody. */
const struct holder *held_by(struct check_run *r, struct bdf a, size_t *ret_n);

/* How well it is, looked at if that has not been done; for the host of all. NULL: no memory. */
const struct health *health_of(struct check_run *r, const struct function *f);

#define CHECK(id, name, scope, title, explain) void check_##id(struct check_run *r);
#include "check.def"
#undef CHECK
