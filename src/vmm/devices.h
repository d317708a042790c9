/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the options to the devices of a machine. VFIO's descriptors outlive the single machine. */
#pragma once

#include "vmm/config/options.h"

#include "vmm/memory/guest_memory.h"
#include "vmm/pci/services.h"

struct devices;

/* Called when an assigned function is gone for good; from the main loop. */
typedef void (*devices_lost_fn)(void *arg, const char *name);

int devices_new(struct host *h, const struct options *o, devices_lost_fn lost, void *arg,
	struct devices **ret, struct problem **reterr);
void devices_free(struct devices *d);
DEFINE_AUTO(struct devices, devices_free);

/* What the guest's memory must keep out of, borrowed. */
const struct guest_range *devices_reserved(const struct devices *d, size_t *ret_n);
int devices_attach(struct devices *d, const struct vmm_services *s, struct problem **reterr);
void devices_detach(struct devices *d);
