// SPDX-License-Identifier: GPL-2.0-or-later
#include "pick.h"

#include "iommufd.h"
#include "type1.h"

#include "base/str.h"
#include "host/devnode.h"
#include "host/sysfs.h"

static const char *const names[] = {
	[VFIO_BACKEND_AUTO] = "auto",
	[VFIO_BACKEND_TYPE1] = "type1",
	[VFIO_BACKEND_IOMMUFD] = "iommufd",
};
const char vfio_backend_names[] = "auto, type1 or iommufd";

int vfio_backend_parse(const char *text, enum vfio_backend *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (str_eq(text, names[i])) {
			*ret = (enum vfio_backend)i;
			return 0;
		}
	return -EINVAL;
}

const char *vfio_backend_name(enum vfio_backend b)
{
	return names[b];
}

void vfio_pick_done(struct vfio_pick *p)
{
	problem_free(TAKE_PTR(p->why_not));
}

int vfio_pick_possible(struct host *h, const struct vfio_target *t, struct problem **reterr)
{
	autofree char *node = NULL;
	int r;

	if (!devnode_exists(h, "iommu"))
		return problem(reterr, -ENOENT, PROBLEM_UNSUPPORTED,
			"load the module iommufd, if this kernel has it; else --vfio type1",
			"the kernel offers no iommufd");
	r = vfio_cdev_find(h, t->name, &node);
	if (r == 0 && !devnode_exists(h, "%s", node))
		r = -ENOENT;
	return r < 0 ? problem(reterr, r, PROBLEM_UNSUPPORTED,
			       "kernels have them since Linux 6.6; else --vfio type1",
			       "%s has no VFIO device node of its own", t->name)
		     : 0;
}

/* The PF is somebody's in user space: who has a VF of it, too, shall have agreed with him. */
static bool is_about_a_token(struct host *h, const struct vfio_target *t)
{
	autofree char *driver = NULL;

	return t->vf_token ||
	       (sysfs_link_name(h, &driver, "bus/pci/devices/%s/physfn/driver", t->name) == 0 &&
		       str_ends(driver, "vfio-pci"));
}

enum vfio_backend vfio_pick_look(
	struct host *h, const struct vfio_target *targets, size_t n, struct problem **ret_why)
{
	bool groups = devnode_exists(h, "vfio/vfio");
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		r = vfio_pick_possible(h, &targets[i], ret_why);
		if (r == 0 && groups && is_about_a_token(h, &targets[i]))
			r = problem(ret_why, -EOPNOTSUPP, PROBLEM_UNSUPPORTED, NULL,
				"VF tokens are checked through groups by every kernel");
	}
	return r < 0 ? VFIO_BACKEND_TYPE1 : VFIO_BACKEND_IOMMUFD;
}

static int open_space(
	struct host *h, enum vfio_backend which, struct vfio_space **ret, struct problem **reterr)
{
	return which == VFIO_BACKEND_IOMMUFD ? vfio_iommufd_open(h, ret, reterr)
					     : vfio_type1_open(h, ret, reterr);
}

static int open_first(struct host *h, enum vfio_backend which, const struct vfio_target *t,
	struct vfio_space **space, struct vfio_device **ret, struct problem **reterr)
{
	CLEANUP(vfio_space_freep) struct vfio_space *s = NULL;
	int r = open_space(h, which, &s, reterr);

	if (r == 0)
		r = vfio_space_attach(s, t, ret, reterr);
	if (r == 0)
		*space = TAKE_PTR(s);
	return r;
}

/* Could that be had in the other way? Not when somebody else has it, or memory is out. */
static bool is_of_the_way(const struct problem *p)
{
	return p && (p->kind == PROBLEM_UNSUPPORTED || p->kind == PROBLEM_PERMISSION ||
			    p->kind == PROBLEM_NOT_BOUND_TO_VFIO);
}

/* No group either: then what was wrong with the first choice tells more. */
static int tell_either(
	int r, struct problem *groups, struct problem *iommufd, struct problem **reterr)
{
	bool first = iommufd->kind == PROBLEM_PERMISSION &&
		     (!groups || groups->kind == PROBLEM_UNSUPPORTED);

	r = first ? iommufd->code : r;
	problem_free(first ? groups : iommufd);
	if (reterr)
		*reterr = first ? iommufd : groups;
	else
		problem_free(first ? iommufd : groups);
	return r;
}

static int open_auto(struct host *h, struct vfio_pick *p, const struct vfio_target *t,
	struct vfio_space **space, struct vfio_device **ret, struct problem **reterr)
{
	struct problem *why = NULL, *groups = NULL;
	int r;

	vfio_pick_done(p);
	if (vfio_pick_look(h, p->targets, p->n, &p->why_not) == VFIO_BACKEND_TYPE1)
		return open_first(h, VFIO_BACKEND_TYPE1, t, space, ret, reterr);
	r = open_first(h, VFIO_BACKEND_IOMMUFD, t, space, ret, &why);
	if (r == 0)
		return 0;
	if (!is_of_the_way(why)) {
		if (reterr)
			*reterr = why;
		else
			problem_free(why);
		return r;
	}
	r = open_first(h, VFIO_BACKEND_TYPE1, t, space, ret, &groups);
	if (r < 0)
		return tell_either(r, groups, why, reterr);
	p->why_not = why;
	return 0;
}

int vfio_pick_attach(struct host *h, struct vfio_pick *p, const struct vfio_target *t,
	struct vfio_space **space, struct vfio_device **ret, struct problem **reterr)
{
	if (*space)
		return vfio_space_attach(*space, t, ret, reterr);
	return p->wish == VFIO_BACKEND_AUTO ? open_auto(h, p, t, space, ret, reterr)
					    : open_first(h, p->wish, t, space, ret, reterr);
}
