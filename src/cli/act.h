/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the acting verbs share: one machine, some functions, one result each. */
#pragma once

#include "cli.h"
#include "driver/driver.h"
#include "ipc/client.h"
#include "plan/apply.h"
#include "out/result.h"
#include "select/select.h"
#include "sriov/numvfs.h"

#define OPTION_ALLOW_IN_USE                                                                        \
	{                                                                                          \
		0, "allow-in-use", TAKES_NOTHING, NULL, "also when somebody uses it", NULL         \
	}

struct act {
	struct cli *cli;
	struct host *host;
	struct inventory *inv;
	unsigned seen;	     /* INVENTORY_* of it */
	unsigned timeout_ms; /* 0: each room's own */
	bool allow_in_use;
	struct results results;
	char *command;		     /* "create eth0 4": for the journal */
	struct journal_place places; /* of the journal */
	struct work *work;	     /* NULL: act_lock() was not called */
	unsigned journal_id;	     /* of what was done; 0: nothing was */
	struct daemon *daemon;	     /* that does the work; NULL: this process does */
	bool records;		     /* the daemon shall note which cards were configured */
	bool skips_refused;	     /* --keep-going with a plan that has refusals */
};

/* Refuses what may not be changed, takes the picture, reads the shared options. */
int act_start(struct act *act, struct cli *cli, const struct args *a, struct problem **reterr);
/* The same with a picture that shows more: `seen` are INVENTORY_* flags. */
int act_start_seeing(struct act *act, struct cli *cli, const struct args *a, unsigned seen,
	struct problem **reterr);
void act_done(struct act *act);
#define autoact CLEANUP(act_done) struct act

/*
 * For verbs whose work is all done by act_apply(), wanted_apply() or act_ask_reset(): asks the
 * daemon for it when there is one. Then act_lock() takes no locks, and nothing below needs rights.
 */
int act_find_daemon(struct act *act, struct problem **reterr);
/* act_apply() and resets by the daemon. */
int act_ask(struct act *act, const struct wishes *w, const struct plan_opts *how,
	const struct apply_opts *opts, struct problem **reterr);
int act_ask_reset(
	struct act *act, const struct selection *s, const char *method, struct problem **reterr);

/*
 * Assign or release by the daemon; daemon_claim(). What it tells of functions becomes results. The
 * functions are added to the order, which is done with afterwards; its command and timeout are set
 * here.
 */
int act_ask_claim(struct act *act, struct order *o, const struct bdf *functions, size_t n,
	char **ret_answer, struct problem **reterr);

/* Options of the rooms below, filled from ours. They borrow `act`. */
struct driver_opts act_driver_opts(struct act *act);
struct sriov_opts act_sriov_opts(struct act *act);

/* Records what `code` says of one function; takes `p`. */
void act_add(struct act *act, const char *subject, int code, struct problem *p, const char *fmt,
	...) PRINTF(5, 6);
/* Shows the results; the exit code, or negative. */
int act_finish(struct act *act, struct problem **reterr);

/*
 * The right to change these functions (a VF by its PF), after what somebody left behind is in
 * order. What was looked at before may be stale by then. Nothing on a dry run.
 */
int act_lock(struct act *act, const struct selection *s, struct problem **reterr);
/*
 * Refuses (PROBLEM_DRIFT) when another card stands where one was configured. act_lock() does it,
 * too.
 */
int act_verify_cards(struct act *act, const struct selection *s, struct problem **reterr);
int act_verify_card(struct act *act, struct bdf pf, struct problem **reterr);
/*
 * Notes which cards the PFs among these are, that were verified and have been configured. Nothing
 * on a dry run.
 */
int act_record_cards(struct act *act, const struct wishes *w, struct problem **reterr);
/* How plans are applied. Borrows `act`. */
struct apply_opts act_apply_opts(struct act *act);
/*
 * Looks at the machine anew, plans and does it. As plan_apply(). `how` NULL: nothing is refused
 * that could be done, for the caller has checked it.
 */
int act_apply(struct act *act, const struct wishes *w, const struct plan_opts *how,
	const struct apply_opts *opts, struct problem **reterr);
/* A change by its number; PROBLEM_NOT_FOUND, or why it cannot be read. */
int act_read_entry(const struct journal_place *places, unsigned id, struct entry *ret,
	struct problem **reterr);
/* "0000:01:10.0" of what an action is about. */
char *act_subject(struct act *act, const struct action *a) NODISCARD;

typedef int act_on_driver(
	struct host *h, struct bdf a, const struct driver_opts *opts, struct problem **reterr);
/* What bind, unbind and restore are: other words for a function's driver. */
struct act_driver {
	const char *driver;   /* as in a wish */
	act_on_driver *check; /* what stands against it; 1 to do, 0 is so */
	const char *action;   /* "unbind"; NULL: "bind to …" */
};
/* Function by function: one that cannot be changed does not stop the others. */
int act_on_drivers(struct act *act, const struct selection *s, const struct act_driver *what,
	struct problem **reterr);
/* All of a verb that does this to what its words select. */
int act_on_each(struct cli *cli, const struct args *a, const struct act_driver *what,
	struct problem **reterr);
