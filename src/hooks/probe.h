/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What would come out of a claim, without making it. */
#pragma once

#include "inventory/inventory.h"
#include "turn.h"

int probe_order(const struct turn *t, const struct inventory *inv, const struct order *o,
	struct problem **reterr);
