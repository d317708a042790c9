/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A scatter-gather list: a borrowed array of iovecs and its length in bytes, consumed from either
 * end. The memory behind it may belong to a guest that changes it at any time: what is to be
 * judged is copied out once (sg_pull) and judged in the copy.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

struct sg {
	struct iovec *v;
	unsigned n;
	size_t len; /* the sum of v[].iov_len */
};

/* Appends a piece; the array behind `v` has room for it. */
void sg_add(struct sg *s, void *base, size_t len);
/* Copies the first `len` bytes out and consumes them; false, and nothing done, if there are fewer.
 */
bool sg_pull(struct sg *s, void *buf, size_t len);
/* Copies `len` bytes into the front and consumes them; false, and nothing done, as above. */
bool sg_push(struct sg *s, const void *buf, size_t len);
/* Consumes the first `len` bytes, which are there. Cuts the first iovec in place. */
void sg_skip(struct sg *s, size_t len);
/* Drops the last `len` bytes, which are there. Cuts the last iovec in place. */
void sg_chop(struct sg *s, size_t len);
/* Copies into the list from byte `offset` on, consuming nothing; false if it does not fit. */
bool sg_write_at(const struct sg *s, size_t offset, const void *buf, size_t len);
