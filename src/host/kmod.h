/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernel modules, as struct host_ops.load_module. */
#pragma once

#include "host.h"

int kmod_load(struct host *h, const char *name);
