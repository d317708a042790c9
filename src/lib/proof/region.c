// SPDX-License-Identifier: GPL-2.0-or-later
/* BARs can be read, and mapped but for the pages of the MSI-X table. */
#include "run.h"

#include "base/checked.h"

#include <inttypes.h>
#include <linux/vfio.h>
#include <string.h>

enum {
	MSIX_FLAGS = 2,
	MSIX_TABLE = 4,
	MSIX_PBA = 8,
	MSIX_SIZE_MASK = 0x7ff,
	MSIX_BIR_MASK = 7,
	MSIX_ENTRY_BYTES = 16,
};

struct tally {
	unsigned bars, windows;
	uint64_t mapped_bytes, read_dwords, ones;
};

struct span {
	uint64_t from, to; /* without `to` */
};

/* What lies in the table's or the pending bits' pages, if they are in this BAR. */
static size_t msix_spans(const struct proof_run *r, unsigned bar, struct span out[2])
{
	unsigned at = config_find(&r->config, CAP_MSIX);
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), vectors, bytes[2];
	uint32_t where[2];
	uint16_t flags;
	size_t n = 0;

	if (!at || !config_u16(&r->config, at + MSIX_FLAGS, &flags) ||
		!config_u32(&r->config, at + MSIX_TABLE, &where[0]) ||
		!config_u32(&r->config, at + MSIX_PBA, &where[1]))
		return 0;
	vectors = (flags & MSIX_SIZE_MASK) + 1U;
	bytes[0] = vectors * MSIX_ENTRY_BYTES;
	bytes[1] = (vectors + 63) / 64 * 8;
	for (size_t i = 0; i < 2; i++) {
		uint64_t offset = where[i] & ~(uint32_t)MSIX_BIR_MASK;

		if ((where[i] & MSIX_BIR_MASK) == bar)
			out[n++] = (struct span) { align_down(offset, page),
				align_up(offset + bytes[i], page) };
	}
	if (n == 2 && out[1].from < out[0].from) {
		struct span first = out[1];

		out[1] = out[0];
		out[0] = first;
	}
	return n;
}

/* Reads one register through a mapping of [from, to). */
static int touch(struct proof_run *r, const struct vfio_region *b, struct span s, struct tally *t)
{
	uint32_t value;
	void *mem;
	int e;

	if (s.from >= s.to)
		return 0;
	e = vfio_region_map(r->device, b, s.from, s.to - s.from, &mem);
	if (e < 0)
		return e;
	value = *(volatile uint32_t *)mem;
	t->windows++;
	t->mapped_bytes += s.to - s.from;
	t->read_dwords++;
	t->ones += value == UINT32_MAX;
	return host_munmap(r->host, mem, s.to - s.from);
}

/* [area) without the holes, which are in order. */
static int map_area(struct proof_run *r, const struct vfio_region *b, struct span area,
	const struct span *holes, size_t n_holes, struct tally *t)
{
	int e = 0;

	for (size_t i = 0; e == 0 && i < n_holes; i++) {
		if (holes[i].to <= area.from || holes[i].from >= area.to)
			continue;
		e = touch(r, b, (struct span) { area.from, holes[i].from }, t);
		area.from = holes[i].to;
	}
	return e < 0 ? e : touch(r, b, area, t);
}

static int map_bar(struct proof_run *r, unsigned bar, struct tally *t)
{
	const struct vfio_region *b = &r->bars[bar];
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	struct span holes[2];
	size_t n = msix_spans(r, bar, holes);
	int e = 0;

	if (!b->mappable || !b->readable)
		return 0;
	if (!b->has_areas)
		return map_area(r, b, (struct span) { 0, align_down(b->size, page) }, holes, n, t);
	for (size_t i = 0; e == 0 && i < b->n_areas; i++) {
		struct span a = { b->areas[i].offset, b->areas[i].offset + b->areas[i].size };

		e = map_area(r, b, a, holes, n, t);
	}
	return e;
}

static int read_bar(struct proof_run *r, unsigned bar, struct tally *t)
{
	uint32_t value;
	int e;

	if (!r->bars[bar].readable || r->bars[bar].size < sizeof(value))
		return 0;
	e = vfio_region_read(r->device, &r->bars[bar], 0, &value, sizeof(value));
	if (e < 0)
		return e;
	t->read_dwords++;
	t->ones += value == UINT32_MAX;
	return 0;
}

/* False when the check has failed. */
static bool try_bar(struct proof_run *r, struct proof_check *c, unsigned bar, struct tally *t)
{
	struct problem *p = NULL;
	int e = vfio_region_get(r->device, VFIO_PCI_BAR0_REGION_INDEX + bar, &r->bars[bar], &p);

	if (e < 0) {
		check_problem(c, p, e);
		return false;
	}
	if (!r->bars[bar].size)
		return true;
	t->bars++;
	e = read_bar(r, bar, t);
	if (e < 0) {
		check_failed(c, "BAR %u cannot be read: %s", bar, strerror(-e));
		return false;
	}
	e = map_bar(r, bar, t);
	if (e < 0)
		check_failed(
			c, "BAR %u was promised to be mappable and is not: %s", bar, strerror(-e));
	return e == 0;
}

void prove_regions(struct proof_run *r)
{
	struct proof_check *c = check_start(r, "regions");
	struct tally t = { 0 };

	for (unsigned i = 0; i < PROOF_BARS; i++)
		if (!try_bar(r, c, i, &t))
			return;
	if (t.read_dwords && t.ones == t.read_dwords)
		check_failed(c, "all %" PRIu64 " registers read as all ones: it does not answer",
			t.read_dwords);
	else
		check_proved(c, "BARs read: %u; mapped: %" PRIu64 " KiB in pieces: %u", t.bars,
			t.mapped_bytes / 1024, t.windows);
}
