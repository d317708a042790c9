/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One name, one function: an address, a network interface, an NVMe controller or namespace. */
#pragma once

#include "inventory/inventory.h"

/* PROBLEM_NOT_FOUND with the nearest name. */
int name_find(struct host *h, const struct inventory *inv, const char *name, struct function **ret,
	struct problem **reterr);
