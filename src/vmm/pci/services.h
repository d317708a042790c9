/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a machine offers to the devices in it. A device's constructor receives it and keeps what it
 * needs; all of it outlives the device.
 */
#pragma once

#include "base/problem.h"
#include "host/host.h"

#include <stdbool.h>

struct bus;
struct console;
struct guest_memory;
struct irq_chip;
struct kvm_vm;
struct loop;
struct pci_bus;
struct plug;

struct vmm_services {
	struct host *host;
	struct kvm_vm *kvm;
	struct guest_memory *memory;
	struct bus *pio, *mmio;
	struct irq_chip *irq;
	struct pci_bus *pci;
	struct plug *plug; /* tells the guest of devices that come and go; NULL: nobody does */
	struct loop *loop; /* the main loop; devices that do I/O make loops of their own */
	struct console *console; /* who types; NULL: nobody */
	int console_fd;		 /* where a console's output goes */
	/* Something the user should know while the guest goes on; one line, no newline. */
	void (*note)(void *arg, const char *text);
	void *note_arg;
};
