// SPDX-License-Identifier: GPL-2.0-or-later
#include "run.h"

#include "base/checked.h"

#include <string.h>

enum {
	LOWEST = 1 << 20, /* some devices take address 0 for "none" */
	ALIGN = 2 << 20,  /* the size of a large IOMMU page */
	SPAN = 32 << 20,  /* the arena, and far behind it what is outside */
	OUTSIDE_AT = 16 << 20,
};

static size_t page_bytes(const struct proof_run *r)
{
	uint64_t smallest = r->space->page_sizes & -r->space->page_sizes;

	return (size_t)MAX(smallest, (uint64_t)PROOF_PAGE);
}

/* Below 4 GiB if it can be: there are devices with 32 bits of address. */
static int find_span(const struct proof_run *r, uint64_t *ret)
{
	const struct vfio_space *s = r->space;

	if (!s->n_ranges) {
		*ret = LOWEST + ALIGN;
		return 0;
	}
	for (size_t i = 0; i < s->n_ranges; i++) {
		uint64_t first = MAX(s->ranges[i].first, (uint64_t)LOWEST), at;

		if (first > UINT64_MAX - ALIGN)
			continue;
		at = align_up(first, ALIGN);
		if (at <= s->ranges[i].last && s->ranges[i].last - at >= SPAN - 1) {
			*ret = at;
			return 0;
		}
	}
	return -ENOSPC;
}

int arena_open(struct proof_run *r, size_t size, struct problem **reterr)
{
	struct arena a = { .size = align_up(size, page_bytes(r)) };
	int e = find_span(r, &a.iova);

	if (e < 0)
		return problem(reterr, e, PROBLEM_RESERVED_IOVA, NULL,
			"the IOMMU allows no range of %d MiB", SPAN >> 20);
	a.mem = aligned_alloc(page_bytes(r), a.size);
	if (!a.mem)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	memset(a.mem, 0, a.size);
	e = vfio_space_map(r->space, (struct iova) { a.iova }, a.mem, a.size,
		VFIO_PROT_READ | VFIO_PROT_WRITE, reterr);
	if (e < 0) {
		free(a.mem);
		return e;
	}
	r->arena = a;
	return 0;
}

void arena_close(struct proof_run *r)
{
	struct arena *a = &r->arena;

	/* What cannot be unmapped stays pinned until the container goes, and must stay ours. */
	if (a->mem && vfio_space_unmap(r->space, (struct iova) { a->iova }, a->size, NULL) == 0)
		free(a->mem);
	*a = (struct arena) { 0 };
}

void *arena_take(struct proof_run *r, size_t len, uint64_t *ret_iova)
{
	struct arena *a = &r->arena;
	size_t at = a->used;

	if (!range_fits(at, len, a->size))
		return NULL;
	a->used = align_up(at + len, PROOF_PAGE);
	*ret_iova = a->iova + at;
	return memset(a->mem + at, 0, len);
}

int outside_open(struct proof_run *r, struct outside *ret)
{
	struct outside o = { .size = page_bytes(r), .iova = r->arena.iova + OUTSIDE_AT };

	o.mem = aligned_alloc(o.size, o.size);
	if (!o.mem)
		return -ENOMEM;
	*ret = o;
	return 0;
}

int outside_map(struct proof_run *r, struct outside *o, struct problem **reterr)
{
	int e = vfio_space_map(r->space, (struct iova) { o->iova }, o->mem, o->size,
		VFIO_PROT_READ | VFIO_PROT_WRITE, reterr);

	o->mapped = e == 0;
	return e;
}

int outside_unmap(struct proof_run *r, struct outside *o, struct problem **reterr)
{
	int e = 0;

	if (o->mapped)
		e = vfio_space_unmap(r->space, (struct iova) { o->iova }, o->size, reterr);
	o->mapped = e != 0;
	return e;
}

void outside_close(struct proof_run *r, struct outside *o)
{
	if (o->mem && outside_unmap(r, o, NULL) == 0)
		free(o->mem);
	o->mem = NULL;
}

void outside_fill(struct outside *o, uint8_t byte)
{
	memset(o->mem, byte, o->size);
	dma_barrier();
}

bool outside_is(const struct outside *o, uint8_t byte)
{
	dma_barrier();
	for (size_t i = 0; i < o->size; i++)
		if ((uint8_t)o->mem[i] != byte)
			return false;
	return true;
}
