/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One life of the guest, from power-on to its end. A reboot is a new machine with the same
 * parameters: everything that the guest could have changed is torn down and built anew.
 *
 * Physical address space:
 *	0                RAM, at most to 3 GiB
 *	0xc0000000       window for 32-bit BARs
 *	0xe0000000       ECAM, 1 MiB (256 MiB are kept free for it)
 *	0xfec00000       IOAPIC; local APICs and messages at 0xfee00000; KVM's own pages
 *	0x100000000      the rest of the RAM
 *	behind that      window for 64-bit BARs, up to the CPU's or AMD's limit
 */
#pragma once

#include "exit.h"

#include "base/problem.h"
#include "vmm/bus/bus.h"
#include "vmm/cpu/vcpu.h"
#include "vmm/memory/guest_memory.h"
#include "vmm/memory/receipt.h"
#include "vmm/pci/services.h"

struct console;
struct loop;
struct machine;

struct machine_params {
	struct host *host;
	struct loop *loop;			      /* the caller's; machine_run() runs it */
	struct console *console;		      /* input for the serial port, NULL = none */
	int kvm_fd, kernel_fd, initrd_fd, console_fd; /* borrowed; initrd and console may be -1 */
	unsigned cpus;
	uint64_t memory_bytes;
	uint64_t huge_page; /* see guest_memory_params, also the next two */
	enum guest_near near;
	unsigned node;
	bool shared; /* other processes map the memory, too */
	bool no_thp; /* for the receipt: the host gives no transparent huge pages */
	const char *cmdline;
	const struct guest_range *reserved; /* see guest_memory_params */
	size_t n_reserved;
	/*
	 * Adds the devices to s->pci once the VM, its memory and the PCI bus are there. detach is
	 * called after the devices are gone and before memory and VM are, whenever attach was
	 * called.
	 */
	int (*attach)(void *arg, const struct vmm_services *s, struct problem **reterr);
	/*
	 * All of the memory comes before the guest runs, in threads of its own, while the rest is
	 * set up. `map_bank` is called for each bank in order as soon as it is there, for who does
	 * DMA to it. `waiting` is called now and then while nothing is left to do but to wait for
	 * pages; true gives up, machine_new() is -ECANCELED then. Both may be NULL.
	 */
	bool populate;
	int (*map_bank)(void *arg, size_t bank, struct problem **reterr);
	bool (*waiting)(void *arg, uint64_t bytes_done);
	void (*detach)(void *arg);
	/* The guest is done with the devices of these slots; from a vCPU's thread. May be NULL. */
	void (*eject)(void *arg, uint32_t slots);
	unsigned spare_slots; /* for devices that come while it runs */
	void *arg;
	void (*note)(void *arg, const char *text); /* see vmm_services */
};

struct machine_end {
	enum vmm_exit how;
	char what[200]; /* one line, for people; may be empty */
};

/* Everything but running it. */
int machine_new(const struct machine_params *p, struct machine **ret, struct problem **reterr);
void machine_free(struct machine *m);
DEFINE_AUTO(struct machine, machine_free);

/* Until the guest ends or machine_end() is called; then no CPU and no device runs any more. */
int machine_run(struct machine *m, struct machine_end *ret, struct problem **reterr);
/* From any thread; the first one counts. */
void machine_end(struct machine *m, enum vmm_exit how, const char *what);

enum { MACHINE_STAGES = 9 };

/* What the start took. */
struct machine_receipt {
	struct memory_receipt memory;
	struct machine_stage {
		const char *name;
		uint64_t us;
	} stages[MACHINE_STAGES];
	size_t n_stages;
};

const struct machine_receipt *machine_receipt(const struct machine *m);
/* For accounting, also after machine_run(). */
const struct vmm_services *machine_services(const struct machine *m);
const struct cpus *machine_cpus(const struct machine *m);
