// SPDX-License-Identifier: GPL-2.0-or-later
/* Interrupts end in eventfds; VFIO can also signal those itself, as the device would. */
#include "run.h"

#include <inttypes.h>
#include <stdio.h>
#include <linux/vfio.h>
#include <string.h>
#include <sys/eventfd.h>

enum { MSIX_FLAGS = 2, MSIX_SIZE_MASK = 0x7ff, MSIX_ENABLED = 0x8000 };

const char *irq_name(uint32_t index)
{
	switch (index) {
	case VFIO_PCI_INTX_IRQ_INDEX:
		return "INTx";
	case VFIO_PCI_MSI_IRQ_INDEX:
		return "MSI";
	default:
		return "MSI-X";
	}
}

static void close_eventfds(struct proof_run *r)
{
	for (uint32_t i = 0; i < r->n_vectors; i++)
		close(r->eventfds[i]);
	r->n_vectors = 0;
}

int irq_arm(struct proof_run *r)
{
	uint32_t want = MIN(r->irq.count, (uint32_t)PROOF_VECTORS);
	int e = 0;

	for (r->n_vectors = 0; r->n_vectors < want; r->n_vectors++) {
		int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

		if (fd < 0) {
			e = -errno;
			break;
		}
		r->eventfds[r->n_vectors] = fd;
	}
	if (e == 0 && want)
		e = vfio_irq_connect(
			r->device, r->irq.index, VFIO_IRQ_TRIGGER, 0, r->eventfds, want);
	if (e < 0) {
		close_eventfds(r);
		return e;
	}
	return (int)want;
}

void irq_disarm(struct proof_run *r)
{
	if (r->n_vectors)
		vfio_irq_disable(r->device, r->irq.index);
	close_eventfds(r);
}

uint64_t irq_take(struct proof_run *r, unsigned vector)
{
	eventfd_t n = 0;

	if (vector >= r->n_vectors || eventfd_read(r->eventfds[vector], &n) < 0)
		return 0;
	/* Level-triggered ones are masked each time they fire. */
	if (r->irq.automasked)
		vfio_irq_act(r->device, r->irq.index, VFIO_IRQ_UNMASK, vector);
	return n;
}

/* Asked again, the eventfd of every other vector must be silent. */
static bool fires_alone(struct proof_run *r, unsigned vector)
{
	bool alone;

	if (vfio_irq_act(r->device, r->irq.index, VFIO_IRQ_TRIGGER, vector) < 0)
		return false;
	alone = irq_take(r, vector) == 1;
	for (unsigned i = 0; i < r->n_vectors; i++)
		alone &= irq_take(r, i) == 0;
	return alone;
}

static bool msix_enabled(struct proof_run *r)
{
	unsigned at = config_find(&r->config, CAP_MSIX);
	struct config_space now;
	uint16_t flags;

	return at && proof_config_read(r, &now) == 0 && config_u16(&now, at + MSIX_FLAGS, &flags) &&
	       (flags & MSIX_ENABLED);
}

static void try_vectors(struct proof_run *r, struct proof_check *c, const char *counts)
{
	int n = irq_arm(r);
	unsigned wrong = 0;

	if (n < 0) {
		check_failed(
			c, "%s cannot be switched on: %s", irq_name(r->irq.index), strerror(-n));
		return;
	}
	for (int i = 0; i < n; i++) {
		bool ok = fires_alone(r, (unsigned)i);

		c->interrupts += ok;
		wrong += !ok;
	}
	irq_disarm(r);
	if (wrong)
		check_failed(c, "%u of %d vectors of %s do not arrive where they should", wrong, n,
			irq_name(r->irq.index));
	else if (msix_enabled(r))
		check_failed(c, "MSI-X stays on when VFIO has switched it off");
	else
		check_proved(c, "%s; each of %d arrives alone", counts, n);
}

/* What VFIO counts must be what the function's own capability says. */
static bool msix_count_fits(const struct proof_run *r, uint32_t count)
{
	unsigned at = config_find(&r->config, CAP_MSIX);
	uint16_t flags;

	if (!at || !config_u16(&r->config, at + MSIX_FLAGS, &flags))
		return count == 0;
	return count == (flags & MSIX_SIZE_MASK) + 1U;
}

void prove_interrupts(struct proof_run *r)
{
	struct proof_check *c = check_start(r, "interrupts");
	static const uint32_t best[] = { VFIO_PCI_MSIX_IRQ_INDEX, VFIO_PCI_MSI_IRQ_INDEX,
		VFIO_PCI_INTX_IRQ_INDEX };
	struct vfio_irq irqs[ARRAY_SIZE(best)];
	char counts[64];

	for (size_t i = 0; i < ARRAY_SIZE(best); i++) {
		struct problem *p = NULL;
		int e = vfio_irq_get(r->device, best[i], &irqs[i], &p);

		if (e < 0) {
			check_problem(c, p, e);
			return;
		}
		if (!r->irq.count && irqs[i].count && irqs[i].eventfd)
			r->irq = irqs[i];
	}
	snprintf(counts, sizeof(counts), "MSI-X %u, MSI %u, INTx %u", irqs[0].count, irqs[1].count,
		irqs[2].count);
	if (!msix_count_fits(r, irqs[0].count))
		check_failed(c, "VFIO counts %u MSI-X vectors, the function's capability others",
			irqs[0].count);
	else if (!r->irq.count)
		check_skipped(c, "the function raises no interrupts");
	else
		try_vectors(r, c, counts);
}

void check_interrupts_seen(
	struct proof_check *c, uint64_t seen, uint64_t expected, const char *what)
{
	c->interrupts += seen;
	if (seen == 0)
		check_failed(c, "no interrupt came for %" PRIu64 " %s", expected, what);
	else if (seen > 16 * expected + 16)
		check_failed(c, "%" PRIu64 " interrupts came for %" PRIu64 " %s: a flood", seen,
			expected, what);
	else
		check_proved(c, "%" PRIu64 " interrupt%s for %" PRIu64 " %s", seen,
			seen == 1 ? "" : "s", expected, what);
}
