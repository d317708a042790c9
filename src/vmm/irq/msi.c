/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "chip.h"

#include <poll.h>
#include <sys/eventfd.h>

void msi_vector_init(struct msi_vector *v, struct irq_chip *c)
{
	*v = (struct msi_vector) { .chip = c, .fd = -1, .gsi = -1 };
}

void msi_vector_done(struct msi_vector *v)
{
	if (!v->chip)
		return;
	msi_vector_detach(v);
	if (v->gsi >= 0) {
		irq_batch_begin(v->chip);
		irq_route_give(v->chip, v->gsi);
		irq_batch_commit(v->chip);
		v->gsi = -1;
	}
	if (v->fd >= 0)
		close(v->fd);
	v->fd = -1;
}

int msi_vector_fd(struct msi_vector *v)
{
	if (v->fd < 0)
		v->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return v->fd < 0 ? -errno : v->fd;
}

static int attach_locked(struct msi_vector *v, struct msi_message m)
{
	struct irq_chip *c = v->chip;

	if (v->gsi < 0) {
		int gsi = irq_route_take(c, m);

		if (gsi < 0)
			return gsi;
		v->gsi = gsi;
	}
	irq_route_set(c, v->gsi, m);
	v->message = m;
	if (v->attached)
		return 0;
	v->attached = true;
	v->next_waiting = c->waiting;
	c->waiting = v;
	return 0;
}

int msi_vector_attach(struct msi_vector *v, struct msi_message m)
{
	int fd = msi_vector_fd(v), r, committed;

	if (fd < 0)
		return fd;
	irq_batch_begin(v->chip);
	r = attach_locked(v, m);
	committed = irq_batch_commit(v->chip);
	return r < 0 ? r : committed;
}

/* True if it was only waiting to be connected. */
static bool stop_waiting(struct msi_vector *v)
{
	for (struct msi_vector **link = &v->chip->waiting; *link; link = &(*link)->next_waiting) {
		if (*link != v)
			continue;
		*link = v->next_waiting;
		v->next_waiting = NULL;
		return true;
	}
	return false;
}

int msi_vector_detach(struct msi_vector *v)
{
	int r = 0, committed;

	if (!v->chip)
		return 0;
	irq_batch_begin(v->chip);
	if (v->attached && !stop_waiting(v))
		r = kvm_irqfd_remove(v->chip->vm, (uint32_t)v->gsi, v->fd);
	v->attached = false;
	committed = irq_batch_commit(v->chip);
	return r < 0 ? r : committed;
}

bool msi_vector_pending(const struct msi_vector *v)
{
	struct pollfd p = { .fd = v->fd, .events = POLLIN };

	/* While attached the counter is KVM's: what it shows there is on its way. */
	return v->fd >= 0 && !v->attached && poll(&p, 1, 0) == 1 && (p.revents & POLLIN);
}

void msi_vector_drain(struct msi_vector *v)
{
	uint64_t count;
	ssize_t n;

	if (v->fd < 0)
		return;
	n = read(v->fd, &count, sizeof(count));
	(void)n; /* EAGAIN: nothing was there */
}

void msi_vector_signal(struct msi_vector *v)
{
	uint64_t one = 1;
	ssize_t n = write(v->fd, &one, sizeof(one));

	(void)n; /* EAGAIN: the counter is full, so it is signalled */
}
