/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Descriptors that travel with a line of news through a stream socket: they are at its first byte,
 * so who reads the whole line has them all.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { FDS_MAX = 128 }; /* in one message; the kernel takes 253 */

/* All of it; waits while the other side does not read. -EPIPE: it has gone. */
int fds_send(int socket, const char *text, size_t len, const int *fds, size_t n);
/*
 * As recv() with MSG_DONTWAIT. What comes with the bytes is appended to fds[*n], close-on-exec;
 * what has no room there is closed and makes it -ENOSPC.
 */
ssize_t fds_receive(int socket, void *buf, size_t size, int fds[FDS_MAX], size_t *n);
