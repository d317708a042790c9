// SPDX-License-Identifier: GPL-2.0-or-later
#include "claim.h"

#include "base/str.h"
#include "foreign/foreign.h"

void claims_done(struct claims *c)
{
	free(c->v);
	strv_free(c->texts);
	*c = (struct claims) { 0 };
}

static const char *keep(struct claims *c, const char *text)
{
	return text && strv_add(&c->texts, text) == 0 ? c->texts[strv_len(c->texts) - 1] : NULL;
}

/* A conflict by its words; of what nobody contradicts, one line for a file and a PF is enough. */
static bool is_told(const struct foreign *f, size_t i)
{
	const struct foreign_fact *own = &f->facts[i];

	if (own->by == FOREIGN_VFCTL)
		return true;
	if (foreign_rival(f, i))
		return false;
	for (size_t k = 0; k < i; k++)
		if (bdf_eq(f->facts[k].pf, own->pf) && str_eq(f->facts[k].file, own->file))
			return true;
	return false;
}

static int claim(struct claims *c, const struct foreign *f, size_t i, struct check_claim *ret)
{
	const struct foreign_fact *fact = &f->facts[i], *rival = foreign_rival(f, i);
	autofree char *wants = NULL;

	wants = rival ? str_printf("%s; %s: %s", fact->said, foreign_manager_name(rival->by),
				rival->said)
		      : strdup(fact->said);
	*ret = (struct check_claim) { foreign_manager_name(fact->by), fact->file,
		keep(c, BDF_TEXT(fact->pf)), keep(c, wants), rival != NULL };
	return ret->pf && ret->wants ? 0 : -ENOMEM;
}

int claims_make(const struct foreign *f, struct claims *ret)
{
	autoclaims c = { .v = calloc(f->n_facts + 1, sizeof(*c.v)) };
	int r = c.v ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < f->n_facts; i++)
		if (!is_told(f, i))
			r = claim(&c, f, i, &c.v[c.n++]);
	if (r < 0)
		return r;
	*ret = c;
	c = (struct claims) { 0 };
	return 0;
}
