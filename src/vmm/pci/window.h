/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hands out aligned, non-overlapping ranges of an address window. Not thread-safe. */
#pragma once

#include "base/attr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct window_range {
	uint64_t start, size;
};

struct window {
	uint64_t start, size;
	struct window_range *used; /* sorted */
	size_t n, cap;
};

/* The window must not wrap. size 0 = nothing can be had from it. */
void window_init(struct window *w, uint64_t start, uint64_t size);
void window_done(struct window *w);
/* The lowest free place. -ENOSPC, -EINVAL (size 0, align no power of two), -ENOMEM. */
int window_take(struct window *w, uint64_t size, uint64_t align, uint64_t *ret_start);
/* Exactly what was taken; -ENOENT otherwise. */
int window_give(struct window *w, uint64_t start);
bool window_contains(const struct window *w, uint64_t start, uint64_t size);
