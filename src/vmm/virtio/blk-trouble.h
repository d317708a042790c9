/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the host could not do for a disk: its doing, not the guest's. */
#pragma once

#include <stdint.h>

struct disk_request;
struct virtio_device;

/* Any thread; read it by atomic loads. */
struct blk_trouble {
	uint64_t io_errors, no_space;
	unsigned told; /* kinds of errors that were a note */
};

/* `error` is a negative errno: counted by kind, and told once of each. */
void blk_note_trouble(
	struct blk_trouble *t, struct virtio_device *d, const struct disk_request *r, int error);
