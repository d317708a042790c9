/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A job, for job.c (its life), job-object.c (on the bus) and job-ask.c (who asks for one). */
#pragma once

#include "job.h"
#include "child.h"

enum job_state { JOB_QUEUED, JOB_RUNNING, JOB_DONE, JOB_FAILED, JOB_CANCELLED };

struct job {
	struct manager *m;
	struct job *next;
	unsigned id, uid;
	enum order_kind kind;
	enum job_state state;
	bool cancelled; /* asked to end */
	char *path, *command;
	char *sender;	 /* who asked: "" the daemon itself */
	char *order;	 /* for the worker */
	struct bdf *pfs; /* that it changes, n of them */
	size_t n;
	bool all;      /* it may change any */
	char *outcome; /* its last news; NULL: not yet */
	struct child *child;
	sd_bus_slot *object;
	sd_bus_track *track;
	sd_event_source *linger;
};

static inline bool job_is_open(const struct job *j)
{
	return j->state == JOB_QUEUED || j->state == JOB_RUNNING;
}

const char *job_state_name(const struct job *j);
/* Puts it at the end (or, `first`, at the head) of the queue. NULL: no memory. Not yet exported. */
struct job *job_new(struct manager *m, enum order_kind kind, bool first);
void job_free(struct job *j);
/* Starts all whose turn it is. */
void job_schedule(struct manager *m);
void job_cancel(struct job *j);

/* ---- Who asks: job-ask.c ---- */

/* A captured machine's daemon changes nothing: PROBLEM_READ_ONLY. */
int job_refuse_early(struct manager *m, struct problem **reterr);
/*
 * Answers with a new job's path and lets it begin when it is its turn. `pfs` (taken) are n PFs that
 * it may change.
 */
int job_enqueue(struct manager *m, sd_bus_message *asked, const struct order *o, struct bdf *pfs,
	size_t n, unsigned uid);

/* ---- On the bus ---- */

int job_export(struct job *j);
/* "State" has changed. */
void job_tell_state(struct job *j);
/* A line of the worker's as the signal that it is. */
void job_tell(struct job *j, const char *line);
