// SPDX-License-Identifier: GPL-2.0-or-later
/* Regions: their shapes, and reading, writing and mapping them. */
#include "parts.h"

#include <string.h>
#include <sys/mman.h>

static uint32_t put_areas(const struct fakevfio_region *r, char *answer, uint32_t at)
{
	struct vfio_region_info_cap_sparse_mmap *c = (void *)(answer + at);

	c->header = (struct vfio_info_cap_header) { VFIO_REGION_INFO_CAP_SPARSE_MMAP, 1, 0 };
	c->nr_areas = r->n_areas;
	for (unsigned i = 0; i < r->n_areas; i++)
		c->areas[i] = (struct vfio_region_sparse_mmap_area) { r->areas[i].offset,
			r->areas[i].size };
	at += (uint32_t)(sizeof(*c) + r->n_areas * sizeof(c->areas[0]));
	if (r->msix_mappable)
		c->header.next = at;
	return at;
}

static uint32_t region_info_bytes(const struct fakevfio_region *r)
{
	size_t n = sizeof(struct vfio_region_info);

	if (r->sparse)
		n += sizeof(struct vfio_region_info_cap_sparse_mmap) +
		     r->n_areas * sizeof(struct vfio_region_sparse_mmap_area);
	return (uint32_t)(n + (r->msix_mappable ? sizeof(struct vfio_info_cap_header) : 0));
}

int region_info(struct fakevfio_function *fn, struct vfio_region_info *info)
{
	struct vfio_info_cap_header msix = { VFIO_REGION_INFO_CAP_MSIX_MAPPABLE, 1, 0 };
	const struct fakevfio_region *r;
	uint32_t at = sizeof(*info);

	if (info->index >= VFIO_PCI_VGA_REGION_INDEX)
		return -EINVAL;
	r = &fn->regions[info->index];
	info->size = r->size;
	info->offset = REGION_AT(info->index);
	info->flags = r->flags;
	info->cap_offset = 0;
	if (!r->sparse && !r->msix_mappable)
		return 0;
	info->flags |= VFIO_REGION_INFO_FLAG_CAPS;
	if (info->argsz < region_info_bytes(r)) {
		info->argsz = region_info_bytes(r);
		return 0;
	}
	info->cap_offset = at;
	if (r->sparse)
		at = put_areas(r, (char *)info, at);
	if (r->msix_mappable)
		memcpy((char *)info + at, &msix, sizeof(msix));
	return 0;
}

static const struct fakevfio_region *region_of(struct fakevfio *f, int fd, uint64_t at, size_t len)
{
	int i = object_at(f, fd);
	uint64_t index = at >> 40;

	if (i < 0 || f->objects[i].kind != KIND_DEVICE || index >= VFIO_PCI_NUM_REGIONS ||
		(at & 0xffffffffff) + len > f->objects[i].fn->regions[index].size)
		return NULL;
	return &f->objects[i].fn->regions[index];
}

/* Its model's registers: 1 and the function, or 0. */
static int is_register(
	struct fakevfio *f, int fd, uint64_t at, size_t len, struct fakevfio_function **ret)
{
	struct fakevfio_function *fn = f->objects[object_at(f, fd)].fn;

	*ret = fn;
	return fn->model && len == 4 && at >> 40 <= VFIO_PCI_BAR5_REGION_INDEX;
}

ssize_t fake_pread(struct host *h, int fd, void *buf, size_t len, uint64_t at)
{
	struct fakevfio *f = fake_of(h);
	struct fakevfio_function *fn;
	ssize_t n;

	if (object_at(f, fd) < 0 && f->real)
		return host_pread(f->real, fd, buf, len, at);
	if (fails(f))
		return f->fail_errno;
	if (!region_of(f, fd, at, len))
		return -EINVAL;
	if (is_register(f, fd, at, len, &fn)) {
		uint32_t v = fn->model->read(fn, (unsigned)(at >> 40), at & 0xffffffffff);

		memcpy(buf, &v, sizeof(v));
		return (ssize_t)len;
	}
	n = pread(fd, buf, len, (off_t)at);
	return n < 0 ? -errno : n;
}

ssize_t fake_pwrite(struct host *h, int fd, const void *buf, size_t len, uint64_t at)
{
	struct fakevfio *f = fake_of(h);
	struct fakevfio_function *fn;
	ssize_t n;

	if (fails(f))
		return f->fail_errno;
	if (!region_of(f, fd, at, len))
		return -EINVAL;
	if (is_register(f, fd, at, len, &fn)) {
		uint32_t v;

		memcpy(&v, buf, sizeof(v));
		fn->model->write(fn, (unsigned)(at >> 40), at & 0xffffffffff, v);
		return (ssize_t)len;
	}
	n = pwrite(fd, buf, len, (off_t)at);
	return n < 0 ? -errno : n;
}

int fake_mmap(struct host *h, int fd, uint64_t at, size_t len, int prot, int flags, void **ret)
{
	struct fakevfio *f = fake_of(h);
	const struct fakevfio_region *r;
	bool inside = false;
	void *p;

	if (object_at(f, fd) < 0)
		return f->real ? f->real->ops->mmap(f->real, fd, at, len, prot, flags, ret)
			       : -EBADF;
	if (fails(f))
		return f->fail_errno;
	r = region_of(f, fd, at, len);
	if (!r || !(r->flags & VFIO_REGION_INFO_FLAG_MMAP) || r->mmap_fails)
		return -EINVAL;
	for (unsigned i = 0; i < r->n_areas; i++)
		inside |= (at & 0xffffffffff) >= r->areas[i].offset &&
			  (at & 0xffffffffff) + len <= r->areas[i].offset + r->areas[i].size;
	if (r->sparse && !inside)
		return -EINVAL;
	p = mmap(flags & MAP_FIXED_NOREPLACE ? *ret : NULL, len, prot, flags, fd, (off_t)at);
	if (p == MAP_FAILED)
		return -errno;
	*ret = p;
	return 0;
}

int fake_munmap(struct host *h UNUSED, void *addr, size_t len)
{
	return munmap(addr, len) < 0 ? -errno : 0;
}

void fakevfio_bar(struct fakevfio_function *fn, unsigned bar, uint64_t size)
{
	fn->regions[bar].size = size;
	fn->regions[bar].flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE |
				 VFIO_REGION_INFO_FLAG_MMAP;
}

void fakevfio_poke(
	struct fakevfio_function *fn, unsigned region, uint64_t at, const void *data, size_t len)
{
	ssize_t n = pwrite(fn->memory, data, len, (off_t)(REGION_AT(region) + at));

	must(n == (ssize_t)len);
}

void fakevfio_peek(
	struct fakevfio_function *fn, unsigned region, uint64_t at, void *data, size_t len)
{
	ssize_t n = pread(fn->memory, data, len, (off_t)(REGION_AT(region) + at));

	must(n == (ssize_t)len);
}
