/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Descriptors that somebody else opened for this process, in place of what it may not open itself:
 * on any host the path of what was given is not opened any more, host_open() hands out what was
 * given. Once each: who asks again is told -EBUSY, as by a VFIO group that is open.
 *
 * Names are paths ("/dev/kvm"), or "tap:NAME" for what has no path of its own.
 */
#pragma once

#include "host.h"

/* Takes `fd` over, also on failure. -EEXIST: that was given already; -ENOMEM. */
int host_give(struct host *h, const char *name, int fd);
/* The descriptor, the caller's from now on. -ENOENT: never given; -EBUSY: handed out already. */
int host_take_given(struct host *h, const char *name);
/* Closes what nobody took. */
void host_drop_given(struct host *h);
/* The same, and that anything was given: for host_free(). */
void host_forget_given(struct host *h);
