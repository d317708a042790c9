// SPDX-License-Identifier: GPL-2.0-or-later
/* Whether the cards that are acted on are those that were configured. */
#include "act.h"
#include "identity/identity.h"

static bool seen_before(const struct selection *s, size_t i, struct bdf pf)
{
	for (size_t k = 0; k < i; k++) {
		const struct function *f = s->v[k];

		if (bdf_eq(f->physfn ? f->physfn->bdf : f->bdf, pf))
			return true;
	}
	return false;
}

int act_verify_card(struct act *act, struct bdf pf, struct problem **reterr)
{
	autoidentity found = { 0 };

	/* A plain user cannot look that deep; then the daemon does. */
	if (act->daemon && geteuid() != 0)
		return 0;
	return act->cli->identity_dir
		       ? identity_verify(act->host, act->cli->identity_dir, pf, &found, reterr)
		       : 0;
}

int act_verify_cards(struct act *act, const struct selection *s, struct problem **reterr)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->n; i++) {
		struct bdf pf = s->v[i]->physfn ? s->v[i]->physfn->bdf : s->v[i]->bdf;

		if (!seen_before(s, i, pf))
			r = act_verify_card(act, pf, reterr);
	}
	return r;
}

int act_record_cards(struct act *act, const struct wishes *w, struct problem **reterr)
{
	const char *dir = act->cli->dry_run || act->daemon ? NULL : act->cli->identity_dir;
	int r = 0;

	for (size_t i = 0; dir && r >= 0 && i < w->n; i++) {
		const struct function *f = inventory_find_bdf(act->inv, w->v[i].bdf);

		if (f && f->kind == FUNCTION_PF)
			r = identity_record(act->host, dir, f->bdf, reterr);
	}
	return MIN(r, 0);
}
