/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loaded into a program by LD_PRELOAD: counts its allocations, and writes their number into the
 * file that COUNT_ALLOCATIONS names when the program ends.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static atomic_ulong allocations;

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t size);

__attribute__((visibility("default"))) void *malloc(size_t size)
{
	atomic_fetch_add(&allocations, 1);
	return __libc_malloc(size);
}

__attribute__((visibility("default"))) void *calloc(size_t n, size_t size)
{
	atomic_fetch_add(&allocations, 1);
	return __libc_calloc(n, size);
}

__attribute__((visibility("default"))) void *realloc(void *p, size_t size)
{
	atomic_fetch_add(&allocations, 1);
	return __libc_realloc(p, size);
}

__attribute__((destructor)) static void tell(void)
{
	const char *file = getenv("COUNT_ALLOCATIONS");
	FILE *f = file ? fopen(file, "w") : NULL;

	if (!f)
		return;
	fprintf(f, "%lu\n", atomic_load(&allocations));
	fclose(f);
}
