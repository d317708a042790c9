/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * errno for programs, a story for people. A function of the domain rooms or above returns -errno
 * and, through its last argument `struct problem **reterr`, says what failed, why and what to do.
 * reterr may be NULL (the caller does not care); it is set only on failure and then owned by the
 * caller.
 */
#pragma once

#include "attr.h"

#include <stdarg.h>

enum problem_kind {
#define KIND(id, name, exit_code, meaning) PROBLEM_##id,
#include "kinds.def"
#undef KIND
	PROBLEM_KINDS
};

struct problem {
	int code; /* negative errno */
	enum problem_kind kind;
	char *what;	       /* one line, no full stop: "0000:3b:00.0 supports at most 8 VFs" */
	char *hint;	       /* one line, what to do next; NULL if nothing helps */
	struct problem *cause; /* the next deeper reason; NULL at the bottom */
};

const char *problem_kind_name(enum problem_kind kind);	  /* JSON name, "group-not-viable" */
const char *problem_kind_meaning(enum problem_kind kind); /* for the manual */
int problem_kind_exit_code(enum problem_kind kind);

void problem_free(struct problem *p);
DEFINE_AUTO(struct problem, problem_free);
#define autoproblem CLEANUP(problem_freep) struct problem

/*
 * Sets *reterr (if reterr is not NULL) and returns `code`, a negative errno, so that the last line
 * of a failing function reads: return problem(reterr, -EBUSY, PROBLEM_IN_USE, "hint", "what %s",
 * x); `hint` may be NULL and is used as it is; use problem_hint() for a formatted one.
 */
int problem(struct problem **reterr, int code, enum problem_kind kind, const char *hint,
	const char *fmt, ...) PRINTF(5, 6);

/* Adds or replaces the hint of *reterr, if there is one. */
void problem_hint(struct problem **reterr, const char *fmt, ...) PRINTF(2, 3);

/*
 * Puts a sentence above the problem that is already in *reterr: "assign 0000:3b:00.1: …".
 * Kind and code stay those of the cause. Returns the code. If *reterr is NULL, nothing is done.
 */
int problem_wrap(struct problem **reterr, int code, const char *fmt, ...) PRINTF(3, 4);

/*
 * Puts a sentence below the problem that is in *reterr, as its deepest cause: "…: because". Kind,
 * code and hints stay. If *reterr is NULL, nothing is done. Returns the code.
 */
int problem_because(struct problem **reterr, int code, const char *fmt, ...) PRINTF(3, 4);

/* The kind that an errno most likely means when nothing better is known: EACCES → PERMISSION … */
enum problem_kind problem_kind_from_errno(int code);

/* All sentences from the top down, joined by ": ". Allocated; NULL when memory is out. */
char *problem_text(const struct problem *p) NODISCARD;
/* The deepest hint there is, borrowed; NULL if none. */
const char *problem_best_hint(const struct problem *p);
