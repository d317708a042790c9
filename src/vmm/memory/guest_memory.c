/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guest_memory.h"

#include "base/checked.h"

#include "host/pages.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

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

static int add_bank(struct guest_memory *m, uint64_t start, uint64_t size)
{
	if (m->n_banks == GUEST_BANKS_MAX)
		return -E2BIG;
	m->banks[m->n_banks++] =
		(struct guest_bank) { .start = GPA(start), .size = size, .fd = -1 };
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
		r = room ? add_bank(m, at, room) : 0;
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

/* MAP_HUGE_2MB and MAP_HUGE_1GB: the logarithm of the size, in bits of its own. */
static int pool_flags(uint64_t huge_page)
{
	return MAP_HUGETLB | (__builtin_ctzll(huge_page) << MAP_HUGE_SHIFT);
}

/* MFD_HUGE_2MB and so on are the same bits. */
static int make_file(const struct guest_memory *m, uint64_t bytes)
{
	unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	autoclose int fd = -1;

	if (m->huge_page)
		flags |= MFD_HUGETLB | (unsigned)__builtin_ctzll(m->huge_page) << MAP_HUGE_SHIFT;
	fd = memfd_create("guest", flags);
	if (fd < 0 || ftruncate(fd, (off_t)bytes) < 0 ||
		fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return -errno;
	return TAKE_FD(fd);
}

/*
 * Reserved pages are counted off when they are mapped, so that no fault can miss one later; other
 * memory is not, as overcommitting hosts expect of guests.
 */
static int map_bank(struct guest_memory *m, struct guest_bank *b)
{
	int flags = m->shared ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
	void *at;
	int r;

	if (m->shared) {
		b->fd = make_file(m, b->size);
		if (b->fd < 0)
			return b->fd;
	}
	if (!m->huge_page)
		flags |= MAP_NORESERVE;
	else if (!m->shared) /* a file knows its pages */
		flags |= pool_flags(m->huge_page);
	r = pages_map(m->host, b->fd, 0, b->size, PROT_READ | PROT_WRITE, flags, b->start.v, &at);
	if (r < 0)
		return r;
	b->host = at;
	pages_for_guest(at, b->size);
	return 0;
}

static int map_banks(struct guest_memory *m, struct problem **reterr)
{
	for (size_t i = 0; i < m->n_banks; i++) {
		int r = map_bank(m, &m->banks[i]);

		if (r >= 0)
			continue;
		if (m->huge_page)
			return problem(reterr, r, PROBLEM_NO_MEMORY,
				"reserve more of them, or see `vfctl doctor`",
				"cannot get %llu huge pages of %llu MiB for the guest: %s",
				(unsigned long long)(m->size / m->huge_page),
				(unsigned long long)m->huge_page >> 20, strerror(-r));
		return problem(reterr, r, PROBLEM_NO_MEMORY, NULL,
			"cannot get %llu MiB of memory for the guest: %s",
			(unsigned long long)m->size >> 20, strerror(-r));
	}
	return 0;
}

/* Wishes that cannot be granted cost nothing; orders are. */
static int place_banks(
	struct guest_memory *m, const struct guest_memory_params *p, struct problem **reterr)
{
	for (size_t i = 0; i < m->n_banks && p->near != GUEST_ANYWHERE; i++) {
		int r = pages_bind(
			m->banks[i].host, m->banks[i].size, p->node, p->near == GUEST_NEAR_ONLY);

		if (r < 0 && p->near == GUEST_NEAR_ONLY)
			return problem(reterr, r, PROBLEM_NO_MEMORY, NULL,
				"the guest's memory cannot be bound to NUMA node %u: %s", p->node,
				strerror(-r));
	}
	return 0;
}

static int check(const struct guest_memory_params *p, uint64_t page, struct problem **reterr)
{
	if (p->huge_page && p->huge_page != PAGES_2M && p->huge_page != PAGES_1G)
		return problem(
			reterr, -EINVAL, PROBLEM_USAGE, NULL, "huge pages have 2 MiB or 1 GiB");
	if (!p->size || p->size % page || p->size > 1ULL << 46)
		return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL,
			"guest memory of %llu bytes is not a multiple of %llu, or too large",
			(unsigned long long)p->size, (unsigned long long)page);
	return 0;
}

int guest_memory_new(struct host *h, const struct guest_memory_params *p, struct guest_memory **ret,
	struct problem **reterr)
{
	CLEANUP(guest_memory_freep) struct guest_memory *m = NULL;
	uint64_t page = p->huge_page ? p->huge_page : GUEST_PAGE_BYTES;
	int r = check(p, page, reterr);

	if (r < 0)
		return r;
	m = calloc(1, sizeof(*m));
	if (!m)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "guest memory");
	m->host = h;
	m->size = p->size;
	m->huge_page = p->huge_page;
	m->shared = p->shared;
	r = lay_out(m, p, page);
	if (r < 0)
		return problem(reterr, r, PROBLEM_RESERVED_IOVA, NULL,
			"the reserved I/O address ranges leave no layout for %llu MiB of guest memory",
			(unsigned long long)(p->size >> 20));
	r = map_banks(m, reterr);
	if (r >= 0)
		r = place_banks(m, p, reterr);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(m);
	return 0;
}

void guest_memory_free(struct guest_memory *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->n_banks; i++) {
		if (m->banks[i].host)
			host_munmap(m->host, m->banks[i].host, m->banks[i].size);
		closep_(&m->banks[i].fd);
	}
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

int guest_memory_give_back(const struct guest_memory *m, void *at, uint64_t len)
{
	uintptr_t start = (uintptr_t)at;

	if (m->huge_page)
		return -EOPNOTSUPP;
	if (!len || (start | len) % GUEST_PAGE_BYTES)
		return -EINVAL;
	for (size_t i = 0; i < m->n_banks; i++) {
		const struct guest_bank *b = &m->banks[i];
		uintptr_t bank = (uintptr_t)b->host;

		if (start >= bank && range_fits(start - bank, len, b->size))
			return pages_give_back(at, len, m->shared);
	}
	return -EFAULT;
}

struct gpa guest_memory_end(const struct guest_memory *m)
{
	const struct guest_bank *b = &m->banks[m->n_banks - 1];

	return GPA(MAX(b->start.v + b->size, GUEST_HOLE_END));
}
