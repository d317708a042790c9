// SPDX-License-Identifier: GPL-2.0-or-later
#include "fitness.h"

#include "holder/holder.h"
#include "identity/identity.h"

static int check_kind(const struct function *f, struct problem **reterr)
{
	if (class_is_bridge(f->id.class_code))
		return problem(reterr, -EINVAL, PROBLEM_NOT_ASSIGNABLE, NULL,
			"%s is a bridge: it cannot be given to a guest", f->address);
	return 0;
}

static int check_driver(const struct function *f, struct problem **reterr)
{
	if (driver_is_vfio(f->driver))
		return 0;
	problem(reterr, -ENODEV, PROBLEM_NOT_BOUND_TO_VFIO, NULL,
		f->driver ? "%s is driven by %s, not by a VFIO driver"
			  : "%s has no driver%s; it needs a VFIO driver",
		f->address, f->driver ? f->driver : "");
	problem_hint(reterr, "vfctl bind %s", f->address);
	return -ENODEV;
}

static int check_group(
	const struct inventory *inv, const struct function *f, struct problem **reterr)
{
	const struct iommu_group *g = inventory_find_group(inv, f->iommu_group);

	if (!g)
		return problem(reterr, -ENODATA, PROBLEM_NO_IOMMU,
			"switch the IOMMU on in the firmware and with intel_iommu=on",
			"%s is in no IOMMU group", f->address);
	return iommu_group_require_viable(g, reterr);
}

/* A group has one holder; a fellow member that is held is as bad as the function itself. */
static int check_holders(struct host *h, const struct inventory *inv, const struct function *f,
	struct problem **reterr)
{
	const struct iommu_group *g = inventory_find_group(inv, f->iommu_group);
	autofree struct bdf *v = calloc(g->n_members + 1, sizeof(*v));
	autoholders holders = { 0 };
	int r;

	if (!v)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	for (size_t i = 0; i < g->n_members; i++)
		v[i] = g->members[i].bdf;
	r = holders_find_vfio(h, v, g->n_members, &holders);
	if (r == -ENOMEM)
		return problem(reterr, r, PROBLEM_NO_MEMORY, NULL, "out of memory");
	if (r < 0 || holders.n == 0)
		return 0; /* opening will tell */
	return problem(reterr, -EBUSY, PROBLEM_IN_USE, "end that first, or take another function",
		"%s is held by %s", BDF_TEXT(holders.v[0].bdf), holders.v[0].text);
}

/* Another card than the one that was configured is not what the guest was meant to get. */
static int check_card(
	struct host *h, const char *dir, const struct function *f, struct problem **reterr)
{
	autoidentity found = { 0 };

	return dir ? identity_verify(h, dir, f->physfn ? f->physfn->bdf : f->bdf, &found, reterr)
		   : 0;
}

int fitness_check(struct host *h, const struct inventory *inv, const char *identity_dir,
	const struct function *f, struct problem **reterr)
{
	int r = check_kind(f, reterr);

	if (r == 0)
		r = check_card(h, identity_dir, f, reterr);
	if (r == 0)
		r = check_driver(f, reterr);
	if (r == 0)
		r = check_group(inv, f, reterr);
	if (r == 0)
		r = check_holders(h, inv, f, reterr);
	return r;
}

bool fitness_needs_token(const struct function *f)
{
	return f->physfn && driver_is_vfio(f->physfn->driver);
}
