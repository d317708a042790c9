// SPDX-License-Identifier: GPL-2.0-or-later
#include "backend.h"

#include "host/devnode.h"

struct vfio_target launch_target(const struct launch_choice *c)
{
	return (struct vfio_target) {
		.name = c->function->address,
		.group = (unsigned)c->function->iommu_group,
		.vf_token = c->vf->vf_token,
	};
}

struct vfio_target *launch_targets(const struct launch_plan *p, size_t *ret_n)
{
	struct vfio_target *v = calloc(p->n + 1, sizeof(*v));

	*ret_n = 0;
	for (size_t i = 0; v && i < p->n; i++)
		if (p->v[i].how == LAUNCH_VFIO)
			v[(*ret_n)++] = launch_target(&p->v[i]);
	return v;
}

const char *launch_backend(
	struct host *h, const struct launch_request *r, const struct launch_plan *p)
{
	size_t n;
	autofree struct vfio_target *targets = launch_targets(p, &n);

	if (!targets || !n)
		return NULL;
	return vfio_backend_name(
		r->backend == VFIO_BACKEND_AUTO ? vfio_pick_look(h, targets, n, NULL) : r->backend);
}

const char *launch_wish(struct host *h, const struct launch_request *r, const struct launch_plan *p)
{
	bool tokens = false;

	for (size_t i = 0; i < p->n; i++)
		tokens |= p->v[i].how == LAUNCH_VFIO && p->v[i].vf->vf_token;
	return r->backend == VFIO_BACKEND_AUTO && !tokens ? NULL : launch_backend(h, r, p);
}

static int check_wish(struct host *h, const struct launch_request *r, const struct vfio_target *t,
	struct problem **reterr)
{
	if (r->backend == VFIO_BACKEND_IOMMUFD)
		return vfio_pick_possible(h, t, reterr);
	if (r->backend == VFIO_BACKEND_TYPE1 && !devnode_exists(h, "vfio/vfio"))
		return problem(reterr, -ENOENT, PROBLEM_UNSUPPORTED, "--vfio iommufd",
			"the kernel offers no VFIO container");
	return 0;
}

int launch_check_backend(struct host *h, const struct launch_request *r, struct launch_plan *p,
	struct problem **reterr)
{
	for (size_t i = 0; i < p->n; i++) {
		struct problem *why = NULL;
		struct vfio_target t;
		int e;

		if (p->v[i].how != LAUNCH_VFIO)
			continue;
		t = launch_target(&p->v[i]);
		e = check_wish(h, r, &t, &why);
		if (e < 0)
			e = launch_fall_back(&p->v[i], e, why, reterr);
		if (e < 0)
			return e;
	}
	return 0;
}
