/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All functions of the bus and how PFs and VFs belong together: the first half of an inventory. */
#pragma once

#include "inventory.h"

/* Fills functions, with nothing but their addresses, and n_functions. */
int scan_addresses(struct host *h, struct inventory *inv);
/* Then all the rest of them, and iommu_on; those that have gone are not among them any more. */
int scan_functions(struct host *h, struct inventory *inv);
