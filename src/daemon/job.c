// SPDX-License-Identifier: GPL-2.0-or-later
#include "job-inside.h"
#include "method.h"
#include "claims.h"

#include "base/str.h"
#include "ipc/names.h"
#include "ipc/news.h"

#include <malloc.h>
#include <syslog.h>

enum { RECONCILE_MS = 60000 };

static void recover_after(struct job *dead);

const char *job_state_name(const struct job *j)
{
	static const char *const names[] = { "queued", "running", "done", "failed", "cancelled" };

	return names[j->state];
}

struct job *job_new(struct manager *m, enum order_kind kind, bool first)
{
	struct job *j = calloc(1, sizeof(*j)), **at = &m->jobs;

	if (!j)
		return NULL;
	*j = (struct job) { .m = m, .kind = kind, .id = ++m->last_job };
	while (*at && !first)
		at = &(*at)->next;
	j->next = *at;
	*at = j;
	j->path = str_printf(JOB_PATH_PREFIX "%u", j->id);
	if (!j->path) {
		job_free(j);
		return NULL;
	}
	return j;
}

void job_free(struct job *j)
{
	struct job **at = &j->m->jobs;

	while (*at && *at != j)
		at = &(*at)->next;
	if (*at)
		*at = j->next;
	child_free(j->child);
	sd_bus_slot_unref(j->object);
	sd_bus_track_unref(j->track);
	sd_event_source_unref(j->linger);
	free(j->path);
	free(j->command);
	free(j->sender);
	free(j->order);
	free(j->pfs);
	free(j->outcome);
	free(j);
}

void job_done(struct manager *m)
{
	while (m->jobs)
		job_free(m->jobs);
}

unsigned job_open(const struct manager *m, const char *sender)
{
	unsigned n = 0;

	for (const struct job *j = m->jobs; j; j = j->next)
		n += job_is_open(j) && (!sender || str_eq(j->sender, sender));
	return n;
}

/* ---- The end ---- */

static int on_lingered(sd_event_source *s UNUSED, uint64_t now UNUSED, void *arg)
{
	struct job *j = arg;

	(void)sd_bus_emit_signal(
		j->m->bus, DAEMON_PATH, DAEMON_INTERFACE, "JobRemoved", "o", j->path);
	job_free(j);
	(void)malloc_trim(0);
	return 0;
}

/* The oldest of those that have ended go, when there are too many. */
static void forget_some(struct manager *m)
{
	struct job *oldest = NULL;
	unsigned n = 0;

	for (struct job *j = m->jobs; j; j = j->next) {
		n += !job_is_open(j);
		if (!job_is_open(j) && !oldest)
			oldest = j;
	}
	if (n > ENDED_MAX)
		on_lingered(NULL, 0, oldest);
}

static void log_end(const struct job *j)
{
	autonews n = { 0 };
	autofree char *text = NULL, *why = NULL;

	if (j->outcome && news_from_text(j->outcome, &n) == 0 && n.code < 0 && n.problem)
		text = problem_text(n.problem);
	why = text ? str_printable(text) : NULL;
	say(j->state == JOB_FAILED ? LOG_WARNING : LOG_INFO, j->id,
		"job %u (%s) of user %u: %s%s%s", j->id, j->command, j->uid, job_state_name(j),
		why ? ": " : "", why ? why : "");
}

static void end(struct job *j, enum job_state state)
{
	struct manager *m = j->m;

	j->state = state;
	child_free(TAKE_PTR(j->child));
	j->track = sd_bus_track_unref(j->track);
	free(TAKE_PTR(j->order));
	log_end(j);
	job_tell_state(j);
	claims_job_ended(m, j);
	if (sd_event_add_time_relative(m->loop, &j->linger, CLOCK_MONOTONIC,
		    LINGER_SECONDS * 1000000ULL, 1000000, on_lingered, j) < 0)
		job_free(j);
	forget_some(m);
}

/* The end of a job that could not tell it itself. */
static void tell_end(struct job *j, int code, const char *what, const char *hint)
{
	struct news n = { .kind = NEWS_ENDED, .code = code };
	autofree char *line = NULL;

	problem(&n.problem, code, code == -ECANCELED ? PROBLEM_FAILED : PROBLEM_IO, hint, "%s",
		what);
	line = news_to_text(&n);
	problem_free(n.problem);
	if (!line)
		return;
	job_tell(j, line);
	free(j->outcome);
	j->outcome = TAKE_PTR(line);
}

static void on_line(void *arg, const char *line)
{
	struct job *j = arg;
	autonews n = { 0 };

	if (news_from_text(line, &n) < 0) {
		say(LOG_WARNING, j->id, "job %u said what nobody understands", j->id);
		return;
	}
	if (n.kind == NEWS_RECOVERED)
		say(LOG_NOTICE, j->id, "change %u (%s) had been interrupted: %s", n.id,
			n.text ? n.text : "?",
			journal_end_name(n.how) ? journal_end_name(n.how) : "it stays so");
	job_tell(j, line);
	claims_hear(j->m, j, &n);
	if (n.kind != NEWS_ENDED)
		return;
	if (!j->outcome)
		j->outcome = strdup(line);
	child_has_ended(j->child);
}

static enum job_state judge(const struct job *j)
{
	autonews n = { 0 };

	if (!j->outcome || news_from_text(j->outcome, &n) < 0)
		return JOB_FAILED;
	return n.code >= 0			      ? JOB_DONE
	       : j->cancelled && n.code == -ECANCELED ? JOB_CANCELLED
						      : JOB_FAILED;
}

static void on_ended(void *arg)
{
	struct job *j = arg;
	struct manager *m = j->m;

	if (!j->outcome) {
		tell_end(j, -EIO, "the process that did it was killed",
			"what it had begun is put in order now");
		recover_after(j);
	}
	end(j, judge(j));
	job_schedule(m);
}

/* ---- The queue ---- */

static bool meet(const struct job *a, const struct job *b)
{
	if (a->all || b->all)
		return true;
	for (size_t i = 0; i < a->n; i++)
		for (size_t k = 0; k < b->n; k++)
			if (bdf_eq(a->pfs[i], b->pfs[k]))
				return true;
	return false;
}

/* Of a pool, or of an owner: only its worker knows which PFs it comes to. */
static bool is_anywhere(const struct job *j)
{
	return !j->n && !j->all;
}

static bool has_its_turn(const struct job *j)
{
	unsigned anywhere = 0;

	for (const struct job *o = j->m->jobs; o && o != j; o = o->next) {
		if (job_is_open(o) && meet(o, j))
			return false;
		anywhere += o->state == JOB_RUNNING && is_anywhere(o);
	}
	return !is_anywhere(j) || anywhere < ANYWHERE_MAX;
}

static void start(struct job *j)
{
	static const struct child_calls calls = { on_line, on_ended };
	int r = child_start(j->m, j->order, &calls, j, &j->child);

	if (r < 0) {
		tell_end(j, r, "there is no process to do it", NULL);
		end(j, JOB_FAILED);
		return;
	}
	j->state = JOB_RUNNING;
	job_tell_state(j);
}

void job_schedule(struct manager *m)
{
	struct job *j = m->jobs;

	while (j) {
		if (j->state != JOB_QUEUED || !has_its_turn(j)) {
			j = j->next;
			continue;
		}
		start(j);
		/* One that ended at once may have made others go. */
		j = m->jobs;
	}
}

void job_cancel(struct job *j)
{
	struct manager *m = j->m;

	j->cancelled = true;
	if (j->state == JOB_RUNNING)
		child_cancel(j->child);
	if (j->state != JOB_QUEUED)
		return;
	tell_end(j, -ECANCELED, "it was cancelled before it began: nothing was changed", NULL);
	end(j, JOB_CANCELLED);
	job_schedule(m);
}

bool job_cancel_all(struct manager *m)
{
	for (struct job *j = m->jobs; j; j = j->next)
		if (j->state == JOB_RUNNING && !j->cancelled)
			child_cancel(j->child), j->cancelled = true;
	return job_open(m, NULL) > 0;
}

/* ---- What was left behind ---- */

static struct job *recovery(struct manager *m)
{
	static const char order[] = "{\"do\":\"recover\",\"functions\":[],\"options\":"
				    "{\"command\":\"recover\"}}";
	struct job *j = job_new(m, ORDER_RECOVER, true);

	if (!j)
		return NULL;
	j->command = strdup("recover");
	j->sender = strdup("");
	j->order = strdup(order);
	if (j->command && j->sender && j->order && job_export(j) >= 0)
		return j;
	job_free(j);
	return NULL;
}

/* At the head of the queue, so that what waits for the same PFs finds them in order. */
static void recover_after(struct job *dead)
{
	struct job *j = dead->kind == ORDER_RECOVER ? NULL : recovery(dead->m);

	if (!j)
		return;
	j->pfs = TAKE_PTR(dead->pfs);
	j->n = dead->n;
	dead->n = 0;
	say(LOG_WARNING, dead->id, "job %u (%s) was killed: what it left is put in order", dead->id,
		dead->command);
}

int job_recover(struct manager *m)
{
	struct job *j = m->host->captured ? NULL : recovery(m);

	if (m->host->captured)
		return 0;
	if (!j)
		return -ENOMEM;
	j->all = true;
	job_schedule(m);
	return 0;
}

/* ---- Of the daemon's own accord ---- */

static int fill_reconcile(struct job *j, struct bdf pf)
{
	autostrv char **functions = NULL;
	struct order o = { .kind = ORDER_RECONCILE };

	j->command = str_printf("reconcile %s", BDF_TEXT(pf));
	j->sender = strdup("");
	j->pfs = calloc(1, sizeof(*j->pfs));
	if (!j->command || !j->sender || !j->pfs || strv_add(&functions, BDF_TEXT(pf)) < 0)
		return -ENOMEM;
	j->pfs[j->n++] = pf;
	o.functions = functions;
	o.command = j->command;
	o.timeout_ms = RECONCILE_MS;
	j->order = order_text(&o);
	return j->order ? job_export(j) : -ENOMEM;
}

int job_reconcile(struct manager *m, struct bdf pf)
{
	struct job *j = job_open(m, NULL) < JOBS_MAX ? job_new(m, ORDER_RECONCILE, false) : NULL;
	int r = j ? fill_reconcile(j, pf) : -ENOBUFS;

	if (r >= 0)
		job_schedule(m);
	else if (j)
		job_free(j);
	return MIN(r, 0);
}
