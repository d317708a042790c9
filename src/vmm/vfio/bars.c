/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The windows of a BAR are mapped into this process once, and enter the guest as KVM memory slots
 * while the guest decodes the BAR. All the rest traps: to the MSI-X core, or to VFIO by pread and
 * pwrite.
 */
#include "internal.h"

#include "base/checked.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

static uint64_t page_bytes(void)
{
	return (uint64_t)sysconf(_SC_PAGESIZE);
}

/* MSI-X table and PBA, if they are in this BAR. */
static size_t holes_in(const struct function *f, unsigned bar, struct carve_range *holes)
{
	unsigned at = f->view.msix, vectors;
	uint32_t table, pba;
	size_t n = 0;

	if (!at)
		return 0;
	vectors = (pci_get16(&f->pci, at + PCI_MSIX_FLAGS) & PCI_MSIX_FLAGS_QSIZE) + 1U;
	table = pci_get32(&f->pci, at + PCI_MSIX_TABLE);
	pba = pci_get32(&f->pci, at + PCI_MSIX_PBA);
	if ((table & PCI_MSIX_TABLE_BIR) == bar)
		holes[n++] = (struct carve_range) { table & PCI_MSIX_TABLE_OFFSET,
			msix_table_bytes(vectors) };
	if ((pba & PCI_MSIX_PBA_BIR) == bar)
		holes[n++] =
			(struct carve_range) { pba & PCI_MSIX_PBA_OFFSET, msix_pba_bytes(vectors) };
	return n;
}

/* What cannot be mapped is trapped: slow, but right. */
static void map_windows(struct function *f, unsigned bar)
{
	struct carve_range holes[CARVE_HOLES_MAX], ranges[CARVE_WINDOWS_MAX];
	struct function_bar *b = &f->bars[bar];
	size_t n = carve_windows(&b->region, holes, holes_in(f, bar, holes), page_bytes(), ranges);

	for (size_t i = 0; i < n; i++) {
		struct bar_window w = { .range = ranges[i], .slot = -1 };
		int r = vfio_region_map(f->d, &b->region, w.range.offset, w.range.size, &w.mem);

		if (r < 0)
			function_note(f, "BAR %u at 0x%llx cannot be mapped (%s): accesses trap",
				bar, (unsigned long long)w.range.offset, strerror(-r));
		else
			b->windows[b->n_windows++] = w;
	}
	if (n == 0 && b->region.size >= page_bytes() && !b->region.mappable)
		function_note(f, "BAR %u cannot be mapped: accesses trap", bar);
}

static int bar_kind(uint32_t reg, enum pci_bar_kind *ret_kind, bool *ret_prefetchable)
{
	*ret_prefetchable = false;
	if ((reg & PCI_BASE_ADDRESS_SPACE) == PCI_BASE_ADDRESS_SPACE_IO) {
		*ret_kind = PCI_BAR_IO;
		return 0;
	}
	*ret_prefetchable = reg & PCI_BASE_ADDRESS_MEM_PREFETCH;
	switch (reg & PCI_BASE_ADDRESS_MEM_TYPE_MASK) {
	case PCI_BASE_ADDRESS_MEM_TYPE_64:
		*ret_kind = PCI_BAR_MEM64;
		return 0;
	case PCI_BASE_ADDRESS_MEM_TYPE_32:
	case PCI_BASE_ADDRESS_MEM_TYPE_1M:
		*ret_kind = PCI_BAR_MEM32;
		return 0;
	default:
		return -EINVAL;
	}
}

static int bar_new(struct function *f, unsigned bar, struct problem **reterr)
{
	struct vfio_region *region = &f->bars[bar].region;
	enum pci_bar_kind kind;
	bool prefetchable;
	uint8_t raw[4];
	int r = vfio_region_get(f->d, VFIO_PCI_BAR0_REGION_INDEX + bar, region, reterr);

	if (r < 0 || region->size == 0)
		return r;
	r = vfio_config_read(f->d, PCI_BASE_ADDRESS_0 + 4 * bar, raw, sizeof(raw));
	if (r >= 0)
		r = bar_kind(raw[0], &kind, &prefetchable);
	if (r >= 0)
		r = pci_set_bar(&f->pci, bar, kind, prefetchable, region->size);
	if (r < 0)
		return problem(reterr, r, PROBLEM_NOT_ASSIGNABLE, NULL,
			"BAR %u of %s (%llu bytes) makes no sense: %s", bar, f->d->name,
			(unsigned long long)region->size, strerror(-r));
	if (kind != PCI_BAR_IO)
		map_windows(f, bar);
	return 0;
}

int function_bars_new(struct function *f, struct problem **reterr)
{
	for (unsigned i = 0; i < PCI_STD_NUM_BARS; i++) {
		int r = bar_new(f, i, reterr);

		if (r < 0)
			return r;
		if (f->pci.bars[i].kind == PCI_BAR_MEM64)
			i++; /* the upper half is no BAR of its own */
	}
	return 0;
}

void function_bars_done(struct function *f)
{
	for (unsigned i = 0; i < PCI_STD_NUM_BARS; i++) {
		struct function_bar *b = &f->bars[i];

		while (b->n_windows) {
			struct bar_window *w = &b->windows[--b->n_windows];

			if (w->slot >= 0)
				kvm_slot_unmap(f->services->kvm, w->slot);
			host_munmap(f->d->host, w->mem, w->range.size);
		}
		vfio_region_done(&b->region);
	}
}

int function_bar_mapped(struct pci_device *dev, unsigned bar, struct gpa at)
{
	struct function *f = function_of(dev);
	struct function_bar *b;

	if (bar >= PCI_STD_NUM_BARS)
		return 0;
	b = &f->bars[bar];
	for (size_t i = 0; i < b->n_windows; i++) {
		struct bar_window *w = &b->windows[i];

		w->slot = kvm_slot_map(f->services->kvm, gpa_add(at, w->range.offset), w->mem,
			w->range.size, b->region.writable ? 0 : KVM_MEM_READONLY);
		if (w->slot >= 0)
			continue;
		/* It still works by trapping; the guest must not see half a BAR. */
		function_note(
			f, "BAR %u: no memory slot (%s): accesses trap", bar, strerror(-w->slot));
		w->slot = -1;
	}
	return 0;
}

void function_bar_unmapped(struct pci_device *dev, unsigned bar, struct gpa at UNUSED)
{
	struct function *f = function_of(dev);
	struct function_bar *b;

	if (bar >= PCI_STD_NUM_BARS)
		return;
	b = &f->bars[bar];
	for (size_t i = 0; i < b->n_windows; i++) {
		if (b->windows[i].slot >= 0)
			kvm_slot_unmap(f->services->kvm, b->windows[i].slot);
		b->windows[i].slot = -1;
	}
}

uint64_t function_bar_read(struct pci_device *dev, unsigned bar, uint64_t offset, unsigned len)
{
	struct function *f = function_of(dev);
	uint64_t value = 0;

	if (f->msix && msix_bar_read(f->msix, bar, offset, len, &value))
		return value;
	atomic_fetch_add(&f->trapped_reads, 1);
	if (bar >= PCI_STD_NUM_BARS ||
		vfio_region_read(f->d, &f->bars[bar].region, offset, &value, len) < 0)
		return bus_all_ones(len);
	return value;
}

void function_bar_write(
	struct pci_device *dev, unsigned bar, uint64_t offset, unsigned len, uint64_t value)
{
	struct function *f = function_of(dev);

	if (f->msix && msix_bar_write(f->msix, bar, offset, len, value))
		return;
	atomic_fetch_add(&f->trapped_writes, 1);
	if (bar < PCI_STD_NUM_BARS)
		vfio_region_write(f->d, &f->bars[bar].region, offset, &value, len);
}
