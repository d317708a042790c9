// SPDX-License-Identifier: GPL-2.0-or-later
/* Change and Reset: from a method's arguments to a job in the queue. */
#include "job-inside.h"
#include "method.h"
#include "polkit.h"

#include "base/str.h"
#include "ipc/names.h"

#include <syslog.h>

/*
 * Who asked has gone: what has not begun is not wanted any more, but for what is given back. What
 * has, is finished.
 */
static int on_left(sd_bus_track *t UNUSED, void *arg)
{
	struct job *j = arg;

	if (j->state == JOB_QUEUED && j->kind != ORDER_RELEASE)
		job_cancel(j);
	return 0;
}

static int watch_sender(struct job *j, sd_bus_message *asked)
{
	int r = sd_bus_track_new(j->m->bus, &j->track, on_left, j);

	return r < 0 ? r : sd_bus_track_add_sender(j->track, asked);
}

static int fill(struct job *j, sd_bus_message *asked, const struct order *o, unsigned uid)
{
	const char *sender = sd_bus_message_get_sender(asked);

	j->uid = uid;
	j->command = strdup(o->command ? o->command : order_name(o->kind));
	j->sender = sender ? strdup(sender) : NULL;
	j->order = order_text(o);
	if (!j->command || !j->sender || !j->order)
		return -ENOMEM;
	return watch_sender(j, asked);
}

/* The answer first, then the work: who asked knows the job before it hears of it. */
int job_enqueue(struct manager *m, sd_bus_message *asked, const struct order *o, struct bdf *pfs,
	size_t n, unsigned uid)
{
	struct job *j;
	int r;

	if (job_open(m, NULL) >= JOBS_MAX) {
		free(pfs);
		return reply_limit(asked, "jobs");
	}
	j = job_new(m, o->kind, false);
	if (!j) {
		free(pfs);
		return -ENOMEM;
	}
	j->pfs = pfs;
	j->n = n;
	r = fill(j, asked, o, uid);
	if (r >= 0)
		r = job_export(j);
	if (r >= 0)
		r = sd_bus_reply_method_return(asked, "o", j->path);
	if (r < 0) {
		job_free(j);
		return r;
	}
	say(LOG_INFO, j->id, "job %u (%s) of user %u", j->id, j->command, uid);
	job_schedule(m);
	return 1;
}

int job_refuse_early(struct manager *m, struct problem **reterr)
{
	if (m->host->captured)
		return problem(reterr, -EROFS, PROBLEM_READ_ONLY, NULL,
			"%s is a captured machine: nothing can be changed there", m->root);
	return 0;
}

static int go_change(struct manager *m, sd_bus_message *asked, unsigned uid)
{
	autoorder o = { .kind = ORDER_CHANGE };
	autofree struct bdf *pfs = NULL;
	autoproblem *p = NULL;
	int r = method_wishes(asked, &o, &p);

	if (r == 0)
		r = method_options(asked, &o, &p);
	if (r == 0)
		r = job_refuse_early(m, &p);
	if (r < 0)
		return reply_problem(asked, p);
	pfs = calloc(o.wishes.n + 1, sizeof(*pfs));
	if (!pfs)
		return -ENOMEM;
	/* A VF may be wished for by its own address: its PF is what is changed. */
	for (size_t i = 0; i < o.wishes.n; i++)
		if (watch_pf_of(m->watch, o.wishes.v[i].bdf, &pfs[i]) < 0)
			pfs[i] = o.wishes.v[i].bdf;
	return job_enqueue(m, asked, &o, TAKE_PTR(pfs), o.wishes.n, uid);
}

/* Names mean something else after a change that is still to be done: addresses alone. */
static int find_pfs(
	struct manager *m, const struct order *o, struct bdf *pfs, struct problem **reterr)
{
	size_t n = strv_len(o->functions);

	for (size_t i = 0; i < n; i++) {
		struct bdf a;

		if (bdf_parse(o->functions[i], &a) < 0)
			return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL,
				"'%s' is not the address of a function", o->functions[i]);
		if (watch_pf_of(m->watch, a, &pfs[i]) < 0)
			return problem(reterr, -ENOENT, PROBLEM_NOT_FOUND, NULL,
				"there is no function %s", BDF_TEXT(a));
	}
	return n ? 0
		 : problem(reterr, -EINVAL, PROBLEM_USAGE, NULL, "no function is named to reset");
}

static int go_reset(struct manager *m, sd_bus_message *asked, unsigned uid)
{
	autoorder o = { .kind = ORDER_RESET };
	autofree struct bdf *pfs = NULL;
	autoproblem *p = NULL;
	int r = method_functions(asked, &o, &p);

	if (r == 0)
		r = method_options(asked, &o, &p);
	if (r == 0)
		r = job_refuse_early(m, &p);
	if (r == 0) {
		pfs = calloc(strv_len(o.functions) + 1, sizeof(*pfs));
		r = pfs ? find_pfs(m, &o, pfs, &p)
			: problem(&p, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	}
	if (r < 0)
		return reply_problem(asked, p);
	return job_enqueue(m, asked, &o, TAKE_PTR(pfs), strv_len(o.functions), uid);
}

int job_change(sd_bus_message *asked, void *arg, sd_bus_error *e UNUSED)
{
	return polkit_ask(arg, asked, POLKIT_CHANGE, go_change);
}

int job_reset(sd_bus_message *asked, void *arg, sd_bus_error *e UNUSED)
{
	return polkit_ask(arg, asked, POLKIT_CHANGE, go_reset);
}

static int go_list(struct manager *m, sd_bus_message *asked, unsigned uid UNUSED)
{
	sd_bus_message *answer = NULL;
	int r = sd_bus_message_new_method_return(asked, &answer);

	if (r >= 0)
		r = sd_bus_message_open_container(answer, 'a', "(osus)");
	for (const struct job *j = m->jobs; r >= 0 && j; j = j->next)
		r = sd_bus_message_append(
			answer, "(osus)", j->path, j->command, j->uid, job_state_name(j));
	if (r >= 0)
		r = sd_bus_message_close_container(answer);
	if (r >= 0)
		r = sd_bus_send(m->bus, answer, NULL);
	sd_bus_message_unref(answer);
	return r < 0 ? r : 1;
}

int job_list(sd_bus_message *asked, void *arg, sd_bus_error *e UNUSED)
{
	return polkit_ask(arg, asked, POLKIT_LOOK, go_list);
}
