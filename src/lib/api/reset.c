// SPDX-License-Identifier: GPL-2.0-or-later
#include "reset/reset.h"
#include "run.h"

struct vfctl_reset {
	struct inventory *inv;
	struct topology *topology;
	struct reset_plan plan;
};

void vfctl_reset_free(struct vfctl_reset *r)
{
	if (!r)
		return;
	reset_plan_done(&r->plan);
	topology_free(r->topology);
	inventory_free(r->inv);
	free(r);
}

static int make(struct vfctl_host *host, struct bdf a, const char *method,
	struct vfctl_reset *reset, struct problem **reterr)
{
	const struct function *f;
	int r = inventory_load(host->host, INVENTORY_ALL, &reset->inv, reterr);

	if (r < 0)
		return r;
	f = inventory_find_bdf(reset->inv, a);
	if (!f)
		return problem(reterr, -ENOENT, PROBLEM_NOT_FOUND, NULL, "there is no function %s",
			BDF_TEXT(a));
	r = topology_load(host->host, reset->inv, &reset->topology, reterr);
	return r < 0 ? r : reset_plan(host->host, reset->topology, f, method, &reset->plan, reterr);
}

int vfctl_reset_plan(struct vfctl_host *host, const char *function, const char *method,
	struct vfctl_reset **ret, struct vfctl_error **reterr)
{
	struct vfctl_reset *reset = calloc(1, sizeof(*reset));
	struct problem *p = NULL;
	struct bdf a;
	int r = reset ? api_address(function, &a, &p) : -ENOMEM;

	if (r == 0)
		r = make(host, a, method, reset, &p);
	if (r < 0) {
		vfctl_reset_free(reset);
		return api_error(reterr, p, r);
	}
	*ret = reset;
	return 0;
}

const char *vfctl_reset_method(const struct vfctl_reset *r)
{
	return r->plan.method;
}

size_t vfctl_reset_functions(const struct vfctl_reset *r)
{
	return r->plan.n_set;
}

const char *vfctl_reset_function(const struct vfctl_reset *r, size_t i)
{
	return i < r->plan.n_set ? r->plan.set[i]->address : NULL;
}

int vfctl_reset_do(struct vfctl_host *host, const struct vfctl_reset *r, unsigned flags,
	struct vfctl_error **reterr)
{
	const struct reset_opts opts = {
		.force = flags & VFCTL_ALLOW_IN_USE,
		.deadline_ms = host->timeout_ms,
		.waiting = host->waiting,
		.arg = host->arg,
	};
	struct problem *p = NULL;
	autorun run = { 0 };
	int code = run_init(&run, host, flags, VFCTL_DRY_RUN | VFCTL_ALLOW_IN_USE, "reset", &p);

	if (code == 0)
		code = (flags & VFCTL_DRY_RUN ? reset_check : reset_do)(
			host->host, &r->plan, &opts, &p);
	return code < 0 ? api_error(reterr, p, code) : code;
}
