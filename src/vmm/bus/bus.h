/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a guest's access to an address without memory behind it reaches: port I/O and memory-mapped
 * I/O are two instances of one bus. Several vCPUs dispatch at the same time and regions come and
 * go while they run. The bus holds no lock while a handler runs: a device guards its own state.
 *
 * An access goes to the region that holds all of its bytes; any other access reads all ones and
 * its writes are dropped, as on a real bus.
 */
#pragma once

#include "base/attr.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct bus;

struct bus_ops {
	/*
	 * offset is relative to the region's start. len is 1…8: guests cause odd lengths and
	 * unaligned offsets too. Values are little-endian numbers; bytes above len are ignored.
	 * Called from any vCPU thread, several at once.
	 */
	uint64_t (*read)(void *opaque, uint64_t offset, unsigned len);
	void (*write)(void *opaque, uint64_t offset, unsigned len, uint64_t value);
};

/* Lives in its device, zero-initialised; the bus borrows it from bus_add to bus_remove. */
struct bus_region {
	const char *name; /* for messages and statistics, static or owned by the device */
	uint64_t start, size;
	const struct bus_ops *ops;
	void *opaque;
	atomic_uint_fast64_t reads, writes; /* exits to user space that landed here */
	atomic_uint users;		    /* the bus's own */
};

int bus_new(const char *name, struct bus **ret);
/* Regions that are still there are forgotten, not freed. */
void bus_free(struct bus *b);
DEFINE_AUTO(struct bus, bus_free);

/* -EEXIST when it overlaps a region, -EINVAL when empty or wrapping. */
int bus_add(struct bus *b, struct bus_region *r);
/*
 * Takes the region away and waits until no other thread is in its handlers; do not hold a lock that
 * they take. From within its own handler (a device that moves itself) the region is gone
 * afterwards, but its memory is in use until the handler returns. 0, or -ENOENT.
 */
int bus_remove(struct bus *b, struct bus_region *r);

/* True if a region took it. *ret_value is all ones (of len bytes) otherwise. */
bool bus_read(struct bus *b, uint64_t addr, unsigned len, uint64_t *ret_value);
bool bus_write(struct bus *b, uint64_t addr, unsigned len, uint64_t value);

/* Accesses that nobody took. */
uint64_t bus_unclaimed(const struct bus *b);
/* Calls fn for every region in address order, the bus locked against changes meanwhile. */
void bus_foreach(struct bus *b, void (*fn)(const struct bus_region *r, void *arg), void *arg);

static inline uint64_t bus_all_ones(unsigned len)
{
	return len >= 8 ? UINT64_MAX : (1ULL << (8 * len)) - 1;
}
