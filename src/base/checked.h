/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arithmetic that tells when it overflows: for every number that a guest, a file or a user gave. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define add_overflows(a, b, ret) __builtin_add_overflow(a, b, ret)
#define mul_overflows(a, b, ret) __builtin_mul_overflow(a, b, ret)

static inline bool is_power_of_two(uint64_t v)
{
	return v && !(v & (v - 1));
}

/* True if [start, start+len) lies in [0, size); never wraps. */
static inline bool range_fits(uint64_t start, uint64_t len, uint64_t size)
{
	return len <= size && start <= size - len;
}

/* True if [a, a+alen) and [b, b+blen) share a byte; both must not wrap. */
static inline bool ranges_overlap(uint64_t a, uint64_t alen, uint64_t b, uint64_t blen)
{
	return alen && blen && a <= b + (blen - 1) && b <= a + (alen - 1);
}

/* `align` is a power of two; the caller has checked that v + align does not wrap. */
static inline uint64_t align_up(uint64_t v, uint64_t align)
{
	return (v + align - 1) & ~(align - 1);
}

static inline uint64_t align_down(uint64_t v, uint64_t align)
{
	return v & ~(align - 1);
}
