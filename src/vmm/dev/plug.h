/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bell by which the guest learns that devices come and go, and that somebody wants it to power
 * off: three registers and a level-triggered interrupt behind ACPI's Generic Event Device
 * (dsdt.asl). This is how Linux hot-plugs devices on a root bus; PCI Express' own way would need a
 * root port with a bus behind it per device, and gives no more.
 *
 *	+0	slots where a device has come; bit 0 the power button. Reading empties it.
 *	+4	slots whose device should be let go of. Reading empties it.
 *	+8	writing ejects: the guest is done with the devices of these slots.
 *
 * The line is up while +0 or +4 holds anything, so that nothing is lost before the guest listens.
 */
#pragma once

#include "base/attr.h"

#include <stdbool.h>
#include <stdint.h>

struct bus;
struct irq_chip;
struct plug;

enum { PLUG_PORT = 0x610, PLUG_BYTES = 12, PLUG_BUTTON = 0 };

struct plug_params {
	struct bus *pio;
	struct irq_chip *irq;
	/* A bit per slot; from a vCPU's thread. */
	void (*eject)(void *arg, uint32_t slots);
	void *arg;
};

int plug_new(const struct plug_params *params, struct plug **ret);
void plug_free(struct plug *p);
DEFINE_AUTO(struct plug, plug_free);

/* From any thread. What was not read yet and is over again is taken back. */
void plug_came(struct plug *p, unsigned slot);
void plug_should_leave(struct plug *p, unsigned slot);
void plug_press_button(struct plug *p);
/* True once the guest has read any register: somebody there understands them. */
bool plug_is_heard(const struct plug *p);
