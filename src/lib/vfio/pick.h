/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which back end functions are opened through. All functions of a guest are in one I/O address
 * space, so that its memory is pinned once: hence the choice is one for all of them.
 */
#pragma once

#include "space.h"

enum vfio_backend { VFIO_BACKEND_AUTO, VFIO_BACKEND_TYPE1, VFIO_BACKEND_IOMMUFD };

/* "auto", "type1", "iommufd"; -EINVAL. */
int vfio_backend_parse(const char *text, enum vfio_backend *ret);
const char *vfio_backend_name(enum vfio_backend b);
/* For messages: what there is to choose from. */
extern const char vfio_backend_names[];

/* What is to be opened, and how that is going. Strings and targets are borrowed. */
struct vfio_pick {
	enum vfio_backend wish;
	const struct vfio_target *targets; /* all of them */
	size_t n;
	struct problem *why_not; /* of auto: why it became type1; NULL: it is iommufd, or no auto */
};

/*
 * Opens one of the targets; with the first also the space, into *space, which is NULL until then.
 * Auto means iommufd when every function has a node of its own and opening the first of them is
 * possible, else type1. A VF token is checked through groups by every kernel, through nodes only
 * since Linux 6.17 (6.12 opens such a VF for anybody, without): with one, or with a PF on vfio-pci,
 * it means type1, unless there are no groups.
 */
int vfio_pick_attach(struct host *h, struct vfio_pick *p, const struct vfio_target *t,
	struct vfio_space **space, struct vfio_device **ret, struct problem **reterr);
/* Could it be opened by a node of its own? Who may open it shows later; PROBLEM_UNSUPPORTED. */
int vfio_pick_possible(struct host *h, const struct vfio_target *t, struct problem **reterr);
void vfio_pick_done(struct vfio_pick *p);

/* What auto would try first for these; only looks. *ret_why, when it is type1: why not iommufd. */
enum vfio_backend vfio_pick_look(
	struct host *h, const struct vfio_target *targets, size_t n, struct problem **ret_why);
