// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * PFs that are not as configured: told once for each new state of it, and repaired where the
 * configuration says so and the worker has found something that may be touched. What comes back
 * again and again is somebody's will: after three times in ten minutes it is left to people.
 */
#include "mind-inside.h"
#include "job.h"

#include "base/str.h"
#include "ipc/names.h"

#include <syslog.h>

enum { TRIES = 3, TRIES_US = 600 * 1000000 };

void mind_forget_drift(struct mind *d)
{
	free(TAKE_PTR(d->drifted));
	d->n_drifted = 0;
}

static struct drifted *find(struct mind *d, struct bdf pf)
{
	struct drifted *more;

	for (size_t i = 0; i < d->n_drifted; i++)
		if (bdf_eq(d->drifted[i].pf, pf))
			return &d->drifted[i];
	more = d->n_drifted < DRIFTED_MAX
		       ? reallocarray(d->drifted, d->n_drifted + 1, sizeof(*more))
		       : NULL;
	if (!more)
		return NULL;
	d->drifted = more;
	more[d->n_drifted] = (struct drifted) { .pf = pf };
	return &more[d->n_drifted++];
}

/* FNV-1a: the same text again, or another. Never 0. */
static uint64_t hash(uint64_t h, const char *s)
{
	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 1099511628211ULL;
	return h ? h : 1;
}

static uint64_t hash_of(json_object *differences)
{
	uint64_t h = 14695981039346656037ULL;

	for (size_t i = 0; i < json_object_array_length(differences); i++) {
		json_object *e = json_object_array_get_idx(differences, i);

		h = hash(hash(h, mind_text(e, "function")), mind_text(e, "what"));
	}
	return h;
}

static void tell(struct mind *d, json_object *differences, const char *decided)
{
	for (size_t i = 0; i < json_object_array_length(differences); i++) {
		json_object *e = json_object_array_get_idx(differences, i);
		const char *function = mind_text(e, "function"), *what = mind_text(e, "what");

		say(LOG_WARNING, 0, "drift: %s: %s%s%s", function, what,
			*decided ? "; so decided by vfctl " : "", decided);
		if (!bus_is_behind(d->m))
			(void)sd_bus_emit_signal(d->m->bus, DAEMON_PATH, DAEMON_INTERFACE,
				"DriftFound", "ss", function, what);
	}
}

/* True when it is not the fourth time. */
static bool may_try(struct mind *d, struct drifted *f, uint64_t what)
{
	uint64_t now = 0;

	(void)sd_event_now(d->m->loop, CLOCK_MONOTONIC, &now);
	if (f->repaired != what || now - f->since_us > TRIES_US) {
		f->repaired = what;
		f->since_us = now;
		f->times = 0;
		f->given_up = false;
	}
	if (f->times < TRIES) {
		f->times++;
		return true;
	}
	if (!f->given_up)
		say(LOG_ERR, 0,
			"drift: %s: the same came back %d times: it is not repaired any more until "
			"something else differs, or vfctld is reloaded",
			BDF_TEXT(f->pf), TRIES);
	f->given_up = true;
	return false;
}

static void consider(struct mind *d, json_object *of)
{
	json_object *differences = NULL, *repair = NULL;
	struct drifted *f;
	struct bdf pf;
	uint64_t what;
	int r;

	if (bdf_parse(mind_text(of, "pf"), &pf) < 0 ||
		!json_object_object_get_ex(of, "differences", &differences) ||
		!json_object_is_type(differences, json_type_array))
		return;
	f = find(d, pf);
	if (!f)
		return;
	f->seen = true;
	what = hash_of(differences);
	if (f->told != what)
		tell(d, differences, mind_text(of, "decided"));
	f->told = what;
	if (!json_object_object_get_ex(of, "repair", &repair) || !json_object_get_boolean(repair) ||
		!may_try(d, f, what))
		return;
	r = job_reconcile(d->m, pf);
	if (r < 0)
		say(LOG_WARNING, 0, "drift: %s: there is no job to repair it: %s", BDF_TEXT(pf),
			strerror(-r));
}

void mind_drift(struct mind *d, json_object *list)
{
	for (size_t i = 0; i < d->n_drifted; i++)
		d->drifted[i].seen = false;
	for (size_t i = 0; i < json_object_array_length(list); i++)
		consider(d, json_object_array_get_idx(list, i));
	for (size_t i = 0; i < d->n_drifted; i++) {
		struct drifted *f = &d->drifted[i];

		if (f->seen || !f->told || !mind_asked(d, f->pf))
			continue;
		say(LOG_NOTICE, 0, "drift: %s is as configured again", BDF_TEXT(f->pf));
		f->told = 0;
	}
}
