/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "space.h"

#include "memlock.h"

#include "base/checked.h"

#include <inttypes.h>
#include <string.h>

const char *vfio_dirty_name(enum vfio_dirty d)
{
	static const char *const names[] = { NULL, "none", "all-mapped", "pages" };

	return names[d];
}

void vfio_space_free(struct vfio_space *s)
{
	if (s)
		s->ops->free(s);
}

int vfio_space_attach(struct vfio_space *s, const struct vfio_target *t, struct vfio_device **ret,
	struct problem **reterr)
{
	int r = s->ops->attach(s, t, ret, reterr);

	if (r < 0)
		return problem_wrap(reterr, r, "open %s through VFIO", t->name);
	return r;
}

void vfio_space_leave(struct vfio_space *s, int group_fd)
{
	if (s->ops->leave && group_fd >= 0)
		s->ops->leave(s, group_fd);
}

static int check_alignment(
	const struct vfio_space *s, struct iova at, uint64_t len, struct problem **reterr)
{
	uint64_t page = s->page_sizes & -s->page_sizes;

	if (page && len && ((at.v | len) & (page - 1)) == 0)
		return 0;
	return problem(reterr, -EINVAL, PROBLEM_FAILED, NULL,
		"cannot map %" PRIu64 " bytes at IOVA 0x%" PRIx64
		": not in whole IOMMU pages of %" PRIu64 " bytes",
		len, at.v, page);
}

int vfio_space_check(
	const struct vfio_space *s, struct iova at, uint64_t len, struct problem **reterr)
{
	uint64_t bad = 0;
	int r = check_alignment(s, at, len, reterr);

	if (r < 0)
		return r;
	if (iova_ranges_allow(s->ranges, s->n_ranges, at, len, &bad))
		return 0;
	return problem(reterr, -ERANGE, PROBLEM_RESERVED_IOVA,
		"give the guest less memory, or see `vfctl groups` for the reserved regions",
		"guest memory at 0x%" PRIx64 "-0x%" PRIx64 " overlaps a reserved I/O address range "
		"(0x%" PRIx64 " cannot be mapped)",
		at.v, at.v + len - 1, bad);
}

/* The limit would do for this guest: what else the user's processes pinned is in the way. */
static int blame_the_user(uint64_t allowed, uint64_t needed, int code, struct problem **reterr)
{
	problem(reterr, code, PROBLEM_MEMLOCK, NULL,
		"RLIMIT_MEMLOCK allows %" PRIu64
		" bytes for all processes of the user together, as iommufd counts; this guest "
		"needs %" PRIu64 " of them, and others have the rest",
		allowed, needed);
	problem_hint(reterr,
		"raise it by what the others have, or have each process counted for itself: "
		"--vfio type1, or vfctld");
	return code;
}

/*
 * -ENOMEM has two meanings. The kernel counts what it pinned before against RLIMIT_MEMLOCK, and
 * type1 does not care that a page was mapped twice.
 */
static int blame_memory(const struct vfio_space *s, uint64_t len, int code, struct problem **reterr)
{
	uint64_t needed = s->mapped_bytes + len;
	struct memlock limit;
	bool known = memlock_get(&limit) == 0;

	if (known && memlock_allows(&limit, needed) && s->memlock_of_user &&
		!memlock_allows(&limit, UINT64_MAX))
		return blame_the_user(limit.allowed_bytes, needed, code, reterr);
	if (known && !memlock_allows(&limit, needed)) {
		problem(reterr, code, PROBLEM_MEMLOCK, NULL,
			"RLIMIT_MEMLOCK allows %" PRIu64
			" bytes, pinning the guest's memory needs %" PRIu64,
			limit.allowed_bytes, needed);
		problem_hint(reterr,
			"raise it: `ulimit -l %" PRIu64
			"`, LimitMEMLOCK= in the unit, or /etc/security/limits.d",
			needed / 1024 + (needed % 1024 != 0));
		return code;
	}
	return problem(reterr, code, PROBLEM_NO_MEMORY, "free memory on the host, or use less",
		"the kernel cannot pin %" PRIu64 " bytes: out of memory", len);
}

static const char entry_limit_hint[] = "raise dma_entry_limit of the module vfio_iommu_type1";

static int blame_map(
	const struct vfio_space *s, struct iova at, uint64_t len, int code, struct problem **reterr)
{
	switch (code) {
	case -ENOMEM:
		return blame_memory(s, len, code, reterr);
	case -ENOSPC:
		return problem(reterr, code, PROBLEM_DMA_LIMIT, entry_limit_hint,
			"the IOMMU's limit of DMA mappings is used up (%u made by this guest)",
			s->mapped_entries);
	case -EEXIST:
		return problem(reterr, code, PROBLEM_FAILED, NULL,
			"IOVA 0x%" PRIx64 " (%" PRIu64 " bytes) is mapped already", at.v, len);
	case -EPERM:
	case -EINVAL:
		/* type1 before 5.4, and any with ranges narrowed meanwhile by a hot-plug. */
		return problem(reterr, code, PROBLEM_RESERVED_IOVA,
			"see `vfctl groups` for the reserved regions",
			"the kernel refuses to map IOVA 0x%" PRIx64 " (%" PRIu64 " bytes)", at.v,
			len);
	default:
		return problem(reterr, code, problem_kind_from_errno(code), NULL,
			"map %" PRIu64 " bytes at IOVA 0x%" PRIx64 ": %s", len, at.v,
			strerror(-code));
	}
}

int vfio_space_map(struct vfio_space *s, struct iova at, void *mem, uint64_t len, unsigned prot,
	struct problem **reterr)
{
	int r = vfio_space_check(s, at, len, reterr);

	if (r < 0)
		return r;
	r = s->ops->map(s, at, mem, len, prot);
	if (r < 0)
		return blame_map(s, at, len, r, reterr);
	s->mapped_bytes += len;
	s->mapped_entries++;
	return 0;
}

int vfio_space_unmap(struct vfio_space *s, struct iova at, uint64_t len, struct problem **reterr)
{
	int r = s->ops->unmap(s, at, len);

	if (r < 0)
		return problem(reterr, r, problem_kind_from_errno(r), NULL,
			"unmap IOVA 0x%" PRIx64 ": %s", at.v, strerror(-r));
	s->mapped_bytes -= MIN(len, s->mapped_bytes);
	if (s->mapped_entries)
		s->mapped_entries--;
	return 0;
}

int vfio_space_check_entries(const struct vfio_space *s, unsigned n, struct problem **reterr)
{
	uint64_t left;

	if (!s->dma_avail_known)
		return 0;
	left = s->dma_avail > s->mapped_entries ? s->dma_avail - s->mapped_entries : 0;
	if (n <= left)
		return 0;
	return problem(reterr, -ENOSPC, PROBLEM_DMA_LIMIT, entry_limit_hint,
		"the guest's memory needs %u DMA mappings, the IOMMU has %" PRIu64 " left", n,
		left);
}

int vfio_space_map_device(
	struct vfio_space *s, struct iova at, void *mem, uint64_t len, unsigned prot)
{
	int r = s->ops->maps_devices ? vfio_space_check(s, at, len, NULL) : -EOPNOTSUPP;

	if (r >= 0)
		r = vfio_space_check_entries(s, 1, NULL);
	if (r >= 0)
		r = s->ops->map(s, at, mem, len, prot);
	if (r < 0)
		return r;
	s->mapped_entries++;
	return 0;
}

int vfio_space_unmap_device(struct vfio_space *s, struct iova at, uint64_t len)
{
	int r = s->ops->unmap(s, at, len);

	if (r >= 0 && s->mapped_entries)
		s->mapped_entries--;
	return r;
}
