/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One function with all its keys: those of `list --json`, and what only `show` looks up. */
#pragma once

#include "show.h"

int show_json(const struct out *o, const struct about *s, struct problem **reterr);
