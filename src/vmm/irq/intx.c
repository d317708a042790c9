/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "chip.h"

void intx_init(struct intx_line *l, struct irq_chip *c, uint32_t gsi)
{
	*l = (struct intx_line) {
		.chip = c,
		.gsi = gsi % IRQ_IOAPIC_PINS,
		.trigger_fd = -1,
		.resample_fd = -1,
	};
}

void intx_done(struct intx_line *l)
{
	if (!l->chip)
		return;
	intx_set(l, false);
	intx_disconnect(l);
}

int intx_set(struct intx_line *l, bool level)
{
	struct irq_chip *c = l->chip;
	unsigned *raised = &c->raised[l->gsi];
	bool before;
	int r = 0;

	pthread_mutex_lock(&c->lock);
	if (l->level != level) {
		l->level = level;
		before = *raised > 0;
		*raised += level ? 1U : -1U;
		if (before != (*raised > 0))
			r = kvm_irq_level(c->vm, l->gsi, level);
	}
	pthread_mutex_unlock(&c->lock);
	return r;
}

int intx_connect(struct intx_line *l, int trigger_fd, int resample_fd)
{
	int r;

	if (l->trigger_fd >= 0)
		return -EBUSY;
	r = kvm_irqfd_add(l->chip->vm, l->gsi, trigger_fd, resample_fd);
	if (r < 0)
		return r;
	l->trigger_fd = trigger_fd;
	l->resample_fd = resample_fd;
	return 0;
}

int intx_disconnect(struct intx_line *l)
{
	int fd = l->trigger_fd;

	if (fd < 0)
		return 0;
	l->trigger_fd = l->resample_fd = -1;
	return kvm_irqfd_remove(l->chip->vm, l->gsi, fd);
}
