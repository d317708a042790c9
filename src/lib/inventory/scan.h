/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All functions of the bus and how PFs and VFs belong together: the first half of an inventory. */
#pragma once

#include "inventory.h"

/* Fills functions, n_functions and iommu_on. */
int scan_functions(struct host *h, struct inventory *inv);
