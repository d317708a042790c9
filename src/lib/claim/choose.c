// SPDX-License-Identifier: GPL-2.0-or-later
#include "choose.h"

#include "base/str.h"
#include "health/health.h"
#include "pci/identity.h"

struct candidate {
	const struct function *f; /* NULL: it is not there */
	struct bdf bdf;
	bool taken; /* by this choice */
	struct problem *why_not;
};

struct chooser {
	struct host *h;
	const struct inventory *inv;
	const struct leases *leases;
	const struct claim_request *q;
	int near;
	struct candidate *v;
	size_t n;
	struct holders holders;
	struct healths *healths;
};

void choice_done(struct choice *c)
{
	free(c->v);
	*c = (struct choice) { 0 };
}

static void chooser_done(struct chooser *c)
{
	for (size_t i = 0; i < c->n; i++)
		problem_free(c->v[i].why_not);
	free(c->v);
	holders_done(&c->holders);
	healths_free(c->healths);
}

/* ---- Is it free? ---- */

static int refuse_claimed(struct chooser *c, struct candidate *k, const struct lease *l)
{
	autofree char *owner = owner_text(&l->owner);
	bool gone = owner_alive(c->h, &l->owner, NULL) == OWNER_GONE;

	if (l->state == LEASE_QUARANTINE)
		return problem(&k->why_not, -EBUSY, PROBLEM_NOT_ASSIGNABLE,
			"vfctl release --clear-quarantine tries again to clean it",
			"%s is in quarantine: %s", k->f->address, l->reason ? l->reason : "?");
	return problem(&k->why_not, -EBUSY, PROBLEM_IN_USE,
		gone ? "vfctl release --gone takes back what the dead have left"
		     : "vfctl release gives it back",
		"%s is claimed by %s%s", k->f->address, owner ? owner : "?",
		gone ? ", who is gone" : "");
}

/* It might be of the very function; its name tells. */
static int refuse_unreadable(struct chooser *c, struct candidate *k)
{
	STRV_FOREACH (u, c->leases->unreadable) {
		if (str_starts(*u, k->f->address))
			return problem(&k->why_not, -EBADMSG, PROBLEM_IN_USE,
				"look at the record, and remove it when nobody has the function",
				"a claim cannot be read: %s", *u);
	}
	return 0;
}

static int refuse_used(struct chooser *c, struct candidate *k)
{
	size_t n;
	const struct holder *who = holders_of(&c->holders, k->bdf, &n);

	for (size_t i = 0; i < n; i++)
		if (who[i].strength >= HOLD_USED && who[i].kind != HOLDER_CLAIM)
			return problem(&k->why_not, -EBUSY, PROBLEM_IN_USE, "end that first",
				"%s is in use: %s", k->f->address, who[i].text);
	return 0;
}

/* The others of its group must neither be the host's nor another owner's. */
static int refuse_member(struct chooser *c, struct candidate *k, const struct group_member *m)
{
	const struct lease *l = leases_find(c->leases, m->bdf);
	autofree char *owner = NULL;

	if (bdf_eq(m->bdf, k->bdf))
		return 0;
	if (m->blocks)
		return problem(&k->why_not, -EPERM, PROBLEM_GROUP_NOT_VIABLE,
			"bind it to VFIO too (vfctl bind --with-group), or choose another",
			"%s shares its IOMMU group with %s, which the host uses (%s)",
			k->f->address, BDF_TEXT(m->bdf), m->driver ? m->driver : "?");
	if (!l || !lease_is_of(c->h, l) || owner_eq(&l->owner, c->q->owner))
		return 0;
	owner = owner_text(&l->owner);
	return problem(&k->why_not, -EBUSY, PROBLEM_IN_USE, "VFIO gives a group out as one piece",
		"%s shares its IOMMU group with %s, claimed by %s", k->f->address, BDF_TEXT(m->bdf),
		owner ? owner : "?");
}

static int refuse_group(struct chooser *c, struct candidate *k)
{
	const struct iommu_group *g = inventory_find_group(c->inv, k->f->iommu_group);
	int r = 0;

	if (!g)
		return problem(&k->why_not, -ENODATA, PROBLEM_NO_IOMMU,
			"switch the IOMMU on in the firmware and with intel_iommu=on",
			"%s is in no IOMMU group", k->f->address);
	for (size_t i = 0; r == 0 && i < g->n_members; i++)
		r = refuse_member(c, k, &g->members[i]);
	return r;
}

static const struct health *health_of(const struct chooser *c, const struct candidate *k)
{
	return healths_of(c->healths, k->f);
}

static void judge(struct chooser *c, struct candidate *k)
{
	const struct lease *l = leases_find(c->leases, k->bdf);

	if (!k->f)
		problem(&k->why_not, -ENOENT, PROBLEM_NOT_FOUND, NULL, "%s is not there",
			BDF_TEXT(k->bdf));
	else if (class_is_bridge(k->f->id.class_code))
		problem(&k->why_not, -EPERM, PROBLEM_NOT_ASSIGNABLE, NULL, "%s is a bridge",
			k->f->address);
	else if (k->f->n_vfs)
		problem(&k->why_not, -EPERM, PROBLEM_NOT_ASSIGNABLE, "name one of them, PF/vf0",
			"%s is a PF with %zu VFs", k->f->address, k->f->n_vfs);
	else if (l && lease_is_of(c->h, l))
		refuse_claimed(c, k, l);
	else if (refuse_unreadable(c, k) == 0 && refuse_used(c, k) == 0 && refuse_group(c, k) == 0)
		(void)health_refuse(health_of(c, k), k->f->address, &k->why_not);
}

/* ---- Which of the free ---- */

static bool same_pf(const struct function *a, const struct function *b)
{
	return (a->physfn ? a->physfn : a) == (b->physfn ? b->physfn : b);
}

/* How many of that PF's candidates are given away, and how many there are. */
static void share_of(
	const struct chooser *c, const struct function *f, size_t *ret_given, size_t *ret_all)
{
	*ret_given = *ret_all = 0;
	for (size_t i = 0; i < c->n; i++) {
		const struct candidate *k = &c->v[i];

		if (!k->f || !same_pf(k->f, f))
			continue;
		++*ret_all;
		*ret_given += k->taken || k->why_not;
	}
}

/*
 * The healthiest first; of those the near; then of the PF with the least share given away; then as
 * they were named.
 */
static bool is_better(const struct chooser *c, const struct candidate *a, const struct candidate *b)
{
	bool a_near = c->near >= 0 && a->f->numa_node == c->near;
	bool b_near = c->near >= 0 && b->f->numa_node == c->near;
	enum health_state a_health = health_of(c, a)->state, b_health = health_of(c, b)->state;
	size_t a_given, a_all, b_given, b_all;

	if (a_health != b_health)
		return a_health < b_health;
	if (a_near != b_near)
		return a_near;
	share_of(c, a->f, &a_given, &a_all);
	share_of(c, b->f, &b_given, &b_all);
	return a_given * b_all < b_given * a_all;
}

static struct candidate *best(const struct chooser *c)
{
	struct candidate *found = NULL;

	for (size_t i = 0; i < c->n; i++) {
		struct candidate *k = &c->v[i];

		if (!k->taken && !k->why_not && (!found || is_better(c, k, found)))
			found = k;
	}
	return found;
}

/* One reason is told whole; of several the first, and how many there are. */
static int too_few(const struct chooser *c, size_t free, struct problem **reterr)
{
	const struct claim_request *q = c->q;
	const struct problem *first = NULL;

	for (size_t i = 0; !first && i < c->n; i++)
		first = c->v[i].why_not;
	if (first && c->n == q->count && !q->pool)
		return problem(reterr, first->code, first->kind, first->hint, "%s", first->what);
	if (q->pool)
		return problem(reterr, -EBUSY, PROBLEM_IN_USE, first ? first->hint : NULL,
			"pool %s has %zu free of %zu, %zu asked for%s%s", q->pool, free, c->n,
			q->count, first ? "; " : "", first ? first->what : "");
	return problem(reterr, -EBUSY, PROBLEM_IN_USE, first ? first->hint : NULL,
		"%zu of %zu are free, %zu asked for%s%s", free, c->n, q->count, first ? "; " : "",
		first ? first->what : "");
}

static int pick(struct chooser *c, struct choice *ret, struct problem **reterr)
{
	autochoice got = { calloc(c->q->count + 1, sizeof(*got.v)), 0 };
	struct candidate *k;

	if (!got.v)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	while (got.n < c->q->count && (k = best(c))) {
		k->taken = true;
		got.v[got.n++] = k->f;
	}
	if (got.n < c->q->count)
		return too_few(c, got.n, reterr);
	*ret = (struct choice) { TAKE_PTR(got.v), got.n };
	return 0;
}

static int look_at_health(struct chooser *c, struct problem **reterr)
{
	autofree const struct function **f = calloc(c->q->n_among + 1, sizeof(*f));
	size_t n = 0;

	if (!f)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	for (size_t i = 0; i < c->q->n_among; i++) {
		f[n] = inventory_find_bdf(c->inv, c->q->among[i]);
		n += f[n] != NULL;
	}
	return healths_look(c->h, c->inv, f, n, &c->healths, reterr);
}

static int look(struct chooser *c, struct problem **reterr)
{
	const struct claim_request *q = c->q;
	int r = look_at_health(c, reterr);

	if (r < 0)
		return r;
	r = -ENOMEM;
	c->v = calloc(q->n_among + 1, sizeof(*c->v));
	if (c->v)
		r = holders_find(c->h, q->among, q->n_among, &c->holders);
	if (r < 0)
		return problem(reterr, r, problem_kind_from_errno(r), NULL,
			"cannot find out who uses the functions: %s", strerror(-r));
	for (; c->n < q->n_among; c->n++) {
		struct candidate *k = &c->v[c->n];

		k->bdf = q->among[c->n];
		k->f = inventory_find_bdf(c->inv, k->bdf);
		judge(c, k);
	}
	return 0;
}

int choose(struct host *h, const struct inventory *inv, const struct leases *leases,
	const struct claim_request *q, struct choice *ret, struct problem **reterr)
{
	CLEANUP(chooser_done)
	struct chooser c = { h, inv, leases, q, q->near, NULL, 0, { 0 }, NULL };
	int r;

	if (c.near < 0)
		c.near = owner_node(h, q->owner);
	r = look(&c, reterr);
	return r < 0 ? r : pick(&c, ret, reterr);
}

int refuse_users(struct host *h, struct bdf a, const char *verb, struct problem **reterr)
{
	autoholders found = { 0 };
	int r = holders_find(h, &a, 1, &found);

	if (r < 0)
		return problem(reterr, r, problem_kind_from_errno(r), NULL,
			"%s: cannot find out who uses it: %s", BDF_TEXT(a), strerror(-r));
	for (size_t i = 0; i < found.n; i++)
		if (found.v[i].strength >= HOLD_USED && found.v[i].kind != HOLDER_CLAIM)
			return problem(reterr, -EBUSY, PROBLEM_IN_USE, "end that first",
				"cannot %s %s: in use by %s", verb, BDF_TEXT(a), found.v[i].text);
	return 0;
}
