/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virtio-console (Virtual I/O Device 1.2, 5.3): one port, in front of whoever types and reads. */
#pragma once

#include "device.h"

/* Takes what is typed; any thread but those of the device. */
struct virtio_console;
/* Bytes that it can keep now; 0: setup.more is called when there is room again. */
size_t virtio_console_room(struct virtio_console *c);
/* At most virtio_console_room() bytes, of one caller. */
void virtio_console_type(struct virtio_console *c, const uint8_t *bytes, size_t n);
/* The terminal's size, which the driver is told. */
void virtio_console_resize(struct virtio_console *c, uint16_t columns, uint16_t rows);

struct virtio_console_setup {
	int out_fd; /* borrowed */
	/* There is room again after there was none; any thread. May be NULL. */
	void (*more)(void *arg);
	void *arg;
};

/* As every front end: device.h. */
int virtio_console_device_new(const struct guest_memory *m, const char *name,
	const struct virtio_console_setup *s, struct virtio_device **ret);
/* The same device as who types into it sees it. */
struct virtio_console *virtio_console_of(struct virtio_device *d);
