// SPDX-License-Identifier: GPL-2.0-or-later
#include "check/check.h"
#include "report.h"
#include "run.h"

#include "base/str.h"
#include "check/claim.h"
#include "foreign/foreign.h"
#include "host/conf.h"
#include "policy/policy.h"

static int add_all(const struct check_report *from, struct vfctl_report **ret)
{
	struct vfctl_report *to = report_new(from->n);
	int r = to ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < from->n; i++) {
		const struct check_result *c = &from->v[i];

		r = report_add(to, &(struct vfctl_result) { .name = c->check->name,
					   .verdict = check_verdict_name(c->verdict),
					   .bad = c->verdict == CHECK_FAIL,
					   .text = c->text,
					   .file = c->fact.file,
					   .value = c->fact.value,
					   .fix = c->fix });
	}
	if (r < 0)
		vfctl_report_free(to);
	else
		*ret = to;
	return r;
}

static int why(struct vfctl_host *host, struct bdf a, const struct check_opts *opts,
	struct check_report *ret, struct problem **reterr)
{
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	autochecker *c = NULL;
	struct function *f;
	int r = inventory_load(host->host, INVENTORY_ALL, &inv, reterr);

	if (r < 0)
		return r;
	f = inventory_find_bdf(inv, a);
	if (!f)
		return problem(reterr, -ENOENT, PROBLEM_NOT_FOUND, NULL, "there is no function %s",
			BDF_TEXT(a));
	r = checker_new(host->host, inv, opts, &c, reterr);
	return r < 0 ? r : checker_function(c, f, ret, reterr);
}

int vfctl_why(struct vfctl_host *host, const char *function, uint64_t memory_bytes,
	struct vfctl_report **ret, struct vfctl_error **reterr)
{
	const struct check_opts opts = { .memory_bytes = memory_bytes };
	autoreport report = { 0 };
	struct problem *p = NULL;
	struct bdf a;
	int r = api_address(function, &a, &p);

	if (r == 0)
		r = why(host, a, &opts, &report, &p);
	if (r == 0)
		r = add_all(&report, ret);
	return r < 0 ? api_error(reterr, p, r) : 0;
}

/* ---- The host, and what other managers want of it ---- */

static int read_claims(struct vfctl_host *host, const struct inventory *inv, struct foreign *found,
	struct claims *ret)
{
	const struct policy_opts opts = { .learned_dir = host->learned_dir,
		.identity_dir = host->identity_dir };
	CLEANUP(policy_freep) struct policy *p = NULL;
	int r = foreign_read(host->host, inv, found);

	if (r == 0)
		r = policy_load(host->host, inv, &opts, &p);
	if (r == 0)
		r = foreign_add_policy(found, p);
	if (r < 0)
		return r;
	foreign_sort(found);
	return claims_make(found, ret);
}

static int doctor(struct vfctl_host *host, uint64_t memory_bytes, struct check_report *ret,
	struct problem **reterr)
{
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	autoforeign found = { 0 };
	autoclaims claims = { 0 };
	struct check_opts opts = { .memory_bytes = memory_bytes };
	autochecker *c = NULL;
	int r = inventory_load(host->host, INVENTORY_ALL, &inv, reterr);

	if (r < 0)
		return r;
	/* A capture without configuration says nothing about whose it was. */
	if ((!host->host->captured || conf_is_there(host->host)) &&
		read_claims(host, inv, &found, &claims) < 0)
		return api_no_memory(reterr);
	opts.claims = claims.v;
	opts.n_claims = claims.n;
	r = checker_new(host->host, inv, &opts, &c, reterr);
	return r < 0 ? r : checker_host(c, ret, reterr);
}

int vfctl_doctor(struct vfctl_host *host, uint64_t memory_bytes, struct vfctl_report **ret,
	struct vfctl_error **reterr)
{
	autoreport report = { 0 };
	struct problem *p = NULL;
	int r = doctor(host, memory_bytes, &report, &p);

	if (r == 0)
		r = add_all(&report, ret);
	return r < 0 ? api_error(reterr, p, r) : 0;
}
