// SPDX-License-Identifier: GPL-2.0-or-later
#include "checking.h"
#include "base/str.h"

int checking_opts(const struct args *a, struct check_opts *ret, struct problem **reterr)
{
	const char *mem = args_value(a, "mem");
	uint64_t n;

	if (!mem)
		return 0;
	if (parse_bytes(mem, &n) < 0 || !n)
		return problem(reterr, -EINVAL, PROBLEM_USAGE, "as in 512M or 16G",
			"--mem %s is no amount of memory", mem);
	ret->memory_bytes = n;
	return 0;
}
