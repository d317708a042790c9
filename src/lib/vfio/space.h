/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One I/O address space that assigned devices share: what they may reach by DMA is exactly what
 * was mapped here. Two kinds of it exist in kernels, and a table of operations hides which:
 * a container of groups with the type1 IOMMU (type1.h; the path that Debian's kernels have), and
 * an iommufd with device nodes.
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
	void (*free)(struct vfio_space *s);
	int (*attach)(struct vfio_space *s, const struct vfio_target *t, struct vfio_device **ret,
		struct problem **reterr);
	/* Reads ranges, page sizes and the number of free entries into `s`. */
	int (*refresh)(struct vfio_space *s);
	/* Arguments are checked already; bare errno. */
	int (*map)(struct vfio_space *s, struct iova at, void *mem, uint64_t len, unsigned prot);
	int (*unmap)(struct vfio_space *s, struct iova at, uint64_t len);
};

struct vfio_space {
	const struct vfio_backend_ops *ops;
	struct host *host;
	struct iova_range *ranges; /* usable, in order; none: the kernel does not tell */
	size_t n_ranges;
	uint64_t page_sizes; /* a bit per size that the IOMMU can map */
	uint32_t dma_avail;  /* free entries, when the kernel tells them */
	bool dma_avail_known;
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
int vfio_space_unmap(struct vfio_space *s, struct iova at, uint64_t len, struct problem **reterr);
