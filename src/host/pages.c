// SPDX-License-Identifier: GPL-2.0-or-later
#include "pages.h"

#include "base/checked.h"

#include <limits.h>
#include <link.h>
#include <linux/mempolicy.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* glibc 2.35; Linux 5.14 */
#endif

enum { NODES_MAX = 1024 };

uint64_t pages_alignment(uint64_t len)
{
	if (len >= PAGES_1G)
		return PAGES_1G;
	return len >= PAGES_2M ? PAGES_2M : 0;
}

/* An address with nothing behind it, for now: found by a mapping that is too large. */
static void *find_place(size_t len, uint64_t align, uint64_t like)
{
	size_t all;
	char *start;

	if (add_overflows(len, (size_t)align, &all))
		return NULL;
	start = mmap(NULL, all, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (start == MAP_FAILED)
		return NULL;
	munmap(start, all);
	return start + ((like - (uintptr_t)start) & (align - 1));
}

/* Another thread may come first: then nothing is lost but the large pages. */
int pages_map(struct host *h, int fd, uint64_t offset, size_t len, int prot, int flags,
	uint64_t like, void **ret)
{
	uint64_t align = pages_alignment(len), page = (uint64_t)sysconf(_SC_PAGESIZE);
	void *at = NULL;
	int r = -EEXIST;

	if (align && (like | len) % page == 0)
		at = find_place(len, align, like);
	if (at)
		r = host_mmap(h, fd, offset, len, prot, flags | MAP_FIXED_NOREPLACE, &at);
	if (r == -EEXIST)
		return host_mmap(h, fd, offset, len, prot, flags, ret);
	if (r == 0)
		*ret = at;
	return r;
}

int pages_bind(void *at, size_t len, unsigned node, bool strictly)
{
	const unsigned bits = sizeof(unsigned long) * CHAR_BIT;
	unsigned long mask[NODES_MAX / (sizeof(unsigned long) * CHAR_BIT)] = { 0 };

	if (node >= NODES_MAX)
		return -EINVAL;
	mask[node / bits] = 1UL << node % bits;
	/* The kernel takes one bit less than it is told. */
	if (syscall(SYS_mbind, at, len, strictly ? MPOL_BIND : MPOL_PREFERRED, mask, NODES_MAX + 1,
		    0) < 0)
		return -errno;
	return 0;
}

/* Each is advice: a kernel that does not know it loses nothing but speed or privacy. */
void pages_for_guest(void *at, size_t len)
{
	madvise(at, len, MADV_HUGEPAGE);
	madvise(at, len, MADV_DONTDUMP);
	madvise(at, len, MADV_DONTFORK);
}

int pages_populate(void *at, size_t len)
{
	int r;

	do
		r = madvise(at, len, MADV_POPULATE_WRITE);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : 0;
}

int pages_give_back(void *at, size_t len, bool shared)
{
	return madvise(at, len, shared ? MADV_REMOVE : MADV_DONTNEED) < 0 ? -errno : 0;
}

void pages_touch(void *at, size_t len, size_t page)
{
	for (size_t i = 0; i < len; i += page)
		__atomic_fetch_or((char *)at + i, 0, __ATOMIC_RELAXED);
}

int pages_node(void *at)
{
	int node;

	if (syscall(SYS_get_mempolicy, &node, NULL, 0, at, MPOL_F_NODE | MPOL_F_ADDR) < 0)
		return -errno;
	return node;
}

static int forget_segments(struct dl_phdr_info *info, size_t size UNUSED, void *arg UNUSED)
{
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uintptr_t start = info->dlpi_addr + p->p_vaddr, end = start + p->p_filesz;

		/* What may be written holds relocations, which no file would give back. */
		if (p->p_type != PT_LOAD || p->p_flags & PF_W)
			continue;
		start &= ~(page - 1);
		madvise((void *)start, end - start,
			MADV_DONTNEED); // NOLINT(performance-no-int-to-ptr)
	}
	return 0;
}

void pages_forget_code(void)
{
	dl_iterate_phdr(forget_segments, NULL);
}

uint64_t pages_faults(void)
{
	struct rusage u;

	return getrusage(RUSAGE_THREAD, &u) < 0 ? 0 : (uint64_t)u.ru_minflt;
}
