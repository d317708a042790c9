/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest that libvirt runs, as its run state tells (/run/libvirt/qemu/NAME.xml). */
#pragma once

#include "host/host.h"

struct guest_run {
	int pid;
};

/* By name or UUID. -ENOENT: libvirt runs none of that name; -EBADMSG, -EACCES. */
int guest_find(struct host *h, const char *name, struct guest_run *ret);
