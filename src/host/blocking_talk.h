/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A netlink request that may block in the kernel: its handler runs within the sender's send(2) and
 * can wait there for a lock, uninterruptibly. So a helper process sends and receives.
 */
#pragma once

#include <stddef.h>

struct nl_msg;
struct nlmsghdr;

/*
 * Sends `msg` (NLM_F_ACK is added) and hands each answer to `got` (may be NULL), which returns 0 or
 * -errno. Returns 0, the first failure, the kernel's errno with its sentence in `says` (of `size`
 * bytes, may be NULL), or -ETIMEDOUT.
 */
int blocking_talk(int protocol, struct nl_msg *msg, unsigned deadline_ms,
	int (*got)(struct nlmsghdr *hdr, void *arg), void *arg, char *says, size_t size);
