/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "window.h"

#include "base/checked.h"

#include <string.h>

void window_init(struct window *w, uint64_t start, uint64_t size)
{
	*w = (struct window) { .start = start, .size = size };
}

void window_done(struct window *w)
{
	free(w->used);
	*w = (struct window) { 0 };
}

bool window_contains(const struct window *w, uint64_t start, uint64_t size)
{
	return size && start >= w->start && range_fits(start - w->start, size, w->size);
}

static int insert_at(struct window *w, size_t at, uint64_t start, uint64_t size)
{
	if (w->n == w->cap) {
		size_t cap = w->cap ? w->cap * 2 : 16;
		void *p = reallocarray(w->used, cap, sizeof(*w->used));

		if (!p)
			return -ENOMEM;
		w->used = p;
		w->cap = cap;
	}
	memmove(&w->used[at + 1], &w->used[at], (w->n - at) * sizeof(*w->used));
	w->used[at] = (struct window_range) { start, size };
	w->n++;
	return 0;
}

int window_take(struct window *w, uint64_t size, uint64_t align, uint64_t *ret_start)
{
	uint64_t at = w->start;
	int r;

	if (!size || !is_power_of_two(align))
		return -EINVAL;
	/* The gap before each used range, and the one after the last. */
	for (size_t i = 0; i <= w->n; i++) {
		uint64_t end = i < w->n ? w->used[i].start : w->start + w->size;
		uint64_t place;

		if (add_overflows(at, align - 1, &place))
			return -ENOSPC;
		place = align_down(place, align);
		if (place <= end && size <= end - place) {
			r = insert_at(w, i, place, size);
			if (r < 0)
				return r;
			*ret_start = place;
			return 0;
		}
		if (i < w->n)
			at = w->used[i].start + w->used[i].size;
	}
	return -ENOSPC;
}

int window_give(struct window *w, uint64_t start)
{
	for (size_t i = 0; i < w->n; i++) {
		if (w->used[i].start != start)
			continue;
		memmove(&w->used[i], &w->used[i + 1], (w->n - i - 1) * sizeof(*w->used));
		w->n--;
		return 0;
	}
	return -ENOENT;
}
