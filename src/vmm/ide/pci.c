/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ide.h"

#include "channel.h"
#include "base/str.h"
#include "vmm/count/syscalls.h"
#include "vmm/irq/irq.h"
#include "vmm/loop/loop.h"
#include "vmm/pci/bus.h"

#include <stdio.h>
#include <string.h>

enum {
	CHANNELS = 2,
	MASTER_BAR = 4,
	TIMING = 0x40, /* IDETIM: 16 bits for each channel */
	TIMING_BYTES = 5,
	TIMING_DECODE = 0x80, /* of the upper byte: the channel has its ports */
	INTERFACE = PCI_CLASS_PROG,
	INTERFACE_NATIVE = 1, /* channel 0; the next bit: it can be switched; then channel 1 */
	INTERFACE_START = 0x8f,
};

struct ide;

struct side {
	struct ide *ide;
	struct ide_channel channel;
	bool ready;
	struct intx_line isa, pci;
	bool level; /* under the channel's lock */
	atomic_bool compatible, decoded;
	struct bus_region command, control; /* in compatibility mode */
	bool placed;
	atomic_bool told[IDE_DRIVES]; /* the user, of a disk's error */
};

struct ide {
	struct pci_device pci;
	struct vmm_services services;
	char *name;
	struct side sides[CHANNELS];
	atomic_bool intx_off;
	bool on_bus;
};

static const struct {
	uint16_t command, control;
	uint32_t irq;
} isa[CHANNELS] = { { 0x1f0, 0x3f4, 14 }, { 0x170, 0x374, 15 } };

static struct ide *ide_of(struct pci_device *pci)
{
	return container_of(pci, struct ide, pci);
}

/* ---- interrupts, news ---- */

/* The channel's lock is held. */
static void on_interrupt(void *arg, bool level)
{
	struct side *s = arg;
	bool compatible = atomic_load(&s->compatible);

	if (!s->ide->on_bus)
		return;
	syscalls_count(level != s->level);
	s->level = level;
	intx_set(&s->isa, level && compatible);
	intx_set(&s->pci, level && !compatible && !atomic_load(&s->ide->intx_off));
}

static void on_failed(void *arg, unsigned drive, int error)
{
	struct side *s = arg;
	struct ide *ide = s->ide;
	autofree char *text = NULL;

	if (atomic_exchange(&s->told[drive], true) || !ide->services.note)
		return;
	text = str_printf("%s: drive %u of channel %u fails: %s; the guest is told", ide->name,
		drive, (unsigned)(s - ide->sides), strerror(-error));
	if (text)
		ide->services.note(ide->services.note_arg, text);
}

/* ---- ports in compatibility mode ---- */

static bool answers(const struct side *s, bool compatible)
{
	return atomic_load(&s->decoded) && atomic_load(&s->compatible) == compatible;
}

static uint64_t isa_command_read(void *opaque, uint64_t offset, unsigned len)
{
	struct side *s = opaque;

	return answers(s, true) ? ide_command_read(&s->channel, offset, len) : bus_all_ones(len);
}

static void isa_command_write(void *opaque, uint64_t offset, unsigned len, uint64_t v)
{
	struct side *s = opaque;

	if (answers(s, true))
		ide_command_write(&s->channel, offset, len, v);
}

static uint64_t isa_control_read(void *opaque, uint64_t offset, unsigned len)
{
	struct side *s = opaque;

	return answers(s, true) ? ide_control_read(&s->channel, offset + IDE_CONTROL, len)
				: bus_all_ones(len);
}

static void isa_control_write(void *opaque, uint64_t offset, unsigned len, uint64_t v)
{
	struct side *s = opaque;

	if (answers(s, true))
		ide_control_write(&s->channel, offset + IDE_CONTROL, len, v);
}

static const struct bus_ops isa_command_ops = { isa_command_read, isa_command_write };
static const struct bus_ops isa_control_ops = { isa_control_read, isa_control_write };

static bool place(struct side *s, struct bus_region *r, uint64_t start, uint64_t size,
	const struct bus_ops *ops)
{
	r->name = s->ide->name;
	r->start = start;
	r->size = size;
	r->ops = ops;
	r->opaque = s;
	return bus_add(s->ide->services.pio, r) == 0;
}

/* Of two controllers, the first has the ports. */
static void place_ports(struct side *s, bool wanted)
{
	struct bus *pio = s->ide->services.pio;
	unsigned i = (unsigned)(s - s->ide->sides);

	if (wanted == s->placed)
		return;
	s->placed = false;
	if (!wanted) {
		bus_remove(pio, &s->command);
		bus_remove(pio, &s->control);
		return;
	}
	if (!place(s, &s->command, isa[i].command, IDE_COMMAND_PORTS, &isa_command_ops))
		return;
	s->placed = place(s, &s->control, isa[i].control + IDE_CONTROL, 1, &isa_control_ops);
	if (!s->placed)
		bus_remove(pio, &s->command);
}

/* ---- configuration space ---- */

/* What the registers say now, where those who must not take the config lock can see it. */
static void follow(struct ide *ide)
{
	uint16_t command = pci_get16(&ide->pci, PCI_COMMAND);

	atomic_store(&ide->intx_off, command & PCI_COMMAND_INTX_DISABLE);
	for (unsigned i = 0; i < CHANNELS; i++) {
		struct side *s = &ide->sides[i];
		bool native = pci_get8(&ide->pci, INTERFACE) & (INTERFACE_NATIVE << (2 * i));

		atomic_store(&s->compatible, !native);
		atomic_store(&s->decoded, pci_get8(&ide->pci, TIMING + 2 * i + 1) & TIMING_DECODE);
		atomic_store(&s->channel.may_master, command & PCI_COMMAND_MASTER);
		place_ports(s, !native && (command & PCI_COMMAND_IO));
		ide_channel_line(&s->channel);
	}
}

static void config_write(struct pci_device *pci, unsigned offset, unsigned len, uint32_t value)
{
	pci_config_default_write(pci, offset, len, value);
	if (pci_touches(offset, len, PCI_COMMAND, 2) || pci_touches(offset, len, INTERFACE, 1) ||
		pci_touches(offset, len, TIMING, TIMING_BYTES))
		follow(ide_of(pci));
}

/* ---- BARs ---- */

/* Which half of the bus master's ports; NULL: it lies across both. */
static struct side *master_side(struct ide *ide, uint64_t offset, unsigned len)
{
	uint64_t i = offset / IDE_MASTER_PORTS;

	return (offset + len - 1) / IDE_MASTER_PORTS == i ? &ide->sides[i % CHANNELS] : NULL;
}

static uint64_t bar_read(struct pci_device *pci, unsigned bar, uint64_t offset, unsigned len)
{
	struct ide *ide = ide_of(pci);
	struct side *s =
		bar == MASTER_BAR ? master_side(ide, offset, len) : &ide->sides[bar / 2 % CHANNELS];

	if (bar == MASTER_BAR && s)
		return ide_master_read(&s->channel, offset % IDE_MASTER_PORTS, len);
	if (!s || !answers(s, false))
		return bus_all_ones(len);
	return bar % 2 ? ide_control_read(&s->channel, offset, len)
		       : ide_command_read(&s->channel, offset, len);
}

static void bar_write(
	struct pci_device *pci, unsigned bar, uint64_t offset, unsigned len, uint64_t v)
{
	struct ide *ide = ide_of(pci);
	struct side *s =
		bar == MASTER_BAR ? master_side(ide, offset, len) : &ide->sides[bar / 2 % CHANNELS];

	if (bar == MASTER_BAR && s)
		ide_master_write(&s->channel, offset % IDE_MASTER_PORTS, len, v);
	else if (s && answers(s, false) && bar % 2)
		ide_control_write(&s->channel, offset, len, v);
	else if (s && answers(s, false))
		ide_command_write(&s->channel, offset, len, v);
}

/* ---- life ---- */

static void ide_stop(struct pci_device *pci)
{
	struct ide *ide = ide_of(pci);

	for (unsigned i = 0; i < CHANNELS; i++)
		if (ide->sides[i].ready)
			ide_channel_stop(&ide->sides[i].channel);
}

static void ide_free(struct pci_device *pci)
{
	struct ide *ide = ide_of(pci);

	ide_stop(pci);
	for (unsigned i = 0; i < CHANNELS; i++) {
		struct side *s = &ide->sides[i];

		if (!s->ready)
			continue;
		place_ports(s, false);
		if (ide->on_bus) {
			intx_done(&s->isa);
			intx_done(&s->pci);
		}
		ide_channel_done(&s->channel);
	}
	pci_device_done(pci);
	free(ide->name);
	free(ide);
}

/* A channel is a queue here: see base/counter.def. */
static void side_stats(struct side *s, unsigned i,
	void (*each)(void *arg, const char *name, uint64_t v), void *arg)
{
	struct ide_counts *c = &s->channel.counts;
	const struct {
		const char *name;
		atomic_uint_fast64_t *v;
	} all[] = {
		{ "wakeups", &c->wakeups },
		{ "host-syscalls", &c->syscalls },
		{ "requests", &c->requests },
		{ "bytes-out", &c->bytes_written },
		{ "bytes-in", &c->bytes_read },
		{ "injections", &c->interrupts },
	};

	for (size_t k = 0; k < ARRAY_SIZE(all); k++) {
		char name[40];

		snprintf(name, sizeof(name), "queue%u-%s", i, all[k].name);
		each(arg, name, atomic_load_explicit(all[k].v, memory_order_relaxed));
	}
}

static void ide_stats(
	struct pci_device *pci, void (*each)(void *arg, const char *name, uint64_t v), void *arg)
{
	struct ide *ide = ide_of(pci);
	uint64_t wakeups = 0, failed = 0, io_errors = 0, no_space = 0;

	for (unsigned i = 0; i < CHANNELS; i++) {
		struct ide_channel *c = &ide->sides[i].channel;

		side_stats(&ide->sides[i], i, each, arg);
		wakeups += c->loop ? loop_wakeups(c->loop) : 0;
		failed += atomic_load_explicit(&c->counts.errors, memory_order_relaxed);
		io_errors += atomic_load_explicit(&c->counts.io_errors, memory_order_relaxed);
		no_space += atomic_load_explicit(&c->counts.no_space, memory_order_relaxed);
	}
	each(arg, "thread-wakeups", wakeups);
	each(arg, "failed-requests", failed);
	each(arg, "io-errors", io_errors);
	each(arg, "no-space", no_space);
}

static void ide_traits(struct pci_device *pci,
	void (*each)(void *arg, const char *key, const char *word), void *arg)
{
	each(arg, "model", "ide");
	each(arg, "threads", ide_of(pci)->sides[0].channel.params.inline_work ? "cpu" : "queue");
}

static const struct pci_device_ops ide_ops = {
	.config_write = config_write,
	.bar_read = bar_read,
	.bar_write = bar_write,
	.stop = ide_stop,
	.free = ide_free,
	.stats = ide_stats,
	.traits = ide_traits,
};

static int make_side(struct ide *ide, unsigned i, bool inline_work)
{
	struct side *s = &ide->sides[i];
	char name[16];
	struct ide_channel_params p = {
		.name = name,
		.memory = ide->services.memory,
		.inline_work = inline_work,
		.interrupt = on_interrupt,
		.failed = on_failed,
		.arg = s,
	};
	int r;

	snprintf(name, sizeof(name), "%.10s-%u", ide->name, i);
	s->ide = ide;
	r = ide_channel_init(&s->channel, &p);
	s->ready = r == 0;
	return r;
}

static int add_disks(struct ide *ide, const struct ide_params *p, struct problem **reterr)
{
	for (unsigned i = 0; i < p->n_disks; i++) {
		struct ata_drive *d = &ide->sides[i / IDE_DRIVES].channel.drives[i % IDE_DRIVES];
		const struct ide_disk *o = &p->disks[i];
		struct disk *disk;
		int r = disk_raw_new(ide->services.host, o->fd, o->read_only, &disk, reterr);

		if (r < 0)
			return problem_wrap(reterr, r, "%s", ide->name);
		ata_drive_init(d, disk, o->serial);
		ide->pci.config[TIMING + 2 * (i / IDE_DRIVES) + 1] = TIMING_DECODE;
	}
	return 0;
}

static int set_up(struct ide *ide, const struct ide_params *p, struct problem **reterr)
{
	int r = 0;

	ide->name = strdup(p->name);
	if (!ide->name)
		r = -ENOMEM;
	ide->pci.name = ide->name;
	ide->pci.config[PCI_INTERRUPT_PIN] = 1;
	ide->pci.write_mask[INTERFACE] = INTERFACE_NATIVE | INTERFACE_NATIVE << 2;
	memset(&ide->pci.write_mask[TIMING], 0xff, TIMING_BYTES);
	for (unsigned i = 0; i < CHANNELS && r >= 0; i++) {
		r = pci_set_bar(&ide->pci, 2 * i, PCI_BAR_IO, false, IDE_COMMAND_PORTS);
		if (r >= 0)
			r = pci_set_bar(&ide->pci, 2 * i + 1, PCI_BAR_IO, false, IDE_CONTROL_PORTS);
		if (r >= 0)
			r = make_side(ide, i, p->inline_work);
	}
	if (r >= 0)
		r = pci_set_bar(
			&ide->pci, MASTER_BAR, PCI_BAR_IO, false, CHANNELS * IDE_MASTER_PORTS);
	if (r < 0)
		return problem(reterr, r, problem_kind_from_errno(r), NULL, "cannot make %s: %s",
			p->name, strerror(-r));
	return add_disks(ide, p, reterr);
}

static void connect(struct ide *ide)
{
	for (unsigned i = 0; i < CHANNELS; i++) {
		intx_init(&ide->sides[i].isa, ide->services.irq, isa[i].irq);
		intx_init(&ide->sides[i].pci, ide->services.irq, pci_intx_gsi(ide->pci.slot));
	}
	ide->on_bus = true;
	follow(ide);
}

int ide_new(const struct vmm_services *s, const struct ide_params *p, struct problem **reterr)
{
	const struct pci_ids ids = {
		.vendor = 0x8086,
		.device = 0x7010,
		.subsystem_vendor = 0x1af4,
		.subsystem = 0x1100,
		.class = 0x010100 | INTERFACE_START,
	};
	struct ide *ide = calloc(1, sizeof(*ide));
	int r;

	if (!ide)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "no memory for IDE");
	ide->services = *s;
	pci_device_init(&ide->pci, &ide_ops, "ide", &ids);
	r = set_up(ide, p, reterr);
	if (r < 0) {
		ide_free(&ide->pci);
		return r;
	}
	r = pci_bus_add(s->pci, &ide->pci, p->slot, reterr);
	if (r == 0)
		connect(ide);
	return r;
}
