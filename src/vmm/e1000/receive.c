/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the tap to the guest, 3.2. */
#include "nic.h"

#include "base/attr.h"
#include "vmm/loop/loop.h"
#include "vmm/net/tap.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

enum {
	BUDGET = 64,
	TAG_BYTES = 4,
	FRAME_SHORTEST = 60,
	FRAME_USUAL = 1518 + 4, /* with a tag; without the checksum at the end */
	STATUS_DONE = 1 << 0,
	STATUS_END = 1 << 1,
	STATUS_UNCHECKED = 1 << 2,
	STATUS_VLAN = 1 << 3,
	STATUS_OTHER_ADDRESS = 1 << 7, /* passed the filter, but not by its exact address */
	ADDRESSES = 16,
};

struct rx_descriptor {
	uint64_t address;
	uint16_t length, sum;
	uint8_t status, errors;
	uint16_t special;
};
_Static_assert(sizeof(struct rx_descriptor) == 16, "as the card has it");

uint32_t nic_ring_size(const struct nic *n, unsigned base)
{
	return (n->regs[(base + R_RDLEN - R_RDBAL) / 4] & 0xfff80) / 16;
}

bool nic_descriptor(struct nic *n, unsigned base, uint32_t index, uint64_t *ret_at, void *ret)
{
	uint64_t ring = (uint64_t)*nic_reg(n, base + 4) << 32 | (*nic_reg(n, base) & ~15U);

	*ret_at = ring + 16ULL * index;
	return guest_memory_read(n->params.memory, GPA(*ret_at), ret, 16) == 0;
}

void nic_statistic(struct nic *n, unsigned reg, uint32_t v)
{
	uint32_t *r = nic_reg(n, reg);

	*r = *r + v < *r ? UINT32_MAX : *r + v;
}

void nic_statistic64(struct nic *n, unsigned reg, uint64_t v)
{
	uint64_t sum = (uint64_t)*nic_reg(n, reg + 4) << 32 | *nic_reg(n, reg);

	sum += v;
	*nic_reg(n, reg) = (uint32_t)sum;
	*nic_reg(n, reg + 4) = (uint32_t)(sum >> 32);
}

/* ---- which frames ---- */

static bool is_ours(struct nic *n, const uint8_t *to)
{
	for (unsigned i = 0; i < ADDRESSES; i++) {
		uint32_t low = *nic_reg(n, R_RAL + 8 * i), high = *nic_reg(n, R_RAL + 8 * i + 4);
		uint8_t a[ETH_ALEN];

		memcpy(a, &low, 4);
		memcpy(a + 4, &high, 2);
		if ((high & RAH_VALID) && !memcmp(a, to, ETH_ALEN))
			return true;
	}
	return false;
}

/* 12 of the address's last 16 bits say which of 4096, 13.5.1. */
static bool in_multicast_table(struct nic *n, const uint8_t *to)
{
	static const unsigned shifts[] = { 4, 3, 2, 0 };
	unsigned last = (unsigned)to[4] | (unsigned)to[5] << 8;
	unsigned bit = last >> shifts[*nic_reg(n, R_RCTL) >> 12 & 3] & 0xfff;

	return *nic_reg(n, R_MTA + 4 * (bit / 32)) >> (bit % 32) & 1;
}

static bool vlan_passes(struct nic *n, const uint8_t *frame)
{
	unsigned type = (unsigned)frame[12] << 8 | frame[13];
	unsigned id = ((unsigned)frame[14] << 8 | frame[15]) & 0xfff;

	if (!(*nic_reg(n, R_RCTL) & RCTL_VLAN_FILTER) || type != (*nic_reg(n, R_VET) & 0xffff))
		return true;
	return *nic_reg(n, R_VFTA + 4 * (id / 32)) >> (id % 32) & 1;
}

/* *ret_status gets what the filter has to say. */
static bool passes(struct nic *n, const uint8_t *frame, uint32_t len, uint8_t *ret_status)
{
	static const uint8_t everybody[ETH_ALEN] = { 255, 255, 255, 255, 255, 255 };
	uint32_t rctl = *nic_reg(n, R_RCTL);

	if ((len > FRAME_USUAL && !(rctl & RCTL_LONG)) || !vlan_passes(n, frame))
		return false;
	if (!memcmp(frame, everybody, ETH_ALEN)) {
		nic_statistic(n, R_BPRC, 1);
		return rctl & (RCTL_BROADCAST | RCTL_MULTICAST);
	}
	if (is_ours(n, frame))
		return true;
	*ret_status |= STATUS_OTHER_ADDRESS;
	if (!(frame[0] & 1))
		return rctl & RCTL_UNICAST;
	nic_statistic(n, R_MPRC, 1);
	return (rctl & RCTL_MULTICAST) || in_multicast_table(n, frame);
}

/* ---- into descriptors ---- */

static uint32_t buffer_bytes(struct nic *n)
{
	uint32_t rctl = *nic_reg(n, R_RCTL), bytes = 2048U >> (rctl >> 16 & 3);

	return rctl & RCTL_SIZE_EXTENDED && bytes < 2048 ? bytes * 16 : bytes;
}

/* The ring as the guest says it is, made sense of. */
static uint32_t free_descriptors(struct nic *n)
{
	uint32_t size = nic_ring_size(n, R_RDBAL), head = *nic_reg(n, R_RDH),
		 tail = *nic_reg(n, R_RDT);

	if (!size || head >= size || tail >= size)
		return 0;
	return (tail + size - head) % size;
}

static bool fill_one(struct nic *n, const uint8_t *p, uint32_t len, struct rx_descriptor done)
{
	uint32_t *head = nic_reg(n, R_RDH);
	struct rx_descriptor d;
	uint64_t at;

	if (!nic_descriptor(n, R_RDBAL, *head, &at, &d))
		return false;
	if (len && guest_memory_write(n->params.memory, GPA(d.address), p, len) < 0)
		return false;
	done.address = d.address;
	done.length = (uint16_t)len;
	if (guest_memory_write(n->params.memory, GPA(at), &done, sizeof(done)) < 0)
		return false;
	*head = *head + 1 < nic_ring_size(n, R_RDBAL) ? *head + 1 : 0;
	nic_count(&n->counts.rx_requests, 1);
	nic_count(&n->counts.rx_bytes, len);
	return true;
}

/* False: there is no room, or the guest's memory is not where it says; the frame is lost. */
static bool deliver(struct nic *n, const uint8_t *frame, uint32_t len, struct rx_descriptor done)
{
	uint32_t most = buffer_bytes(n);

	if ((len + most - 1) / most > free_descriptors(n))
		return false;
	for (uint32_t at = 0; at < len; at += most) {
		uint32_t part = MIN(len - at, most);
		struct rx_descriptor d = done;

		d.status |= STATUS_DONE | (at + part == len ? STATUS_END : 0);
		if (!fill_one(n, frame + at, part, d))
			return false;
	}
	return true;
}

static void strip_tag(struct nic *n, uint8_t *frame, uint32_t *len, struct rx_descriptor *d)
{
	unsigned type = (unsigned)frame[12] << 8 | frame[13];

	if (!(*nic_reg(n, R_CTRL) & CTRL_VLAN) || type != (*nic_reg(n, R_VET) & 0xffff))
		return;
	d->special = (uint16_t)(frame[14] << 8 | frame[15]);
	d->status |= STATUS_VLAN;
	memmove(frame + 12, frame + 12 + TAG_BYTES, *len - 12 - TAG_BYTES);
	*len -= TAG_BYTES;
}

static bool runs_low(struct nic *n)
{
	unsigned shift = 1 + (*nic_reg(n, R_RCTL) >> 8 & 3);

	return free_descriptors(n) <= nic_ring_size(n, R_RDBAL) >> shift;
}

/* A frame of at least a header's length, with room for its padding and checksum behind it. */
static void arrive(struct nic *n, uint8_t *frame, uint32_t len)
{
	struct rx_descriptor d = { .status = STATUS_UNCHECKED };

	if (len < FRAME_SHORTEST) {
		memset(frame + len, 0, FRAME_SHORTEST - len);
		len = FRAME_SHORTEST;
	}
	nic_statistic(n, R_TPR, 1);
	nic_statistic64(n, R_TORL, len + NIC_CRC_BYTES);
	if (!passes(n, frame, len, &d.status))
		return;
	nic_statistic(n, R_GPRC, 1);
	nic_statistic64(n, R_GORCL, len + NIC_CRC_BYTES);
	strip_tag(n, frame, &len, &d);
	if (!(*nic_reg(n, R_RCTL) & RCTL_STRIP_CRC)) {
		memset(frame + len, 0, NIC_CRC_BYTES); /* nobody looks at it: there was no wire */
		len += NIC_CRC_BYTES;
	}
	if (!deliver(n, frame, len, d)) {
		nic_count(&n->counts.rx_dropped, 1);
		return;
	}
	nic_cause(n, I_RXT0 | (runs_low(n) ? I_RXDMT0 : 0));
}

/* ---- from the tap ---- */

static bool listens(struct nic *n)
{
	return nic_has_link(n) && atomic_load_explicit(&n->may_master, memory_order_relaxed) &&
	       (*nic_reg(n, R_RCTL) & (RCTL_ENABLE | RCTL_LOOPBACK)) == RCTL_ENABLE;
}

/* The longest frame that the guest wants fits into what is there, or all of the ring is free. */
static bool has_room(struct nic *n)
{
	uint32_t longest = *nic_reg(n, R_RCTL) & RCTL_LONG ? 16384 : FRAME_USUAL + NIC_CRC_BYTES;
	uint32_t there = free_descriptors(n);

	return there && ((uint64_t)there * buffer_bytes(n) >= longest ||
				there + 1 == nic_ring_size(n, R_RDBAL));
}

static void gone(struct nic *n)
{
	char text[120];

	snprintf(text, sizeof(text), "%s: the tap %s has gone; the guest's cable is unplugged",
		n->params.name, tap_name(n->params.tap));
	n->dead = true;
	*nic_reg(n, R_STATUS) &= ~(uint32_t)STATUS_LINK;
	nic_cause(n, I_LSC);
	n->params.note(n->params.arg, text);
}

/* 1, 0: nothing there, < 0: the tap has gone. */
static int one(struct nic *n)
{
	struct virtio_net_hdr_v1 h;
	struct iovec v[2] = {
		{ &h, sizeof(h) },
		{ n->arrived, sizeof(n->arrived) - FRAME_SHORTEST - NIC_CRC_BYTES },
	};
	ssize_t len = tap_read(n->params.tap, v, 2);

	if (len == -EAGAIN)
		return 0;
	if (len <= 0)
		return -ENODEV;
	if ((size_t)len < sizeof(h) + ETH_HLEN) {
		nic_count(&n->counts.rx_dropped, 1);
		return 1;
	}
	arrive(n, n->arrived, (uint32_t)((size_t)len - sizeof(h)));
	return 1;
}

bool nic_receive(struct nic *n)
{
	int r = 1;

	for (unsigned i = 0; r > 0 && i < BUDGET && listens(n) && has_room(n); i++)
		r = one(n);
	if (r < 0)
		gone(n);
	return r > 0 && listens(n) && has_room(n);
}

void nic_watch(struct nic *n)
{
	uint32_t events = 0;

	if (listens(n) && has_room(n))
		events |= EPOLLIN;
	if (n->packet.waiting && !n->dead)
		events |= EPOLLOUT;
	if (events != n->watched && loop_source_set_events(n->readable, events) == 0)
		n->watched = events;
}
