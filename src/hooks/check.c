// SPDX-License-Identifier: GPL-2.0-or-later
#include "check.h"

#include "base/str.h"
#include "fitness/fitness.h"
#include "store/store.h"

bool check_is_needed(const struct domain *d)
{
	for (size_t i = 0; i < d->n_devices; i++)
		if (!d->devices[i].managed)
			return true;
	return d->n_assigns > 0;
}

int check_is_there(const struct inventory *inv, struct bdf a, const struct function **ret,
	struct problem **reterr)
{
	*ret = inventory_find_bdf(inv, a);
	return *ret ? 0
		    : problem(reterr, -ENOENT, PROBLEM_NOT_FOUND,
			      "vfctl list shows what there is; VFs are made by vfctl create or "
			      "apply",
			      "%s is not there", BDF_TEXT(a));
}

/* Only of a card that was configured: others' product data would be read in vain, and slowly. */
static const char *identity_dir_of(const struct function *f, const char *dir)
{
	const struct function *pf = f->physfn ? f->physfn : f;
	autofree char *record = NULL;

	return dir && store_get(dir, pf->address, &record) == 0 ? dir : NULL;
}

int check_function(struct host *h, const struct inventory *inv, const struct domain *d,
	struct bdf a, const char *identity_dir, struct problem **reterr)
{
	const struct function *f;
	int r = check_is_there(inv, a, &f, reterr);

	if (r == 0)
		r = fitness_check(h, inv, identity_dir_of(f, identity_dir), f, reterr);
	if (r == 0)
		r = fitness_check_claim(h, f, d->name, d->uuid, reterr);
	if (r == 0 && fitness_needs_token(f))
		return problem(reterr, -EOPNOTSUPP, PROBLEM_UNSUPPORTED,
			"vfctl restore gives the PF back to the host",
			"the PF of %s is driven through VFIO, and libvirt cannot pass its owner's "
			"token",
			f->address);
	return r;
}

int check_domain(
	struct host *h, const struct domain *d, const char *identity_dir, struct problem **reterr)
{
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	int r = inventory_load(h, INVENTORY_GROUPS, &inv, reterr);

	for (size_t i = 0; r == 0 && i < d->n_devices; i++)
		if (!d->devices[i].managed)
			r = check_function(h, inv, d, d->devices[i].bdf, identity_dir, reterr);
	return r;
}
