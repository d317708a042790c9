/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is being done, and what was: one file of records (store/logfile.h) per run, each record one
 * JSON object:
 *
 *   {"journal":1,"id":17,"boot":"0c4f…","time":1763…,"pid":4711,"verb":"create eth0 4"}
 *   {"card":"0000:01:00.0","is":"Vendor=8086\n…"}        what stood there (identity/identity.h)
 *   {"step":0,"do":{…},"back":[{…}],"was":"0","stage":7,"group":0}         (action.h)
 *   {"planned":1}                 all steps are on the disk: from here on things happen
 *   {"start":0}                   step 0 is about to be run
 *   {"did":0,"code":1}            1 changed, 0 was so; negative errno and "text": failed
 *   {"undid":0,"code":0}          its way back was run
 *   {"end":"done","time":1763…}   "done", "undone", "kept": some failed, the rest stays; "void"
 *
 * The record of a run is in RUN/journal while it runs and moves to the history when it has ended.
 * One that is left in RUN by somebody who died tells all that is needed to put things back.
 */
#pragma once

#include "plan.h"

#include "store/logfile.h"

struct journal_place {
	const char *run_dir;	     /* "/run/vfctl" */
	const char *history_dir;     /* "/var/lib/vfctl/journal" */
	const struct logfile_io *io; /* NULL: the kernel's */
};

enum journal_end {
	JOURNAL_RUNNING, /* or left behind: no end is recorded */
	JOURNAL_DONE,
	JOURNAL_UNDONE,
	JOURNAL_KEPT,
	JOURNAL_VOID,	/* of another boot: the machine has forgotten all of it */
	JOURNAL_TORN,	/* in the history, and its end is missing */
	JOURNAL_BROKEN, /* not to be read at all */
	JOURNAL_ENDS
};

struct journal;

/* Creates the record of a run with all its steps. Nothing may be done before that succeeds. */
int journal_begin(struct host *h, const struct journal_place *place, const char *verb,
	const struct plan *plan, struct journal **ret, struct problem **reterr);
int journal_start(struct journal *j, size_t step);
int journal_did(struct journal *j, size_t step, int code, const struct problem *p);
int journal_undid(struct journal *j, size_t step, int code, const struct problem *p);
/* Records the end and moves it to the history. -errno: it is left where it is. */
int journal_finish(struct journal *j, enum journal_end how);
unsigned journal_id(const struct journal *j);
void journal_close(struct journal *j);
DEFINE_AUTO(struct journal, journal_close);
#define autojournal CLEANUP(journal_closep) struct journal

/* ---- Reading ---- */

struct entry_step {
	bool started, ended, undone;
	size_t order; /* among those started, from 0 */
	int code, undo_code;
	char *text; /* why it failed; NULL */
};

struct entry {
	unsigned id;
	int64_t begin_s, end_s; /* since 1970; end 0: none */
	int pid;
	char *boot, *verb;
	struct plan plan; /* steps, and the functions as groups */
	struct entry_step *steps;
	size_t n_started;
	bool planned; /* whole: something may have been done */
	bool strange; /* a record is whole and none that we know: the reading ends there */
	enum journal_end end;
};

void entry_done(struct entry *e);
#define autoentry CLEANUP(entry_done) struct entry

/*
 * -ENOENT; -EINVAL: not even its first record is whole; -EPROTONOSUPPORT: another version wrote it;
 * -ELOOP, -EFBIG: no plain file.
 */
int entry_read(const char *dir, const char *name, struct entry *ret);
/* The ids there are, of both places, ascending; *ret is the caller's (free). */
int journal_ids(const struct journal_place *place, unsigned **ret, size_t *ret_n);
/* What such an errno means: "another version of vfctl wrote it". */
const char *journal_why(int code);
/*
 * Nobody but root and we may write where work is recorded: what is read there is done to the
 * machine. PROBLEM_PERMISSION (-EPERM); missing directories are fine.
 */
int journal_is_safe(const struct journal_place *place, struct problem **reterr);
/* Wherever it is. */
int journal_read(const struct journal_place *place, unsigned id, struct entry *ret);
const char *journal_end_name(enum journal_end how);
/* Where running ones are; allocated. */
char *journal_run_dir(const struct journal_place *place) NODISCARD;
/* Continues somebody else's record. -EWOULDBLOCK: he lives. -ENOENT: he has just ended it. */
int journal_take_over(const struct journal_place *place, const char *name, struct journal **ret);
/* Nothing was done: it goes without a trace. */
int journal_drop(struct journal *j);
/* This boot's name; "unknown" where the kernel does not tell. */
int journal_boot(struct host *h, char **ret);
