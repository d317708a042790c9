/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "iova.h"

#include "base/checked.h"

bool iova_ranges_allow(const struct iova_range *ranges, size_t n, struct iova start, uint64_t len,
	uint64_t *ret_bad)
{
	uint64_t last, bad = start.v;

	if (add_overflows(start.v, len - 1, &last)) {
		if (ret_bad)
			*ret_bad = UINT64_MAX;
		return false;
	}
	if (n == 0)
		return true;
	for (size_t i = 0; i < n; i++) {
		if (bad < ranges[i].first || bad > ranges[i].last)
			continue;
		if (last <= ranges[i].last)
			return true;
		/* Touching ranges count as one: go on behind this one. */
		bad = ranges[i].last + 1;
	}
	if (ret_bad)
		*ret_bad = bad;
	return false;
}

static int range_cmp(const void *a, const void *b)
{
	const struct iova_range *x = a, *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

int iova_ranges_tidy(struct iova_range *ranges, size_t n)
{
	if (n)
		qsort(ranges, n, sizeof(*ranges), range_cmp);
	for (size_t i = 0; i < n; i++) {
		if (ranges[i].last < ranges[i].first)
			return -EBADMSG;
		if (i && ranges[i].first <= ranges[i - 1].last)
			return -EBADMSG;
	}
	return 0;
}
