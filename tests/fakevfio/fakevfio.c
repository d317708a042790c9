/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fakevfio.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

enum { KIND_CONTAINER = 1, KIND_GROUP, KIND_DEVICE };

/* vfio-pci puts each region at its index, 40 bits up. */
#define REGION_AT(i) ((uint64_t)(i) << 40)

/* The build defines NDEBUG: must() would do nothing, with its side effects. */
static void must(bool ok)
{
	if (!ok)
		abort();
}

static struct fakevfio *fake_of(struct host *h)
{
	return container_of(h, struct fakevfio, host);
}

static bool fails(struct fakevfio *f)
{
	return ++f->calls == f->fail_call;
}

static int object_at(struct fakevfio *f, int fd)
{
	for (int i = 0; i < (int)ARRAY_SIZE(f->objects); i++)
		if (f->objects[i].kind && f->objects[i].fd == fd)
			return i;
	return -1;
}

static int object_new(struct fakevfio *f, int fd, int kind, struct fakevfio_function *fn)
{
	must(fd >= 0);
	for (size_t i = 0; i < ARRAY_SIZE(f->objects); i++) {
		if (f->objects[i].kind)
			continue;
		f->objects[i].fd = fd;
		f->objects[i].kind = kind;
		f->objects[i].fn = fn;
		f->n_objects++;
		return fd;
	}
	abort();
}

static struct fakevfio_function *function_in(struct fakevfio *f, unsigned group)
{
	for (unsigned i = 0; i < f->n_functions; i++)
		if (f->functions[i].group == group)
			return &f->functions[i];
	return NULL;
}

static int fake_open(struct host *h, const char *path, int flags)
{
	struct fakevfio *f = fake_of(h);
	struct fakevfio_function *fn;
	unsigned group;

	if (fails(f))
		return f->fail_errno;
	if (strcmp(path, "/dev/vfio/vfio") == 0)
		return object_new(f, eventfd(0, EFD_CLOEXEC), KIND_CONTAINER, NULL);
	if (sscanf(path, "/dev/vfio/%u", &group) != 1)
		return f->real ? f->real->ops->open(f->real, path, flags) : -ENOENT;
	fn = function_in(f, group);
	if (!fn)
		return -ENOENT;
	if (fn->group_open)
		return -EBUSY;
	fn->group_open = true;
	return object_new(f, eventfd(0, EFD_CLOEXEC), KIND_GROUP, fn);
}

/* The enable bit in the MSI-X capability, if the configuration space has one. */
static void show_msix(struct fakevfio_function *fn, bool on)
{
	uint8_t at = 0x34, head[4];

	for (unsigned hops = 0; hops < 48; hops++) {
		fakevfio_peek(fn, VFIO_PCI_CONFIG_REGION_INDEX, at, head, sizeof(head));
		if (hops && head[0] == 0x11)
			break;
		at = hops ? head[1] : head[0];
		if (at < 0x40)
			return;
	}
	head[3] = (uint8_t)((head[3] & 0x7f) | (on ? 0x80 : 0));
	fakevfio_poke(fn, VFIO_PCI_CONFIG_REGION_INDEX, at, head, sizeof(head));
}

static void irqs_off(struct fakevfio_function *fn, unsigned index)
{
	for (unsigned i = 0; i < FAKEVFIO_VECTORS; i++) {
		if (fn->fds[index][i] >= 0)
			close(fn->fds[index][i]);
		fn->fds[index][i] = -1;
	}
	if (fn->on == (int)index) {
		if (index == VFIO_PCI_MSIX_IRQ_INDEX && !fn->msix_stays_on)
			show_msix(fn, false);
		fn->on = -1;
		fn->on_count = 0;
	}
}

static void container_left(struct fakevfio *f)
{
	for (unsigned i = 0; i < f->n_functions; i++)
		if (f->functions[i].in_container)
			return;
	f->iommu_set = false;
	f->n_mappings = 0;
}

static void fake_close(struct host *h, int fd)
{
	struct fakevfio *f = fake_of(h);
	int i = object_at(f, fd);

	if (i < 0) {
		if (f->real)
			host_close(f->real, fd);
		return;
	}
	if (f->objects[i].kind == KIND_GROUP) {
		f->objects[i].fn->group_open = false;
		f->objects[i].fn->in_container = false;
		container_left(f);
	}
	if (f->objects[i].kind == KIND_DEVICE && --f->objects[i].fn->devices_open == 0)
		for (unsigned k = 0; k < VFIO_PCI_NUM_IRQS; k++)
			irqs_off(f->objects[i].fn, k);
	f->objects[i].kind = 0;
	f->n_objects--;
	close(fd);
}

static void put_iommu_caps(const struct fakevfio *f, char *answer, uint32_t at, uint32_t avail_at)
{
	struct vfio_iommu_type1_info_cap_iova_range *ranges = (void *)(answer + at);
	struct vfio_iommu_type1_info_dma_avail *avail = (void *)(answer + avail_at);

	ranges->header =
		(struct vfio_info_cap_header) { VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE, 1, avail_at };
	ranges->nr_iovas = f->n_ranges;
	for (unsigned i = 0; i < f->n_ranges; i++)
		ranges->iova_ranges[i] =
			(struct vfio_iova_range) { f->ranges[i].first, f->ranges[i].last };
	avail->header = (struct vfio_info_cap_header) { VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL, 1, 0 };
	avail->avail = f->dma_limit - f->n_mappings - f->leaked;
}

static int iommu_info(struct fakevfio *f, struct vfio_iommu_type1_info *info)
{
	uint32_t at = sizeof(*info), avail_at, end;

	if (!f->iommu_set)
		return -EINVAL;
	info->flags = VFIO_IOMMU_INFO_PGSIZES;
	info->iova_pgsizes = f->page_sizes;
	info->cap_offset = 0;
	if (!f->n_ranges)
		return 0;
	info->flags |= VFIO_IOMMU_INFO_CAPS;
	avail_at = at + (uint32_t)sizeof(struct vfio_iommu_type1_info_cap_iova_range) +
		   f->n_ranges * (uint32_t)sizeof(struct vfio_iova_range);
	end = avail_at + (uint32_t)sizeof(struct vfio_iommu_type1_info_dma_avail);
	if (info->argsz < end) {
		info->argsz = end;
		return 0;
	}
	info->cap_offset = at;
	put_iommu_caps(f, (char *)info, at, avail_at);
	return 0;
}

static struct fakevfio_mapping *mapping_at(struct fakevfio *f, uint64_t iova)
{
	for (unsigned i = 0; i < f->n_mappings; i++)
		if (iova >= f->mappings[i].iova && iova - f->mappings[i].iova < f->mappings[i].size)
			return &f->mappings[i];
	return NULL;
}

static bool iova_usable(const struct fakevfio *f, uint64_t first, uint64_t last)
{
	for (unsigned i = 0; i < f->n_ranges; i++)
		if (first >= f->ranges[i].first && last <= f->ranges[i].last)
			return true;
	return f->n_ranges == 0 || f->maps_anywhere;
}

static int map_dma(struct fakevfio *f, const struct vfio_iommu_type1_dma_map *m)
{
	if (f->map_errno)
		return f->map_errno;
	if (!m->size || (m->size | m->iova | m->vaddr) & 4095 ||
		!iova_usable(f, m->iova, m->iova + m->size - 1))
		return -EINVAL;
	for (unsigned i = 0; !f->maps_twice && i < f->n_mappings; i++)
		if (m->iova < f->mappings[i].iova + f->mappings[i].size &&
			f->mappings[i].iova < m->iova + m->size)
			return -EEXIST;
	if (f->n_mappings >= f->dma_limit)
		return -ENOSPC;
	f->mappings[f->n_mappings++] = (struct fakevfio_mapping) {
		.iova = m->iova,
		.size = m->size,
		.memory = (char *)(uintptr_t)m->vaddr,
		.readable = m->flags & VFIO_DMA_MAP_FLAG_READ,
		.writable = m->flags & VFIO_DMA_MAP_FLAG_WRITE,
	};
	f->maps++;
	return 0;
}

static int unmap_dma(struct fakevfio *f, struct vfio_iommu_type1_dma_unmap *u)
{
	for (unsigned i = 0; i < f->n_mappings; i++)
		if (f->mappings[i].iova == u->iova && f->mappings[i].size == u->size) {
			f->last_unmapped = f->mappings[i];
			f->mappings[i] = f->mappings[--f->n_mappings];
			f->leaked += f->leaks_entries;
			return 0;
		}
	u->size = 0;
	return 0;
}

static int set_iommu(struct fakevfio *f, uintptr_t type)
{
	bool any = false;

	for (unsigned i = 0; i < f->n_functions; i++)
		any |= f->functions[i].in_container;
	if (!any || f->iommu_set || type != VFIO_TYPE1v2_IOMMU)
		return -EINVAL;
	f->iommu_set = true;
	return 0;
}

static int container_ioctl(struct fakevfio *f, unsigned long request, void *arg)
{
	switch (request) {
	case VFIO_GET_API_VERSION:
		return f->api_version;
	case VFIO_CHECK_EXTENSION:
		return (uintptr_t)arg == VFIO_TYPE1v2_IOMMU && f->type1v2;
	case VFIO_SET_IOMMU:
		return set_iommu(f, (uintptr_t)arg);
	case VFIO_IOMMU_GET_INFO:
		return iommu_info(f, arg);
	case VFIO_IOMMU_MAP_DMA:
		return f->iommu_set ? map_dma(f, arg) : -EINVAL;
	case VFIO_IOMMU_UNMAP_DMA:
		return f->iommu_set ? unmap_dma(f, arg) : -EINVAL;
	default:
		return -ENOTTY;
	}
}

static int get_device(struct fakevfio *f, struct fakevfio_function *fn, const char *arg)
{
	size_t n = strcspn(arg, " ");
	char path[64];
	int fd;

	if (!fn->in_container || !f->iommu_set)
		return -EINVAL;
	if (strlen(fn->name) != n || strncmp(arg, fn->name, n) != 0)
		return -ENODEV;
	if (fn->vf_token &&
		(!strstr(arg, "vf_token=") || strcmp(strstr(arg, "=") + 1, fn->vf_token) != 0))
		return -EACCES;
	/* A descriptor of its own for each opening, as the kernel gives. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fn->memory);
	fd = open(path, O_RDWR | O_CLOEXEC);
	fn->devices_open++;
	return object_new(f, fd, KIND_DEVICE, fn);
}

static int group_ioctl(
	struct fakevfio *f, struct fakevfio_function *fn, unsigned long request, void *arg)
{
	struct vfio_group_status *st = arg;
	int i;

	switch (request) {
	case VFIO_GROUP_GET_STATUS:
		st->flags = (fn->viable ? VFIO_GROUP_FLAGS_VIABLE : 0) |
			    (fn->in_container ? VFIO_GROUP_FLAGS_CONTAINER_SET : 0);
		return 0;
	case VFIO_GROUP_SET_CONTAINER:
		i = object_at(f, *(int32_t *)arg);
		if (i < 0 || f->objects[i].kind != KIND_CONTAINER || fn->in_container)
			return -EINVAL;
		if (!fn->viable)
			return -EPERM;
		fn->in_container = true;
		return 0;
	case VFIO_GROUP_GET_DEVICE_FD:
		return get_device(f, fn, arg);
	default:
		return -ENOTTY;
	}
}

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

static int region_info(struct fakevfio_function *fn, struct vfio_region_info *info)
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

static int irq_info(struct fakevfio_function *fn, struct vfio_irq_info *info)
{
	if (info->index >= VFIO_PCI_NUM_IRQS)
		return -EINVAL;
	info->count = fn->irq_counts[info->index];
	info->flags = VFIO_IRQ_INFO_EVENTFD;
	if (info->index == VFIO_PCI_INTX_IRQ_INDEX)
		info->flags |= VFIO_IRQ_INFO_MASKABLE | VFIO_IRQ_INFO_AUTOMASKED;
	else if (info->index != VFIO_PCI_MSIX_IRQ_INDEX || fn->no_resize)
		info->flags |= VFIO_IRQ_INFO_NORESIZE;
	return 0;
}

static void take_fds(struct fakevfio_function *fn, const struct vfio_irq_set *s)
{
	for (uint32_t i = 0; i < s->count; i++) {
		int *slot = &fn->fds[s->index][s->start + i], fd;

		memcpy(&fd, s->data + i * sizeof(fd), sizeof(fd));
		if (*slot >= 0)
			close(*slot);
		*slot = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;
	}
}

static int set_irqs(struct fakevfio_function *fn, const struct vfio_irq_set *s)
{
	bool resize = s->index == VFIO_PCI_MSIX_IRQ_INDEX && !fn->no_resize;
	bool block = s->index <= VFIO_PCI_MSIX_IRQ_INDEX;

	fn->set_irqs++;
	if (s->index >= VFIO_PCI_NUM_IRQS || s->start + s->count > fn->irq_counts[s->index])
		return -EINVAL;
	if (!(s->flags & VFIO_IRQ_SET_ACTION_TRIGGER))
		return 0;
	if (s->flags & VFIO_IRQ_SET_DATA_NONE) {
		if (s->count && fn->deaf)
			return 0;
		if (s->count)
			return fakevfio_fire(fn, s->index, s->start) ? 0 : -EINVAL;
		irqs_off(fn, s->index);
		return 0;
	}
	if (block && fn->on >= 0 && fn->on != (int)s->index)
		return -EINVAL;
	if (block && fn->on == (int)s->index && s->start + s->count > fn->on_count && !resize)
		return -EINVAL;
	if (block) {
		if (s->index == VFIO_PCI_MSIX_IRQ_INDEX)
			show_msix(fn, true);
		fn->on = (int)s->index;
		fn->on_count = MAX(fn->on_count, s->start + s->count);
	}
	take_fds(fn, s);
	return 0;
}

static int reset_device(struct fakevfio_function *fn)
{
	uint32_t zero = 0;

	if (fn->kernel->clock)
		host_sleep_ms(fn->kernel->clock, fn->reset_ms);
	if (fn->reset_errno)
		return fn->reset_errno;
	fn->resets++;
	if (fn->model)
		fn->model->reset(fn);
	if (fn->reset_spoils)
		fakevfio_poke(fn, VFIO_PCI_CONFIG_REGION_INDEX, 0x10, &zero, sizeof(zero));
	return 0;
}

/* As vfio_check_feature(): 1 go on, 0 that was all, or an errno. */
static int check_feature(const struct vfio_device_feature *f, uint32_t can, size_t bytes)
{
	uint32_t wanted = f->flags & (VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_SET);

	if (wanted & ~can)
		return -EINVAL;
	if (f->flags & VFIO_DEVICE_FEATURE_PROBE)
		return 0;
	return !wanted || f->argsz - sizeof(*f) < bytes ? -EINVAL : 1;
}

static int device_feature(struct fakevfio_function *fn, struct vfio_device_feature *f)
{
	const uint32_t both = VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_SET;
	struct vfio_device_feature_migration m = { .flags = fn->migration };
	int r;

	if (f->argsz < sizeof(*f) ||
		f->flags & ~(VFIO_DEVICE_FEATURE_MASK | VFIO_DEVICE_FEATURE_PROBE | both))
		return -EINVAL;
	if (!(f->flags & VFIO_DEVICE_FEATURE_PROBE) && (f->flags & both) == both)
		return -EINVAL;
	switch (f->flags & VFIO_DEVICE_FEATURE_MASK) {
	case VFIO_DEVICE_FEATURE_MIGRATION:
		r = fn->migration ? check_feature(f, VFIO_DEVICE_FEATURE_GET, sizeof(m)) : -ENOTTY;
		if (r == 1)
			memcpy(f->data, &m, sizeof(m));
		return r < 0 ? r : 0;
	case VFIO_DEVICE_FEATURE_DMA_LOGGING_START:
		/* Only asked for: nothing here tracks. */
		r = fn->tracks_dma ? check_feature(f, VFIO_DEVICE_FEATURE_SET, 0) : -ENOTTY;
		return r == 1 ? -EOPNOTSUPP : r;
	default:
		return -ENOTTY;
	}
}

static int device_ioctl(struct fakevfio_function *fn, unsigned long request, void *arg)
{
	struct vfio_device_info *info = arg;

	switch (request) {
	case VFIO_DEVICE_GET_INFO:
		info->flags = VFIO_DEVICE_FLAGS_PCI | (fn->can_reset ? VFIO_DEVICE_FLAGS_RESET : 0);
		info->num_regions = VFIO_PCI_NUM_REGIONS;
		info->num_irqs = VFIO_PCI_NUM_IRQS;
		return 0;
	case VFIO_DEVICE_GET_REGION_INFO:
		return region_info(fn, arg);
	case VFIO_DEVICE_GET_IRQ_INFO:
		return irq_info(fn, arg);
	case VFIO_DEVICE_SET_IRQS:
		return set_irqs(fn, arg);
	case VFIO_DEVICE_FEATURE:
		return device_feature(fn, arg);
	case VFIO_DEVICE_RESET:
		return reset_device(fn);
	default:
		return -ENOTTY;
	}
}

static int fake_ioctl(struct host *h, int fd, unsigned long request, void *arg)
{
	struct fakevfio *f = fake_of(h);
	int i = object_at(f, fd), r;

	if (i < 0)
		return f->real ? host_ioctl(f->real, fd, request, arg) : -EBADF;
	if (fails(f))
		return f->fail_errno;
	if (f->objects[i].kind == KIND_CONTAINER)
		r = container_ioctl(f, request, arg);
	else if (f->objects[i].kind == KIND_GROUP)
		r = group_ioctl(f, f->objects[i].fn, request, arg);
	else
		r = device_ioctl(f->objects[i].fn, request, arg);
	if (r >= 0 && f->lie)
		f->lie(request, arg);
	return r;
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

static ssize_t fake_pread(struct host *h, int fd, void *buf, size_t len, uint64_t at)
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

static ssize_t fake_pwrite(struct host *h, int fd, const void *buf, size_t len, uint64_t at)
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

static int fake_mmap(
	struct host *h, int fd, uint64_t at, size_t len, int prot, int flags, void **ret)
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
	p = mmap(NULL, len, prot, flags, fd, (off_t)at);
	if (p == MAP_FAILED)
		return -errno;
	*ret = p;
	return 0;
}

static int fake_munmap(struct host *h UNUSED, void *addr, size_t len)
{
	return munmap(addr, len) < 0 ? -errno : 0;
}

static void log_fault(struct fakevfio_function *fn, uint64_t iova, bool write)
{
	char text[128];

	if (!fn->kernel->log)
		return;
	snprintf(text, sizeof(text),
		"DMAR: [DMA %s NO_PASID] Request device [%s] fault addr 0x%llx [fault reason "
		"0x0%c] PTE %s access is not set",
		write ? "Write" : "Read", strchr(fn->name, ':') + 1,
		(unsigned long long)iova & ~4095ULL, write ? '5' : '6', write ? "Write" : "Read");
	fn->kernel->log(fn->kernel, text);
}

/* Bytes from `iova` on that lie in one mapping; NULL and a fault in the log when they may not. */
static char *reach(struct fakevfio_function *fn, uint64_t iova, size_t *len, bool write)
{
	struct fakevfio_mapping *m = mapping_at(fn->kernel, iova),
				*old = &fn->kernel->last_unmapped;
	uint8_t command;

	fakevfio_peek(fn, VFIO_PCI_CONFIG_REGION_INDEX, 4, &command, sizeof(command));
	if (!m && fn->ignores_iommu && iova >= old->iova && iova - old->iova < old->size)
		m = old;
	if (!m || !fn->in_container || !(command & 4) || !(write ? m->writable : m->readable)) {
		log_fault(fn, iova, write);
		return NULL;
	}
	*len = MIN(*len, (size_t)(m->size - (iova - m->iova)));
	return m->memory + (iova - m->iova);
}

bool fakevfio_dma_read(struct fakevfio_function *fn, uint64_t iova, void *buf, size_t len)
{
	for (size_t done = 0, n = len; done < len; done += n, n = len - done) {
		const char *at = reach(fn, iova + done, &n, false);

		if (!at)
			return false;
		memcpy((char *)buf + done, at, n);
	}
	return true;
}

bool fakevfio_dma_write(struct fakevfio_function *fn, uint64_t iova, const void *buf, size_t len)
{
	for (size_t done = 0, n = len; done < len; done += n, n = len - done) {
		char *at = reach(fn, iova + done, &n, true);

		if (!at)
			return false;
		memcpy(at, (const char *)buf + done, n);
	}
	return true;
}

/* There are no files here: who explains a refusal by reading finds nothing. */
static ssize_t no_file(
	struct host *h UNUSED, const char *path UNUSED, void *buf UNUSED, size_t size UNUSED)
{
	return -ENOENT;
}

static int no_link(
	struct host *h UNUSED, const char *path UNUSED, char *buf UNUSED, size_t size UNUSED)
{
	return -ENOENT;
}

static int no_dir(struct host *h UNUSED, const char *path UNUSED, char ***ret UNUSED)
{
	return -ENOENT;
}

static int no_stat(struct host *h UNUSED, const char *path UNUSED, struct stat *ret UNUSED)
{
	return -ENOENT;
}

static const struct host_ops fake_ops = {
	.read_file = no_file,
	.read_link = no_link,
	.list_dir = no_dir,
	.stat = no_stat,
	.open = fake_open,
	.close = fake_close,
	.ioctl = fake_ioctl,
	.pread = fake_pread,
	.pwrite = fake_pwrite,
	.mmap = fake_mmap,
	.munmap = fake_munmap,
};

void fakevfio_init(struct fakevfio *f, struct host *real)
{
	*f = (struct fakevfio) {
		.host.ops = &fake_ops,
		.real = real,
		.api_version = VFIO_API_VERSION,
		.type1v2 = true,
		.page_sizes = ~0xfffULL,
		.dma_limit = FAKEVFIO_MAPPINGS,
		/* What an Intel IOMMU with 39 bits gives. */
		.ranges = { { 0, 0xfedfffff }, { 0xfef00000, 0x7fffffffff } },
		.n_ranges = 2,
	};
}

unsigned fakevfio_done(struct fakevfio *f)
{
	unsigned left = f->n_objects;

	for (size_t i = 0; i < ARRAY_SIZE(f->objects); i++)
		if (f->objects[i].kind)
			fake_close(&f->host, f->objects[i].fd);
	for (unsigned i = 0; i < f->n_functions; i++)
		close(f->functions[i].memory);
	return left;
}

struct fakevfio_function *fakevfio_add(
	struct fakevfio *f, const char *name, unsigned group, const void *config, size_t len)
{
	struct fakevfio_function *fn = &f->functions[f->n_functions++];

	must(f->n_functions <= FAKEVFIO_GROUPS);
	*fn = (struct fakevfio_function) {
		.kernel = f,
		.name = name,
		.group = group,
		.viable = true,
		.can_reset = true,
		.on = -1,
		.memory = memfd_create("fakevfio", MFD_CLOEXEC),
		.irq_counts = { [VFIO_PCI_MSIX_IRQ_INDEX] = 3,
			[VFIO_PCI_ERR_IRQ_INDEX] = 1,
			[VFIO_PCI_REQ_IRQ_INDEX] = 1 },
	};
	must(fn->memory >= 0 && ftruncate(fn->memory, REGION_AT(VFIO_PCI_NUM_REGIONS)) == 0);
	memset(fn->fds, 0xff, sizeof(fn->fds));
	fn->regions[VFIO_PCI_CONFIG_REGION_INDEX].size = 4096;
	fn->regions[VFIO_PCI_CONFIG_REGION_INDEX].flags =
		VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
	fakevfio_poke(fn, VFIO_PCI_CONFIG_REGION_INDEX, 0, config, len);
	show_msix(fn, false); /* the driver before switched it off when it left */
	return fn;
}

void fakevfio_bar(struct fakevfio_function *fn, unsigned bar, uint64_t size)
{
	fn->regions[bar].size = size;
	fn->regions[bar].flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE |
				 VFIO_REGION_INFO_FLAG_MMAP;
}

bool fakevfio_fire(struct fakevfio_function *fn, unsigned index, unsigned vector)
{
	int fd = fn->fds[index][vector];

	return fd >= 0 && eventfd_write(fd, 1) == 0;
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
