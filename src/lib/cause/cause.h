/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From an errno to its cause. The kernel answers most refusals with a number that means ten
 * things; this room knows, for each action, which things, and finds out by reading which of them
 * it is. The table is cause.def: (action, errno, what confirms it) → cause, advice. Sources are
 * the kernel's drivers/pci/iov.c, pci-driver.c, drivers/base/{bus,dd}.c, drivers/vfio and what
 * Linux 6.12 was measured to answer.
 *
 * Looking for a cause only reads, never blocks, and is done after the failure: what has changed
 * meanwhile is not confirmed and then not claimed.
 */
#pragma once

#include "fact.h"

#include "base/bdf.h"
#include "base/problem.h"
#include "host/host.h"

enum cause_action {
#define ACTION(id, name, words) CAUSE_##id,
#include "action.def"
#undef ACTION
	CAUSE_ACTIONS
};

/* What was tried, and how it ended. */
struct cause_query {
	enum cause_action action;
	int code; /* negative errno */
	struct bdf bdf;
	const char *driver; /* BIND: which one; NULL unknown */
	unsigned wanted;    /* SET_NUMVFS: how many */
};

struct cause {
	enum problem_kind kind;
	char *text;	  /* "it has VFs" */
	char *advice;	  /* the command or setting that helps; NULL none */
	struct fact fact; /* what confirms it; file NULL: nothing does, it is the usual cause */
	char *log;	  /* what the kernel wrote about it; NULL nothing */
};

void cause_done(struct cause *c);
#define autocause CLEANUP(cause_done) struct cause

/*
 * Where the kernel's log stands before an action begins, so that only what it writes because of
 * that is quoted. cause_mark_done() must follow.
 */
struct cause_mark {
	struct host *host;
	int fd; /* -1: the log cannot be read */
};

struct cause_mark cause_mark(struct host *h);
void cause_mark_done(struct cause_mark *m);
#define autocausemark CLEANUP(cause_mark_done) struct cause_mark

/*
 * The cause: the first row of the table for this action and errno that reading confirms, else the
 * first that needs no confirmation. 0, -ENOENT when the table knows none (then *ret holds only
 * what the log says), -ENOMEM. `since` NULL: nothing is quoted from the log.
 */
int cause_find(struct host *h, const struct cause_query *q, const struct cause_mark *since,
	struct cause *ret);

/*
 * Fails with the story: "WHAT (errno text): CAUSE (FILE: VALUE): kernel log: …". Returns q->code.
 * WHAT is given as printf does.
 */
int cause_problem(struct host *h, const struct cause_query *q, const struct cause_mark *since,
	struct problem **reterr, const char *fmt, ...) PRINTF(5, 6);

/*
 * Something has failed, and *reterr says what. Adds below what reading confirms to be the cause and
 * the kernel's line, and what helps where nothing better is advised. Returns q->code.
 */
int cause_explain(struct host *h, const struct cause_query *q, const struct cause_mark *since,
	struct problem **reterr);
/*
 * Opening a function through VFIO has failed, and *reterr says at which step. Adds below what
 * reading confirms to be the cause, and the kernel's line; nothing when there is neither.
 */
int cause_explain_opening(struct host *h, struct bdf a, int code, const struct cause_mark *since,
	struct problem **reterr);

/*
 * What the kernel's log says about the function (and its PF): the gravest line since `since`, the
 * newest of equals; from NULL: of all there is, warnings and worse only. 0 and *ret NULL: nothing.
 * -EPERM and the like: it cannot be read.
 */
int cause_log(struct host *h, struct bdf a, const struct cause_mark *since, char **ret);

/* The table, for the manual: NULL after the last. */
struct cause_row {
	enum cause_action action;
	int code; /* positive errno */
	enum problem_kind kind;
	const char *cause, *advice; /* with {it}, {pf}, {driver} for what it is about */
	/* 1 and the fact; 0 it is something else. NULL: needs no confirmation. */
	int (*confirm)(struct host *h, const struct cause_query *q, struct fact *ret);
};
const struct cause_row *cause_row_at(size_t i);
const char *cause_action_name(enum cause_action a);  /* "set-numvfs" */
const char *cause_action_words(enum cause_action a); /* "setting the number of VFs" */
