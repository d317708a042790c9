/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plug.h"

#include "vmm/bus/bus.h"
#include "vmm/irq/irq.h"

#include <pthread.h>
#include <stdlib.h>

enum { COME, LEAVE, EJECT, REGISTERS };

struct plug {
	struct plug_params params;
	struct bus_region region;
	struct intx_line line;
	pthread_mutex_t lock; /* the bits and the line */
	uint32_t bits[2];     /* COME and LEAVE */
	atomic_bool heard;
};

static void update_line(struct plug *p)
{
	intx_set(&p->line, p->bits[COME] || p->bits[LEAVE]);
}

/* Only as dsdt.asl does it: whole, aligned dwords. */
static bool is_register(uint64_t offset, unsigned len)
{
	return len == 4 && offset % 4 == 0 && offset / 4 < REGISTERS;
}

static uint64_t plug_read(void *opaque, uint64_t offset, unsigned len)
{
	struct plug *p = opaque;
	uint32_t v;

	if (!is_register(offset, len) || offset / 4 == EJECT)
		return 0;
	pthread_mutex_lock(&p->lock);
	v = p->bits[offset / 4];
	p->bits[offset / 4] = 0;
	update_line(p);
	pthread_mutex_unlock(&p->lock);
	atomic_store(&p->heard, true);
	return v;
}

static void plug_write(void *opaque, uint64_t offset, unsigned len, uint64_t value)
{
	struct plug *p = opaque;

	if (is_register(offset, len) && offset / 4 == EJECT)
		p->params.eject(p->params.arg, (uint32_t)value);
}

static const struct bus_ops plug_ops = { .read = plug_read, .write = plug_write };

int plug_new(const struct plug_params *params, struct plug **ret)
{
	struct plug *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	p->params = *params;
	pthread_mutex_init(&p->lock, NULL);
	intx_init(&p->line, params->irq, IRQ_ACPI_SCI);
	p->region.name = "plug";
	p->region.start = PLUG_PORT;
	p->region.size = PLUG_BYTES;
	p->region.ops = &plug_ops;
	p->region.opaque = p;
	r = bus_add(params->pio, &p->region);
	if (r < 0) {
		pthread_mutex_destroy(&p->lock);
		free(p);
		return r;
	}
	*ret = p;
	return 0;
}

void plug_free(struct plug *p)
{
	if (!p)
		return;
	bus_remove(p->params.pio, &p->region);
	intx_done(&p->line);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

static void ring(struct plug *p, unsigned set, unsigned slot)
{
	uint32_t bit = 1U << slot;

	pthread_mutex_lock(&p->lock);
	p->bits[set] |= bit;
	p->bits[set == COME ? LEAVE : COME] &= ~bit;
	update_line(p);
	pthread_mutex_unlock(&p->lock);
}

void plug_came(struct plug *p, unsigned slot)
{
	ring(p, COME, slot);
}

void plug_should_leave(struct plug *p, unsigned slot)
{
	ring(p, LEAVE, slot);
}

void plug_press_button(struct plug *p)
{
	ring(p, COME, PLUG_BUTTON);
}

bool plug_is_heard(const struct plug *p)
{
	return atomic_load(&p->heard);
}
