/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A 16550A at COM1 (National Semiconductor PC16550D). What the guest sends is collected and written
 * by the loop, so a byte costs no system call of the vCPU; what is typed waits in a small buffer.
 */
#pragma once

#include "base/attr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bus;
struct irq_chip;
struct loop;
struct serial;

struct serial_params {
	struct bus *pio;
	struct irq_chip *irq;
	struct loop *loop;
	int out_fd; /* borrowed; -1 = what the guest sends is dropped */
	/* The receive buffer has room again (called from a vCPU); may be NULL. */
	void (*room)(void *arg);
	void *arg;
};

int serial_new(const struct serial_params *params, struct serial **ret);
/* Writes out what is still waiting, unless nobody reads it. */
void serial_free(struct serial *s);
DEFINE_AUTO(struct serial, serial_free);

/* Bytes from the outside; returns how many were taken. */
size_t serial_receive(struct serial *s, const uint8_t *bytes, size_t n);
/* How many serial_receive() would take now. */
size_t serial_room(struct serial *s);
