/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A function for a guest that runs already. */
#pragma once

#include "plan.h"

#include "vfio/device.h"
#include "vfio/space.h"

struct launch_function {
	struct vfio_space *space;
	struct vfio_device *device;
	bool new_space; /* the guest has no container or iommufd yet */
};

/*
 * Opens the plan's only function into the guest's container or iommufd (`container`, taken over; -1
 * = it has none, and gets one, of the kind that works). What is opened is to be handed to the VMM,
 * and closed here.
 */
int launch_open_function(struct host *h, const struct launch_choice *c, int container,
	bool is_iommufd, struct launch_function *ret, struct problem **reterr);
void launch_function_done(struct launch_function *f);
bool launch_function_is_iommufd(const struct launch_function *f);
#define autolaunchfunction CLEANUP(launch_function_done) struct launch_function

/*
 * What the VMM takes: device, group and, if it is new, container; or by iommufd device and, if it
 * is new, iommufd. Borrowed; how many.
 */
size_t launch_function_fds(const struct launch_function *f, int fds[3]);

/*
 * A function of a group that the guest has open already, through the group's descriptor (borrowed),
 * as a descriptor that is the caller's.
 */
int launch_open_beside(
	struct host *h, const struct launch_choice *c, int group_fd, struct problem **reterr);
