// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * udevd writes its record of a device when all rules have run, an interface's renaming included.
 * It keeps none of a device that has neither number nor index and of which no rule said anything
 * (a PCI function where the hardware database is not installed): then only an empty queue tells.
 * A record may also be that of a predecessor at the same address, hence its age.
 */
#include "udevd.h"
#include "fd.h"
#include "base/str.h"

#include <libudev.h>

static inline void contextp(struct udev **u)
{
	udev_unref(*u);
}

static inline void queuep(struct udev_queue **q)
{
	udev_queue_unref(*q);
}

static inline void devicep(struct udev_device **d)
{
	udev_device_unref(*d);
}

static bool has_record_since(struct udev_device *d, uint64_t since_ms)
{
	uint64_t age_ms = udev_device_get_usec_since_initialized(d) / 1000;

	return udev_device_get_is_initialized(d) > 0 && age_ms <= clock_now_ms(NULL) - since_ms;
}

static bool will_have_record(struct udev_device *d)
{
	return udev_device_get_devnum(d) || str_eq(udev_device_get_subsystem(d), "net");
}

int udevd_settled(struct host *h UNUSED, const char *path, uint64_t since_ms)
{
	CLEANUP(contextp) struct udev *udev = udev_new();
	CLEANUP(queuep) struct udev_queue *queue = udev ? udev_queue_new(udev) : NULL;
	CLEANUP(devicep) struct udev_device *device = NULL;

	if (!queue)
		return -ENOMEM;
	if (!udev_queue_get_udev_is_active(queue))
		return 1;
	errno = 0;
	device = udev_device_new_from_syspath(udev, path);
	if (!device)
		return errno && errno != ENODEV ? -errno : -ENOENT;
	if (has_record_since(device, since_ms))
		return 1;
	return !will_have_record(device) && udev_queue_get_queue_is_empty(queue);
}
