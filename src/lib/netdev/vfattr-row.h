/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A row of the table of VF attributes. */
#pragma once

#include "vfattr.h"

struct vfattr {
	const char *name, *help;
	enum host_vf_attr request; /* rows with the same one travel together */
	int (*parse)(const char *text, struct vfattr_wish *w);
	void (*put)(struct host_vf *to, const struct host_vf *from);
	bool (*same)(const struct host_vf *a, const struct host_vf *b);
	char *(*format)(const struct host_vf *vf);
};
