// SPDX-License-Identifier: GPL-2.0-or-later
#include "fitness.h"

#include "base/str.h"
#include "claim/owner.h"
#include "holder/holder.h"
#include "identity/identity.h"
#include "lease/lease.h"

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
	int beside, struct problem **reterr)
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
	if (r < 0)
		return 0; /* opening will tell */
	for (size_t i = 0; i < holders.n; i++)
		if (!beside || holders.v[i].pid != beside)
			return problem(reterr, -EBUSY, PROBLEM_IN_USE,
				"end that first, or take another function", "%s is held by %s",
				BDF_TEXT(holders.v[i].bdf), holders.v[i].text);
	return 0;
}

/* Another card than the one that was configured is not what the guest was meant to get. */
static int check_card(
	struct host *h, const char *dir, const struct function *f, struct problem **reterr)
{
	autoidentity found = { 0 };

	return dir ? identity_verify(h, dir, f->physfn ? f->physfn->bdf : f->bdf, &found, reterr)
		   : 0;
}

/* The record of that very function; NULL: it is nobody's. */
static const struct lease *lease_of(struct host *h, const struct leases *all, struct bdf a)
{
	const struct lease *l = leases_find(all, a);

	return l && lease_is_of(h, l) ? l : NULL;
}

static int no_memory(struct problem **reterr)
{
	return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
}

/* Whose it is, nobody can say then. */
static int check_readable(
	const struct leases *all, const struct function *f, struct problem **reterr)
{
	STRV_FOREACH (what, all->unreadable)
		if (str_starts(*what, f->address))
			return problem(reterr, -EBADMSG, PROBLEM_NOT_ASSIGNABLE,
				"vfctl leases names the record", "the claim of %s cannot be read",
				f->address);
	return 0;
}

static int check_quarantine(struct host *h, const struct function *f, struct problem **reterr)
{
	autoleases all = { 0 };
	autofree char *reason = NULL;
	const struct lease *l;

	if (leases_read(h, &all) < 0)
		return no_memory(reterr);
	l = lease_of(h, &all, f->bdf);
	if (!l || l->state != LEASE_QUARANTINE)
		return check_readable(&all, f, reterr);
	reason = str_printable(l->reason ? l->reason : "nobody knows why");
	problem(reterr, -EUCLEAN, PROBLEM_NOT_ASSIGNABLE, NULL, "%s is in quarantine: %s",
		f->address, reason ? reason : "?");
	problem_hint(reterr, "vfctl release --clear-quarantine %s", f->address);
	return -EUCLEAN;
}

static bool is_domains(const struct lease *l, const char *domain, const char *uuid)
{
	return l->state == LEASE_HELD && l->owner.kind == OWNER_DOMAIN &&
	       (str_eq(l->owner.id, domain) || (uuid && str_eq(l->owner.id, uuid)));
}

static int claimed(const struct function *f, const struct lease *l, struct problem **reterr)
{
	autofree char *owner = owner_text(&l->owner);

	problem(reterr, -EBUSY, PROBLEM_IN_USE, NULL,
		l->state == LEASE_TAKING      ? "%s is just being given to %s"
		: l->state == LEASE_RETURNING ? "%s is just being taken back from %s"
					      : "%s is claimed by %s",
		f->address, owner ? owner : "somebody");
	problem_hint(reterr, "vfctl release %s", f->address);
	return -EBUSY;
}

int fitness_check_claim(struct host *h, const struct function *f, const char *domain,
	const char *uuid, struct problem **reterr)
{
	autoleases all = { 0 };
	const struct lease *l;

	if (leases_read(h, &all) < 0)
		return no_memory(reterr);
	l = lease_of(h, &all, f->bdf);
	return !l || is_domains(l, domain, uuid) ? 0 : claimed(f, l, reterr);
}

enum { GENERATIONS_MAX = 128 };

static bool is_ours(struct host *h, const struct owner *o)
{
	int pid = getpid();

	for (unsigned i = 0; pid > 0 && pid != o->pid && i < GENERATIONS_MAX; i++)
		pid = process_parent(h, pid);
	return pid > 0 && pid == o->pid && process_lives(h, pid, o->start);
}

static bool is_own(struct host *h, const struct lease *l, const char *behalf)
{
	autofree char *owner = owner_text(&l->owner);

	if (l->state != LEASE_HELD)
		return false;
	if (behalf && str_eq(owner, behalf))
		return true;
	/* On a captured machine nobody is we. */
	return !h->captured && ((l->owner.kind == OWNER_PROCESS && is_ours(h, &l->owner)) ||
				       (l->owner.kind == OWNER_MANUAL && l->uid == getuid()));
}

int fitness_check_own(
	struct host *h, const struct function *f, const char *owner, struct problem **reterr)
{
	autoleases all = { 0 };
	const struct lease *l;

	if (leases_read(h, &all) < 0)
		return no_memory(reterr);
	l = lease_of(h, &all, f->bdf);
	return !l || is_own(h, l, owner) ? 0 : claimed(f, l, reterr);
}

int fitness_check(struct host *h, const struct inventory *inv, const char *identity_dir,
	const struct function *f, struct problem **reterr)
{
	return fitness_check_beside(h, inv, identity_dir, f, 0, reterr);
}

int fitness_check_beside(struct host *h, const struct inventory *inv, const char *identity_dir,
	const struct function *f, int pid, struct problem **reterr)
{
	int r = check_kind(f, reterr);

	if (r == 0)
		r = check_quarantine(h, f, reterr);
	if (r == 0)
		r = check_card(h, identity_dir, f, reterr);
	if (r == 0)
		r = check_driver(f, reterr);
	if (r == 0)
		r = check_group(inv, f, reterr);
	if (r == 0)
		r = check_holders(h, inv, f, pid, reterr);
	return r;
}

bool fitness_needs_token(const struct function *f)
{
	return f->physfn && driver_is_vfio(f->physfn->driver);
}
