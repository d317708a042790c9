/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "chip.h"

#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>

void msi_vector_init(struct msi_vector *v, struct irq_chip *c)
{
	*v = (struct msi_vector) { .chip = c, .fd = -1, .gsi = -1, .masked = true };
}

static void add(atomic_uint_fast64_t *counter, uint64_t n)
{
	atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

static uint64_t get(const atomic_uint_fast64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

/* Empties the eventfd: how many signals were in it. */
static uint64_t take(struct msi_vector *v)
{
	uint64_t n;

	return v->fd >= 0 && read(v->fd, &n, sizeof(n)) == sizeof(n) ? n : 0;
}

void msi_vector_done(struct msi_vector *v)
{
	if (!v->chip)
		return;
	msi_vector_detach(v);
	if (v->gsi >= 0) {
		irq_batch_begin(v->chip);
		routes_give(&v->chip->routes, v->gsi);
		irq_batch_commit(v->chip);
		v->gsi = -1;
	}
	if (v->fd >= 0 && !v->lent)
		close(v->fd);
	v->fd = -1;
}

void msi_vector_lend(struct msi_vector *v, int fd)
{
	v->fd = fd;
	v->lent = true;
	take(v);
}

int msi_vector_fd(struct msi_vector *v)
{
	if (v->fd < 0)
		v->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return v->fd < 0 ? -errno : v->fd;
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

/*
 * To the GSI of another message. Signals in between stay in the eventfd, and go out when it is
 * connected again.
 */
static int move_to(struct msi_vector *v, struct msi_message m)
{
	struct irq_chip *c = v->chip;
	int gsi = routes_take(&c->routes, m);

	if (gsi < 0)
		return gsi;
	if (v->attached && !stop_waiting(v))
		kvm_irqfd_remove(c->vm, (uint32_t)v->gsi, v->fd);
	v->attached = false;
	if (v->gsi >= 0)
		routes_give(&c->routes, v->gsi);
	v->gsi = gsi;
	return 0;
}

static int attach_locked(struct msi_vector *v, struct msi_message m)
{
	struct irq_chip *c = v->chip;

	if (v->gsi < 0 || !irq_route_is(c, v->gsi, m)) {
		int r = move_to(v, m);

		if (r < 0)
			return r;
	}
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

int msi_vector_detach(struct msi_vector *v)
{
	int r = 0, committed;

	if (!v->chip)
		return 0;
	irq_batch_begin(v->chip);
	if (v->attached && !stop_waiting(v))
		r = kvm_irqfd_remove(v->chip->vm, (uint32_t)v->gsi, v->fd);
	if (!atomic_exchange(&v->masked, true))
		atomic_store(&v->shut, get(&v->signals));
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
	uint64_t n = take(v);

	add(&v->dropped, n);
	if (v->foreign)
		add(&v->signals, n);
	atomic_store(&v->shut, get(&v->signals));
}

static void put(struct msi_vector *v)
{
	uint64_t one = 1;
	ssize_t n = write(v->fd, &one, sizeof(one));

	(void)n; /* EAGAIN: the counter is full, so it is signalled */
}

/*
 * KVM looks into the eventfd when it is connected, injects once if there is anything, and leaves
 * the counter as it is; from then on it empties it with each signal. So what is read here before
 * and, of what came in between, after connecting, is what waited. Only if another signal follows
 * within these microseconds does the kernel take both, and the earlier of them goes uncounted.
 */
int msi_connect(struct msi_vector *v)
{
	uint64_t n = take(v), late;
	int r;

	if (n)
		put(v);
	r = kvm_irqfd_add(v->chip->vm, (uint32_t)v->gsi, v->fd, -1);
	if (r < 0)
		return r;
	late = take(v);
	n += late - (n && late);
	if (v->foreign) {
		add(&v->signals, n);
		add(&v->unmasked, n > 0);
	}
	add(&v->merged, n ? n - 1 : 0);
	atomic_store(&v->masked, false);
	return 0;
}

void msi_vector_announce(struct msi_vector *v)
{
	add(&v->signals, 1);
}

void msi_vector_signal(struct msi_vector *v)
{
	msi_vector_announce(v);
	put(v);
}

void msi_vector_signal_to_be_sure(struct msi_vector *v)
{
	add(&v->spurious, 1);
	if (!v->foreign || !atomic_load(&v->masked)) {
		add(&v->signals, 1);
		add(&v->unmasked, v->foreign);
	}
	put(v);
}

struct msi_counts msi_vector_counts(const struct msi_vector *v)
{
	struct msi_counts c = {
		.signalled = get(&v->signals),
		.merged = get(&v->merged),
		.dropped = get(&v->dropped),
		.spurious = get(&v->spurious),
	};
	/* What has come since it was masked waits. */
	uint64_t gone = v->foreign || !atomic_load(&v->masked) ? c.signalled : get(&v->shut);

	c.injected = v->foreign ? get(&v->unmasked) : gone - MIN(gone, c.merged + c.dropped);
	return c;
}

void msi_counts_add(struct msi_counts *sum, struct msi_counts c)
{
	sum->signalled += c.signalled;
	sum->injected += c.injected;
	sum->merged += c.merged;
	sum->dropped += c.dropped;
	sum->spurious += c.spurious;
}

void msi_counts_tell(const struct msi_counts *c, const char *name,
	void (*each)(void *arg, const char *name, uint64_t v), void *arg)
{
	const struct {
		const char *what;
		uint64_t n;
	} counts[] = {
#define VECTOR_COUNTER(field, name, unit, what) { name, c->field },
#include "base/counter.def"
	};

	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		char text[48];

		snprintf(text, sizeof(text), "%s_%s", name, counts[i].what);
		each(arg, text, counts[i].n);
	}
}
