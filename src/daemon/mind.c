// SPDX-License-Identifier: GPL-2.0-or-later
#include "mind-inside.h"
#include "method.h"

#include "base/str.h"
#include "ipc/news.h"

#include <malloc.h>
#include <syslog.h>

/* Quiet for so long, but no later than that after the first; and about so exactly. */
enum { QUIET_US = 1000000, LATEST_US = 10000000, ABOUT_US = 100000 };

static struct mind *mind_of(struct manager *m)
{
	if (!m->mind) {
		m->mind = calloc(1, sizeof(*m->mind));
		if (m->mind)
			m->mind->m = m;
	}
	return m->mind;
}

bool mind_asked(const struct mind *d, struct bdf function)
{
	struct bdf pf;

	if (d->asked_all)
		return true;
	if (watch_pf_of(d->m->watch, function, &pf) < 0)
		pf = function;
	for (size_t i = 0; i < d->n_asked; i++)
		if (bdf_eq(d->asked[i], pf))
			return true;
	return false;
}

const char *mind_text(json_object *o, const char *key)
{
	json_object *v = NULL;

	if (!json_object_object_get_ex(o, key, &v) || !json_object_is_type(v, json_type_string))
		return "";
	return json_object_get_string(v);
}

/* ---- The look ---- */

static void arm(struct mind *d);

static void answer(struct mind *d, const char *text)
{
	json_object *j = json_tokener_parse(text), *list = NULL;

	if (json_object_object_get_ex(j, "health", &list) &&
		json_object_is_type(list, json_type_array))
		mind_health(d, list);
	if (d->asked_drift && json_object_object_get_ex(j, "drift", &list) &&
		json_object_is_type(list, json_type_array))
		mind_drift(d, list);
	json_object_put(j);
}

static void line(void *arg, const char *text)
{
	struct mind *d = arg;
	autonews n = { 0 };

	if (news_from_text(text, &n) < 0)
		return;
	if (n.kind == NEWS_ANSWER && n.text)
		answer(d, n.text);
	if (n.kind != NEWS_ENDED)
		return;
	if (n.problem)
		say(LOG_WARNING, 0, "what has happened cannot be judged: %s", n.problem->what);
	child_has_ended(d->child);
}

static void ended(void *arg)
{
	struct mind *d = arg;

	child_free(TAKE_PTR(d->child));
	(void)malloc_trim(0);
	if (d->n_touched || d->all)
		arm(d);
}

static char *make_order(const struct mind *d)
{
	autostrv char **functions = NULL;
	struct order o = { .kind = ORDER_CHECK, .drift = d->asked_drift };

	for (size_t i = 0; !d->asked_all && i < d->n_asked; i++)
		if (strv_add(&functions, BDF_TEXT(d->asked[i])) < 0)
			return NULL;
	o.functions = functions;
	return order_text(&o);
}

static void begin_look(struct mind *d)
{
	static const struct child_calls calls = { .line = line, .ended = ended };
	autofree char *order = NULL;
	int r;

	memcpy(d->asked, d->touched, sizeof(d->asked));
	d->n_asked = d->n_touched;
	d->asked_all = d->all;
	d->asked_drift = d->drift && !d->m->host->captured;
	d->n_touched = 0;
	d->first_us = 0;
	d->all = d->drift = false;
	order = make_order(d);
	r = order ? child_start(d->m, order, &calls, d, &d->child) : -ENOMEM;
	if (r < 0)
		say(LOG_WARNING, 0, "no process to look at what has happened: %s", strerror(-r));
}

static int on_quiet(sd_event_source *s UNUSED, uint64_t now UNUSED, void *arg)
{
	struct mind *d = arg;

	if (!d->child)
		begin_look(d);
	return 0;
}

/* Later with every event, up to a limit. While a look goes on its end arms again. */
static void arm(struct mind *d)
{
	uint64_t now = 0, at;

	if (d->child || sd_event_now(d->m->loop, CLOCK_MONOTONIC, &now) < 0)
		return;
	if (!d->first_us)
		d->first_us = now;
	at = MIN(now + QUIET_US, d->first_us + LATEST_US);
	if (!d->timer) {
		(void)sd_event_add_time(
			d->m->loop, &d->timer, CLOCK_MONOTONIC, at, ABOUT_US, on_quiet, d);
		return;
	}
	(void)sd_event_source_set_time(d->timer, at);
	(void)sd_event_source_set_enabled(d->timer, SD_EVENT_ONESHOT);
}

/* ---- What is heard ---- */

static void remember(struct mind *d, struct bdf pf)
{
	for (size_t i = 0; i < d->n_touched; i++)
		if (bdf_eq(d->touched[i], pf))
			return;
	if (d->n_touched < TOUCHED_MAX)
		d->touched[d->n_touched++] = pf;
	else
		d->all = true;
}

void mind_begin(struct manager *m)
{
	struct mind *d = mind_of(m);

	if (!d)
		return;
	d->all = true;
	arm(d);
}

void mind_touch(struct manager *m, struct bdf pf)
{
	struct mind *d = mind_of(m);

	if (!d)
		return;
	remember(d, pf);
	d->drift = true;
	arm(d);
}

void mind_touch_all(struct manager *m)
{
	struct mind *d = mind_of(m);

	if (!d)
		return;
	d->all = d->drift = true;
	arm(d);
}

void mind_forget(struct manager *m)
{
	if (!m->mind)
		return;
	mind_forget_health(m->mind);
	mind_forget_drift(m->mind);
}

void mind_done(struct manager *m)
{
	if (!m->mind)
		return;
	mind_forget(m);
	child_free(m->mind->child);
	sd_event_source_unref(m->mind->timer);
	free(TAKE_PTR(m->mind));
}
