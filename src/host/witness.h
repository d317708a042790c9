/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Somebody who looks on while a host is used, and wants to know what for. Who does something with
 * descriptors that can be told in a line says so; without a witness, which is the usual case, that
 * is one look at a pointer.
 *
 * What is told belongs to the calling thread; what begins inside of something else is a part of it.
 */
#pragma once

#include "host.h"

struct host_witness {
	/* "config-write 0000:01:10.0 0x4 2 0x6": what, of which function, and more. */
	void (*begin)(struct host *h, const char *text);
	void (*end)(struct host *h, const char *result);
	/* The name of a descriptor; one that has none gets `kind` as its name, or "kind#2". */
	const char *(*name)(struct host *h, int fd, const char *kind);
};

static inline bool host_is_watched(const struct host *h)
{
	return h->witness;
}

void host_begin(struct host *h, const char *fmt, ...) PRINTF(2, 3);
void host_end(struct host *h, const char *fmt, ...) PRINTF(2, 3);
/* "-" for -1, and where nobody looks on. Good until the descriptor is closed. */
const char *host_name_fd(struct host *h, int fd, const char *kind);

static inline void host_part_done(struct host **h)
{
	if (host_is_watched(*h))
		host_end(*h, "%s", "");
}

/* From here to the end of the block. */
#define HOST_PART(h, ...)                                                                          \
	CLEANUP(host_part_done) struct host *part_ = (h);                                          \
	do                                                                                         \
		if (host_is_watched(part_))                                                        \
			host_begin(part_, __VA_ARGS__);                                            \
	while (0)
