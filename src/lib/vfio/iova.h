/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * I/O virtual addresses: what a device puts on the bus, and the ranges of them that the IOMMU
 * lets us use. The holes (the MSI window, firmware's reserved memory, AMD's HyperTransport range)
 * are never named by the kernel, only left out.
 */
#pragma once

#include "base/attr.h"

#include <stdbool.h>
#include <stdint.h>

struct iova {
	uint64_t v;
};

/* Both ends belong to the range: the last address of a 64-bit space has no successor. */
struct iova_range {
	uint64_t first, last;
};

/*
 * Is [start, start+len) inside one usable range? With n == 0 the kernel told nothing (before 5.4)
 * and everything that does not wrap is allowed. When it is not, *ret_bad (may be NULL) is the
 * first address that cannot be used. len is at least 1.
 */
bool iova_ranges_allow(const struct iova_range *ranges, size_t n, struct iova start, uint64_t len,
	uint64_t *ret_bad);
/* Orders by start and checks that every range is one and that none overlap: 0 or -EBADMSG. */
int iova_ranges_tidy(struct iova_range *ranges, size_t n);
