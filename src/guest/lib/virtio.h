/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A virtio driver (Virtual I/O Device 1.2): modern PCI transport, split and packed rings. */
#pragma once

#include "guest.h"
#include "pci.h"

enum {
	VIRTIO_NET = 1,
	VIRTIO_BLK = 2,
	VIRTIO_RNG = 4,

	/* status */
	VIRTIO_ACKNOWLEDGE = 1,
	VIRTIO_DRIVER = 2,
	VIRTIO_DRIVER_OK = 4,
	VIRTIO_FEATURES_OK = 8,
	VIRTIO_NEEDS_RESET = 64,

	/* the common configuration structure */
	COMMON_DEVICE_SELECT = 0,
	COMMON_DEVICE_FEATURES = 4,
	COMMON_DRIVER_SELECT = 8,
	COMMON_DRIVER_FEATURES = 12,
	COMMON_CONFIG_VECTOR = 16,
	COMMON_QUEUES = 18,
	COMMON_STATUS = 20,
	COMMON_GENERATION = 21,
	COMMON_QUEUE_SELECT = 22,
	COMMON_QUEUE_SIZE = 24,
	COMMON_QUEUE_VECTOR = 26,
	COMMON_QUEUE_ENABLE = 28,
	COMMON_QUEUE_NOTIFY = 30,
	COMMON_QUEUE_DESC = 32,
	COMMON_QUEUE_DRIVER = 40,
	COMMON_QUEUE_DEVICE = 48,
	COMMON_QUEUE_NOTIFY_DATA = 56,
	COMMON_QUEUE_RESET = 58,

	RING_INDIRECT = 28, /* feature bits */
	RING_EVENT_IDX = 29,
	VERSION_1 = 32,
	RING_PACKED = 34,
	RING_IN_ORDER = 35,
	RING_RESET = 40,
};

#define FEATURE(bit) (1ULL << (bit))

struct virtio {
	unsigned slot;
	uint64_t common, notify, isr, device; /* addresses */
	uint32_t notify_step;
	uint64_t offered, features;
	struct msix msix;
};

/* The nth device of this type, capabilities found and reachable. */
bool virtio_find(unsigned type, unsigned nth, struct virtio *v);
/* Reset, negotiate (`want` as far as offered, VERSION_1 always), FEATURES_OK; MSI-X is enabled. */
bool virtio_begin(struct virtio *v, uint64_t want);
void virtio_reset(const struct virtio *v);
void virtio_set_status(const struct virtio *v, uint8_t bits);
uint8_t virtio_status(const struct virtio *v);

struct descriptor {
	uint64_t at;
	uint32_t length;
	uint16_t flags, next;
};
enum { DESCRIPTOR_NEXT = 1, DESCRIPTOR_WRITE = 2, DESCRIPTOR_INDIRECT = 4 };

struct used_element {
	uint32_t head, length;
};

/* Packed rings: a descriptor and whose it is. */
struct packed_descriptor {
	uint64_t at;
	uint32_t length;
	uint16_t id, flags;
};
enum { PACKED_AVAIL = 1 << 7, PACKED_USED = 1 << 15 };
enum { EVENT_ENABLE, EVENT_DISABLE, EVENT_DESCRIPTOR }; /* flags of an event structure */

struct packed {
	volatile struct packed_descriptor *ring;
	/* The event structures, offset and flags in one word. */
	volatile uint32_t *driver, *device;
	uint16_t next_avail, next_used;
	bool avail_wrap, used_wrap;
	uint16_t added; /* entries, not shown yet; of the first one the flags are kept back */
	uint16_t first, first_flags;
	uint16_t room;		   /* entries that are free */
	uint16_t *entries, *links; /* of each id; the free ids are linked */
};

struct ring {
	const struct virtio *virtio;
	unsigned index;
	uint16_t size;
	uint8_t vector; /* of the CPU, 0 = none */
	uint64_t doorbell;
	bool event_idx, in_order;
	bool is_packed;
	struct packed packed;
	uint16_t *heads; /* of chains in the order they were added, by their number modulo size */
	uint32_t *rooms; /* of each chain, by its head: what the device can write */
	/* In order: of the chains that came with one used entry, how many are not taken yet. */
	uint16_t batch;
	uint16_t last; /* the entry's own */
	uint32_t last_length;
	uint64_t used_writes; /* in order: used entries that the device wrote */
	struct descriptor *desc;
	volatile uint16_t *avail; /* flags, index, ring[size], used_event */
	volatile uint16_t *used;  /* flags, index, elements, avail_event */
	uint16_t next_avail, next_used, kicked;
	uint16_t free; /* first free descriptor; they are linked by `next` */
	uint64_t kicks;
};

/* Sets up queue `index` with at most `size` entries; vector 0 = without interrupt. */
bool ring_start(
	struct ring *r, const struct virtio *v, unsigned index, uint16_t size, uint8_t vector);

/* As the command line says: packed=1 in_order=1 event_idx=1. */
uint64_t ring_wishes(void);
/* After a reset of the device and a new negotiation: the same queue again, in the same memory. */
bool ring_restart(struct ring *r);
/* The queue alone is reset (2.6.1), and started again from nothing in the same memory. */
bool ring_reset(struct ring *r);

struct buffer {
	void *at;
	uint32_t length;
	bool device_writes;
};
/* Puts a chain into the ring, not yet shown; its head, -1 when descriptors are out. */
int ring_add(struct ring *r, const struct buffer *buffers, unsigned n);
/* Shows what was added and rings if the device wants that; true if it rang. */
bool ring_kick(struct ring *r);
/*
 * A chain that came back: its head, *length the bytes written; -1 when there is none. In order one
 * used entry may stand for several (2.7.9, 2.8.9): those that it skips are full.
 */
int ring_take(struct ring *r, uint32_t *length);
/* Halts until one comes back (by interrupt), or spins without a vector; -1 after seconds. */
int ring_wait(struct ring *r, uint32_t *length);
/* With RING_EVENT_IDX: an interrupt only when the used index (chains given back) passes this one.
 */
void ring_interrupt_after(struct ring *r, uint16_t used_index);
/* The driver's parts as raw memory, for those who want to break them. */
volatile uint16_t *ring_avail_event(const struct ring *r);

/* packed.c: the same for packed rings. */
void packed_start(struct ring *r);
int packed_add(struct ring *r, const struct buffer *buffers, unsigned n);
/* Shows what was added; true if the device wants to be rung for it. */
bool packed_show(struct ring *r);
int packed_peek(const struct ring *r, uint32_t *length);
void packed_free(struct ring *r, uint16_t id);
/* Has the device written a used entry in the place of the oldest chain? */
bool packed_is_used(const struct ring *r);
void packed_interrupt_after(struct ring *r, uint16_t used_index);
