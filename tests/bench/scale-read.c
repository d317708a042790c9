/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scale-read FILE THREADS COUNT: so many reads of 4 KiB at random addresses by each of so many
 * threads, all at once. Prints "count cycles N", the slowest thread's, as the guest's program
 * blk_scale does of its CPUs.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK = 4096, THREADS_MAX = 64 };

struct reader {
	pthread_t thread;
	pthread_barrier_t *start;
	const char *file;
	uint64_t count, seed, took;
	int error;
	char apart[64];
};

static int read_all(struct reader *r, int fd, uint64_t blocks)
{
	static _Thread_local char buf[BLOCK] __attribute__((aligned(BLOCK)));

	for (uint64_t i = 0; i < r->count; i++) {
		r->seed = r->seed * 6364136223846793005 + 1442695040888963407;
		if (pread(fd, buf, BLOCK, (off_t)((r->seed >> 33) % blocks * BLOCK)) != BLOCK)
			return EIO;
	}
	return 0;
}

static void *run(void *arg)
{
	struct reader *r = arg;
	int fd = open(r->file, O_RDONLY | O_CLOEXEC);
	off_t size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
	uint64_t start;

	pthread_barrier_wait(r->start);
	start = __builtin_ia32_rdtsc();
	r->error = size < BLOCK ? EINVAL : read_all(r, fd, (uint64_t)size / BLOCK);
	r->took = __builtin_ia32_rdtsc() - start;
	if (fd >= 0)
		close(fd);
	return NULL;
}

int main(int argc, char **argv)
{
	static struct reader readers[THREADS_MAX];
	unsigned long n = argc == 4 ? strtoul(argv[2], NULL, 10) : 0;
	pthread_barrier_t start;
	uint64_t took = 0;
	int error = 0;

	if (!n || n > THREADS_MAX) {
		fprintf(stderr, "Usage: scale-read FILE THREADS COUNT\n");
		return 2;
	}
	pthread_barrier_init(&start, NULL, (unsigned)n);
	for (unsigned long i = 0; i < n; i++) {
		readers[i] = (struct reader) { .start = &start,
			.file = argv[1],
			.count = strtoul(argv[3], NULL, 10),
			.seed = i + 1 };
		if (pthread_create(&readers[i].thread, NULL, run, &readers[i]) != 0)
			return 1;
	}
	for (unsigned long i = 0; i < n; i++) {
		pthread_join(readers[i].thread, NULL);
		took = readers[i].took > took ? readers[i].took : took;
		error = readers[i].error ? readers[i].error : error;
	}
	if (error) {
		fprintf(stderr, "scale-read: %s: %s\n", argv[1], strerror(error));
		return 1;
	}
	printf("count cycles %llu\n", (unsigned long long)took);
	return 0;
}
