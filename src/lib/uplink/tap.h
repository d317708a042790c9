/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A tap: a network interface of the host whose other end is a descriptor. */
#pragma once

#include "base/problem.h"
#include "host/host.h"

/*
 * Attaches `n` queues to the tap `name`, or makes one that lives as long as its descriptors and
 * sets it up. Close-on-exec; frames carry a virtio-net header. IN_USE when somebody else is
 * attached. One that the host was given as "tap:NAME" (host/given.h) is attached already.
 */
int tap_attach(struct host *h, const char *name, unsigned n, int *fds, struct problem **reterr);
/* It is there, and this user may attach to it without any right. */
bool tap_is_own(struct host *h, const char *name);
/* The descriptor's interface. */
int tap_name_of(struct host *h, int fd, char buf[16]);
