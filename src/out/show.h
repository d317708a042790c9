/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Everything about one function. */
#pragma once

#include "out.h"
#include "about/about.h"

int out_show(const struct out *o, const struct about *a, struct problem **reterr);
