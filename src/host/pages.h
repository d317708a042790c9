/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory of this process in large pages: where it lies, on which NUMA node, and when it comes.
 *
 * The kernel uses a large page for an address range only where the virtual address and what is
 * behind it (an offset of a BAR, a guest-physical address) are equal modulo that page's size.
 */
#pragma once

#include "host.h"

#define PAGES_2M (2ULL << 20)
#define PAGES_1G (1ULL << 30)

/* The largest page that a range of that size can be made of: 1 GiB, 2 MiB, or 0 for ordinary ones.
 */
uint64_t pages_alignment(uint64_t len);
/*
 * host_mmap() at an address that is equal to `like` modulo pages_alignment(len). Where there is no
 * room for that it maps anywhere. host_munmap() undoes it.
 */
int pages_map(struct host *h, int fd, uint64_t offset, size_t len, int prot, int flags,
	uint64_t like, void **ret);

/*
 * Pages of that range come from this NUMA node: only from it (`strictly`), or from there as long as
 * it has any. Before they are there. -EINVAL: no such node.
 */
int pages_bind(void *at, size_t len, unsigned node, bool strictly);
/* Ordinary memory in large pages where the kernel can; not in core dumps, not in children. */
void pages_for_guest(void *at, size_t len);
/*
 * Brings all pages, for writing, without changing what they hold: so also while others write.
 * -EINVAL from kernels before 5.14, -EFAULT when a pool of reserved pages is empty, -ENOMEM.
 */
int pages_populate(void *at, size_t len);
/* The same by touching each; where the memory is out, the process is killed. */
void pages_touch(void *at, size_t len, size_t page);
/*
 * Gives whole pages back: they read as zeroes, and come anew when they are touched. `shared`: also
 * in the file behind them, for whoever else has it mapped.
 */
int pages_give_back(void *at, size_t len, bool shared);
/* The node of the page that is there; -ENOSYS. Brings the page. */
int pages_node(void *at);
/*
 * What this process has mapped of programs and libraries, and only read, it has no more: whoever
 * starts touches far more of them than whoever runs. What is needed again comes back from the page
 * cache.
 */
void pages_forget_code(void);
/* Minor faults of this thread so far. */
uint64_t pages_faults(void);
