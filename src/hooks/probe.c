// SPDX-License-Identifier: GPL-2.0-or-later
#include "probe.h"

#include "base/str.h"
#include "claim/claim.h"
#include "policy/policy.h"

static int no_memory(struct problem **reterr)
{
	return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
}

static int find_pool(const struct turn *t, const struct inventory *inv, const char *pool,
	struct claim_request *q, struct bdf **ret, struct problem **reterr)
{
	const struct policy_opts opts = { .identity_dir = t->identity_dir };
	CLEANUP(policy_freep) struct policy *p = NULL;
	int r = policy_load(t->h, inv, &opts, &p);

	if (r == 0)
		r = policy_pool_members(p, pool, ret, &q->n_among, reterr);
	return r == -ENOMEM ? no_memory(reterr) : r;
}

static int find_named(
	const struct order *o, struct claim_request *q, struct bdf **ret, struct problem **reterr)
{
	struct bdf *v = calloc(strv_len(o->functions) + 1, sizeof(*v));

	if (!v)
		return no_memory(reterr);
	STRV_FOREACH (word, o->functions)
		if (bdf_parse(*word, &v[q->n_among]) == 0)
			q->n_among++;
	*ret = v;
	return 0;
}

int probe_order(const struct turn *t, const struct inventory *inv, const struct order *o,
	struct problem **reterr)
{
	const struct claim_opts opts = { .run_dir = t->run_dir, .lock_ms = turn_left_ms(t, 1) };
	CLEANUP(owner_done) struct owner owner = { 0 };
	struct claim_request q = { .owner = &owner, .pool = o->claim.pool, .near = -1 };
	autofree struct bdf *among = NULL;
	autoleases got = { 0 };
	int r = owner_parse(t->h, o->claim.owner, &owner, reterr);

	if (r == 0)
		r = q.pool ? find_pool(t, inv, q.pool, &q, &among, reterr)
			   : find_named(o, &q, &among, reterr);
	if (r < 0)
		return r;
	q.among = among;
	q.count = o->claim.count ? o->claim.count : q.n_among;
	q.settings = o->claim.settings;
	return claim_check(t->h, &q, &opts, &got, reterr);
}
