/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "region.h"

#include "capchain.h"
#include "device.h"

#include "base/checked.h"
#include "host/pages.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

static int area_cmp(const void *a, const void *b)
{
	const struct vfio_area *x = a, *y = b;

	return (x->offset > y->offset) - (x->offset < y->offset);
}

/* Areas of size 0 appear in old kernels; whatever else is odd is refused. */
static int take_areas(struct vfio_region *r, const struct vfio_info_cap_header *cap, size_t room)
{
	const struct vfio_region_info_cap_sparse_mmap *c = (const void *)cap;
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), end = 0;

	if (room < sizeof(*c) || r->has_areas ||
		c->nr_areas > (room - sizeof(*c)) / sizeof(c->areas[0]))
		return -EBADMSG;
	r->has_areas = true;
	r->areas = calloc(c->nr_areas ?: 1, sizeof(*r->areas));
	if (!r->areas)
		return -ENOMEM;
	for (uint32_t i = 0; i < c->nr_areas; i++) {
		struct vfio_area a = { c->areas[i].offset, c->areas[i].size };

		if (a.size == 0)
			continue;
		if (!range_fits(a.offset, a.size, r->size) || (a.offset | a.size) & (page - 1))
			return -EBADMSG;
		r->areas[r->n_areas++] = a;
	}
	qsort(r->areas, r->n_areas, sizeof(*r->areas), area_cmp);
	for (size_t i = 0; i < r->n_areas; i++) {
		if (r->areas[i].offset < end)
			return -EBADMSG;
		end = r->areas[i].offset + r->areas[i].size;
	}
	return 0;
}

static int take_capability(const struct vfio_info_cap_header *cap, size_t room, void *arg)
{
	const struct vfio_region_info_cap_type *type = (const void *)cap;
	struct vfio_region *r = arg;

	switch (cap->id) {
	case VFIO_REGION_INFO_CAP_SPARSE_MMAP:
		return take_areas(r, cap, room);
	case VFIO_REGION_INFO_CAP_MSIX_MAPPABLE:
		r->msix_mappable = true;
		return 0;
	case VFIO_REGION_INFO_CAP_TYPE:
		if (room < sizeof(*type))
			return -EBADMSG;
		r->type = type->type;
		r->subtype = type->subtype;
		return 0;
	default:
		return 0;
	}
}

static int fill(struct vfio_region *r, const struct vfio_region_info *info, size_t len)
{
	uint64_t end;

	r->size = info->size;
	r->offset = info->offset;
	r->readable = info->flags & VFIO_REGION_INFO_FLAG_READ;
	r->writable = info->flags & VFIO_REGION_INFO_FLAG_WRITE;
	r->mappable = info->flags & VFIO_REGION_INFO_FLAG_MMAP;
	if (add_overflows(r->offset, r->size, &end) || end > INT64_MAX)
		return -EBADMSG;
	if (!(info->flags & VFIO_REGION_INFO_FLAG_CAPS))
		return 0;
	return capchain_walk(info, len, info->cap_offset, take_capability, r);
}

int vfio_region_get(
	struct vfio_device *d, uint32_t index, struct vfio_region *ret, struct problem **reterr)
{
	struct vfio_region_info ask = { .argsz = sizeof(ask), .index = index };
	autoregion region = { .index = index };
	autofree void *answer = NULL;
	size_t len;
	int r;

	memset(ret, 0, sizeof(*ret));
	ret->index = index;
	if (index >= d->n_regions)
		return 0;
	r = capchain_ask(
		d->host, d->fd, VFIO_DEVICE_GET_REGION_INFO, &ask, sizeof(ask), &answer, &len);
	/* vfio-pci gives size 0 for an absent BAR, but -EINVAL for a VGA region it does not have.
	 */
	if (r == -EINVAL)
		return 0;
	if (r >= 0)
		r = fill(&region, answer, len);
	if (r < 0)
		return problem(reterr, r, problem_kind_from_errno(r), NULL,
			"describe region %u of %s: %s", index, d->name, strerror(-r));
	*ret = region;
	region = (struct vfio_region) { 0 };
	return 0;
}

void vfio_region_done(struct vfio_region *r)
{
	free(r->areas);
	r->areas = NULL;
	r->n_areas = 0;
}

int vfio_region_read(
	struct vfio_device *d, const struct vfio_region *r, uint64_t at, void *buf, size_t len)
{
	ssize_t n;

	if (!range_fits(at, len, r->size) || !r->readable)
		return -EINVAL;
	n = host_pread(d->host, d->fd, buf, len, r->offset + at);
	if (n < 0)
		return (int)n;
	return (size_t)n == len ? 0 : -EIO;
}

int vfio_region_write(struct vfio_device *d, const struct vfio_region *r, uint64_t at,
	const void *buf, size_t len)
{
	ssize_t n;

	if (!range_fits(at, len, r->size) || !r->writable)
		return -EINVAL;
	n = host_pwrite(d->host, d->fd, buf, len, r->offset + at);
	if (n < 0)
		return (int)n;
	return (size_t)n == len ? 0 : -EIO;
}

int vfio_region_map(
	struct vfio_device *d, const struct vfio_region *r, uint64_t at, size_t len, void **ret)
{
	int prot = (r->readable ? PROT_READ : 0) | (r->writable ? PROT_WRITE : 0);

	if (!r->mappable || !prot)
		return -EOPNOTSUPP;
	if (len == 0 || !range_fits(at, len, r->size))
		return -EINVAL;
	return pages_map(d->host, d->fd, r->offset + at, len, prot, MAP_SHARED, at, ret);
}
