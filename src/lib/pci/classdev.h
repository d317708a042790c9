/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a class device ("net" "eth0", "nvme" "nvme0") back to the function that it stands on. */
#pragma once

#include "base/bdf.h"
#include "host/folder.h"

/* -ENODATA for what stands on no PCI function (lo, bridges, tunnels). */
int classdev_function(struct host *h, const char *class, const char *name, struct bdf *ret);
/* The same, in the folder of the class, for one of many. `name` is one component. */
int classdev_function_in(struct folder *class, const char *name, struct bdf *ret);
