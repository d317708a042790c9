/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The card without PCI, in front of a tap that is a socket; the test plays guest and wire. */
#pragma once

#include "base/attr.h"
#include "vmm/e1000/nic.h"
#include "vmm/net/tap.h"
#include "vmm_net/fake-tap.h"
#include "vmm_virtio/driver.h"

#include <linux/if_ether.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	RAM = DRV_RAM_BYTES,
	TX_RING = 0x10000,
	RX_RING = 0x20000,
	RING = 64, /* descriptors */
	TX_DATA = 0x100000,
	RX_DATA = 0x200000,
	RX_STRIDE = 0x1000,

	TX_END = 1 << 0,
	TX_SUM = 1 << 2, /* legacy; of data: segment */
	TX_SEGMENT = 1 << 2,
	TX_REPORT = 1 << 3,
	TX_EXTENDED = 1 << 5,
	TX_VLAN = 1 << 6,
	TX_DATA_TYPE = 1 << 20,
	CONTEXT_TCP = 1 << 0,
	CONTEXT_IPV4 = 1 << 1,
	DONE = 1,
};

struct tx {
	uint64_t address;
	uint32_t lower, upper;
};

struct rx {
	uint64_t address;
	uint16_t length, sum;
	uint8_t status, errors;
	uint16_t special;
};

struct fixture {
	struct drv_ram ram;
	struct fake_tap tap;
	struct nic n;
	atomic_bool line;
	atomic_uint rises, notes;
	unsigned tail; /* of the sending ring */
};

static void on_line(void *arg, bool level)
{
	struct fixture *f = arg;

	if (level && !atomic_exchange(&f->line, true))
		atomic_fetch_add(&f->rises, 1);
	if (!level)
		atomic_store(&f->line, false);
}

static void on_note(void *arg, const char *text UNUSED)
{
	atomic_fetch_add(&((struct fixture *)arg)->notes, 1);
}

/* `threaded`: as it usually is; else nothing happens but in the guest's accesses. */
static inline struct fixture *open_nic(bool threaded)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct nic_params p = { .name = "e1000-0", .inline_work = !threaded };

	if (!f)
		abort();
	drv_ram_open(&f->ram);
	fake_tap_open(&f->tap);
	if (tap_new(&f->tap.host, f->tap.fd, &p.tap, NULL) < 0)
		abort();
	p.memory = f->ram.memory;
	p.mac = (struct mac) { { 0x52, 0x54, 0, 0x12, 0x34, 0x56 } };
	p.interrupt = on_line;
	p.note = on_note;
	p.arg = f;
	if (nic_init(&f->n, &p) < 0)
		abort();
	if (!threaded)
		nic_stop(&f->n);
	nic_set_master(&f->n, true);
	return f;
}

static inline void close_nic(struct fixture *f)
{
	nic_stop(&f->n);
	nic_done(&f->n);
	fake_tap_close(&f->tap);
	drv_ram_close(&f->ram);
	free(f);
}

static inline uint8_t *guest(struct fixture *f, uint64_t at)
{
	return drv_ptr(f->ram.memory, at);
}

static inline struct tx *tx_at(struct fixture *f, unsigned i)
{
	return (struct tx *)guest(f, TX_RING + 16 * i);
}

static inline struct rx *rx_at(struct fixture *f, unsigned i)
{
	return (struct rx *)guest(f, RX_RING + 16 * i);
}

static inline void set_ring(struct fixture *f, unsigned base, uint64_t at, uint32_t bytes)
{
	nic_write(&f->n, base, (uint32_t)at);
	nic_write(&f->n, base + 4, (uint32_t)(at >> 32));
	nic_write(&f->n, base + R_RDLEN - R_RDBAL, bytes);
	nic_write(&f->n, base + R_RDH - R_RDBAL, 0);
}

static inline void tx_up(struct fixture *f)
{
	set_ring(f, R_TDBAL, TX_RING, RING * 16);
	nic_write(&f->n, R_TDT, 0);
	nic_write(&f->n, R_TCTL, TCTL_ENABLE);
	f->tail = 0;
}

static inline void tx_put(struct fixture *f, uint64_t at, uint32_t lower, uint32_t upper)
{
	*tx_at(f, f->tail) = (struct tx) { at, lower, upper };
	f->tail = (f->tail + 1) % RING;
}

static inline void tx_ring(struct fixture *f)
{
	nic_write(&f->n, R_TDT, f->tail);
}

#define COMMAND(c) ((uint32_t)(c) << 24)

/* A whole packet in one legacy descriptor. */
static inline void tx_send(struct fixture *f, uint64_t at, uint32_t len)
{
	tx_put(f, at, len | COMMAND(TX_END | TX_REPORT), 0);
	tx_ring(f);
}

/* Buffers of 2 KiB. */
static inline void rx_up(struct fixture *f, uint32_t rctl)
{
	for (unsigned i = 0; i < RING; i++)
		*rx_at(f, i) = (struct rx) { .address = RX_DATA + i * RX_STRIDE };
	set_ring(f, R_RDBAL, RX_RING, RING * 16);
	nic_write(&f->n, R_RDT, RING - 1);
	nic_write(&f->n, R_RCTL, RCTL_ENABLE | rctl);
}

/* Without a thread nobody looks at the tap otherwise. */
static inline void poke(struct fixture *f)
{
	nic_write(&f->n, R_RCTL, nic_read(&f->n, R_RCTL));
}

struct packet {
	struct virtio_net_hdr_v1 header;
	uint8_t bytes[1 << 17];
};

/* What has left; its length without the header, -1: nothing has. */
static inline ssize_t leaves(struct fixture *f, struct packet *p)
{
	ssize_t n = recv(f->tap.other, p, sizeof(*p), MSG_DONTWAIT);

	return n < 0 ? -1 : n - (ssize_t)sizeof(p->header);
}

static inline void wire(struct fixture *f, const void *frame, size_t len)
{
	static uint8_t packet[1 << 17];

	memset(packet, 0, sizeof(struct virtio_net_hdr_v1));
	memcpy(packet + sizeof(struct virtio_net_hdr_v1), frame, len);
	if (send(f->tap.other, packet, len + sizeof(struct virtio_net_hdr_v1), 0) < 0)
		abort();
}
