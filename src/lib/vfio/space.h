/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One I/O address space that assigned devices share: what they may reach by DMA is exactly what
 * was mapped here. Two kinds of it exist in kernels, and a table of operations hides which:
 * a container of groups with the type1 IOMMU (type1.h; the path that Debian's kernels have), and
 * an iommufd with device nodes (iommufd.h). pick.h chooses between them.
 *
 * There are two ways to come by one: a privileged program opens it by name, or a sandboxed one
 * adopts descriptors that the first passed on. Order matters to the kernel: the first device is
 * attached before anything is mapped.
 *
 * Not thread-safe; a space is set up and torn down by one thread.
 */
#pragma once

#include "iova.h"

#include "base/problem.h"
#include "host/host.h"

struct vfio_space;
struct vfio_device;

/* A function as it is named when it is opened. */
struct vfio_target {
	const char *name; /* "0000:01:10.0" */
	unsigned group;	  /* its IOMMU group's number */
	const char
		*vf_token; /* UUID that the PF's owner set, when the PF is on vfio-pci; or NULL */
};

struct vfio_backend_ops {
	const char *name; /* "type1" */
	/*
	 * Can map what belongs to a device, a BAR that was mapped through VFIO? type1 can; iommufd
	 * pins pages, of which a BAR has none: -EFAULT. (Since Linux 6.19 it takes dma-bufs of
	 * BARs instead.)
	 */
	bool maps_devices;
	void (*free)(struct vfio_space *s);
	int (*attach)(struct vfio_space *s, const struct vfio_target *t, struct vfio_device **ret,
		struct problem **reterr);
	/* The last function of this group is closed: out of the space with it. May be NULL. */
	void (*leave)(struct vfio_space *s, int group_fd);
	/* Reads ranges, page sizes and the number of free entries into `s`. */
	int (*refresh)(struct vfio_space *s);
	/* Arguments are checked already; bare errno. */
	int (*map)(struct vfio_space *s, struct iova at, void *mem, uint64_t len, unsigned prot);
	int (*unmap)(struct vfio_space *s, struct iova at, uint64_t len);
};

enum vfio_dirty {
	VFIO_DIRTY_UNKNOWN,
	VFIO_DIRTY_NONE,
	VFIO_DIRTY_ALL,	  /* all that is mapped counts as written: type1 for PCI functions */
	VFIO_DIRTY_PAGES, /* the hardware marks pages */
};

/* "none", "all-mapped", "pages"; NULL for unknown. */
const char *vfio_dirty_name(enum vfio_dirty d);

struct vfio_space {
	const struct vfio_backend_ops *ops;
	struct host *host;
	struct iova_range *ranges; /* usable, in order; none: the kernel does not tell */
	size_t n_ranges;
	uint64_t page_sizes; /* a bit per size that the IOMMU can map */
	uint32_t dma_avail;  /* free entries, when the kernel tells them */
	bool dma_avail_known;
	/* What the IOMMU can tell of the memory that was written by DMA; of use to migration. */
	enum vfio_dirty dirty;
	/* RLIMIT_MEMLOCK is compared with what all processes of the user have pinned together. */
	bool memlock_of_user;
	uint64_t mapped_bytes;
	unsigned mapped_entries;
};

enum vfio_prot { VFIO_PROT_READ = 1, VFIO_PROT_WRITE = 2 };

void vfio_space_free(struct vfio_space *s);
DEFINE_AUTO(struct vfio_space, vfio_space_free);

/* Opens the function, and first what it needs (its group). The device is the caller's, and must
 * be freed before the space. */
int vfio_space_attach(struct vfio_space *s, const struct vfio_target *t, struct vfio_device **ret,
	struct problem **reterr);

/*
 * After the last device of this group (its descriptor; -1 = none) was freed: it is closed, so that
 * others can have it. Whoever lets the last group go frees the space too: the kernel forgets what
 * was mapped.
 */
void vfio_space_leave(struct vfio_space *s, int group_fd);

/*
 * Could [at, at+len) be mapped? -ERANGE with kind reserved-iova when part of it is no usable
 * address. Asks nothing of the kernel: it compares with what the last refresh or attach read.
 */
int vfio_space_check(
	const struct vfio_space *s, struct iova at, uint64_t len, struct problem **reterr);
/*
 * Lets the devices reach `len` bytes at `mem` under the address `at`: checked first, then mapped
 * as one entry. `mem` must stay mapped, and never be given back to the kernel (balloon,
 * MADV_DONTNEED), until vfio_space_unmap() with the same address and length.
 */
int vfio_space_map(struct vfio_space *s, struct iova at, void *mem, uint64_t len, unsigned prot,
	struct problem **reterr);
/*
 * Are `n` more entries to be had? -ENOSPC with kind dma-limit when the kernel tells that they are
 * not. Asks nothing of the kernel, as above.
 */
int vfio_space_check_entries(const struct vfio_space *s, unsigned n, struct problem **reterr);
int vfio_space_unmap(struct vfio_space *s, struct iova at, uint64_t len, struct problem **reterr);
/*
 * The same for part of a BAR, `mem` being its mapping, so that other functions in the space reach
 * it; its memory decode must be on, or the kernel finds nothing there (-EFAULT). Nothing is pinned.
 * Bare errno, as it is nothing that a guest must have: -EOPNOTSUPP (ops->maps_devices), -ERANGE (no
 * usable address), -ENOSPC, or what the kernel said.
 */
int vfio_space_map_device(
	struct vfio_space *s, struct iova at, void *mem, uint64_t len, unsigned prot);
int vfio_space_unmap_device(struct vfio_space *s, struct iova at, uint64_t len);
