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

/* The mapping stays where it is: the book holds a pointer to it. */
static int add_window(struct function *f, unsigned bar, const struct carve_range *range)
{
	struct function_bar *b = &f->bars[bar];
	struct bar_window *w = &b->windows[b->n_windows];
	int r;

	*w = (struct bar_window) { .range = *range, .slot = -1 };
	r = vfio_region_map(f->d, &b->region, range->offset, range->size, &w->mem);
	if (r < 0)
		return r;
	w->peer = (struct peer_window) {
		.name = f->d->name,
		.bar = bar,
		.offset = range->offset,
		.size = range->size,
		.mem = w->mem,
		.prot = (b->region.readable ? VFIO_PROT_READ : 0U) |
			(b->region.writable ? VFIO_PROT_WRITE : 0U),
	};
	r = peers_add_window(f->peers, &w->peer);
	if (r < 0)
		host_munmap(f->d->host, w->mem, range->size);
	else
		b->n_windows++;
	return r;
}

/* What cannot be mapped is trapped: slow, but right. */
static void map_windows(struct function *f, unsigned bar)
{
	struct carve_range holes[CARVE_HOLES_MAX], ranges[CARVE_WINDOWS_MAX];
	struct function_bar *b = &f->bars[bar];
	size_t n = carve_windows(&b->region, holes, holes_in(f, bar, holes), page_bytes(), ranges);

	for (size_t i = 0; i < n; i++) {
		int r = add_window(f, bar, &ranges[i]);

		if (r >= 0)
			continue;
		b->map_error = r;
		function_note(f, "BAR %u at 0x%llx cannot be mapped (%s): accesses trap", bar,
			(unsigned long long)ranges[i].offset, strerror(-r));
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

			peers_remove_window(f->peers, &w->peer);
			/* Whatever comes to lie at these addresses later is not the guest's. */
			if (w->slot >= 0 && kvm_slot_unmap(f->services->kvm, w->slot) < 0)
				function_note(f, "BAR %u cannot be taken from the guest", i);
			else
				host_munmap(f->d->host, w->mem, w->range.size);
		}
		vfio_region_done(&b->region);
	}
}

/* Into the guest and the IOMMU's space. Without a slot it still works, by trapping. */
static void enter_guest(struct function *f, unsigned bar, struct bar_window *w, struct gpa bar_at)
{
	uint32_t flags = f->bars[bar].region.writable ? 0 : KVM_MEM_READONLY;
	struct gpa at = gpa_add(bar_at, w->range.offset);

	if (w->slot < 0)
		w->slot = kvm_slot_map(f->services->kvm, at, w->mem, w->range.size, flags);
	if (w->slot >= 0) {
		peers_show(f->peers, &w->peer, (struct iova) { at.v });
		return;
	}
	function_note(f, "BAR %u: no memory slot (%s): accesses trap", bar, strerror(-w->slot));
	w->slot = -1;
}

int function_bar_mapped(struct pci_device *dev, unsigned bar, struct gpa at)
{
	struct function *f = function_of(dev);
	struct function_bar *b;

	if (bar >= PCI_STD_NUM_BARS)
		return 0;
	b = &f->bars[bar];
	for (size_t i = 0; i < b->n_windows; i++)
		enter_guest(f, bar, &b->windows[i], at);
	return 0;
}

/* Out of the IOMMU's space first: nobody may reach by DMA what the guest does not have. */
static int leave_guest(struct function *f, struct bar_window *w)
{
	int r = peers_hide(f->peers, &w->peer);

	if (r < 0 || w->slot < 0)
		return r;
	r = kvm_slot_unmap(f->services->kvm, w->slot);
	if (r >= 0)
		w->slot = -1;
	return r;
}

/* All of the BAR goes, or all of it stays where it was. */
int function_bar_unmapped(struct pci_device *dev, unsigned bar, struct gpa at)
{
	struct function *f = function_of(dev);
	struct function_bar *b;
	int r = 0;

	if (bar >= PCI_STD_NUM_BARS)
		return 0;
	b = &f->bars[bar];
	for (size_t i = 0; i < b->n_windows && r >= 0; i++)
		r = leave_guest(f, &b->windows[i]);
	if (r >= 0)
		return 0;
	for (size_t i = 0; i < b->n_windows; i++)
		enter_guest(f, bar, &b->windows[i], at);
	function_note(f, "BAR %u cannot be taken from 0x%llx (%s): it stays there", bar,
		(unsigned long long)at.v, strerror(-r));
	return r;
}

struct search {
	const struct function *f;
	bool found;
};

static void look_for_slot(void *arg)
{
	struct search *s = arg;

	for (unsigned i = 0; i < PCI_STD_NUM_BARS; i++)
		for (size_t w = 0; w < s->f->bars[i].n_windows; w++)
			s->found |= s->f->bars[i].windows[w].slot >= 0;
}

/* Whoever moves another BAR may get rid of one of ours that was in the way. */
bool function_bars_in_guest(const struct function *f)
{
	struct search s = { .f = f };

	pci_bus_hold(f->pci.bus, look_for_slot, &s);
	return s.found;
}

uint64_t function_bar_read(struct pci_device *dev, unsigned bar, uint64_t offset, unsigned len)
{
	struct function *f = function_of(dev);
	uint64_t value = 0;

	if (f->msix && msix_bar_read(f->msix, bar, offset, len, &value))
		return value;
	if (bar == PCI_ROM_BAR)
		return function_rom_read(f, offset, len);
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

static void claim_window(struct function *f, struct pci_claims *c, unsigned bar, size_t i)
{
	const struct pci_bar *b = &f->pci.bars[bar];
	const struct bar_window *w = &f->bars[bar].windows[i], *before = w - 1;
	struct carve_range holes[CARVE_HOLES_MAX];
	size_t n = holes_in(f, bar, holes);

	for (size_t h = 0; h < n; h++)
		if (ranges_overlap(w->range.offset, w->range.size, holes[h].offset, holes[h].size))
			pci_claim_wrong(c, "%s BAR %u: the MSI-X table is mapped", f->d->name, bar);
	if (i && before->range.offset + before->range.size > w->range.offset)
		pci_claim_wrong(c, "%s BAR %u: windows overlap", f->d->name, bar);
	if (b->mapped && w->slot < 0)
		return; /* there was no slot: it traps */
	if (b->mapped)
		pci_claim_slot(c, f->d->name, w->slot, GPA(b->region.start + w->range.offset),
			w->mem, w->range.size);
	else if (w->slot >= 0)
		pci_claim_wrong(c, "%s BAR %u: in the guest, and not decoded", f->d->name, bar);
}

void function_bars_claim(struct function *f, struct pci_claims *c)
{
	for (unsigned bar = 0; bar < PCI_STD_NUM_BARS; bar++)
		for (size_t i = 0; i < f->bars[bar].n_windows; i++)
			claim_window(f, c, bar, i);
}
