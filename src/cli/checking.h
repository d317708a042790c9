/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `why` and `doctor` share. */
#pragma once

#include "cli.h"
#include "out/check.h"

#define OPTION_MEM                                                                                 \
	{                                                                                          \
		0, "mem", TAKES_VALUE, "SIZE", "for a guest of that much memory, 16G", ""          \
	}

int checking_opts(const struct args *a, struct check_opts *ret, struct problem **reterr);
