// SPDX-License-Identifier: GPL-2.0-or-later
/* Who changed a PF last. */
#include "drift.h"

#include "base/str.h"

enum {
	LOOK_BACK = 256,   /* entries: more than one busy day makes */
	RUNNING_BACK = 16, /* so many may be running at the same time */
};

/* What follows the configuration, and what gives and takes without deciding anything. */
static bool follows_configuration(const char *verb)
{
	static const char *const verbs[] = { "apply", "reconcile", "assign", "release", "recover" };

	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		if (str_starts(verb, verbs[i]) &&
			(!verb[strlen(verbs[i])] || verb[strlen(verbs[i])] == ' '))
			return true;
	return false;
}

static bool is_about(const struct entry *e, struct bdf pf)
{
	for (size_t i = 0; i < e->plan.n_groups; i++)
		if (bdf_eq(e->plan.groups[i].bdf, pf))
			return true;
	return false;
}

/* What gives and takes says nothing about the change before it. */
static bool is_passing(const char *verb)
{
	return str_starts(verb, "assign") || str_starts(verb, "release") ||
	       str_starts(verb, "recover");
}

int history_decided(const struct journal_place *places, struct bdf pf, char **ret)
{
	autofree unsigned *ids = NULL;
	size_t n = 0, looked = 0;
	int r = places ? journal_ids(places, &ids, &n) : 0;

	*ret = NULL;
	for (size_t i = n; r == 0 && i-- > 0 && looked++ < LOOK_BACK;) {
		autoentry e = { 0 };
		autofree char *verb = NULL;

		if (journal_read(places, ids[i], &e) < 0 || !e.verb || !is_about(&e, pf) ||
			(e.end != JOURNAL_DONE && e.end != JOURNAL_KEPT) || is_passing(e.verb))
			continue;
		if (follows_configuration(e.verb))
			return 0;
		verb = str_printable(e.verb);
		*ret = verb ? str_printf("%s (%u)", verb, ids[i]) : NULL;
		return *ret ? 0 : -ENOMEM;
	}
	return r == -ENOMEM ? r : 0;
}

bool drift_is_changing(const struct journal_place *places, struct bdf pf, unsigned *ret_last)
{
	autofree unsigned *ids = NULL;
	size_t n = 0;

	*ret_last = 0;
	if (!places || journal_ids(places, &ids, &n) < 0 || !n)
		return false;
	*ret_last = ids[n - 1];
	for (size_t i = n; i-- > 0 && n - i <= RUNNING_BACK;) {
		autoentry e = { 0 };

		if (journal_read(places, ids[i], &e) == 0 && e.end == JOURNAL_RUNNING &&
			is_about(&e, pf))
			return true;
	}
	return false;
}
