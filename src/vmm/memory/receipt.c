/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "receipt.h"

#include "base/checked.h"
#include "host/pages.h"

void memory_receipt_init(struct memory_receipt *r, const struct guest_memory *m)
{
	*r = (struct memory_receipt) {
		.bytes = m->size,
		.huge_page = m->huge_page,
		.banks = m->n_banks,
	};
	for (size_t i = 0; i < m->n_banks; i++) {
		uint64_t start = align_up(m->banks[i].start.v, PAGES_2M);
		uint64_t end = align_down(m->banks[i].start.v + m->banks[i].size, PAGES_2M);

		r->huge_fit += end > start ? end - start : 0;
	}
}

uint64_t memory_receipt_huge_bytes(const struct memory_receipt *r)
{
	uint64_t small = (r->prefault.faults + r->loaded_faults) * GUEST_PAGE_BYTES, huge;

	if (!r->populated)
		return 0;
	if (r->huge_page)
		return r->bytes;
	/* faults = small pages + huge pages, bytes = those times their sizes. */
	huge = r->bytes > small ? (r->bytes - small) / (PAGES_2M - GUEST_PAGE_BYTES) * PAGES_2M : 0;
	return MIN(huge, r->huge_fit);
}

const char *memory_receipt_why(const struct memory_receipt *r)
{
	if (r->huge_page == PAGES_1G)
		return "there are none larger";
	if (r->huge_page)
		return "these were asked for";
	if (r->no_thp)
		return "transparent huge pages are off on this host";
	if (!r->populated)
		return "they come when the guest touches them";
	/* Somebody else's faults may have cost one page or two in the reckoning. */
	if (memory_receipt_huge_bytes(r) + 8 * PAGES_2M >= r->huge_fit)
		return r->huge_fit == r->bytes ? "1G takes --huge-pages=1G"
					       : "reserved ranges cut the memory";
	return "the host's free memory is in pieces";
}
