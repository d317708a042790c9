/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guest_memory.h"

#include "base/checked.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

enum { HUGE_PAGE_BYTES = 2 * 1024 * 1024 };
/* linux/memfd.h has it, but does not go with glibc's sys/mman.h. */
#define MFD_HUGE_2M (21U << MAP_HUGE_SHIFT)

/* The lowest range that [at, at+1) or anything after it runs into; false if there is none. */
static bool next_obstacle(const struct guest_memory_params *p, uint64_t at, struct guest_range *ret)
{
	struct guest_range best = { GUEST_HOLE_START, GUEST_HOLE_END - 1 };
	bool found = at <= best.last;

	for (size_t i = 0; i < p->n_reserved; i++) {
		struct guest_range r = p->reserved[i];

		if (r.last < at || r.last < r.start || (found && r.start >= best.start))
			continue;
		best = r;
		found = true;
	}
	*ret = best;
	return found;
}

static int add_bank(struct guest_memory *m, uint64_t start, uint64_t size, uint64_t fd_offset)
{
	if (m->n_banks == GUEST_BANKS_MAX)
		return -E2BIG;
	m->banks[m->n_banks++] = (struct guest_bank) {
		.start = GPA(start),
		.size = size,
		.fd_offset = fd_offset,
	};
	return 0;
}

/* Fills the address space from 0 upwards, around the hole and the reserved ranges. */
static int lay_out(struct guest_memory *m, const struct guest_memory_params *p, uint64_t page)
{
	uint64_t at = 0, done = 0;

	while (done < p->size) {
		struct guest_range block;
		uint64_t room = p->size - done;
		bool blocked = next_obstacle(p, at, &block);
		int r;

		if (blocked) {
			uint64_t end = MAX(at, align_down(block.start, page));

			room = MIN(room, end - at);
		}
		r = room ? add_bank(m, at, room, done) : 0;
		if (r < 0)
			return r;
		done += room;
		if (done == p->size)
			break;
		/* Only an obstacle leaves something to place. */
		if (block.last > UINT64_MAX - page)
			return -ENOSPC;
		at = align_up(block.last + 1, page);
	}
	return 0;
}

static int map_banks(struct guest_memory *m, bool huge_pages)
{
	void *map;
	int r;

	m->fd = memfd_create("guest-ram",
		MFD_CLOEXEC | MFD_ALLOW_SEALING | (huge_pages ? MFD_HUGETLB | MFD_HUGE_2M : 0));
	if (m->fd < 0)
		return -errno;
	if (ftruncate(m->fd, (off_t)m->size) < 0)
		return -errno;
	/* Who gets this fd must not be able to shrink RAM under the guest. */
	if (fcntl(m->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return -errno;
	r = host_mmap(m->host, m->fd, 0, m->size, PROT_READ | PROT_WRITE, MAP_SHARED, &map);
	if (r < 0)
		return r;
	m->map = map;
	for (size_t i = 0; i < m->n_banks; i++)
		m->banks[i].host = m->map + m->banks[i].fd_offset;
	return 0;
}

int guest_memory_new(struct host *h, const struct guest_memory_params *p, struct guest_memory **ret,
	struct problem **reterr)
{
	CLEANUP(guest_memory_freep) struct guest_memory *m = NULL;
	uint64_t page = p->huge_pages ? HUGE_PAGE_BYTES : GUEST_PAGE_BYTES;
	int r;

	if (!p->size || p->size % page || p->size > 1ULL << 46)
		return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL,
			"guest memory of %llu bytes is not a multiple of %llu, or too large",
			(unsigned long long)p->size, (unsigned long long)page);
	m = calloc(1, sizeof(*m));
	if (!m)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "guest memory");
	m->host = h;
	m->fd = -1;
	m->size = p->size;
	r = lay_out(m, p, page);
	if (r < 0)
		return problem(reterr, r, PROBLEM_RESERVED_IOVA, NULL,
			"the reserved I/O address ranges leave no layout for %llu MiB of guest memory",
			(unsigned long long)(p->size >> 20));
	r = map_banks(m, p->huge_pages);
	if (r < 0)
		return problem(reterr, r, PROBLEM_NO_MEMORY,
			p->huge_pages ? "reserve enough 2 MiB huge pages (vm.nr_hugepages)" : NULL,
			"cannot get %llu MiB of %smemory for the guest: %s",
			(unsigned long long)(p->size >> 20), p->huge_pages ? "huge-page " : "",
			strerror(-r));
	*ret = TAKE_PTR(m);
	return 0;
}

void guest_memory_free(struct guest_memory *m)
{
	if (!m)
		return;
	if (m->map)
		host_munmap(m->host, m->map, m->size);
	if (m->fd >= 0)
		close(m->fd);
	free(m);
}

void *guest_memory_at(const struct guest_memory *m, struct gpa at, uint64_t len)
{
	if (!len)
		return NULL;
	for (size_t i = 0; i < m->n_banks; i++) {
		const struct guest_bank *b = &m->banks[i];

		if (at.v >= b->start.v && range_fits(at.v - b->start.v, len, b->size))
			return b->host + (at.v - b->start.v);
	}
	return NULL;
}

int guest_memory_read(const struct guest_memory *m, struct gpa from, void *to, size_t len)
{
	const void *p = guest_memory_at(m, from, len);

	if (!p)
		return len ? -EFAULT : 0;
	memcpy(to, p, len);
	return 0;
}

int guest_memory_write(const struct guest_memory *m, struct gpa to, const void *from, size_t len)
{
	void *p = guest_memory_at(m, to, len);

	if (!p)
		return len ? -EFAULT : 0;
	memcpy(p, from, len);
	return 0;
}

struct gpa guest_memory_end(const struct guest_memory *m)
{
	const struct guest_bank *b = &m->banks[m->n_banks - 1];

	return GPA(MAX(b->start.v + b->size, GUEST_HOLE_END));
}
