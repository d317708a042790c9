/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between live.c and what it is completed with. */
#pragma once

#include "host.h"

/* `h` is one of host_new_watching(). */
void live_set_loader(struct host *h, int (*load_module)(struct host *h, const char *name));
