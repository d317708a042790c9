/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A PCI function of the guest: its configuration space, its BARs, and the operations by which the
 * PCI core reaches the device behind it (emulated, virtio or VFIO).
 *
 * The core owns what every function has in common: the shadow of the 4 KiB configuration space
 * with its write masks, BAR sizing, placement and relocation, the decode bits of the command
 * register. A device fills in config[] and the masks before pci_bus_add(), and afterwards changes
 * config[] only from its config operations or under pci_config_lock().
 *
 * Threads: config operations of one device never run at the same time (a lock per device). BAR
 * operations are called from any vCPU, several at once. bar_mapped and bar_unmapped come from a
 * vCPU that changes the decode, under the device's config lock and the bus's layout lock: they may
 * call KVM, the irq room, the loops; not pci_bus_*(). bar_read and bar_write must not wait for
 * anything that waits for a config operation.
 */
#pragma once

#include "base/attr.h"
#include "base/problem.h"
#include "vmm/bus/bus.h"
#include "vmm/memory/addr.h"

#include <linux/pci_regs.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct intx_line;
struct pci_bus;
struct pci_claims;
struct pci_device;

enum {
	PCI_CONFIG_BYTES = 4096,
	PCI_BARS = 7,
	PCI_ROM_BAR = 6, /* the expansion ROM is the seventh */
	PCI_SLOTS = 32,
};

enum pci_bar_kind {
	PCI_BAR_NONE,
	PCI_BAR_IO,
	PCI_BAR_MEM32,
	PCI_BAR_MEM64, /* takes this register and the next */
	PCI_BAR_ROM,
};

struct pci_bar {
	enum pci_bar_kind kind;
	bool prefetchable;
	uint64_t size; /* a power of two, ≥ 16 for memory (4 KiB and up is wise), ≥ 4 for I/O */

	/* The core's. */
	bool wanted; /* the guest's registers decode it at wanted_at */
	uint64_t wanted_at;
	bool mapped;	   /* it is in the bus, at region.start */
	bool refused;	   /* … it would be, but the device could not map it */
	bool held;	   /* it should have gone from there, but the device could not unmap it */
	uint64_t reserved; /* where the core placed it at first, 0 = nowhere */
	struct bus_region region;
	struct pci_device *dev;
};

struct pci_device_ops {
	/*
	 * Instead of the shadow; NULL = pci_config_default_read / _write. len is 1, 2 or 4 and the
	 * access is inside one aligned dword. A hook that wants the usual behaviour calls the
	 * default itself, before or after its own work.
	 */
	uint32_t (*config_read)(struct pci_device *dev, unsigned offset, unsigned len);
	void (*config_write)(struct pci_device *dev, unsigned offset, unsigned len, uint32_t value);

	/*
	 * The BAR became visible at `at` (a port number for I/O BARs) or is about to vanish. Memory
	 * that the device maps there with kvm_slot_map() is served without exits; all the rest of
	 * the BAR traps to bar_read and bar_write. An error of bar_mapped leaves the BAR unmapped;
	 * one of bar_unmapped leaves it where it was, whole, until the layout changes again.
	 * May be NULL.
	 */
	int (*bar_mapped)(struct pci_device *dev, unsigned bar, struct gpa at);
	int (*bar_unmapped)(struct pci_device *dev, unsigned bar, struct gpa at);

	/* Trapped accesses: len 1…8, any alignment, inside the BAR. NULL reads all ones. */
	uint64_t (*bar_read)(struct pci_device *dev, unsigned bar, uint64_t offset, unsigned len);
	void (*bar_write)(struct pci_device *dev, unsigned bar, uint64_t offset, unsigned len,
		uint64_t value);

	/*
	 * Of a function of the host: the i-th word of what its driver there offers for live
	 * migration, NULL beyond the last. NULL in the table: it is none.
	 */
	const char *(*migration)(struct pci_device *dev, unsigned i);

	/* The machine stops for good: no DMA, no interrupts, no callbacks after this. */
	void (*stop)(struct pci_device *dev);
	/* Everything the device owns, itself included; after stop, BARs unmapped. */
	void (*free)(struct pci_device *dev);
	/* For the checker: what it has made in KVM, see claims.h. NULL: nothing. */
	void (*claim)(struct pci_device *dev, struct pci_claims *c);
	/*
	 * Changes how the device works, of one of its queues or of all (-1), while the guest runs.
	 * Nothing has changed when it fails: PROBLEM_USAGE, PROBLEM_NOT_FOUND … In the main loop's
	 * thread. NULL: nothing of it can be set.
	 */
	int (*set)(struct pci_device *dev, int queue, const char *key, const char *value,
		struct problem **reterr);
	/* Counters as name and value pairs, in a fixed order; may be NULL. */
	void (*stats)(struct pci_device *dev, void (*each)(void *arg, const char *name, uint64_t v),
		void *arg);
	/*
	 * What it is and how it is served, as pairs of words ("model", "virtio-blk"; "poll",
	 * "adaptive"), for those who ask what its counters come from: lib/cost. May be NULL.
	 */
	void (*traits)(struct pci_device *dev,
		void (*each)(void *arg, const char *key, const char *word), void *arg);
};

struct pci_device {
	const struct pci_device_ops *ops;
	const char *
		name; /* for messages: "virtio-blk0", "0000:01:10.0"; lives as long as the device */
	uint8_t config[PCI_CONFIG_BYTES];
	uint8_t write_mask[PCI_CONFIG_BYTES]; /* bits that a write changes */
	uint8_t clear_mask[PCI_CONFIG_BYTES]; /* bits that writing 1 clears */
	struct pci_bar bars[PCI_BARS];

	/* Set by pci_bus_add(). */
	struct pci_bus *bus;
	unsigned slot;	/* device number; the function is 0 */
	bool removable; /* while the guest runs; set before it is added */
	pthread_mutex_t config_lock;
	atomic_uint_fast64_t config_reads, config_writes; /* of the guest */
	uint8_t next_cap;				  /* where pci_add_capability() goes on */
};

struct pci_ids {
	uint16_t vendor, device, subsystem_vendor, subsystem;
	uint8_t revision;
	uint32_t class; /* 24 bits: class, subclass, programming interface */
};

/* Zeroes everything and sets up a type 0 header with its masks. */
void pci_device_init(struct pci_device *dev, const struct pci_device_ops *ops, const char *name,
	const struct pci_ids *ids);
/* What pci_device_init() made; ops->free calls it. */
void pci_device_done(struct pci_device *dev);

/* Little-endian access to the shadow. The offset is the caller's, not the guest's. */
uint8_t pci_get8(const struct pci_device *dev, unsigned offset);
uint16_t pci_get16(const struct pci_device *dev, unsigned offset);
uint32_t pci_get32(const struct pci_device *dev, unsigned offset);
void pci_set8(struct pci_device *dev, unsigned offset, uint8_t v);
void pci_set16(struct pci_device *dev, unsigned offset, uint16_t v);
void pci_set32(struct pci_device *dev, unsigned offset, uint32_t v);

/*
 * Appends a capability of `bytes` (its 2-byte header included) to the list in the first 256 bytes.
 * Returns its offset, -ENOSPC when full. Writable bits are the caller's to set in write_mask.
 */
int pci_add_capability(struct pci_device *dev, uint8_t id, unsigned bytes);
/* The first capability with this id, 0 if none. */
unsigned pci_find_capability(const struct pci_device *dev, uint8_t id);

/* -EINVAL for a size or kind that the register cannot hold, -EBUSY when it is taken. */
int pci_set_bar(struct pci_device *dev, unsigned bar, enum pci_bar_kind kind, bool prefetchable,
	uint64_t size);

/* Masked shadow; the write also follows BARs and the command register. */
uint32_t pci_config_default_read(struct pci_device *dev, unsigned offset, unsigned len);
void pci_config_default_write(
	struct pci_device *dev, unsigned offset, unsigned len, uint32_t value);

/*
 * What vCPUs do: through the hooks, under the lock. len is 1…8 and any offset will do: what is not
 * inside one dword is split, what lies beyond the end reads all ones and is not written.
 */
uint64_t pci_config_read(struct pci_device *dev, unsigned offset, unsigned len);
void pci_config_write(struct pci_device *dev, unsigned offset, unsigned len, uint64_t value);

/* What every device counts, as ops->stats: the accesses that were left to user space. */
void pci_device_stats(
	struct pci_device *dev, void (*each)(void *arg, const char *name, uint64_t v), void *arg);

static inline void pci_config_lock(struct pci_device *dev)
{
	pthread_mutex_lock(&dev->config_lock);
}

static inline void pci_config_unlock(struct pci_device *dev)
{
	pthread_mutex_unlock(&dev->config_lock);
}

/* True if a config write of [offset, +len) touches [at, +bytes). */
static inline bool pci_touches(unsigned offset, unsigned len, unsigned at, unsigned bytes)
{
	return offset < at + bytes && at < offset + len;
}
