// SPDX-License-Identifier: GPL-2.0-or-later
/* What a device descriptor answers. */
#include "parts.h"

#include <string.h>

static int reset_device(struct fakevfio_function *fn)
{
	uint32_t zero = 0;

	if (fn->kernel->clock)
		host_sleep_ms(fn->kernel->clock, fn->reset_ms);
	if (fn->reset_errno)
		return fn->reset_errno;
	fn->resets++;
	if (fn->model)
		fn->model->reset(fn);
	if (fn->reset_spoils)
		fakevfio_poke(fn, VFIO_PCI_CONFIG_REGION_INDEX, 0x10, &zero, sizeof(zero));
	return 0;
}

/* As vfio_check_feature(): 1 go on, 0 that was all, or an errno. */
static int check_feature(const struct vfio_device_feature *f, uint32_t can, size_t bytes)
{
	uint32_t wanted = f->flags & (VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_SET);

	if (wanted & ~can)
		return -EINVAL;
	if (f->flags & VFIO_DEVICE_FEATURE_PROBE)
		return 0;
	return !wanted || f->argsz - sizeof(*f) < bytes ? -EINVAL : 1;
}

static int device_feature(struct fakevfio_function *fn, struct vfio_device_feature *f)
{
	const uint32_t both = VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_SET;
	struct vfio_device_feature_migration m = { .flags = fn->migration };
	int r;

	if (f->argsz < sizeof(*f) ||
		f->flags & ~(VFIO_DEVICE_FEATURE_MASK | VFIO_DEVICE_FEATURE_PROBE | both))
		return -EINVAL;
	if (!(f->flags & VFIO_DEVICE_FEATURE_PROBE) && (f->flags & both) == both)
		return -EINVAL;
	switch (f->flags & VFIO_DEVICE_FEATURE_MASK) {
	case VFIO_DEVICE_FEATURE_MIGRATION:
		r = fn->migration ? check_feature(f, VFIO_DEVICE_FEATURE_GET, sizeof(m)) : -ENOTTY;
		if (r == 1)
			memcpy(f->data, &m, sizeof(m));
		return r < 0 ? r : 0;
	case VFIO_DEVICE_FEATURE_DMA_LOGGING_START:
		/* Only asked for: nothing here tracks. */
		r = fn->tracks_dma ? check_feature(f, VFIO_DEVICE_FEATURE_SET, 0) : -ENOTTY;
		return r == 1 ? -EOPNOTSUPP : r;
	default:
		return -ENOTTY;
	}
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
	case VFIO_DEVICE_RESET:
		return reset_device(fn);
	default:
		return -ENOTTY;
	}
}
