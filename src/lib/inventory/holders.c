// SPDX-License-Identifier: GPL-2.0-or-later
#include "inventory.h"

#include "holder/holder.h"
#include "lease/lease.h"

/* Both lists are in the order of the functions. */
static void hand_out(struct inventory *inv)
{
	const struct holders *s = inv->holders;
	size_t at = 0;

	for (size_t i = 0; i < inv->n_functions; i++) {
		struct function *f = &inv->functions[i];
		size_t from = at;

		while (at < s->n && bdf_eq(s->v[at].bdf, f->bdf))
			at++;
		f->holders = at > from ? &s->v[from] : NULL;
		f->n_holders = at - from;
		f->holders_known = true;
	}
}

int inventory_find_holders(struct host *h, struct inventory *inv)
{
	autofree struct bdf *all = calloc(inv->n_functions + 1, sizeof(*all));
	autofree struct holders *found = calloc(1, sizeof(*found));
	int r;

	if (!all || !found)
		return -ENOMEM;
	for (size_t i = 0; i < inv->n_functions; i++)
		all[i] = inv->functions[i].bdf;
	r = holders_find(h, all, inv->n_functions, found);
	if (r < 0)
		return r;
	inventory_forget_holders(inv);
	inv->holders = TAKE_PTR(found);
	hand_out(inv);
	return 0;
}

int inventory_find_claims(struct host *h, struct inventory *inv)
{
	autofree struct leases *found = calloc(1, sizeof(*found));
	int r = found ? leases_read(h, found) : -ENOMEM;

	if (r < 0)
		return r;
	if (inv->leases)
		leases_done(inv->leases);
	free(inv->leases);
	inv->leases = TAKE_PTR(found);
	for (size_t i = 0; i < inv->n_functions; i++)
		inv->functions[i].claim = NULL;
	for (size_t i = 0; i < inv->leases->n; i++) {
		const struct lease *l = &inv->leases->v[i];
		struct function *f = inventory_find_bdf(inv, l->bdf);

		if (f && lease_is_of(h, l))
			f->claim = l;
	}
	return 0;
}
