/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "internal.h"
#include "facts.h"

#include "base/checked.h"
#include "host/witness.h"
#include "vfio/migration.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void function_note(struct function *f, const char *fmt, ...)
{
	char text[256];
	va_list ap;
	int n;

	if (!f->services->note)
		return;
	n = snprintf(text, sizeof(text), "%s: ", f->d->name);
	va_start(ap, fmt);
	vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap);
	va_end(ap);
	f->services->note(f->services->note_arg, text);
}

static int command_to_device(struct function *f, uint16_t command)
{
	uint8_t raw[2] = { (uint8_t)command, (uint8_t)(command >> 8) };

	return vfio_config_write(f->d, PCI_COMMAND, raw, sizeof(raw));
}

/* What the guest wrote; but what could not be taken out of it is decoded in any case. */
static void command_of_guest(struct function *f, uint16_t command)
{
	int r = command_to_device(
		f, function_bars_in_guest(f) ? command | PCI_COMMAND_MEMORY : command);

	if (r < 0)
		function_note(f, "its command register cannot be written: %s", strerror(-r));
}

/* The command register as this write leaves it. */
static uint16_t command_after(
	const struct pci_device *dev, unsigned offset, unsigned len, uint32_t value)
{
	uint16_t after = pci_get16(dev, PCI_COMMAND);

	for (unsigned i = 0; i < len; i++) {
		unsigned at = offset + i, shift = 8 * (at - PCI_COMMAND);
		uint8_t mask;

		if (at < PCI_COMMAND || at > PCI_COMMAND + 1)
			continue;
		mask = dev->write_mask[at];
		after = (uint16_t)((after & ~(mask << shift)) |
				   ((value >> (8 * i) & mask) << shift));
	}
	return after;
}

/*
 * A BAR is in the guest only while the device decodes it: the device goes first when decoding is
 * switched on, and last when it is switched off, or an access in between would be a SIGBUS. A
 * device that does not decode is shown as one.
 */
static void write_command(struct pci_device *dev, unsigned offset, unsigned len, uint32_t value)
{
	const uint16_t decode = PCI_COMMAND_MEMORY | PCI_COMMAND_IO;
	struct function *f = function_of(dev);
	uint16_t before = pci_get16(dev, PCI_COMMAND);
	uint16_t after = command_after(dev, offset, len, value);
	int r = after & ~before & decode ? command_to_device(f, before | after) : 0;

	if (r < 0) {
		function_note(f, "it cannot be made to decode its BARs: %s", strerror(-r));
		after &= (uint16_t) ~(decode & ~before);
		pci_config_default_write(dev, PCI_COMMAND, 2, after);
		return;
	}
	pci_config_default_write(dev, offset, len, value);
	command_of_guest(f, after);
}

/* The longest aligned piece from `at` on, at most `len`, that the device gets to see. */
static unsigned piece_for_device(const struct function *f, unsigned at, unsigned len)
{
	unsigned n = 0;

	while (n < len && f->view.to_device[at + n])
		n++;
	while (n && (!is_power_of_two(n) || at % n))
		n--;
	return n;
}

static void write_to_device(struct function *f, unsigned offset, unsigned len, uint32_t value)
{
	for (unsigned i = 0; i < len;) {
		unsigned n = piece_for_device(f, offset + i, len - i);
		uint8_t raw[4];

		if (!n) {
			i++;
			continue;
		}
		for (unsigned k = 0; k < n; k++)
			raw[k] = (uint8_t)(value >> (8 * (i + k))) &
				 f->view.to_device[offset + i + k];
		vfio_config_write(f->d, offset + i, raw, n);
		i += n;
	}
}

/* True if the guest set `bit` of the byte at `at`. */
static bool sets(unsigned offset, unsigned len, uint32_t value, unsigned at, uint8_t bit)
{
	return pci_touches(offset, len, at, 1) && (value >> (8 * (at - offset)) & bit);
}

static bool asks_for_reset(const struct function *f, unsigned offset, unsigned len, uint32_t value)
{
	if (!f->d->can_reset)
		return false;
	if (f->view.express && sets(offset, len, value, f->view.express + PCI_EXP_DEVCTL + 1,
				       PCI_EXP_DEVCTL_BCR_FLR >> 8))
		return true;
	return f->view.af && sets(offset, len, value, f->view.af + PCI_AF_CTRL, PCI_AF_CTRL_FLR);
}

/* Everything that the guest can write is 0 again, as in a function that was just reset. */
static void clear_shadow(struct function *f)
{
	uint8_t line = f->pci.config[PCI_INTERRUPT_LINE];

	pci_config_default_write(&f->pci, PCI_COMMAND, 2, 0); /* unmaps the BARs */
	for (unsigned i = PCI_COMMAND; i < PCI_CONFIG_BYTES; i++)
		f->pci.config[i] &= (uint8_t)~f->pci.write_mask[i];
	f->pci.config[PCI_INTERRUPT_LINE] = line;
}

/* Config lock held. INTx comes back by itself. */
static void reset_for_guest(struct function *f)
{
	struct problem *why = NULL;

	atomic_fetch_add(&f->resets, 1);
	function_irqs_reset(f);
	clear_shadow(f);
	if (vfio_device_reset(f->d, &why) < 0)
		function_note(f, "%s", why ? why->what : "reset failed");
	problem_free(why);
	command_of_guest(f, 0);
	function_irqs_start(f);
}

static void config_write(struct pci_device *dev, unsigned offset, unsigned len, uint32_t value)
{
	struct function *f = function_of(dev);

	atomic_fetch_add(&f->config_accesses, 1);
	if (pci_touches(offset, len, PCI_COMMAND, 2))
		write_command(dev, offset, len, value);
	else
		pci_config_default_write(dev, offset, len, value);
	write_to_device(f, offset, len, value);
	function_irqs_config_written(f, offset, len);
	if (asks_for_reset(f, offset, len, value))
		reset_for_guest(f);
}

static uint32_t config_read(struct pci_device *dev, unsigned offset, unsigned len)
{
	struct function *f = function_of(dev);
	uint32_t value = pci_config_default_read(dev, offset, len), mask = 0, real = 0;

	atomic_fetch_add(&f->config_accesses, 1);
	for (unsigned i = 0; i < len; i++)
		mask |= (uint32_t)f->view.from_device[offset + i] << (8 * i);
	/* A function that has gone reads all ones, as on a real bus. */
	if (mask && vfio_config_read(f->d, offset, &real, len) < 0)
		real = UINT32_MAX;
	return (value & ~mask) | (real & mask) | function_msi_pending(f, offset, len);
}

static void stop(struct pci_device *dev)
{
	struct function *f = function_of(dev);

	if (f->stopped)
		return;
	function_notify_done(f);
	pci_config_lock(dev);
	f->stopped = true;
	function_irqs_reset(f);
	command_to_device(f, 0);
	if (f->d->can_reset)
		f->d->clean = vfio_device_reset(f->d, NULL) >= 0;
	command_to_device(f, 0);
	pci_config_unlock(dev);
}

static void function_free(struct pci_device *dev)
{
	struct function *f = function_of(dev);

	function_notify_done(f);
	function_irqs_done(f);
	function_bars_done(f);
	function_rom_done(f);
	pci_device_done(dev);
	free(f);
}

static void stats(
	struct pci_device *dev, void (*each)(void *arg, const char *name, uint64_t v), void *arg)
{
	struct function *f = function_of(dev);

	each(arg, "trapped_reads", atomic_load(&f->trapped_reads));
	each(arg, "trapped_writes", atomic_load(&f->trapped_writes));
	each(arg, "config_accesses", atomic_load(&f->config_accesses));
	each(arg, "resets", atomic_load(&f->resets));
	function_irqs_stats(f, each, arg);
}

static void claim(struct pci_device *dev, struct pci_claims *c)
{
	struct function *f = function_of(dev);

	function_bars_claim(f, c);
	function_irqs_claim(f, c);
}

static const char *migration(struct pci_device *dev, unsigned i)
{
	return vfio_migration_word(function_of(dev)->migration, i);
}

static void traits(struct pci_device *dev,
	void (*each)(void *arg, const char *key, const char *word), void *arg)
{
	const char *interrupts = function_interrupts(dev);

	each(arg, "model", "vfio");
	if (interrupts)
		each(arg, "interrupts", interrupts);
}

/* See told.c. */
const struct pci_device_ops function_ops = {
	.config_read = config_read,
	.config_write = config_write,
	.bar_mapped = function_bar_mapped,
	.bar_unmapped = function_bar_unmapped,
	.bar_read = function_bar_read,
	.bar_write = function_bar_write,
	.stop = stop,
	.free = function_free,
	.claim = claim,
	.stats = stats,
	.traits = traits,
	.migration = migration,
};

/*
 * The whole space if VFIO shows it, else the conventional part; of that some drivers of mediated
 * devices leave out the last byte (mtty), which then reads 0.
 */
static int read_config(struct vfio_device *d, uint8_t *config, size_t *ret_len)
{
	size_t len = MIN(d->config.size, (uint64_t)PCI_CONFIG_BYTES);

	/* In dwords: that is what hardware and VFIO are best tested with. */
	for (size_t at = 0; at < len; at += 4) {
		int r = vfio_config_read(d, at, &config[at], MIN(len - at, (size_t)4));

		if (r < 0)
			return r;
	}
	*ret_len = (len + 3) / 4 * 4;
	return 0;
}

static struct function *function_alloc(
	const struct vmm_services *services, const struct vfio_function_params *p)
{
	struct function *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->services = services;
	f->d = p->device;
	f->peers = p->peers;
	f->lost = p->lost;
	f->lost_arg = p->lost_arg;
	f->intx_fd = f->intx_unmask_fd = f->err_fd = f->req_fd = -1;
	f->intx.trigger_fd = f->intx.resample_fd = -1;
	return f;
}

static const struct pci_device_ops *ops_for(const struct vfio_device *d)
{
	return host_is_watched(d->host) ? &function_told_ops : &function_ops;
}

static int set_up(struct function *f, const struct vfio_function_params *p, struct problem **reterr)
{
	uint8_t config[PCI_CONFIG_BYTES] = { 0 };
	struct pci_ids ids = { 0 };
	size_t len = 0;
	int r = read_config(f->d, config, &len);

	if (r >= 0)
		r = policy_ids(config, len, &ids);
	pci_device_init(&f->pci, ops_for(f->d), f->d->name, &ids);
	f->pci.removable = true;
	if (r < 0)
		return problem(reterr, r, PROBLEM_NOT_ASSIGNABLE, NULL,
			"the configuration space of %s is not that of an ordinary function: %s",
			f->d->name, strerror(-r));
	policy_apply(&f->pci, &f->view, config, len, f->d->can_reset);
	/* Only to be told: a driver that cannot even be asked offers none. */
	if (vfio_migration_get(f->d, &f->migration) < 0)
		f->migration = 0;
	r = command_to_device(f, 0);
	if (r < 0)
		return problem(reterr, r, problem_kind_from_errno(r), NULL,
			"the command register of %s cannot be written: %s", f->d->name,
			strerror(-r));
	r = function_bars_new(f, reterr);
	if (r >= 0)
		r = function_rom_new(f, p->rom, p->rom_fd, reterr);
	if (r < 0)
		return r;
	return function_irqs_new(f, reterr);
}

static int add(const struct vmm_services *services, const struct vfio_function_params *p,
	struct pci_device **ret, struct problem **reterr)
{
	struct function *f = function_alloc(services, p);
	struct vfio_device *d = p->device;
	int r;

	if (!f)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	/*
	 * A function that cannot be reset may still hold what its last user left in it. One that
	 * was reset is not made to wait for it again: that takes a tenth of a second.
	 */
	r = d->can_reset && !d->clean ? vfio_device_reset(d, reterr) : 0;
	d->clean = false;
	if (r >= 0)
		r = set_up(f, p, reterr);
	else
		pci_device_init(&f->pci, ops_for(d), d->name, &(struct pci_ids) { 0 });
	if (r < 0) {
		function_free(&f->pci);
		return r;
	}
	r = pci_bus_add(services->pci, &f->pci, PCI_SLOT_ANY, reterr);
	if (r < 0)
		return r;
	pci_config_lock(&f->pci);
	function_irqs_start(f);
	pci_config_unlock(&f->pci);
	function_notify_new(f);
	*ret = &f->pci;
	return 0;
}

int vfio_function_add(const struct vmm_services *services, const struct vfio_function_params *p,
	struct pci_device **ret, struct problem **reterr)
{
	int r;

	if (!host_is_watched(p->device->host))
		return add(services, p, ret, reterr);
	function_tell_begin(services, p);
	r = add(services, p, ret, reterr);
	function_tell_end(p->device, r < 0 ? NULL : *ret);
	return r;
}
