/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "irq.h"

#include "device.h"

#include <linux/vfio.h>
#include <string.h>

enum { VECTORS_MAX = 2048 }; /* MSI-X's own limit */

int vfio_irq_get(
	struct vfio_device *d, uint32_t index, struct vfio_irq *ret, struct problem **reterr)
{
	struct vfio_irq_info info = { .argsz = sizeof(info), .index = index };
	struct vfio_irq irq = { .index = index };
	int r = 0;

	if (index < d->n_irqs)
		r = host_ioctl(d->host, d->fd, VFIO_DEVICE_GET_IRQ_INFO, &info);
	/* The error and request interrupts are absent from devices that have no AER or old kernels.
	 */
	if (index >= d->n_irqs || r == -EINVAL) {
		*ret = irq;
		return 0;
	}
	if (r >= 0 && info.count > VECTORS_MAX)
		r = -EBADMSG;
	if (r < 0)
		return problem(reterr, r, problem_kind_from_errno(r), NULL,
			"describe interrupt %u of %s: %s", index, d->name, strerror(-r));
	irq.count = info.count;
	irq.eventfd = info.flags & VFIO_IRQ_INFO_EVENTFD;
	irq.maskable = info.flags & VFIO_IRQ_INFO_MASKABLE;
	irq.automasked = info.flags & VFIO_IRQ_INFO_AUTOMASKED;
	irq.fixed = info.flags & VFIO_IRQ_INFO_NORESIZE;
	*ret = irq;
	return 0;
}

static uint32_t action_flag(enum vfio_irq_action action)
{
	switch (action) {
	case VFIO_IRQ_MASK:
		return VFIO_IRQ_SET_ACTION_MASK;
	case VFIO_IRQ_UNMASK:
		return VFIO_IRQ_SET_ACTION_UNMASK;
	case VFIO_IRQ_TRIGGER:
		break;
	}
	return VFIO_IRQ_SET_ACTION_TRIGGER;
}

int vfio_irq_connect(struct vfio_device *d, uint32_t index, enum vfio_irq_action action,
	uint32_t start, const int *fds, uint32_t n)
{
	autofree struct vfio_irq_set *set = NULL;
	size_t len = sizeof(*set) + (size_t)n * sizeof(int32_t);

	if (n == 0 || n > VECTORS_MAX)
		return -EINVAL;
	set = calloc(1, len);
	if (!set)
		return -ENOMEM;
	set->argsz = (uint32_t)len;
	set->flags = VFIO_IRQ_SET_DATA_EVENTFD | action_flag(action);
	set->index = index;
	set->start = start;
	set->count = n;
	memcpy(set->data, fds, (size_t)n * sizeof(int32_t));
	return host_ioctl(d->host, d->fd, VFIO_DEVICE_SET_IRQS, set);
}

static int set_none(struct vfio_device *d, uint32_t index, enum vfio_irq_action action,
	uint32_t start, uint32_t count)
{
	struct vfio_irq_set set = {
		.argsz = sizeof(set),
		.flags = VFIO_IRQ_SET_DATA_NONE | action_flag(action),
		.index = index,
		.start = start,
		.count = count,
	};

	return host_ioctl(d->host, d->fd, VFIO_DEVICE_SET_IRQS, &set);
}

int vfio_irq_act(
	struct vfio_device *d, uint32_t index, enum vfio_irq_action action, uint32_t vector)
{
	return set_none(d, index, action, vector, 1);
}

int vfio_irq_disable(struct vfio_device *d, uint32_t index)
{
	return set_none(d, index, VFIO_IRQ_TRIGGER, 0, 0);
}
