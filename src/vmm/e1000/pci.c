/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "e1000.h"
#include "nic.h"

#include "base/str.h"
#include "vmm/count/syscalls.h"
#include "vmm/irq/irq.h"
#include "vmm/loop/loop.h"
#include "vmm/net/tap.h"
#include "vmm/pci/bus.h"

#include <string.h>
#include <sys/random.h>

enum {
	MEMORY_BAR = 0,
	MEMORY_BYTES = 128 << 10,
	PORT_BAR = 1,
	PORT_BYTES = 64,
	PORT_ADDRESS = 0, /* which register … */
	PORT_DATA = 4,	  /* … is here, 13.2.2 */
};

struct e1000 {
	struct pci_device pci;
	struct vmm_services services;
	char *name;
	struct nic nic;
	bool ready, on_bus;
	struct intx_line line;
	bool level; /* under the card's lock */
	atomic_bool intx_off;
	_Atomic uint32_t port;
};

static struct e1000 *e1000_of(struct pci_device *pci)
{
	return container_of(pci, struct e1000, pci);
}

/* The card's lock is held. */
static void on_interrupt(void *arg, bool level)
{
	struct e1000 *e = arg;
	bool up = level && !atomic_load(&e->intx_off);

	if (!e->on_bus)
		return;
	syscalls_count(up != e->level);
	e->level = up;
	intx_set(&e->line, up);
}

static void on_note(void *arg, const char *text)
{
	struct e1000 *e = arg;

	if (e->services.note)
		e->services.note(e->services.note_arg, text);
}

/* ---- BARs ---- */

static uint64_t memory_read(struct nic *n, uint64_t offset, unsigned len)
{
	uint64_t at = offset & ~3ULL, v = nic_read(n, at);

	if (offset + len > at + 4)
		v |= (uint64_t)nic_read(n, at + 4) << 32;
	return v >> (8 * (offset - at));
}

static uint64_t bar_read(struct pci_device *pci, unsigned bar, uint64_t offset, unsigned len)
{
	struct e1000 *e = e1000_of(pci);

	if (bar == MEMORY_BAR)
		return memory_read(&e->nic, offset, len);
	if (len == 4 && offset == PORT_ADDRESS)
		return atomic_load(&e->port);
	return len == 4 && offset == PORT_DATA ? nic_read(&e->nic, atomic_load(&e->port))
					       : bus_all_ones(len);
}

static void bar_write(
	struct pci_device *pci, unsigned bar, uint64_t offset, unsigned len, uint64_t v)
{
	struct e1000 *e = e1000_of(pci);

	if (bar == MEMORY_BAR && (len == 4 || len == 8)) {
		nic_write(&e->nic, offset, (uint32_t)v);
		if (len == 8)
			nic_write(&e->nic, offset + 4, (uint32_t)(v >> 32));
	} else if (bar == PORT_BAR && len == 4 && offset == PORT_ADDRESS) {
		atomic_store(&e->port, (uint32_t)v);
	} else if (bar == PORT_BAR && len == 4 && offset == PORT_DATA) {
		nic_write(&e->nic, atomic_load(&e->port), (uint32_t)v);
	}
}

/* ---- configuration ---- */

static void follow(struct e1000 *e)
{
	uint16_t command = pci_get16(&e->pci, PCI_COMMAND);

	atomic_store(&e->intx_off, command & PCI_COMMAND_INTX_DISABLE);
	nic_set_master(&e->nic, command & PCI_COMMAND_MASTER);
	nic_line(&e->nic);
}

static void config_write(struct pci_device *pci, unsigned offset, unsigned len, uint32_t value)
{
	pci_config_default_write(pci, offset, len, value);
	if (pci_touches(offset, len, PCI_COMMAND, 2))
		follow(e1000_of(pci));
}

static int set(struct pci_device *pci, int queue, const char *key, const char *value,
	struct problem **reterr)
{
	struct e1000 *e = e1000_of(pci);

	if (queue >= 0 || !str_eq(key, "link") || (!str_eq(value, "up") && !str_eq(value, "down")))
		return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL,
			"%s: what can be set is link=up and link=down", e->name);
	nic_set_link(&e->nic, str_eq(value, "up"));
	return 0;
}

/* ---- life ---- */

static void e1000_stop(struct pci_device *pci)
{
	if (e1000_of(pci)->ready)
		nic_stop(&e1000_of(pci)->nic);
}

static void e1000_free(struct pci_device *pci)
{
	struct e1000 *e = e1000_of(pci);

	e1000_stop(pci);
	if (e->on_bus)
		intx_done(&e->line);
	if (e->ready)
		nic_done(&e->nic);
	pci_device_done(pci);
	free(e->name);
	free(e);
}

/* Queue 0 receives and queue 1 sends, as virtio-net's do: see base/counter.def. */
static void e1000_stats(
	struct pci_device *pci, void (*each)(void *arg, const char *name, uint64_t v), void *arg)
{
	struct e1000 *e = e1000_of(pci);
	struct nic_counts *c = &e->nic.counts;
	const struct {
		const char *name;
		atomic_uint_fast64_t *v;
	} all[] = {
		{ "queue0-requests", &c->rx_requests },
		{ "queue0-bytes-in", &c->rx_bytes },
		{ "queue0-injections", &c->injections },
		{ "queue0-wakeups", &c->wakeups },
		{ "queue0-host-syscalls", &c->syscalls },
		{ "queue1-doorbells", &c->doorbells },
		{ "queue1-requests", &c->tx_requests },
		{ "queue1-bytes-out", &c->tx_bytes },
		{ "rx-dropped", &c->rx_dropped },
		{ "tx-dropped", &c->tx_dropped },
	};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		each(arg, all[i].name, atomic_load_explicit(all[i].v, memory_order_relaxed));
	each(arg, "thread-wakeups", loop_wakeups(e->nic.loop));
}

static void e1000_traits(struct pci_device *pci,
	void (*each)(void *arg, const char *key, const char *word), void *arg)
{
	each(arg, "model", "e1000");
	each(arg, "threads", e1000_of(pci)->nic.params.inline_work ? "cpu" : "io");
}

static const struct pci_device_ops e1000_ops = {
	.config_write = config_write,
	.bar_read = bar_read,
	.bar_write = bar_write,
	.stop = e1000_stop,
	.free = e1000_free,
	.set = set,
	.stats = e1000_stats,
	.traits = e1000_traits,
};

static int set_up(struct e1000 *e, const struct e1000_params *p, struct problem **reterr)
{
	struct nic_params n = {
		.memory = e->services.memory,
		.mac = p->mac,
		.inline_work = p->inline_work,
		.interrupt = on_interrupt,
		.note = on_note,
		.arg = e,
	};
	int r = tap_new(e->services.host, p->fd, &n.tap, reterr);

	if (r < 0)
		return problem_wrap(reterr, r, "%s", p->name);
	e->name = strdup(p->name);
	e->pci.name = e->name;
	n.name = e->name;
	e->pci.config[PCI_INTERRUPT_PIN] = 1;
	if (mac_is_zero(n.mac) && getrandom(n.mac.b, sizeof(n.mac.b), 0) == sizeof(n.mac.b))
		n.mac.b[0] = (uint8_t)((n.mac.b[0] & 0xfc) | 2);
	r = pci_set_bar(&e->pci, MEMORY_BAR, PCI_BAR_MEM32, false, MEMORY_BYTES);
	if (r == 0)
		r = pci_set_bar(&e->pci, PORT_BAR, PCI_BAR_IO, false, PORT_BYTES);
	if (r == 0 && !e->name)
		r = -ENOMEM;
	if (r < 0)
		tap_free(n.tap);
	else
		r = nic_init(&e->nic, &n);
	e->ready = r == 0;
	return r < 0 ? problem(reterr, r, problem_kind_from_errno(r), NULL, "cannot make %s: %s",
			       p->name, strerror(-r))
		     : 0;
}

int e1000_new(const struct vmm_services *s, const struct e1000_params *p, struct problem **reterr)
{
	const struct pci_ids ids = {
		.vendor = 0x8086,
		.device = 0x100e,
		.subsystem_vendor = 0x1af4,
		.subsystem = 0x1100,
		.revision = 2,
		.class = 0x020000,
	};
	struct e1000 *e = calloc(1, sizeof(*e));
	int r;

	if (!e)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "no memory for e1000");
	e->services = *s;
	pci_device_init(&e->pci, &e1000_ops, "e1000", &ids);
	r = set_up(e, p, reterr);
	if (r < 0) {
		e1000_free(&e->pci);
		return r;
	}
	r = pci_bus_add(s->pci, &e->pci, p->slot, reterr);
	if (r < 0)
		return r;
	intx_init(&e->line, s->irq, pci_intx_gsi(e->pci.slot));
	e->on_bus = true;
	follow(e);
	return 0;
}
