// SPDX-License-Identifier: GPL-2.0-or-later
#include "mind-inside.h"

#include "base/str.h"
#include "ipc/names.h"

#include <syslog.h>

static void unwell_done(struct unwell *u)
{
	free(u->health);
	free(u->reason);
}

void mind_forget_health(struct mind *d)
{
	for (size_t i = 0; i < d->n_unwell; i++)
		unwell_done(&d->unwell[i]);
	free(TAKE_PTR(d->unwell));
	d->n_unwell = 0;
}

static void tell(struct mind *d, struct bdf a, const char *health, const char *reason)
{
	bool bad = str_eq(health, "unhealthy");

	say(bad ? LOG_WARNING : LOG_NOTICE, 0, "%s is %s%s%s", BDF_TEXT(a), health,
		*reason ? ": " : "", reason);
	if (!bus_is_behind(d->m))
		(void)sd_bus_emit_signal(d->m->bus, DAEMON_PATH, DAEMON_INTERFACE, "HealthChanged",
			"sss", BDF_TEXT(a), health, reason);
}

static struct unwell *find(struct mind *d, struct bdf a)
{
	for (size_t i = 0; i < d->n_unwell; i++)
		if (bdf_eq(d->unwell[i].bdf, a))
			return &d->unwell[i];
	return NULL;
}

static struct unwell *add(struct mind *d, struct bdf a)
{
	struct unwell *more = d->n_unwell < UNWELL_MAX
				      ? reallocarray(d->unwell, d->n_unwell + 1, sizeof(*more))
				      : NULL;

	if (!more)
		return NULL;
	d->unwell = more;
	more[d->n_unwell] = (struct unwell) { .bdf = a };
	return &more[d->n_unwell++];
}

static void consider(struct mind *d, json_object *of)
{
	const char *health = mind_text(of, "health"), *reason = mind_text(of, "reason");
	struct unwell *u;
	struct bdf a;

	if (bdf_parse(mind_text(of, "address"), &a) < 0)
		return;
	u = find(d, a);
	if (!u)
		u = add(d, a);
	if (!u)
		return;
	u->seen = true;
	if (str_eq(u->health, health) && str_eq(u->reason, reason))
		return;
	unwell_done(u);
	u->health = strdup(health);
	u->reason = strdup(reason);
	tell(d, a, health, reason);
}

void mind_health(struct mind *d, json_object *list)
{
	struct bdf pf;

	for (size_t i = 0; i < d->n_unwell; i++)
		d->unwell[i].seen = false;
	for (size_t i = 0; i < json_object_array_length(list); i++)
		consider(d, json_object_array_get_idx(list, i));
	for (size_t i = d->n_unwell; i-- > 0;) {
		struct unwell *u = &d->unwell[i];
		bool there = watch_pf_of(d->m->watch, u->bdf, &pf) == 0;

		if (u->seen || (there && !mind_asked(d, u->bdf)))
			continue;
		/* Of one that has gone FunctionRemoved has told. */
		if (there)
			tell(d, u->bdf, "healthy", "");
		unwell_done(u);
		*u = d->unwell[--d->n_unwell];
	}
}
