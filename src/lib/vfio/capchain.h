/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VFIO answers with a struct that says in argsz how long the whole answer is, and may append a
 * chain of capabilities to it (struct vfio_info_cap_header: id, version, offset of the next from
 * the start of the answer). Nothing in the chain is trusted: a capability must lie in the answer,
 * and a chain that goes in circles ends.
 */
#pragma once

#include "host/host.h"

#include <linux/vfio.h>

/*
 * Asks with a buffer that grows to what the kernel wants (at most 1 MiB). `first` is the struct
 * with argsz first and its inputs filled in; `size` its length. The answer is the caller's; its
 * length, never less than `size`, goes to *ret_len. -EBADMSG when argsz is senseless.
 */
int capchain_ask(struct host *h, int fd, unsigned long request, const void *first, size_t size,
	void **ret, size_t *ret_len);

/* Calls `each` per capability with its bytes up to the end of the answer; stops at non-zero. */
int capchain_walk(const void *answer, size_t len, uint32_t first_offset,
	int (*each)(const struct vfio_info_cap_header *cap, size_t room, void *arg), void *arg);
