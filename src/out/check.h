/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What checks found, as sentences and as JSON. */
#pragma once

#include "json.h"
#include "check/check.h"

struct checked {
	const struct function *f; /* NULL: the host */
	struct check_report report;
};

/* Without `all` only failures and warnings, and how many others there are. JSON has all. */
int out_checks(
	const struct out *o, const struct checked *v, size_t n, bool all, struct problem **reterr);
