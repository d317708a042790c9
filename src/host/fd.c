// SPDX-License-Identifier: GPL-2.0-or-later
#include "fd.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>

void fd_close(struct host *h UNUSED, int fd)
{
	if (fd >= 0)
		close(fd);
}

/* EINTR goes to the caller: KVM_RUN means something by it, and others may not be repeatable. */
int fd_ioctl(struct host *h UNUSED, int fd, unsigned long request, void *arg)
{
	int r = ioctl(fd, request, arg);

	return r < 0 ? -errno : r;
}

ssize_t fd_pread(struct host *h UNUSED, int fd, void *buf, size_t len, uint64_t offset)
{
	ssize_t n;

	do
		n = pread(fd, buf, len, (off_t)offset);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

ssize_t fd_pwrite(struct host *h UNUSED, int fd, const void *buf, size_t len, uint64_t offset)
{
	ssize_t n;

	do
		n = pwrite(fd, buf, len, (off_t)offset);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/*
 * Drivers without a poll of their own are always ready, and may say EAGAIN all the same: they are
 * asked again after a moment.
 */
static bool wait_for(int fd, short events, uint64_t until_ms)
{
	struct pollfd p = { .fd = fd, .events = events };
	uint64_t now = clock_now_ms(NULL);

	if (now >= until_ms)
		return false;
	if (poll(&p, 1, (int)MIN(until_ms - now, 1000U)) > 0)
		clock_sleep_ms(NULL, 1);
	return true;
}

static bool is_not_yet(ssize_t n)
{
	return n < 0 && (errno == EAGAIN || errno == EINTR);
}

ssize_t fd_stream_read(struct host *h, int fd, void *buf, size_t len, unsigned ms)
{
	uint64_t until = clock_now_ms(h) + ms;
	ssize_t n;

	if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	while (is_not_yet(n = read(fd, buf, len)))
		if (!wait_for(fd, POLLIN, until))
			return -ETIMEDOUT;
	return n < 0 ? -errno : n;
}

ssize_t fd_stream_write(struct host *h, int fd, const void *buf, size_t len, unsigned ms)
{
	uint64_t until = clock_now_ms(h) + ms;
	ssize_t n;

	if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	while (is_not_yet(n = write(fd, buf, len)))
		if (!wait_for(fd, POLLOUT, until))
			return -ETIMEDOUT;
	return n < 0 ? -errno : n;
}

int fd_mmap(
	struct host *h UNUSED, int fd, uint64_t offset, size_t len, int prot, int flags, void **ret)
{
	void *p = mmap(
		flags & MAP_FIXED_NOREPLACE ? *ret : NULL, len, prot, flags, fd, (off_t)offset);

	if (p == MAP_FAILED)
		return -errno;
	*ret = p;
	return 0;
}

int fd_munmap(struct host *h UNUSED, void *addr, size_t len)
{
	return munmap(addr, len) < 0 ? -errno : 0;
}

uint64_t clock_now_ms(struct host *h UNUSED)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void clock_sleep_ms(struct host *h UNUSED, unsigned ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

	while (nanosleep(&t, &t) < 0 && errno == EINTR)
		;
}
