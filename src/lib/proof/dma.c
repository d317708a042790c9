// SPDX-License-Identifier: GPL-2.0-or-later
/* Memory can be mapped for the function wherever the IOMMU says so, and nowhere else. */
#include "run.h"

#include "base/checked.h"
#include "cause/cause.h"
#include "vfio/iommufd.h"
#include "vfio/memlock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
	BIGGEST = 16 << 20,
	EDGES_MAX = 32,	      /* ranges that are tried; a machine has two or three */
	ENTRIES_WANTED = 256, /* what a guest with a few devices takes */
	PROT = VFIO_PROT_READ | VFIO_PROT_WRITE,
};

struct attempt {
	struct proof_run *r;
	char *mem; /* BIGGEST bytes */
	unsigned maps, refusals;
	uint64_t bytes;
};

static uint64_t page_of(const struct proof_run *r)
{
	return r->space->page_sizes & -r->space->page_sizes;
}

static int try_map(struct attempt *t, uint64_t at, uint64_t len, struct problem **reterr)
{
	struct iova iova = { at };
	int e = vfio_space_map(t->r->space, iova, t->mem, len, PROT, reterr);

	if (e < 0)
		return e;
	t->maps++;
	t->bytes += len;
	/* The same address again must not silently replace what is there. */
	e = t->r->space->ops->map(t->r->space, iova, t->mem, len, PROT);
	if (e >= 0)
		return problem(reterr, -EEXIST, PROBLEM_NOT_ASSIGNABLE, NULL,
			"IOVA 0x%" PRIx64 " could be mapped twice", at);
	return vfio_space_unmap(t->r->space, iova, len, reterr);
}

static int try_sizes(struct attempt *t, struct problem **reterr)
{
	static const uint64_t sizes[] = { PROOF_PAGE, 64 << 10, 2 << 20, BIGGEST };
	int e = 0;

	for (size_t i = 0; e == 0 && i < ARRAY_SIZE(sizes); i++)
		e = try_map(
			t, t->r->arena.iova + BIGGEST, align_up(sizes[i], page_of(t->r)), reterr);
	return e;
}

static int try_edges(struct attempt *t, struct problem **reterr)
{
	const struct vfio_space *s = t->r->space;
	uint64_t page = page_of(t->r);
	int e = 0;

	for (size_t i = 0; e == 0 && i < MIN(s->n_ranges, (size_t)EDGES_MAX); i++) {
		uint64_t first = align_up(MIN(s->ranges[i].first, UINT64_MAX - page), page);
		/* Of the whole 64 bits the last page cannot be told to the kernel. */
		uint64_t last = align_down(s->ranges[i].last - (page - 1), page);

		if (s->ranges[i].last == UINT64_MAX)
			last -= page;
		if (first > s->ranges[i].last || s->ranges[i].last - first < 2 * page)
			continue;
		e = try_map(t, first, page, reterr);
		if (e == 0)
			e = try_map(t, last, page, reterr);
	}
	return e;
}

/* The number of free entries has to come back with the mapping. */
static int count_entries(struct attempt *t, struct problem **reterr)
{
	struct vfio_space *s = t->r->space;
	struct iova at = { t->r->arena.iova + BIGGEST };
	uint32_t before, during;
	int e = s->ops->refresh(s);

	if (e < 0 || !s->dma_avail_known)
		return e;
	before = s->dma_avail;
	e = vfio_space_map(s, at, t->mem, page_of(t->r), PROT, reterr);
	if (e < 0)
		return e;
	e = s->ops->refresh(s);
	during = s->dma_avail;
	if (e == 0)
		e = vfio_space_unmap(s, at, page_of(t->r), reterr);
	if (e == 0)
		e = s->ops->refresh(s);
	if (e == 0 && (during + 1 != before || s->dma_avail != before))
		e = problem(reterr, -EBADMSG, PROBLEM_FAILED, NULL,
			"free DMA entries went %u, %u, %u when one was mapped and unmapped", before,
			during, s->dma_avail);
	return e;
}

/* What the room below says, and what of it this machine confirms. */
void check_mapping(struct proof_run *r, struct proof_check *c, struct problem *p, int code)
{
	const struct cause_query q = { CAUSE_MAP_DMA, code, r->target->bdf, NULL, 0 };

	cause_explain(r->host, &q, NULL, &p);
	check_problem(c, p, code);
}

void prove_dma(struct proof_run *r)
{
	struct proof_check *c = check_start(r, "dma-map");
	struct attempt t = { .r = r, .mem = aligned_alloc(2 << 20, BIGGEST) };
	struct problem *p = NULL;
	int e = t.mem ? 0 : -ENOMEM;

	if (e == 0)
		e = try_sizes(&t, &p);
	if (e == 0)
		e = try_edges(&t, &p);
	if (e == 0)
		e = count_entries(&t, &p);
	if (e < 0)
		check_mapping(r, c, p, e);
	else
		check_proved(c,
			"%u mappings made and taken back, to 16 MiB and at the edges of %zu ranges",
			t.maps, r->space->n_ranges);
	free(t.mem);
}

/* The kernel itself is asked: our own check would refuse before. */
static void try_refused(struct attempt *t, struct proof_check *c, uint64_t at)
{
	struct vfio_space *s = t->r->space;
	uint64_t page = page_of(t->r);

	if (c->verdict == PROOF_FAILED)
		return;
	if (s->ops->map(s, (struct iova) { at }, t->mem, page, PROT) < 0) {
		t->refusals++;
		return;
	}
	s->ops->unmap(s, (struct iova) { at }, page);
	check_failed(c, "the kernel let the reserved address 0x%" PRIx64 " be mapped", at);
}

static void try_hole(struct attempt *t, struct proof_check *c, uint64_t from, uint64_t to)
{
	uint64_t page = page_of(t->r);

	/* Whole pages of it; the highest of all is left out, see try_edges(). */
	if (from > UINT64_MAX - 2 * page || to < page)
		return;
	from = align_up(from, page);
	to = align_down(MIN(to, UINT64_MAX - 2 * page), page);
	if (from >= to)
		return;
	try_refused(t, c, from);
	try_refused(t, c, to - page);
}

void prove_dma_refused(struct proof_run *r)
{
	struct proof_check *c = check_start(r, "dma-reserved");
	const struct vfio_space *s = r->space;
	struct attempt t = { .r = r, .mem = aligned_alloc(page_of(r), page_of(r)) };
	uint64_t next = 0;
	bool to_the_end = false;

	for (size_t i = 0; t.mem && i < s->n_ranges; i++) {
		try_hole(&t, c, next, s->ranges[i].first);
		to_the_end = s->ranges[i].last == UINT64_MAX;
		next = s->ranges[i].last + 1;
	}
	if (t.mem && s->n_ranges && !to_the_end)
		try_hole(&t, c, next, UINT64_MAX);
	if (c->verdict != PROOF_FAILED && t.refusals)
		check_proved(c, "%u addresses outside the allowed ranges were refused", t.refusals);
	else if (c->verdict != PROOF_FAILED)
		check_skipped(c, "the kernel names no reserved addresses");
	for (size_t i = 0; i < MIN(s->n_ranges, (size_t)4); i++)
		check_evidence(c, "%s%s0x%" PRIx64 "-0x%" PRIx64, c->evidence ? c->evidence : "",
			i ? ", " : "", s->ranges[i].first, s->ranges[i].last);
	free(t.mem);
}

void prove_dma_limits(struct proof_run *r)
{
	struct proof_check *c = check_start(r, "dma-limits");
	const struct vfio_space *s = r->space;
	struct memlock m;
	char entries[32], memory[32] = "no limit";

	if (memlock_get(&m) < 0)
		m = (struct memlock) { UINT64_MAX, true };
	snprintf(entries, sizeof(entries), "%s", vfio_space_is_iommufd(s) ? "no limit" : "unknown");
	if (s->dma_avail_known)
		snprintf(entries, sizeof(entries), "%u", s->dma_avail);
	if (!m.exempt && m.allowed_bytes != UINT64_MAX)
		snprintf(memory, sizeof(memory), "%" PRIu64 " MiB", m.allowed_bytes >> 20);
	if (s->dma_avail_known && s->dma_avail < ENTRIES_WANTED) {
		check_failed(c, "only %u DMA mappings are left", s->dma_avail);
		c->kind = PROBLEM_DMA_LIMIT;
		check_hint(c, "raise dma_entry_limit of the module vfio_iommu_type1");
	} else {
		check_proved(
			c, "DMA mappings left: %s; memory that may be pinned: %s", entries, memory);
	}
}
