/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The back end of an emulated disk: an array of bytes that is read, written and made stable. A
 * transfer is done whole or not at all as far as the caller knows; errors (-EIO, -ENOSPC …) are for
 * the guest and never end the VMM. Offsets and lengths are checked by the caller: disk_holds().
 *
 * Operations wait until they are done, and may be called by several threads at once: overlapping
 * writes that are under way together may leave any mixture. How to have requests done without
 * waiting for them: engine.h.
 */
#pragma once

#include "base/checked.h"
#include "base/problem.h"
#include "base/sg.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

struct disk;
struct host;

struct disk_ops {
	/* The list is consumed. */
	int (*read)(struct disk *d, struct sg *to, uint64_t offset);
	int (*write)(struct disk *d, struct sg *from, uint64_t offset);
	/* All writes that were done before are on the medium when it returns 0. */
	int (*flush)(struct disk *d);
	/* The range is not needed any more; what it reads afterwards is undefined. */
	int (*discard)(struct disk *d, uint64_t offset, uint64_t len);
	/* The range reads as zeroes; `may_unmap`: it need not keep its space. */
	int (*zero)(struct disk *d, uint64_t offset, uint64_t len, bool may_unmap);
	void (*free)(struct disk *d);
	/* What there is of it now, as `bytes` below. The main loop's thread. */
	int (*look)(struct disk *d, uint64_t *ret_bytes);
};

struct disk {
	const struct disk_ops *ops;
	uint64_t bytes;		 /* a multiple of 512 and of logical_bytes; atomic: disk_resize() */
	uint32_t logical_bytes;	 /* the unit of access, 512 … 4096 */
	uint32_t physical_bytes; /* writes below this are slower; a power of two ≥ logical_bytes */
	bool read_only;
	bool over_vf; /* it is a VF's on the host: to be told */
	bool direct;  /* the host's page cache is left out (O_DIRECT) */
	/*
	 * What the file wants of transfers then: of offsets and lengths, and of addresses. Powers
	 * of two; 1: nothing.
	 */
	uint32_t direct_bytes, direct_memory;
	bool partial; /* atomic: a request writes a part of a block (bounce.h) */
};

enum { DISK_SECTOR_BYTES = 512 };

/*
 * A regular file or block device, as it is. The fd stays the caller's and must outlive the disk.
 * The last bytes of a file that do not fill a sector are out of reach. BAD_IMAGE when the fd is
 * neither, is empty, or cannot be written although it should.
 */
int disk_raw_new(
	struct host *h, int fd, bool read_only, struct disk **ret, struct problem **reterr);

static inline uint64_t disk_bytes(const struct disk *d)
{
	return __atomic_load_n(&d->bytes, __ATOMIC_RELAXED);
}

static inline bool disk_holds(const struct disk *d, uint64_t offset, uint64_t len)
{
	return range_fits(offset, len, disk_bytes(d));
}

/*
 * The disk has another size from now on: as large as its file is now ("auto"), or of that as much
 * as is said. 1 changed, 0 was so. Requests that are under way go on.
 */
int disk_resize(struct disk *d, const char *size, struct problem **reterr);

/* It can go to the file as it is; else through memory of ours, which the operations do. */
bool disk_is_aligned(const struct disk *d, const struct sg *s, uint64_t offset);

/* Of a failed operation, a negative errno: there is no room for it, and there may be later. */
static inline bool disk_is_full(int error)
{
	return error == -ENOSPC || error == -EDQUOT || error == -EFBIG;
}

static inline void disk_free(struct disk *d)
{
	if (d)
		d->ops->free(d);
}
DEFINE_AUTO(struct disk, disk_free);
