// SPDX-License-Identifier: GPL-2.0-or-later
#include "stream.h"

#include <string.h>

/* One chain's worth; 1, 0 when there is none, or the queue broke. */
static int fill_chain(struct virtq *q, struct iovec *iov, unsigned room, uint8_t *bytes, size_t *n)
{
	struct virtq_chain chain;
	int r = virtq_pop(q, iov, room, &chain);
	size_t taken;

	if (r <= 0)
		return r;
	if (chain.out.n)
		return virtq_break(q, "a buffer for a stream is not only to be written");
	taken = MIN(*n, chain.in.len);
	sg_push(&chain.in, bytes, taken);
	*n -= taken;
	memmove(bytes, bytes + taken, *n);
	virtq_fill(q, chain.head, (uint32_t)taken);
	return 1;
}

int stream_deliver(struct virtq *q, struct iovec *iov, unsigned room, uint8_t *bytes, size_t *n)
{
	int r = 1;

	while (*n && r >= 0) {
		r = fill_chain(q, iov, room, bytes, n);
		if (r == 0 && virtq_arm(q))
			return 0;
	}
	return r < 0 ? r : 1;
}
