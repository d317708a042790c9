/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Drivers under which a reset is worse than none. */
#pragma once

#include "inventory/inventory.h"

/*
 * 0, or PROBLEM_IN_USE with why the driver of `f` must not see a
 * reset now. No consent helps: the kernel would never come back from it.
 */
int reset_quirk_refuse(struct host *h, const struct function *f, struct problem **reterr);
