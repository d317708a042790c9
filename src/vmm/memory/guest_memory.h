/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's RAM: banks of memory. RAM fills the address space from 0 upwards and steps over the
 * hole below 4 GiB (devices, interrupt controllers, PCI windows) and over ranges that DMA must not
 * use (reserved I/O addresses of the host's IOMMU).
 *
 * Each bank is a mapping of its own, at an address that equals its guest-physical one modulo the
 * largest page that it can be made of: else neither KVM nor the IOMMU could use that page. The
 * memory is private and anonymous, because that is what kernels give transparent huge pages to by
 * default; or it comes from a pool of reserved huge pages. Where another process is to serve a
 * device (vhost-user), each bank is a file without a name, which that process maps too; it is
 * sealed, so that nobody can cut it short under us.
 *
 * Guest RAM changes under one's feet: copy what the guest wrote once, check the copy, use the copy.
 * Banks never change after guest_memory_new(), so every function here may be called from any
 * thread.
 */
#pragma once

#include "addr.h"
#include "base/problem.h"
#include "host/host.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	GUEST_BANKS_MAX = 32,
	GUEST_PAGE_BYTES = 4096,
};

#define GUEST_HOLE_START 0xc0000000ULL	/* 3 GiB: above it are devices … */
#define GUEST_HOLE_END	 0x100000000ULL /* … up to 4 GiB, where RAM goes on */

struct guest_bank {
	struct gpa start;
	uint64_t size; /* bytes, a multiple of the page size */
	uint8_t *host; /* where it is mapped in this process */
	int fd;	       /* of shared memory, from its start; -1: it is private */
};

struct guest_memory {
	struct host *host;
	uint64_t size;
	uint64_t huge_page; /* as in the params */
	bool shared;	    /* the same */
	size_t n_banks;
	struct guest_bank banks[GUEST_BANKS_MAX]; /* sorted, never adjacent to the hole's inside */
};

/* Inclusive bounds, as the kernel writes reserved regions. */
struct guest_range {
	uint64_t start, last;
};

/* On which NUMA node the memory is to be: near the devices that reach for it. */
enum guest_near { GUEST_ANYWHERE, GUEST_NEAR_IF_ROOM, GUEST_NEAR_ONLY };

struct guest_memory_params {
	uint64_t size; /* bytes, a multiple of 4 KiB, or of huge_page */
	/* Pages from the reserved pool of this size, 2 MiB or 1 GiB; 0: ordinary memory. */
	uint64_t huge_page;
	bool shared; /* other processes may be given it */
	enum guest_near near;
	unsigned node;
	const struct guest_range *reserved; /* RAM keeps out of these; may overlap, any order */
	size_t n_reserved;
};

int guest_memory_new(struct host *h, const struct guest_memory_params *params,
	struct guest_memory **ret, struct problem **reterr);
void guest_memory_free(struct guest_memory *m);
DEFINE_AUTO(struct guest_memory, guest_memory_free);

/* Host pointer to [at, at+len), or NULL unless the whole range lies in one bank. len ≥ 1. */
void *guest_memory_at(const struct guest_memory *m, struct gpa at, uint64_t len);

/* Copies; -EFAULT (and nothing copied) unless the whole range lies in one bank. */
int guest_memory_read(const struct guest_memory *m, struct gpa from, void *to, size_t len);
int guest_memory_write(const struct guest_memory *m, struct gpa to, const void *from, size_t len);

/*
 * Gives the pages from this host pointer on back to the host: they read as zeroes until they are
 * written anew. Nothing that DMA reaches: it would go on reaching the old ones. -EFAULT: not wholly
 * in one bank, -EINVAL: no whole pages, -EOPNOTSUPP: pages of the reserved pool stay.
 */
int guest_memory_give_back(const struct guest_memory *m, void *at, uint64_t len);

/* The first address above all RAM, never below 4 GiB. */
struct gpa guest_memory_end(const struct guest_memory *m);
