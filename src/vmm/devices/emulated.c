/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Devices that the guest has drivers for from before there was virtio. */
#include "entries.h"

#include "base/str.h"
#include "vmm/e1000/e1000.h"
#include "vmm/ide/ide.h"

#include <stdio.h>

enum { NAME_BYTES = 24 };

/* Who works for an emulated device is said once, before the guest runs. */
static int check_threads(
	const struct device_option *o, const char *name, bool *ret_inline, struct problem **reterr)
{
	bool cpu = o->threads && str_eq(o->threads, "cpu");

	if (o->poll || o->pin ||
		(o->threads && !cpu && !str_eq(o->threads, "queue") && !str_eq(o->threads, "io")))
		return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL,
			"%s: an emulated device has threads=io or threads=cpu, and neither poll "
			"nor pin",
			name);
	*ret_inline |= cpu || o->no_ioeventfd;
	return 0;
}

int entry_add_ide(struct devices *d, const struct vmm_services *s, struct entry *e, unsigned number,
	struct problem **reterr)
{
	struct ide_disk disks[IDE_DISKS_MAX];
	char name[NAME_BYTES];
	struct ide_params p = { .name = name, .slot = PCI_SLOT_ANY, .disks = disks };

	if (number % IDE_DISKS_MAX)
		return 0; /* it came with the first one's controller */
	snprintf(name, sizeof(name), "ide%u", number / IDE_DISKS_MAX);
	for (; e < &d->entries[d->n_entries] && p.n_disks < IDE_DISKS_MAX; e++) {
		const struct device_option *o = &e->option;

		if (o->kind != DEVICE_DISK || o->model != MODEL_IDE)
			continue;
		if (check_threads(o, name, &p.inline_work, reterr) < 0)
			return -EINVAL;
		disks[p.n_disks++] = (struct ide_disk) {
			.fd = o->fd,
			.read_only = o->read_only,
			.serial = o->serial,
		};
	}
	return ide_new(s, &p, reterr);
}

int entry_add_e1000(
	const struct vmm_services *s, struct entry *e, unsigned number, struct problem **reterr)
{
	const struct device_option *o = &e->option;
	char name[NAME_BYTES];
	struct e1000_params p = {
		.name = name,
		.slot = PCI_SLOT_ANY,
		.fd = o->fd,
		.mac = o->mac,
	};

	snprintf(name, sizeof(name), "e1000-%u", number);
	if (o->n_fds > 1 || o->fixed_mac || o->mtu)
		return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL,
			"%s: this card has one queue, no fixed-mac and no mtu", name);
	if (check_threads(o, name, &p.inline_work, reterr) < 0)
		return -EINVAL;
	return e1000_new(s, &p, reterr);
}
