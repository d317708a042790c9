/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What devices.c and plugging.c share. */
#pragma once

#include "devices.h"

#include "vmm/loop/loop.h"
#include "vmm/pci/bus.h"
#include "vmm/vfio/function.h"
#include "vmm/vfio/session.h"
#include "vmm/vfio/together.h"

#include <stdatomic.h>

/* A device as long as the guest is to have it. */
struct entry {
	struct device_option option;
	char *name; /* the option's, where it was plugged in later; owned */

	struct disk_engine *engine; /* of disks */

	/* Of functions. */
	struct vfio_device *vfio;
	struct pci_device *pci; /* NULL between two machines */
	bool wanted, failed;	/* the host has told, and it is not dealt with yet */
	bool asked;		/* the guest was asked to let go */
	bool force;		/* … and at the deadline it is not asked any more */
	uint64_t deadline_ms;
	const char *interrupts; /* while it is explained */
	const char *why;	/* for `lost`; NULL: somebody wished it */
	devices_done_fn *done;
	void *done_arg;
};

/* Its descriptors, as the session takes them. */
struct vfio_fds entry_fds(const struct device_option *o);

/* To the guest's bus. */
int entry_add_function(
	struct devices *d, const struct vmm_services *s, struct entry *e, struct problem **reterr);

/* The number-th disk of that model; some of them share a controller. */
int entry_add_ide(struct devices *d, const struct vmm_services *s, struct entry *e, unsigned number,
	struct problem **reterr);

int entry_add_e1000(
	const struct vmm_services *s, struct entry *e, unsigned number, struct problem **reterr);

struct devices {
	struct host *host;
	unsigned cpus;
	struct vfio_session *vfio;
	struct guest_range *reserved;
	size_t n_reserved;
	devices_end_fn *end;
	void *end_arg;

	struct entry entries[OPTIONS_DEVICES_MAX]; /* in order: it decides the slots */
	size_t n_entries;
	const struct vmm_services *services; /* NULL between two machines */

	/* Work for the main loop: what vCPUs eject, what the host says, deadlines. */
	struct loop *loop;
	int wake_fd, timer_fd;
	struct loop_source *wake, *timer;
	atomic_uint ejected;
	char **lost;
};

/* plugging.c */
int plugging_new(struct devices *d);
void plugging_done(struct devices *d);
/* function_lost_fn, `arg` the devices. */
void plugging_lost(void *arg, struct vfio_device *v, enum function_loss how);
/* A new life of the guest begins: who was asked in the last one has let go. */
void plugging_settle(struct devices *d);
