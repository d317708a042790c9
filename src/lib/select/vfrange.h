/* SPDX-License-Identifier: GPL-2.0-or-later */
/* "ens1f0/vf0-3,7": the PF's name, and indices of VFs. */
#pragma once

#include "base/attr.h"

#include <stdbool.h>

struct vf_range {
	unsigned first, last; /* inclusive */
};

struct vf_ranges {
	char *pf; /* what stands before "/vf" */
	struct vf_range *v;
	size_t n;
};

enum { VF_INDEX_MAX = 65535 }; /* TotalVFs is a 16-bit register */

/* 1 parsed, 0 the word has no "/vf" with something before it, -EINVAL. */
int vf_ranges_parse(const char *word, struct vf_ranges *ret);
void vf_ranges_done(struct vf_ranges *r);
#define autovf_ranges CLEANUP(vf_ranges_done) struct vf_ranges
