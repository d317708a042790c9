// SPDX-License-Identifier: GPL-2.0-or-later
#include "feature.h"

#include <string.h>

int vfio_feature(struct vfio_device *d, uint32_t flags, void *data, size_t len)
{
	uint64_t room[(sizeof(struct vfio_device_feature) + VFIO_FEATURE_BYTES_MAX) /
		      sizeof(uint64_t)] = { 0 };
	struct vfio_device_feature *f = (void *)room;
	int r;

	if (len > VFIO_FEATURE_BYTES_MAX)
		return -EINVAL;
	f->argsz = (uint32_t)(sizeof(*f) + len);
	f->flags = flags;
	if (len)
		memcpy(f->data, data, len);
	r = host_ioctl(d->host, d->fd, VFIO_DEVICE_FEATURE, f);
	if (r >= 0 && len)
		memcpy(data, f->data, len);
	return r;
}
