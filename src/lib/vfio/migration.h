/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether a function's driver can move it to another machine while its guest runs: asked by
 * VFIO_DEVICE_FEATURE with VFIO_DEVICE_FEATURE_MIGRATION (linux/vfio.h, Linux 5.18 and later).
 * Asking changes nothing.
 */
#pragma once

#include "device.h"

/* The bits of vfio_device_feature_migration.flags; the last is ours: its DMA can be tracked. */
enum vfio_migration {
	VFIO_MIGRATES = 1 << 0, /* stop-copy: the least that a driver offers */
	VFIO_MIGRATES_P2P = 1 << 1,
	VFIO_MIGRATES_PRE_COPY = 1 << 2, /* Linux 6.2 */
	VFIO_TRACKS_DMA = 1 << 16,
};

enum { VFIO_MIGRATION_TEXT_MAX = 64 };

/*
 * 0 and in *ret what it offers; 0 there: nothing, as of vfio-pci itself and of older kernels.
 * -EBADMSG when the driver contradicts itself, else what the kernel answered.
 */
int vfio_migration_get(struct vfio_device *d, unsigned *ret);
/* "stop-copy p2p", in the kernel's words; "none". Returns `buf`. */
char *vfio_migration_text(unsigned offered, char buf[VFIO_MIGRATION_TEXT_MAX]);
/* The i-th word of what is offered; NULL beyond the last. Static. */
const char *vfio_migration_word(unsigned offered, unsigned i);
