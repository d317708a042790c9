/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A vhost in another process. */
#pragma once

#include "vhost.h"

#include <stddef.h>

/*
 * What a back end tells of requests that it has taken and not finished, in memory that outlives it:
 * given to its successor, nothing is lost and nothing done twice. Opaque to us, who only keep it.
 */
struct vhost_inflight {
	int fd; /* -1: there is none; owned */
	uint64_t size, offset;
	uint16_t queues, queue_size;
};

struct vhost_user_params {
	int fd;		     /* connected; taken over, also on failure */
	unsigned timeout_ms; /* for each answer */
	unsigned rings;	     /* that are wanted, at most */
};

/*
 * Asks what the other side can do. On failure *why (VHOST_WHY_BYTES) says what it got wrong.
 */
int vhost_user_new(const struct vhost_user_params *p, char *why, struct vhost **ret);
/* The socket, to be polled: nothing comes there unasked, but its end. */
int vhost_user_fd(const struct vhost *v);
/* The device's configuration structure; -EOPNOTSUPP when the other side has none to offer. */
int vhost_user_config(struct vhost *v, void *to, size_t len);
/*
 * Between set_up and the first start: hands over what the predecessor left, or gets the memory for
 * it. 1: it is there; 0: the other side keeps no such thing.
 */
int vhost_user_inflight(
	struct vhost *v, uint16_t queues, uint16_t queue_size, struct vhost_inflight *io);
void vhost_inflight_done(struct vhost_inflight *i);
/*
 * A call that another thread is in, waiting for an answer, fails soon; so does every later one.
 * From any thread, while the vhost is there.
 */
void vhost_user_shut(const struct vhost *v);
