/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arrays that grow at the end: GROW(v, n) makes room for element n of an array that has only ever
 * been made by it; false when memory is out, and the array is as it was. Capacity is not kept: it
 * is the next power of two.
 */
#pragma once

#include <stdbool.h>
#include <stdlib.h>

#define GROW(v, n)                                                                                 \
	({                                                                                         \
		size_t n_ = (n);                                                                   \
		bool grown_ = true;                                                                \
		if (n_ != 1 && !(n_ & (n_ - 1))) {                                                 \
			__typeof__(v) more_ = reallocarray((v), n_ ? n_ * 2 : 2, sizeof(*(v)));    \
			grown_ = more_ != NULL;                                                    \
			if (grown_)                                                                \
				(v) = more_;                                                       \
		}                                                                                  \
		grown_;                                                                            \
	})
