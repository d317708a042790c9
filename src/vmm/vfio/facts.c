/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "facts.h"

#include "internal.h"

#include <string.h>

static bool has_holes(const struct function *f, unsigned bar)
{
	unsigned at = f->view.msix;

	return at && ((pci_get32(&f->pci, at + PCI_MSIX_TABLE) & PCI_MSIX_TABLE_BIR) == bar ||
			     (pci_get32(&f->pci, at + PCI_MSIX_PBA) & PCI_MSIX_PBA_BIR) == bar);
}

/* Of what is not mapped; the order is that of what is most to be wondered at. */
static const char *why_trapped(const struct function *f, unsigned bar, bool no_slot)
{
	const struct function_bar *b = &f->bars[bar];

	if (f->pci.bars[bar].kind == PCI_BAR_IO)
		return "I/O ports trap";
	if (no_slot)
		return "KVM had no memory slot for it";
	if (b->map_error)
		return strerror(-b->map_error);
	if (!b->region.mappable)
		return "the kernel does not let it be mapped";
	if (b->region.size < (uint64_t)sysconf(_SC_PAGESIZE))
		return "it is smaller than a page";
	if (has_holes(f, bar))
		return "the pages with the MSI-X table trap";
	return "the kernel lets only parts of it be mapped";
}

static struct bar_facts facts_of(const struct function *f, unsigned bar)
{
	const struct pci_bar *p = &f->pci.bars[bar];
	struct bar_facts r = { .bar = bar, .kind = p->kind, .size = p->size, .decoded = p->mapped };
	bool no_slot = false;

	r.at = r.decoded ? p->region.start : 0;
	for (size_t i = 0; i < f->bars[bar].n_windows; i++) {
		const struct bar_window *w = &f->bars[bar].windows[i];
		bool lacks = r.decoded && w->slot < 0;

		r.direct += lacks ? 0 : w->range.size;
		no_slot |= lacks;
	}
	r.why = r.direct < r.size ? why_trapped(f, bar, no_slot) : NULL;
	return r;
}

size_t function_bar_facts(struct pci_device *pci, struct bar_facts ret[PCI_STD_NUM_BARS])
{
	const struct function *f = function_of(pci);
	size_t n = 0;

	for (unsigned i = 0; i < PCI_STD_NUM_BARS; i++)
		if (pci->bars[i].kind != PCI_BAR_NONE)
			ret[n++] = facts_of(f, i);
	return n;
}

static const char *why_window(
	struct peers *p, const struct bar_window *w, const struct peer_entry *e)
{
	if (w->slot < 0)
		return "it is not in the guest";
	if (!peers_are_on(p))
		return p->wish == PEERS_OFF ? "switched off (--peers off)" : "one is alone";
	return e->error ? peers_why(e->error) : "it has just moved";
}

void function_reach_facts(struct pci_device *pci, unsigned bar, const struct vfio_space *from,
	struct reach_facts *ret)
{
	struct function *f = function_of(pci);
	const struct function_bar *b = &f->bars[bar];

	*ret = (struct reach_facts) { 0 };
	if (!pci->bars[bar].mapped)
		ret->why = "the guest does not decode it";
	else if (!b->n_windows)
		ret->why = why_trapped(f, bar, false);
	for (size_t i = 0; i < b->n_windows && !ret->why; i++) {
		const struct bar_window *w = &b->windows[i];
		struct peer_entry e = { 0 };

		if (peers_look(f->peers, from, &w->peer, &e) && e.mapped)
			ret->bytes += w->range.size;
		else
			ret->why = why_window(f->peers, w, &e);
	}
}

const char *function_interrupts(struct pci_device *pci)
{
	static const char *const names[] = {
		[IRQ_MODE_NONE] = "none",
		[IRQ_MODE_INTX] = "intx",
		[IRQ_MODE_MSI] = "msi",
		[IRQ_MODE_MSIX] = "msix",
	};
	enum irq_mode mode;

	pci_config_lock(pci);
	mode = function_of(pci)->mode;
	pci_config_unlock(pci);
	return names[mode];
}

const char *function_rom_facts(struct pci_device *pci, size_t *ret_bytes, const char **ret_why)
{
	static const char *const names[] = {
		[FUNCTION_ROM_OFF] = "off",
		[FUNCTION_ROM_DEVICE] = "device",
		[FUNCTION_ROM_FILE] = "file",
	};
	const struct function *f = function_of(pci);

	*ret_bytes = f->rom_bytes;
	*ret_why = f->rom_why;
	return names[f->rom_how];
}
