// SPDX-License-Identifier: GPL-2.0-or-later
/* The container: what is mapped, and what a function's DMA reaches. */
#include "parts.h"

#include <stdio.h>
#include <string.h>

void container_left(struct fakevfio *f)
{
	for (unsigned i = 0; i < f->n_functions; i++)
		if (f->functions[i].in_container)
			return;
	f->iommu_set = false;
	for (unsigned i = f->n_mappings; i-- > 0;)
		if (!f->mappings[i].ioas)
			mapping_remove(f, i);
}

/* Capabilities begin at multiples of eight bytes (vfio_info_cap_add(), 6.6). */
enum { AVAIL_BYTES = (sizeof(struct vfio_iommu_type1_info_dma_avail) + 7) / 8 * 8 };

static void put_iommu_caps(const struct fakevfio *f, char *answer, uint32_t at, uint32_t avail_at)
{
	struct vfio_iommu_type1_info_cap_iova_range *ranges = (void *)(answer + at);
	struct vfio_iommu_type1_info_dma_avail *avail = (void *)(answer + avail_at);
	const uint32_t next_at = avail_at + AVAIL_BYTES;

	ranges->header =
		(struct vfio_info_cap_header) { VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE, 1, avail_at };
	ranges->nr_iovas = f->n_ranges;
	for (unsigned i = 0; i < f->n_ranges; i++)
		ranges->iova_ranges[i] =
			(struct vfio_iova_range) { f->ranges[i].first, f->ranges[i].last };
	avail->header = (struct vfio_info_cap_header) { VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL, 1,
		f->tracks_dirty ? next_at : 0 };
	avail->avail = f->dma_limit - f->n_mappings - f->leaked;
	if (f->tracks_dirty)
		*(struct vfio_iommu_type1_info_cap_migration *)(void *)(answer + next_at) =
			(struct vfio_iommu_type1_info_cap_migration) {
				.header = { VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION, 1, 0 },
				.pgsize_bitmap = 4096,
				.max_dirty_bitmap_size = 256 << 20,
			};
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
	end = avail_at + AVAIL_BYTES;
	end += f->tracks_dirty ? (uint32_t)sizeof(struct vfio_iommu_type1_info_cap_migration) : 0;
	if (info->argsz < end) {
		info->argsz = end;
		return 0;
	}
	info->cap_offset = at;
	put_iommu_caps(f, (char *)info, at, avail_at);
	return 0;
}

static struct fakevfio_mapping *mapping_at(struct fakevfio *f, uint32_t ioas, uint64_t iova)
{
	for (unsigned i = 0; i < f->n_mappings; i++)
		if (f->mappings[i].ioas == ioas && iova >= f->mappings[i].iova &&
			iova - f->mappings[i].iova < f->mappings[i].size)
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

int mapping_add(struct fakevfio *f, const struct fakevfio_mapping *m, unsigned limit)
{
	if (f->map_errno)
		return f->map_errno;
	if (!m->size || (m->size | m->iova | (uintptr_t)m->memory) & 4095 ||
		!iova_usable(f, m->iova, m->iova + m->size - 1))
		return -EINVAL;
	for (unsigned i = 0; !f->maps_twice && i < f->n_mappings; i++)
		if (m->ioas == f->mappings[i].ioas &&
			m->iova < f->mappings[i].iova + f->mappings[i].size &&
			f->mappings[i].iova < m->iova + m->size)
			return -EEXIST;
	if (f->n_mappings >= limit)
		return -ENOSPC;
	f->mappings[f->n_mappings++] = *m;
	f->maps++;
	return 0;
}

void mapping_remove(struct fakevfio *f, unsigned i)
{
	f->last_unmapped = f->mappings[i];
	f->mappings[i] = f->mappings[--f->n_mappings];
}

static int map_dma(struct fakevfio *f, const struct vfio_iommu_type1_dma_map *m)
{
	const struct fakevfio_mapping want = {
		.iova = m->iova,
		.size = m->size,
		.memory = (char *)(uintptr_t)m->vaddr,
		.readable = m->flags & VFIO_DMA_MAP_FLAG_READ,
		.writable = m->flags & VFIO_DMA_MAP_FLAG_WRITE,
	};

	return mapping_add(f, &want, f->dma_limit);
}

static int unmap_dma(struct fakevfio *f, struct vfio_iommu_type1_dma_unmap *u)
{
	for (unsigned i = 0; i < f->n_mappings; i++)
		if (!f->mappings[i].ioas && f->mappings[i].iova == u->iova &&
			f->mappings[i].size == u->size) {
			mapping_remove(f, i);
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

int container_ioctl(struct fakevfio *f, unsigned long request, void *arg)
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
	struct fakevfio_mapping *m = mapping_at(fn->kernel, fn->ioas, iova),
				*old = &fn->kernel->last_unmapped;
	uint8_t command;

	fakevfio_peek(fn, VFIO_PCI_CONFIG_REGION_INDEX, 4, &command, sizeof(command));
	if (!m && fn->ignores_iommu && iova >= old->iova && iova - old->iova < old->size)
		m = old;
	if (!m || !(fn->in_container || fn->ioas) || !(command & 4) ||
		!(write ? m->writable : m->readable)) {
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
