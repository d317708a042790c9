/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --disk, and disks in the values of other options. */
#pragma once

#include "request.h"

/* "FILE[,KEY=VALUE…]"; the file's name may hold commas. `option` is whose value it is, `text` all
 * of that: for messages. */
int launch_parse_disk(struct launch_disk *d, const char *spec, const char *option, const char *text,
	struct problem **reterr);
void launch_disk_done(struct launch_disk *d);
/* What vfctl-vmm is told besides the descriptor: ",ro,engine=uring". Allocated; NULL. */
char *launch_disk_text(const struct launch_disk *d);
