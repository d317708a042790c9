// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost.h"

#include <stdio.h>
#include <string.h>

int vhost_failed(struct vhost *v, int r, const char *what)
{
	if (!*v->why)
		snprintf(v->why, sizeof(v->why), "%s: %s", what, strerror(-r));
	return r;
}
