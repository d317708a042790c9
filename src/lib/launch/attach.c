// SPDX-License-Identifier: GPL-2.0-or-later
#include "attach.h"

#include "backend.h"

#include "cause/cause.h"
#include "vfio/group.h"
#include "vfio/iommufd.h"
#include "vfio/type1.h"

void launch_function_done(struct launch_function *f)
{
	vfio_device_free(f->device);
	vfio_space_free(f->space);
	*f = (struct launch_function) { 0 };
}

/* As the guest has it: nothing to choose. */
static int take_space(struct host *h, int container, bool is_iommufd, struct launch_function *f,
	struct problem **reterr)
{
	int r;

	f->new_space = container < 0;
	if (f->new_space)
		return 0;
	r = is_iommufd ? vfio_iommufd_adopt(h, container, &f->space, reterr)
		       : vfio_type1_adopt(h, container, &f->space, reterr);
	if (r < 0)
		host_close(h, container);
	return r;
}

int launch_open_function(struct host *h, const struct launch_choice *c, int container,
	bool is_iommufd, struct launch_function *ret, struct problem **reterr)
{
	const struct vfio_target target = launch_target(c);
	CLEANUP(vfio_pick_done) struct vfio_pick pick = { .targets = &target, .n = 1 };
	autocausemark mark = cause_mark(h);
	autolaunchfunction f = { 0 };
	int r = take_space(h, container, is_iommufd, &f, reterr);

	if (r < 0)
		return r;
	r = vfio_pick_attach(h, &pick, &target, &f.space, &f.device, reterr);
	if (r < 0)
		return cause_explain_opening(h, c->function->bdf, r, &mark, reterr);
	*ret = f;
	f = (struct launch_function) { 0 };
	return 0;
}

bool launch_function_is_iommufd(const struct launch_function *f)
{
	return vfio_space_is_iommufd(f->space);
}

size_t launch_function_fds(const struct launch_function *f, int fds[3])
{
	size_t n = 0;

	fds[n++] = f->device->fd;
	if (!launch_function_is_iommufd(f))
		fds[n++] = f->device->group_fd;
	if (f->new_space)
		fds[n++] = launch_function_is_iommufd(f) ? vfio_iommufd_fd(f->space)
							 : vfio_type1_container_fd(f->space);
	return n;
}

int launch_open_beside(
	struct host *h, const struct launch_choice *c, int group_fd, struct problem **reterr)
{
	const struct vfio_target t = launch_target(c);
	struct vfio_group g = { .host = h, .id = t.group, .fd = group_fd };
	autocausemark mark = cause_mark(h);
	int r = vfio_group_open_device(&g, t.name, t.vf_token, reterr);

	return r < 0 ? cause_explain_opening(h, c->function->bdf, r, &mark, reterr) : r;
}
