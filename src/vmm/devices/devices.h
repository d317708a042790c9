/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the options to the devices of a machine, and what comes and goes while it runs. VFIO's
 * descriptors outlive the single machine; what was plugged stays plugged through a reboot.
 *
 * Everything here runs in the main loop's thread, but devices_ejected().
 */
#pragma once

#include "vmm/config/options.h"

#include "vmm/memory/guest_memory.h"
#include "vmm/memory/receipt.h"
#include "vmm/pci/services.h"

struct devices;
struct loop;

/* The guest cannot go on without what it lost. */
typedef void devices_end_fn(void *arg, const char *why);

int devices_new(struct host *h, struct loop *loop, const struct options *o, devices_end_fn *end,
	void *arg, struct devices **ret, struct problem **reterr);
/*
 * When all is taken over, and what it takes is not denied yet: the engines of the disks, which
 * outlive the single machine.
 */
int devices_prepare(struct devices *d, struct problem **reterr);
void devices_free(struct devices *d);
DEFINE_AUTO(struct devices, devices_free);

/* What the guest's memory must keep out of, borrowed. */
const struct guest_range *devices_reserved(const struct devices *d, size_t *ret_n);
int devices_attach(struct devices *d, const struct vmm_services *s, struct problem **reterr);
/* Gives a bank of the memory to the assigned functions; all of them, before the guest runs. */
int devices_map_bank(struct devices *d, size_t bank, struct problem **reterr);
void devices_detach(struct devices *d);
/* Another process serves one of them: it is to map the guest's memory. */
bool devices_share_memory(const struct devices *d);
bool devices_have_dma(const struct devices *d);
void devices_dma_usage(const struct devices *d, struct dma_usage *ret);

/*
 * A function for the running guest: planned, made, looked at by the checker, and only then told to
 * the guest; or nothing has changed. The option's descriptors are taken over, also on failure, and
 * its name is copied. *ret_slot is where the guest finds it.
 */
int devices_plug(struct devices *d, const struct device_option *o, unsigned *ret_slot,
	struct problem **reterr);

/* r < 0: it stays, and `why` says what kept it. Called once. */
typedef void devices_done_fn(void *arg, int r, const char *why);
/*
 * Asks the guest to let go of a function; `done` hears when it has, or after `wait_ms` that it has
 * not. With `force` it is taken away then in any case (0: at once). PROBLEM_NOT_FOUND,
 * PROBLEM_IN_USE (somebody waits for that already).
 */
int devices_unplug(struct devices *d, const char *name, bool force, unsigned wait_ms,
	devices_done_fn *done, void *arg, struct problem **reterr);
/* Who waits with this `arg` does not listen any more. */
void devices_forget(struct devices *d, const void *arg);

/* From a vCPU: the guest is done with the devices in these slots. */
void devices_ejected(struct devices *d, uint32_t slots);

/*
 * Changes how a device works, of one queue or of all (-1): see pci_device_ops.set. A reboot forgets
 * it. PROBLEM_NOT_FOUND.
 */
int devices_set(struct devices *d, const char *name, int queue, const char *key, const char *value,
	struct problem **reterr);

/* See vfio_session_container(). */
int devices_container(const struct devices *d);
/* See vfio_session_group(); also -1 when the guest has no such function. */
int devices_group(struct devices *d, const char *name);
/* By what VFIO has the assigned functions, "iommufd"; NULL: there are none. */
const char *devices_vfio_backend(const struct devices *d);
/* What was taken away from the guest so far, "NAME: why", NULL-terminated, borrowed; or NULL. */
char *const *devices_lost(const struct devices *d);
/*
 * "functions":[…],"peers":[…] of JSON: what is assigned, what of its BARs the guest reaches without
 * us, who reaches whose BARs by DMA, and why not. The caller's; NULL: no memory.
 */
char *devices_explain(struct devices *d);
