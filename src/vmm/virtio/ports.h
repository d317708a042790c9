/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-console with named ports (Virtual I/O Device 1.2, 5.3, VIRTIO_CONSOLE_F_MULTIPORT), which
 * Linux shows as /dev/virtio-ports/NAME. Behind each is a socket that somebody listens at: one
 * client at a time, the next one is taken when that has gone. The guest is told who comes and goes,
 * and nobody reads what a client sends before a program in the guest has opened the port.
 *
 * Whoever serves a queue does all its work, under that queue's lock; what both queues of a port and
 * the control queues have in common is under the port's own lock, which is taken last of all and
 * held for calls that do not block.
 */
#pragma once

#include "device.h"

enum {
	VIRTIO_PORTS_MAX =
		7, /* with the control queues as many queues as a network has, less one */
	VIRTIO_PORT_NAME_MAX = 63,
};

struct virtio_port_setup {
	const char *name; /* copied */
	int listener;	  /* borrowed; does not block */
};

/* As every front end: device.h. n: 1 to VIRTIO_PORTS_MAX. */
int virtio_ports_device_new(const struct guest_memory *m, const char *name,
	const struct virtio_port_setup *v, unsigned n, struct virtio_device **ret);
