// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy.h"

#include "base/grow.h"
#include "base/str.h"

static struct policy_pool *pool_of(struct policy_pools *p, const char *name)
{
	size_t at = 0;

	while (at < p->n && strcmp(p->v[at].name, name) < 0)
		at++;
	if (at < p->n && str_eq(p->v[at].name, name))
		return &p->v[at];
	if (!GROW(p->v, p->n))
		return NULL;
	memmove(&p->v[at + 1], &p->v[at], (p->n - at) * sizeof(*p->v));
	p->v[at] = (struct policy_pool) { .name = name };
	p->n++;
	return &p->v[at];
}

static int add_member(
	struct policy_pools *p, const struct policy_pf *pf, const struct policy_target *t)
{
	const struct policy_value *v = policy_target_get(t, "Pool");
	struct policy_pool *pool;

	if (!v)
		return 0;
	pool = pool_of(p, v->text);
	if (!pool || !GROW(pool->v, pool->n))
		return -ENOMEM;
	pool->v[pool->n++] = (struct policy_member) {
		.pf = pf, .vf = t->vf, .f = function_vf(pf->f, (unsigned)t->vf), .from = v->from
	};
	return 0;
}

int policy_pools_find(const struct policy *p, struct policy_pools *ret)
{
	autopolicypools pools = { 0 };
	int r = 0;

	for (size_t i = 0; i < p->n_pfs; i++)
		for (size_t k = 0; r == 0 && k < p->pfs[i].n_vfs; k++)
			r = add_member(&pools, &p->pfs[i], &p->pfs[i].vfs[k]);
	if (r < 0)
		return r;
	*ret = pools;
	pools = (struct policy_pools) { 0 };
	return 0;
}

void policy_pools_done(struct policy_pools *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->v[i].v);
	free(p->v);
	*p = (struct policy_pools) { 0 };
}

static int take_members(const struct policy_pool *pool, struct bdf **ret, size_t *ret_n)
{
	struct bdf *v = calloc(pool->n + 1, sizeof(*v));
	size_t n = 0;

	if (!v)
		return -ENOMEM;
	for (size_t i = 0; i < pool->n; i++)
		if (pool->v[i].f)
			v[n++] = pool->v[i].f->bdf;
	*ret = v;
	*ret_n = n;
	return 0;
}

int policy_pool_members(const struct policy *p, const char *name, struct bdf **ret, size_t *ret_n,
	struct problem **reterr)
{
	autopolicypools pools = { 0 };
	autofree char *safe = str_printable(name);
	int r = policy_refuse(p, reterr);

	if (r < 0)
		return r;
	r = policy_pools_find(p, &pools);
	for (size_t i = 0; r == 0 && i < pools.n; i++)
		if (str_eq(pools.v[i].name, name))
			return take_members(&pools.v[i], ret, ret_n);
	if (r < 0)
		return r;
	return problem(reterr, -ENOENT, PROBLEM_NOT_FOUND,
		"vfctl config pools shows those that there are", "no pool is called '%s'",
		safe ? safe : "?");
}

int policy_label(const struct policy *p, struct inventory *inv)
{
	autopolicypools pools = { 0 };
	int r = policy_pools_find(p, &pools);

	for (size_t i = 0; r == 0 && i < pools.n; i++)
		for (size_t k = 0; r == 0 && k < pools.v[i].n; k++) {
			const struct policy_member *m = &pools.v[i].v[k];
			struct function *f = m->f ? inventory_find_bdf(inv, m->f->bdf) : NULL;

			if (!f)
				continue;
			free(f->pool);
			f->pool = strdup(pools.v[i].name);
			r = f->pool ? 0 : -ENOMEM;
		}
	return r;
}
