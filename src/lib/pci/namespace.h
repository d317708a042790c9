/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The block devices behind an NVMe controller, as users name them. */
#pragma once

#include "host/host.h"

/* "nvme0" → "nvme0n1", "nvme0n2"; under native multipath the head that it is a path of. */
int nvme_namespaces(struct host *h, const char *controller, char ***ret_names);
