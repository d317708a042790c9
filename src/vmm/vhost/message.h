/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages of vhost-user: a header, a payload, descriptors beside them. The other side may be dead,
 * slow or hostile: every call has a deadline, sizes are checked before anything is believed, and
 * descriptors that nobody asked for are closed.
 */
#pragma once

#include <linux/vhost_types.h>
#include <stddef.h>
#include <stdint.h>

enum vu_request {
	VU_GET_FEATURES = 1,
	VU_SET_FEATURES = 2,
	VU_SET_OWNER = 3,
	VU_SET_MEM_TABLE = 5,
	VU_SET_VRING_NUM = 8,
	VU_SET_VRING_ADDR = 9,
	VU_SET_VRING_BASE = 10,
	VU_GET_VRING_BASE = 11,
	VU_SET_VRING_KICK = 12,
	VU_SET_VRING_CALL = 13,
	VU_GET_PROTOCOL_FEATURES = 15,
	VU_SET_PROTOCOL_FEATURES = 16,
	VU_GET_QUEUE_NUM = 17,
	VU_SET_VRING_ENABLE = 18,
	VU_GET_CONFIG = 24,
	VU_GET_INFLIGHT_FD = 31,
	VU_SET_INFLIGHT_FD = 32,
	VU_GET_MAX_MEM_SLOTS = 36,
	VU_ADD_MEM_REG = 37,
};

enum {
	VU_VERSION = 1,
	VU_VERSION_MASK = 3,
	VU_REPLY = 1 << 2,
	VU_NEED_REPLY = 1 << 3,
	VU_HEADER_BYTES = 12,
	VU_REGIONS_MAX = 8,
	VU_FDS_MAX = VU_REGIONS_MAX,
	VU_CONFIG_MAX = 256,
	VU_PAYLOAD_MAX = 12 + VU_CONFIG_MAX, /* the largest there is */
	VU_NO_FD = 1 << 8,		     /* in the u64 of kick and call */
};

struct vu_region {
	uint64_t start, size, here, offset;
};

struct vu_memory {
	uint32_t n, padding;
	struct vu_region regions[VU_REGIONS_MAX];
};

struct vu_slot {
	uint64_t padding;
	struct vu_region region;
};

struct vu_config {
	uint32_t offset, size, flags;
	uint8_t bytes[VU_CONFIG_MAX];
};

struct vu_inflight {
	uint64_t size, offset;
	uint16_t queues, queue_size;
} __attribute__((packed));

struct vu_message {
	uint32_t request, flags, size;
	union {
		uint64_t u64;
		struct vhost_vring_state state;
		struct vhost_vring_addr addr;
		struct vu_memory memory;
		struct vu_slot slot;
		struct vu_config config;
		struct vu_inflight in_flight;
		uint8_t bytes[VU_PAYLOAD_MAX];
	};
	int fds[VU_FDS_MAX]; /* not on the wire */
	unsigned n_fds;
};

/* The descriptors are borrowed. -ETIMEDOUT, -EPIPE … */
int vu_send(int fd, const struct vu_message *m, uint64_t deadline_ms);
/*
 * One whole message; its descriptors are the caller's. -ETIMEDOUT, -ECONNRESET when the other side
 * has gone, -EBADMSG when it is none.
 */
int vu_receive(int fd, struct vu_message *ret, uint64_t deadline_ms);
void vu_close_fds(struct vu_message *m);
