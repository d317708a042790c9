// SPDX-License-Identifier: GPL-2.0-or-later
#include "cast.h"
#include "policy.h"
#include "wishes.h"

#include "base/str.h"

API_STANDS_FOR(vfctl_finding, struct finding, finding);

void vfctl_policy_free(struct vfctl_policy *p)
{
	if (!p)
		return;
	policy_pools_done(&p->pools);
	policy_free(p->p);
	free(p);
}

static int load_files(struct vfctl_host *host, const struct inventory *inv,
	const char *const *files, struct policy_opts *opts, struct policy **ret,
	struct problem **reterr)
{
	autofree char *cwd = get_current_dir_name();
	autostrv char **list = calloc(1, sizeof(*list));
	autohost *here = NULL;
	int r = cwd ? 0 : -errno;

	for (; r == 0 && list && *files; files++)
		r = strv_add(&list, *files);
	if (r == 0)
		r = list ? host_new_live(&here, reterr) : -ENOMEM;
	if (r < 0)
		return r;
	opts->files = list;
	opts->files_host = here;
	opts->cwd = cwd;
	return policy_load(host->host, inv, opts, ret);
}

int vfctl_policy_load(struct vfctl_host *host, const struct vfctl_snapshot *s,
	const char *const *files, struct vfctl_policy **ret, struct vfctl_error **reterr)
{
	struct policy_opts opts = { .identity_dir = host->identity_dir,
		.learned_dir = host->learned_dir };
	struct vfctl_policy *policy = calloc(1, sizeof(*policy));
	struct problem *p = NULL;
	int r = policy ? 0 : -ENOMEM;

	if (r == 0)
		r = files ? load_files(host, inventory_of(s), files, &opts, &policy->p, &p)
			  : policy_load(host->host, inventory_of(s), &opts, &policy->p);
	if (r == 0)
		r = policy_pools_find(policy->p, &policy->pools);
	if (r < 0) {
		vfctl_policy_free(policy);
		return api_error(reterr, p, r);
	}
	*ret = policy;
	return 0;
}

size_t vfctl_policy_findings(const struct vfctl_policy *p)
{
	return p->p->findings.n;
}

const struct vfctl_finding *vfctl_policy_finding(const struct vfctl_policy *p, size_t i)
{
	return i < p->p->findings.n ? public_finding(&p->p->findings.v[i]) : NULL;
}

const char *vfctl_finding_level(const struct vfctl_finding *f)
{
	return finding_level_name(finding_of(f)->level);
}

const char *vfctl_finding_kind(const struct vfctl_finding *f)
{
	return finding_kind_name(finding_of(f)->kind);
}

const char *vfctl_finding_file(const struct vfctl_finding *f)
{
	return finding_of(f)->file;
}

unsigned vfctl_finding_line(const struct vfctl_finding *f)
{
	return finding_of(f)->pos.line;
}

unsigned vfctl_finding_column(const struct vfctl_finding *f)
{
	return finding_of(f)->pos.column;
}

const char *vfctl_finding_text(const struct vfctl_finding *f)
{
	return finding_of(f)->what;
}

const char *vfctl_finding_hint(const struct vfctl_finding *f)
{
	return finding_of(f)->hint;
}

size_t vfctl_policy_pfs(const struct vfctl_policy *p)
{
	return p->p->n_pfs;
}

const struct vfctl_function *vfctl_policy_pf(const struct vfctl_policy *p, size_t i)
{
	return i < p->p->n_pfs ? public_function(p->p->pfs[i].f) : NULL;
}

static const struct policy_target *target_of(
	const struct policy *p, const struct function *pf, int vf)
{
	for (size_t i = 0; i < p->n_pfs; i++) {
		const struct policy_pf *of = &p->pfs[i];

		if (of->f != pf)
			continue;
		for (size_t k = 0; k < of->n_vfs; k++)
			if (of->vfs[k].vf == vf)
				return &of->vfs[k];
		return vf == VFCTL_ITSELF ? &of->self : NULL;
	}
	return NULL;
}

int vfctl_policy_value(const struct vfctl_policy *p, const struct vfctl_function *pf, int vf,
	size_t i, const char **ret_key, const char **ret_value, const char **ret_file,
	unsigned *ret_line)
{
	const struct policy_target *t = target_of(p->p, function_of(pf), vf);

	if (!t || i >= t->n)
		return -ENOENT;
	if (ret_key)
		*ret_key = t->v[i].key->name;
	if (ret_value)
		*ret_value = t->v[i].text;
	if (ret_file)
		*ret_file = t->v[i].from->file;
	if (ret_line)
		*ret_line = t->v[i].from->pos.line;
	return 0;
}

size_t vfctl_policy_pools(const struct vfctl_policy *p)
{
	return p->pools.n;
}

const char *vfctl_policy_pool(const struct vfctl_policy *p, size_t i)
{
	return i < p->pools.n ? p->pools.v[i].name : NULL;
}

int vfctl_policy_pool_member(const struct vfctl_policy *p, size_t i, size_t k,
	const struct vfctl_function **ret_pf, int *ret_vf,
	const struct vfctl_function **ret_function)
{
	const struct policy_member *m;

	if (i >= p->pools.n || k >= p->pools.v[i].n)
		return -ENOENT;
	m = &p->pools.v[i].v[k];
	*ret_pf = public_function(m->pf->f);
	*ret_vf = m->vf;
	*ret_function = public_function(m->f);
	return 0;
}

int vfctl_policy_wishes(
	const struct vfctl_policy *p, struct vfctl_wishes **ret, struct vfctl_error **reterr)
{
	struct vfctl_wishes *w = NULL;
	struct problem *why = NULL;
	int r = policy_refuse(p->p, &why);

	if (r == 0)
		r = vfctl_wishes_new(&w, NULL);
	if (r == 0)
		r = policy_wishes(p->p, &w->w);
	if (r == 0)
		w->configured = true;
	if (r < 0) {
		vfctl_wishes_free(w);
		return api_error(reterr, why, r);
	}
	*ret = w;
	return 0;
}
