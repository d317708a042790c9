/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VFIO in a process: a container, groups and one PCI function per group, behaving as Linux 6.12
 * does (what it refuses, and with which errno); with `iommufd` also /dev/iommu, one at a time, and
 * a node per function. The function's regions are a memfd, so that they
 * can be read, written and really mapped, into KVM too; its interrupts are real eventfds that
 * fakevfio_fire() signals. Everything that is not VFIO goes to the live kernel by descriptor.
 *
 * It is for tests of lib/vfio and of the VMM, which know nothing but descriptors; a whole machine
 * with it inside is tests/fake.
 *
 * A function may have a model behind its registers (fakenvme.h, fakeigb.h), which does DMA through
 * what is mapped and raises interrupts.
 *
 * Any call can be made to fail: fail_call counts open, ioctl, pread, pwrite and mmap from 1.
 */
#pragma once

#include "host/host.h"

#include <linux/vfio.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	FAKEVFIO_GROUPS = 80,
	FAKEVFIO_VECTORS = 64,
	FAKEVFIO_MAPPINGS = 64,
};

struct fakevfio;
struct fakevfio_function;

/* Registers with something behind them: what 4-byte reads and writes of a BAR reach. */
struct fakevfio_model {
	uint32_t (*read)(struct fakevfio_function *fn, unsigned bar, uint64_t at);
	void (*write)(struct fakevfio_function *fn, unsigned bar, uint64_t at, uint32_t value);
	void (*reset)(struct fakevfio_function *fn);
};

enum { FAKEVFIO_STATE_BYTES = 256 };

/*
 * How a driver that offers migration behaves. What the function does when it runs is `inner`, a
 * text of the test's; its state as bytes is that with "state:" before, and only such is taken back.
 */
struct fakevfio_migration {
	char inner[FAKEVFIO_STATE_BYTES];
	unsigned chunk;	     /* bytes that a read or write moves at most; 0: as many as asked */
	int step_errno;	     /* the step to the state `fails_at` is refused … */
	unsigned fails_at;   /* VFIO_DEVICE_STATE_* */
	bool fails_for_good; /* … and the function is lost by that */
	int data_errno;	     /* of reading or writing, after the first `data_good` bytes */
	size_t data_good;
	bool no_data_fd;    /* tells success without one */
	bool no_size;	    /* Linux before 6.2 */
	bool deaf_to_reset; /* stays lost */

	/* State. */
	unsigned state;
	char data[FAKEVFIO_STATE_BYTES + 8];
	size_t at, len;
	char steps[256]; /* names of the states it went through, one letter each */
};

struct fakevfio_region {
	uint64_t size;
	uint32_t flags; /* VFIO_REGION_INFO_FLAG_*; CAPS is added when there are any */
	bool msix_mappable;
	bool sparse; /* only `areas` can be mapped */
	struct {
		uint64_t offset, size;
	} areas[4];
	unsigned n_areas;
	bool mmap_fails; /* promises it and then refuses */
};

struct fakevfio_function {
	const char *name, *vf_token;
	unsigned group;
	bool viable;
	bool can_reset, no_resize;
	struct fakevfio_region regions[VFIO_PCI_NUM_REGIONS];
	uint32_t irq_counts[VFIO_PCI_NUM_IRQS];
	const struct fakevfio_model *model; /* NULL: memory only */
	void *model_state;		    /* the test's */
	unsigned slot;	 /* those with the same are reset together by VFIO_DEVICE_PCI_HOT_RESET; 0:
			    cannot */
	bool by_iommufd; /* opened so: no groups are named */
	unsigned reset_ms; /* how long it takes */
	int reset_errno;
	bool reset_spoils;  /* its first BAR reads 0 afterwards */
	bool deaf;	    /* does not signal when VFIO is asked to */
	bool msix_stays_on; /* in its capability */
	bool ignores_iommu; /* reaches what was once mapped */
	uint64_t migration; /* VFIO_MIGRATION_*: what its driver offers; 0 none */
	bool tracks_dma;
	struct fakevfio_migration mig;
	bool pf_on_vfio; /* its PF is driven from user space */
	unsigned node;	 /* of its own, vfioN: as many as there were before, unless changed */
	bool no_node;	 /* though the kernel has such */

	/* State. */
	struct fakevfio *kernel;
	int memory; /* the memfd behind every device descriptor */
	bool group_open, in_container;
	bool bound;    /* to an iommufd */
	uint32_t ioas; /* that it is attached to there; 0 none */
	unsigned devices_open, resets, hot_resets;
	int on;					      /* interrupt index that is on, or -1 */
	unsigned on_count;			      /* vectors that were allocated for it */
	int fds[VFIO_PCI_NUM_IRQS][FAKEVFIO_VECTORS]; /* dup()s, -1 = none */
	unsigned set_irqs;			      /* calls */
};

struct fakevfio {
	struct host host;
	struct host *real;
	struct fakevfio_function functions[FAKEVFIO_GROUPS];
	unsigned n_functions;

	int api_version;
	bool type1v2;
	bool no_iommu;		  /* groups are noiommu-N, which are no use */
	bool no_groups;		  /* no container, no group nodes */
	bool iommufd;		  /* /dev/iommu, and a node for each function */
	int iommufd_errno;	  /* refuse to open it with this */
	int attach_errno;	  /* refuse to attach a function with this */
	bool tokens_by_node;	  /* as Linux 6.17: VF tokens are checked there, too */
	bool may_count_processes; /* CAP_SYS_RESOURCE */
	struct {
		uint64_t first, last;
	} ranges[4];
	unsigned n_ranges; /* 0: the kernel does not tell them */
	uint64_t page_sizes;
	uint32_t dma_limit;
	bool tracks_dirty;  /* type1 tells of it; an iommufd's hardware does it */
	int map_errno;	    /* refuse every mapping with this */
	bool maps_anywhere; /* does not refuse reserved addresses */
	bool maps_twice;
	bool leaks_entries; /* unmapping does not free one */
	struct host *clock; /* whose time passes in a reset; NULL: none does */
	/* A line of the kernel's log: an IOMMU's fault. NULL: nobody listens. */
	void (*log)(struct fakevfio *f, const char *text);
	/* Change the answer before it is given, to lie. */
	void (*lie)(unsigned long request, void *arg);

	/* State. */
	bool iommu_set;
	unsigned n_ioas, destroyed;
	bool iommufd_used, memlock_of_process;
	struct fakevfio_mapping {
		uint64_t iova, size;
		char *memory;
		bool readable, writable;
		uint32_t ioas; /* 0: the container's */
	} mappings[FAKEVFIO_MAPPINGS], last_unmapped;
	unsigned n_mappings, maps, leaked;
	struct {
		int fd;
		int kind;
		struct fakevfio_function *fn;
		bool iommufd; /* a device that was opened by its node */
	} objects[32];
	unsigned n_objects; /* open descriptors */
	unsigned calls, fail_call;
	int fail_errno;
};

/* A kernel with type1v2 and no functions. `real` may be NULL. */
void fakevfio_init(struct fakevfio *f, struct host *real);
/* Releases its memory; descriptors that are still open are closed and their number returned. */
unsigned fakevfio_done(struct fakevfio *f);
/* A viable group with one function whose configuration space is `config`. */
struct fakevfio_function *fakevfio_add(
	struct fakevfio *f, const char *name, unsigned group, const void *config, size_t len);
/*
 * As if a parent had opened it all and passed it on: whatever is open under these numbers becomes
 * the container, the function's group in it, and the function. The container may be there already.
 */
void fakevfio_adopt(struct fakevfio_function *fn, int container, int group, int device);
/* Gives a function a BAR that can be read, written and mapped. */
void fakevfio_bar(struct fakevfio_function *fn, unsigned bar, uint64_t size);
/* The device raises an interrupt: true when an eventfd was there to take it. */
bool fakevfio_fire(struct fakevfio_function *fn, unsigned index, unsigned vector);
/* Direct access to a region, as the device sees it. */
void fakevfio_poke(
	struct fakevfio_function *fn, unsigned region, uint64_t at, const void *data, size_t len);
void fakevfio_peek(
	struct fakevfio_function *fn, unsigned region, uint64_t at, void *data, size_t len);

/*
 * The function reads or writes memory by DMA. False when that address is not mapped so, or bus
 * mastering is off: then nothing is moved, and the kernel logs a fault as Intel's IOMMU has it.
 */
bool fakevfio_dma_read(struct fakevfio_function *fn, uint64_t iova, void *buf, size_t len);
bool fakevfio_dma_write(struct fakevfio_function *fn, uint64_t iova, const void *buf, size_t len);
