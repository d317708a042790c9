/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the host's NVMe driver tells of a controller; for what the controller tells: secctrl.h. */
#pragma once

#include "host/host.h"

struct nvme_controller {
	char *model, *serial, *firmware; /* NULL unknown */
	char *state;			 /* "live", "dead", "connecting"…; NULL unknown */
	char *subsystem;		 /* its NQN; NULL unknown */
	int id;				 /* within the subsystem; -1 unknown */
};

/* `name`: "nvme0". What cannot be read is left unknown. */
void nvme_controller_read(struct host *h, const char *name, struct nvme_controller *ret);
void nvme_controller_done(struct nvme_controller *c);
