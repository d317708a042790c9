// SPDX-License-Identifier: GPL-2.0-or-later
/* Interrupts: which are on, and who hears of them. */
#include "parts.h"

#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>

/* The enable bit in the MSI-X capability, if the configuration space has one. */
void show_msix(struct fakevfio_function *fn, bool on)
{
	uint8_t at = 0x34, head[4];

	for (unsigned hops = 0; hops < 48; hops++) {
		fakevfio_peek(fn, VFIO_PCI_CONFIG_REGION_INDEX, at, head, sizeof(head));
		if (hops && head[0] == 0x11)
			break;
		at = hops ? head[1] : head[0];
		if (at < 0x40)
			return;
	}
	head[3] = (uint8_t)((head[3] & 0x7f) | (on ? 0x80 : 0));
	fakevfio_poke(fn, VFIO_PCI_CONFIG_REGION_INDEX, at, head, sizeof(head));
}

void irqs_off(struct fakevfio_function *fn, unsigned index)
{
	for (unsigned i = 0; i < FAKEVFIO_VECTORS; i++) {
		if (fn->fds[index][i] >= 0)
			close(fn->fds[index][i]);
		fn->fds[index][i] = -1;
	}
	if (fn->on == (int)index) {
		if (index == VFIO_PCI_MSIX_IRQ_INDEX && !fn->msix_stays_on)
			show_msix(fn, false);
		fn->on = -1;
		fn->on_count = 0;
	}
}

int irq_info(struct fakevfio_function *fn, struct vfio_irq_info *info)
{
	if (info->index >= VFIO_PCI_NUM_IRQS)
		return -EINVAL;
	info->count = fn->irq_counts[info->index];
	info->flags = VFIO_IRQ_INFO_EVENTFD;
	if (info->index == VFIO_PCI_INTX_IRQ_INDEX)
		info->flags |= VFIO_IRQ_INFO_MASKABLE | VFIO_IRQ_INFO_AUTOMASKED;
	else if (info->index != VFIO_PCI_MSIX_IRQ_INDEX || fn->no_resize)
		info->flags |= VFIO_IRQ_INFO_NORESIZE;
	return 0;
}

static void take_fds(struct fakevfio_function *fn, const struct vfio_irq_set *s)
{
	for (uint32_t i = 0; i < s->count; i++) {
		int *slot = &fn->fds[s->index][s->start + i], fd;

		memcpy(&fd, s->data + i * sizeof(fd), sizeof(fd));
		if (*slot >= 0)
			close(*slot);
		*slot = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;
	}
}

int set_irqs(struct fakevfio_function *fn, const struct vfio_irq_set *s)
{
	bool resize = s->index == VFIO_PCI_MSIX_IRQ_INDEX && !fn->no_resize;
	bool block = s->index <= VFIO_PCI_MSIX_IRQ_INDEX;

	fn->set_irqs++;
	if (s->index >= VFIO_PCI_NUM_IRQS || s->start + s->count > fn->irq_counts[s->index])
		return -EINVAL;
	if (!(s->flags & VFIO_IRQ_SET_ACTION_TRIGGER))
		return 0;
	if (s->flags & VFIO_IRQ_SET_DATA_NONE) {
		if (s->count && fn->deaf)
			return 0;
		if (s->count)
			return fakevfio_fire(fn, s->index, s->start) ? 0 : -EINVAL;
		irqs_off(fn, s->index);
		return 0;
	}
	if (block && fn->on >= 0 && fn->on != (int)s->index)
		return -EINVAL;
	if (block && fn->on == (int)s->index && s->start + s->count > fn->on_count && !resize)
		return -EINVAL;
	if (block) {
		if (s->index == VFIO_PCI_MSIX_IRQ_INDEX)
			show_msix(fn, true);
		fn->on = (int)s->index;
		fn->on_count = MAX(fn->on_count, s->start + s->count);
	}
	take_fds(fn, s);
	return 0;
}

bool fakevfio_fire(struct fakevfio_function *fn, unsigned index, unsigned vector)
{
	int fd = fn->fds[index][vector];

	return fd >= 0 && eventfd_write(fd, 1) == 0;
}
