/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * random-read DEVICE COUNT [polled]: that many reads of 4 KiB past the page cache, one after the
 * other, at addresses that are the same in every run; prints "COUNT reads, mean US, median US".
 * "polled": by io_uring that polls for completions (IOPOLL), as Linux since 6.0 does for nobody
 * else. Linked statically, so that it runs in a guest with nothing but busybox.
 */
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { BLOCK = 4096 };

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static struct io_uring ring;

static ssize_t read_polled(int fd, void *buf, off_t at)
{
	struct io_uring_sqe *s = io_uring_get_sqe(&ring);
	struct io_uring_cqe *c = NULL;
	ssize_t n;

	if (!s)
		return -1;
	io_uring_prep_read(s, fd, buf, BLOCK, (uint64_t)at);
	n = io_uring_submit_and_wait(&ring, 1);
	if (n >= 0)
		n = io_uring_wait_cqe(&ring, &c);
	if (n == 0) {
		n = c->res;
		io_uring_cqe_seen(&ring, c);
	}
	errno = n < 0 ? (int)-n : 0;
	return n;
}

int main(int argc, char **argv)
{
	uint64_t random = 1, all = 0, *took;
	bool polled = argc == 4 && strcmp(argv[3], "polled") == 0;
	size_t count = argc == (polled ? 4 : 3) ? strtoul(argv[2], NULL, 10) : 0;
	int fd = count ? open(argv[1], O_RDONLY | O_DIRECT | O_CLOEXEC) : -1;
	off_t size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
	void *buf = aligned_alloc(BLOCK, BLOCK);

	took = calloc(count ? count : 1, sizeof(*took));
	if (size < BLOCK || !buf || !took) {
		fprintf(stderr, "random-read: %s\n",
			count ? strerror(errno) : "DEVICE COUNT [polled]");
		return 2;
	}
	if (polled && io_uring_queue_init(4, &ring, IORING_SETUP_IOPOLL) < 0) {
		fprintf(stderr, "random-read: there is no io_uring\n");
		return 1;
	}
	for (size_t i = 0; i < count; i++) {
		uint64_t start = now_ns();
		off_t at;

		random = random * 6364136223846793005U + 1442695040888963407U;
		at = (off_t)(random >> 33) % (size / BLOCK) * BLOCK;
		if ((polled ? read_polled(fd, buf, at) : pread(fd, buf, BLOCK, at)) != BLOCK) {
			fprintf(stderr, "random-read: %s\n", strerror(errno));
			return 1;
		}
		took[i] = now_ns() - start;
		all += took[i];
	}
	qsort(took, count, sizeof(*took), compare);
	printf("%zu reads, mean %llu us, median %llu us\n", count,
		(unsigned long long)(all / count / 1000),
		(unsigned long long)(took[count / 2] / 1000));
	return 0;
}
