// SPDX-License-Identifier: GPL-2.0-or-later
/* Functions that were given to somebody (lease/lease.h), whether he has them open or not. */
#include "sources.h"

#include "base/str.h"
#include "lease/lease.h"

static char *text_of(const struct lease *l)
{
	autofree char *owner = owner_text(&l->owner), *reason = NULL;

	if (!owner)
		return NULL;
	if (l->state != LEASE_QUARANTINE)
		return str_printf("claimed by %s", owner);
	reason = str_printable(l->reason ? l->reason : "?");
	return reason ? str_printf("in quarantine after %s had it: %s", owner, reason) : NULL;
}

/* Of a function that has gone since, or came anew at that address, a claim says nothing. */
static int add(struct search *s, const struct lease *l)
{
	ssize_t at = search_index(s, l->bdf);

	if (at < 0 || !lease_is_of(s->h, l))
		return 0;
	return search_add(s, HOLDER_CLAIM, HOLD_USED, (size_t)at, text_of(l));
}

static int add_unreadable(struct search *s, const char *record)
{
	autofree char *what = str_printf("the claim %s", record);

	return what ? strv_add(&s->found.unknown, what) : -ENOMEM;
}

int find_claims(struct search *s)
{
	autoleases all = { 0 };
	int r = leases_read(s->h, &all);

	for (size_t i = 0; r == 0 && i < all.n; i++)
		r = add(s, &all.v[i]);
	for (char **u = all.unreadable; r == 0 && u && *u; u++)
		r = add_unreadable(s, *u);
	return r;
}
