/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VFIO_DEVICE_FEATURE: one call for what drivers may or may not have (linux/vfio.h). */
#pragma once

#include "abi.h"
#include "device.h"

#include <linux/vfio.h>

enum { VFIO_FEATURE_BYTES_MAX = 64 };

/*
 * `flags` are the feature's number and VFIO_DEVICE_FEATURE_{GET,SET,PROBE}. `data` goes to the
 * kernel, and comes back changed on success; at most VFIO_FEATURE_BYTES_MAX. -ENOTTY: the driver
 * has no such feature, or knows of none at all.
 */
int vfio_feature(struct vfio_device *d, uint32_t flags, void *data, size_t len);
