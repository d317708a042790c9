/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What stands behind reports. */
#pragma once

#include "handle.h"

struct vfctl_result {
	const char *name, *verdict; /* static */
	bool bad;
	char *text, *file, *value, *fix;
};

struct vfctl_report {
	size_t n;
	struct vfctl_result v[];
};

/* Room for n results; NULL: no memory. */
struct vfctl_report *report_new(size_t n);
/* The next of them; the texts may be NULL and are copied. -ENOMEM. */
int report_add(struct vfctl_report *r, const struct vfctl_result *result);
