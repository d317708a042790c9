// SPDX-License-Identifier: GPL-2.0-or-later
/* What a device descriptor answers. */
#include "parts.h"

#include <stdio.h>
#include <string.h>

static int reset_device(struct fakevfio_function *fn)
{
	uint32_t zero = 0;

	if (fn->kernel->clock)
		host_sleep_ms(fn->kernel->clock, fn->reset_ms);
	if (fn->reset_errno)
		return fn->reset_errno;
	fn->resets++;
	migration_reset(fn);
	if (fn->model)
		fn->model->reset(fn);
	if (fn->reset_spoils)
		fakevfio_poke(fn, VFIO_PCI_CONFIG_REGION_INDEX, 0x10, &zero, sizeof(zero));
	return 0;
}

static int hot_reset_info(struct fakevfio_function *fn, struct vfio_pci_hot_reset_info *info)
{
	struct fakevfio *f = fn->kernel;
	uint32_t room =
		(info->argsz - (uint32_t)sizeof(*info)) / (uint32_t)sizeof(info->devices[0]);
	uint32_t n = 0;

	if (!fn->slot)
		return -ENODEV;
	for (unsigned i = 0; i < f->n_functions; i++) {
		unsigned segment, bus, dev, func;

		if (f->functions[i].slot != fn->slot)
			continue;
		must(sscanf(f->functions[i].name, "%x:%x:%x.%x", &segment, &bus, &dev, &func) == 4);
		if (n < room) {
			info->devices[n].group_id = f->functions[i].group;
			info->devices[n].segment = (uint16_t)segment;
			info->devices[n].bus = (uint8_t)bus;
			info->devices[n].devfn = (uint8_t)(dev << 3 | func);
		}
		n++;
	}
	info->flags = fn->by_iommufd ? 3 : 0;
	info->count = n;
	return n > room ? -ENOSPC : 0;
}

/* Whose group is not named stands in the way. */
static int hot_reset(struct fakevfio_function *fn, const struct vfio_pci_hot_reset *q)
{
	struct fakevfio *f = fn->kernel;

	if (!fn->slot || fn->by_iommufd != !q->count)
		return -EINVAL;
	for (unsigned i = 0; i < f->n_functions; i++) {
		bool named = fn->by_iommufd;

		if (f->functions[i].slot != fn->slot)
			continue;
		for (uint32_t k = 0; k < q->count; k++) {
			int at = object_at(f, q->group_fds[k]);

			must(at >= 0 && f->objects[at].kind == KIND_GROUP);
			named |= f->objects[at].fn->group == f->functions[i].group;
		}
		if (!named)
			return -EINVAL;
	}
	for (unsigned i = 0; i < f->n_functions; i++)
		f->functions[i].hot_resets += f->functions[i].slot == fn->slot;
	return 0;
}

int device_ioctl(struct fakevfio_function *fn, unsigned long request, void *arg)
{
	struct vfio_device_info *info = arg;

	switch (request) {
	case VFIO_DEVICE_GET_INFO:
		info->flags = VFIO_DEVICE_FLAGS_PCI | (fn->can_reset ? VFIO_DEVICE_FLAGS_RESET : 0);
		info->num_regions = VFIO_PCI_NUM_REGIONS;
		info->num_irqs = VFIO_PCI_NUM_IRQS;
		return 0;
	case VFIO_DEVICE_GET_REGION_INFO:
		return region_info(fn, arg);
	case VFIO_DEVICE_GET_IRQ_INFO:
		return irq_info(fn, arg);
	case VFIO_DEVICE_SET_IRQS:
		return set_irqs(fn, arg);
	case VFIO_DEVICE_FEATURE:
		return device_feature(fn, arg);
	case VFIO_DEVICE_GET_PCI_HOT_RESET_INFO:
		return hot_reset_info(fn, arg);
	case VFIO_DEVICE_PCI_HOT_RESET:
		return hot_reset(fn, arg);
	case VFIO_DEVICE_RESET:
		return reset_device(fn);
	default:
		return -ENOTTY;
	}
}
