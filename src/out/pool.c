// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy.h"
#include "cell.h"

#include "base/grow.h"

#define MEMBER(r) ((const struct policy_member *)(r))

static const char *pool_of(const struct policy_member *m)
{
	return m->from->value;
}

static int text_pool(const void *row, char **ret)
{
	return cell_str(ret, pool_of(MEMBER(row)));
}

static int text_vf(const void *row, char **ret)
{
	const struct function *pf = MEMBER(row)->pf->f;
	const char *name = pf->n_netdevs ? pf->netdevs[0].name : pf->nvme;

	return cell_fmt(ret, "%s/vf%d", name ? name : pf->address, MEMBER(row)->vf);
}

static int text_pf(const void *row, char **ret)
{
	return cell_str(ret, MEMBER(row)->pf->f->address);
}

static int text_address(const void *row, char **ret)
{
	return cell_str(ret, MEMBER(row)->f ? MEMBER(row)->f->address : NULL);
}

static int text_driver(const void *row, char **ret)
{
	return cell_str(ret, MEMBER(row)->f ? MEMBER(row)->f->driver : NULL);
}

static int text_numa(const void *row, char **ret)
{
	return cell_known(ret, MEMBER(row)->pf->f->numa_node);
}

static int text_source(const void *row, char **ret)
{
	*ret = policy_line_source(MEMBER(row)->from);
	return *ret ? 0 : -ENOMEM;
}

const struct out_column pool_columns[] = {
	{ "POOL", "its name", OUT_USUAL, text_pool, NULL },
	{ "VF", "PF and index", OUT_USUAL, text_vf, NULL },
	{ "PF", "the PF's address", 0, text_pf, NULL },
	{ "ADDRESS", "none: not there yet", OUT_USUAL, text_address, NULL },
	{ "DRIVER", "now", OUT_USUAL, text_driver, NULL },
	{ "NUMA", "node", 0, text_numa, NULL },
	{ "SOURCE", "file and line", OUT_USUAL, text_source, NULL },
};
const size_t n_pool_columns = ARRAY_SIZE(pool_columns);

static const struct policy_pool *find(const struct policy_pools *p, const char *name)
{
	for (size_t i = 0; i < p->n; i++)
		if (str_eq(p->v[i].name, name))
			return &p->v[i];
	return NULL;
}

static int check_names(
	const struct policy_pools *p, const char *const *names, size_t n, struct problem **reterr)
{
	for (size_t i = 0; i < n; i++)
		if (!find(p, names[i]))
			return problem(reterr, -ENOENT, PROBLEM_NOT_FOUND,
				"vfctl config pools shows those that there are",
				"no pool is called '%s'", names[i]);
	return 0;
}

static bool is_wanted(const struct policy_pool *p, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(p->name, names[i]))
			return true;
	return !n;
}

static void member_json(struct json *j, json_object *to, const struct policy_member *m)
{
	json_object *source;

	json_add_str(j, to, "pf", m->pf->f->address);
	json_add_u64(j, to, "vf_index", (uint64_t)m->vf);
	json_add_str(j, to, "address", m->f ? m->f->address : NULL);
	json_add_str(j, to, "driver", m->f ? m->f->driver : NULL);
	json_add_known(j, to, "numa_node", m->pf->f->numa_node);
	source = json_add_object(j, to, "source");
	json_add_str(j, source, "file", m->from->file);
	json_add_u64(j, source, "line", m->from->pos.line);
}

static int pools_in_json(const struct out *o, const struct policy_pools *p,
	const char *const *names, size_t n, struct problem **reterr)
{
	autojson j = json_start();
	json_object *list = json_add_array(&j, j.root, "pools");

	for (size_t i = 0; i < p->n; i++) {
		json_object *e, *members;

		if (!is_wanted(&p->v[i], names, n))
			continue;
		e = json_add_object(&j, list, NULL);
		json_add_str(&j, e, "name", p->v[i].name);
		members = json_add_array(&j, e, "members");
		for (size_t k = 0; k < p->v[i].n; k++)
			member_json(&j, json_add_object(&j, members, NULL), &p->v[i].v[k]);
	}
	return json_print(&j, o, reterr);
}

static int pools_in_table(const struct out *o, const struct policy_pools *p,
	const char *const *names, size_t n, struct problem **reterr)
{
	autofree const void **rows = NULL;
	size_t n_rows = 0;

	for (size_t i = 0; i < p->n; i++)
		for (size_t k = 0; is_wanted(&p->v[i], names, n) && k < p->v[i].n; k++) {
			if (!GROW(rows, n_rows))
				return -ENOMEM;
			rows[n_rows++] = &p->v[i].v[k];
		}
	return out_table(o, pool_columns, n_pool_columns, rows, n_rows, reterr);
}

int out_pools(const struct out *o, const struct policy_pools *p, const char *const *names, size_t n,
	struct problem **reterr)
{
	int r = check_names(p, names, n, reterr);

	if (r < 0)
		return r;
	return out_is_json(o) ? pools_in_json(o, p, names, n, reterr)
			      : pools_in_table(o, p, names, n, reterr);
}
