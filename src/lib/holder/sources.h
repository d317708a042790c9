/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where uses are found; each appends what it finds. */
#pragma once

#include "holder.h"

/* Takes `who` over, also on failure; NULL `who` is -ENOMEM. */
int uses_add(struct uses *u, enum use_kind kind, struct bdf a, int pid, char *who);

/* Holders of functions that are on a VFIO driver. */
int use_vfio(struct host *h, const struct bdf *a, size_t n, struct uses *u);
int use_net(struct host *h, struct bdf a, struct uses *u);
int use_block(struct host *h, struct bdf a, struct uses *u);
