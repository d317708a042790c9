/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "device.h"

#include <linux/vfio.h>
#include <string.h>

static int read_info(struct vfio_device *d, struct problem **reterr)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };
	int r = host_ioctl(d->host, d->fd, VFIO_DEVICE_GET_INFO, &info);

	if (r < 0)
		return problem(reterr, r, problem_kind_from_errno(r), NULL, "describe %s: %s",
			d->name, strerror(-r));
	d->can_reset = info.flags & VFIO_DEVICE_FLAGS_RESET;
	d->is_pci = info.flags & VFIO_DEVICE_FLAGS_PCI;
	d->n_regions = info.num_regions;
	d->n_irqs = info.num_irqs;
	return 0;
}

int vfio_device_new(struct host *h, int fd, int group_fd, const char *name,
	struct vfio_device **ret, struct problem **reterr)
{
	CLEANUP(vfio_device_freep) struct vfio_device *d = calloc(1, sizeof(*d));
	int r;

	if (d)
		*d = (struct vfio_device) { .host = h, .fd = -1, .group_fd = group_fd };
	if (!d || !(d->name = strdup(name)))
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	d->fd = fd;
	r = read_info(d, reterr);
	if (r >= 0 && d->is_pci)
		r = vfio_region_get(d, VFIO_PCI_CONFIG_REGION_INDEX, &d->config, reterr);
	if (r < 0) {
		d->fd = -1; /* stays the caller's */
		return r;
	}
	*ret = TAKE_PTR(d);
	return 0;
}

void vfio_device_free(struct vfio_device *d)
{
	if (!d)
		return;
	if (d->fd >= 0)
		host_close(d->host, d->fd);
	vfio_region_done(&d->config);
	free(d->name);
	free(d);
}

int vfio_device_reset(struct vfio_device *d, struct problem **reterr)
{
	int r;

	if (!d->can_reset)
		return problem(reterr, -EOPNOTSUPP, PROBLEM_UNSUPPORTED, NULL,
			"%s has no way to be reset", d->name);
	r = host_ioctl(d->host, d->fd, VFIO_DEVICE_RESET, NULL);
	if (r < 0)
		return problem(reterr, r, problem_kind_from_errno(r), NULL, "reset %s: %s", d->name,
			strerror(-r));
	return 0;
}

int vfio_config_read(struct vfio_device *d, uint64_t offset, void *buf, size_t len)
{
	return vfio_region_read(d, &d->config, offset, buf, len);
}

int vfio_config_write(struct vfio_device *d, uint64_t offset, const void *buf, size_t len)
{
	return vfio_region_write(d, &d->config, offset, buf, len);
}
