/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guest-physical addresses are a type of their own: the compiler refuses to mix them with others.
 */
#pragma once

#include <stdint.h>

struct gpa {
	uint64_t v;
};

#define GPA(x) ((struct gpa) { (x) })

static inline struct gpa gpa_add(struct gpa a, uint64_t offset)
{
	return GPA(a.v + offset);
}
