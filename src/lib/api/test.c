// SPDX-License-Identifier: GPL-2.0-or-later
#include "proof/proof.h"
#include "report.h"
#include "run.h"

#include "base/str.h"

static int add_all(const struct proof *from, struct vfctl_report **ret)
{
	struct vfctl_report *to = report_new(from->n);
	int r = to ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < from->n; i++) {
		const struct proof_check *c = &from->v[i];

		r = report_add(to,
			&(struct vfctl_result) { .name = c->name,
				.verdict = proof_verdict_name(c->verdict),
				.bad = c->verdict == PROOF_FAILED || c->verdict == PROOF_UNPROVED,
				.text = c->text,
				.value = c->evidence,
				.fix = c->hint });
	}
	if (r < 0)
		vfctl_report_free(to);
	else
		*ret = to;
	return r;
}

static void progress(void *arg, const char *check, unsigned waited_ms)
{
	struct vfctl_host *host = arg;
	autofree char *text = str_printf("testing %s", check);

	if (host->waiting && text)
		host->waiting(host->arg, text, waited_ms);
}

static int target_of(
	struct vfctl_host *host, struct bdf a, struct proof_target *ret, struct problem **reterr)
{
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	const struct function *f;
	int r = inventory_load(host->host, 0, &inv, reterr);

	if (r < 0)
		return r;
	f = inventory_find_bdf(inv, a);
	if (!f)
		return problem(reterr, -ENOENT, PROBLEM_NOT_FOUND, NULL, "there is no function %s",
			BDF_TEXT(a));
	*ret = (struct proof_target) { .bdf = a,
		.vendor = f->id.vendor,
		.device = f->id.device,
		.class_code = f->id.class_code,
		.group = f->iommu_group,
		.is_vf = f->kind == FUNCTION_VF };
	return 0;
}

int vfctl_test(struct vfctl_host *host, const char *function, const char *vf_token, unsigned flags,
	struct vfctl_report **ret, struct vfctl_error **reterr)
{
	const struct proof_opts opts = {
		.no_faults = flags & VFCTL_NO_FAULTS, .progress = progress, .arg = host
	};
	struct proof_target target = { 0 };
	struct problem *p = NULL;
	autoproof proof = { 0 };
	autorun run = { 0 };
	struct bdf a;
	int r = api_address(function, &a, &p);

	if (r == 0)
		r = run_init(&run, host, flags, VFCTL_NO_FAULTS, "test", &p);
	if (r == 0)
		r = target_of(host, a, &target, &p);
	target.vf_token = vf_token;
	if (r == 0)
		r = proof_run(host->host, &target, &opts, &proof, &p);
	if (r == 0)
		r = add_all(&proof, ret);
	return r < 0 ? api_error(reterr, p, r) : 0;
}
