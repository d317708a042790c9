/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One function opened through VFIO: its description, reset, and configuration space. */
#pragma once

#include "region.h"

#include "base/problem.h"
#include "host/host.h"

struct vfio_device {
	struct host *host;
	int fd;
	int group_fd; /* borrowed from the space; -1 when there is none (iommufd) */
	char *name;
	bool can_reset;
	bool clean; /* known to be as after a reset, for nobody has used it since */
	bool is_pci;
	uint32_t n_regions, n_irqs; /* indexes that may be asked for, not what exists */
	struct vfio_region config;  /* PCI configuration space; size 0 if this is no PCI function */
};

/* Takes the descriptor over on success. Free before the space that it came from. */
int vfio_device_new(struct host *h, int fd, int group_fd, const char *name,
	struct vfio_device **ret, struct problem **reterr);
void vfio_device_free(struct vfio_device *d);
DEFINE_AUTO(struct vfio_device, vfio_device_free);

/* Puts the function back to its power-on state (FLR where it has one). -EOPNOTSUPP: it cannot. */
int vfio_device_reset(struct vfio_device *d, struct problem **reterr);

/*
 * The configuration space as VFIO virtualises it: a VF's own ids read 0xffff and its BARs 0 on the
 * bus, only here they are as software expects them. -EINVAL outside of it, -EIO when the device
 * gave less than asked.
 */
int vfio_config_read(struct vfio_device *d, uint64_t offset, void *buf, size_t len);
int vfio_config_write(struct vfio_device *d, uint64_t offset, const void *buf, size_t len);
