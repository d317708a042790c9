// SPDX-License-Identifier: GPL-2.0-or-later
/* An entry is about cards, but it names addresses: are they still there, or where else? */
#include "apply.h"

#include "base/str.h"
#include "identity/identity.h"

static void move_actions(struct actions *s, struct bdf from, struct bdf to)
{
	for (size_t i = 0; i < s->n; i++)
		if (bdf_eq(s->v[i].bdf, from))
			s->v[i].bdf = to;
}

static void move(struct plan *p, struct plan_group *g, struct bdf to)
{
	for (size_t i = g->begin; i < g->end; i++) {
		if (bdf_eq(p->steps[i].todo.bdf, g->bdf))
			p->steps[i].todo.bdf = to;
		move_actions(&p->steps[i].back, g->bdf, to);
	}
	g->bdf = to;
}

/* The one function that is that card for sure; NULL: none, or who knows which. */
static const struct function *find(
	struct host *h, const struct inventory *inv, const struct plan_group *g)
{
	const struct function *found = NULL;

	for (size_t i = 0; i < inv->n_functions; i++) {
		const struct function *f = &inv->functions[i];

		/* Functions may share a serial number; a MAC address is of one alone. */
		if (f->kind == FUNCTION_VF ||
			(f->bdf.fn != g->bdf.fn && !strstr(g->card, "PermanentMACAddress=")) ||
			identity_is(h, f->bdf, g->card, NULL) <= 0)
			continue;
		if (found)
			return NULL;
		found = f;
	}
	return found;
}

static int gone(const struct entry *e, const struct plan_group *g, int code, const char *why,
	struct problem **reterr)
{
	if (code == -ENOENT)
		return problem(reterr, code, PROBLEM_NOT_FOUND, NULL,
			"the card at %s, which %u was about, is gone", BDF_TEXT(g->bdf), e->id);
	return problem(reterr, code, problem_kind_from_errno(code), NULL,
		"%s is not the card that %u was about: %s", BDF_TEXT(g->bdf), e->id,
		why ? why : strerror(-code));
}

static int follow(struct host *h, const struct inventory *inv, struct entry *e,
	struct plan_group *g, const struct apply_opts *opts, struct problem **reterr)
{
	autofree char *why = NULL, *text = NULL;
	const struct function *f;
	int r = g->card ? identity_is(h, g->bdf, g->card, &why) : 0;

	if (r >= 0 || r == -EBADMSG)
		return 0;
	f = r == -ESTALE || r == -ENOENT ? find(h, inv, g) : NULL;
	if (!f) {
		gone(e, g, r, why, reterr);
		if (r == -ESTALE && reterr && *reterr)
			(*reterr)->kind = PROBLEM_DRIFT;
		return r;
	}
	text = str_printf("the card that %u was about has moved from %s to %s", e->id,
		BDF_TEXT(g->bdf), f->address);
	if (opts->note && text)
		opts->note(opts->arg, text, "it is followed");
	move(&e->plan, g, f->bdf);
	return 0;
}

int entry_follow(struct host *h, const struct inventory *inv, struct entry *e,
	const struct apply_opts *opts, struct problem **reterr)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < e->plan.n_groups; i++)
		r = follow(h, inv, e, &e->plan.groups[i], opts, reterr);
	return r;
}
