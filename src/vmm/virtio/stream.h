/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes without bounds between them, as a port of a virtio-console carries (Virtual I/O Device 1.2,
 * 5.3.6). */
#pragma once

#include "queue.h"

/*
 * Fills the driver's buffers with *n `bytes` and takes those away that found room: the rest moves
 * to the front. Publishing is the caller's. `iov`, of `room` pieces, is used meanwhile. 1: all
 * went; 0: buffers are missing, the driver will ring for more; -EPROTO, as virtq_break() says: it
 * gave one that is not only to be written. Queue lock held.
 */
int stream_deliver(struct virtq *q, struct iovec *iov, unsigned room, uint8_t *bytes, size_t *n);
