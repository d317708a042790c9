// SPDX-License-Identifier: GPL-2.0-or-later
#include "host-fixture.h"
#include "vmm/block/disk.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

static int image(uint64_t bytes)
{
	int fd = memfd_create("image", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)bytes), 0);
	return fd;
}

static void refused(int fd, bool read_only, int code, const char *what)
{
	autoproblem *p = NULL;
	struct disk *d = NULL;

	assert_int_equal(disk_raw_new(host, fd, read_only, &d, &p), code);
	assert_null(d);
	assert_non_null(p);
	assert_string_equal(p->what, what);
	if (fd >= 0)
		close(fd);
}

static void refuses_what_is_no_disk(void **state UNUSED)
{
	int fds[2];

	refused(open("/", O_RDONLY | O_DIRECTORY), true, -ENOTBLK, "the disk is a directory");
	refused(open("/dev/null", O_RDWR), false, -ENOTBLK,
		"the disk is neither a file nor a block device");
	assert_int_equal(pipe(fds), 0);
	refused(fds[0], true, -ENOTBLK, "the disk is neither a file nor a block device");
	refused(fds[1], true, -EBADF, "the disk is not open for reading");
	refused(open("/proc/self/exe", O_RDONLY), false, -EROFS,
		"the disk is not open for writing");
	refused(open("/proc/self/exe", O_PATH), true, -EBADF, "the disk is not open for reading");
	refused(image(0), false, -EINVAL,
		"the disk is empty, or smaller than one sector of 512 bytes");
	refused(image(511), false, -EINVAL,
		"the disk is empty, or smaller than one sector of 512 bytes");
	refused(-1, false, -EBADF, "the disk's descriptor -1 is not open");
}

static struct sg list(struct iovec *v, char *a, size_t alen, char *b, size_t blen)
{
	v[0] = (struct iovec) { a, alen };
	v[1] = (struct iovec) { b, blen };
	return (struct sg) { v, 2, alen + blen };
}

static void writes_and_reads_back(void **state UNUSED)
{
	autoclose int fd = image(10000);
	CLEANUP(disk_freep) struct disk *d = NULL;
	char a[100], b[924], c[1024];
	struct iovec v[2];
	struct sg s;

	assert_int_equal(disk_raw_new(host, fd, false, &d, NULL), 0);
	assert_int_equal(d->bytes, 19 * 512);
	assert_int_equal(d->logical_bytes, 512);
	assert_true(is_power_of_two(d->physical_bytes));
	memset(a, 'a', sizeof(a));
	memset(b, 'b', sizeof(b));
	s = list(v, a, sizeof(a), b, sizeof(b));
	assert_int_equal(d->ops->write(d, &s, 512), 0);
	assert_int_equal(d->ops->flush(d), 0);
	assert_int_equal(pread(fd, c, sizeof(c), 512), sizeof(c));
	assert_memory_equal(c, a, sizeof(a));
	assert_memory_equal(c + sizeof(a), b, sizeof(b));
	memset(a, 0, sizeof(a));
	s = list(v, c, 1, a, 100);
	assert_int_equal(d->ops->read(d, &s, 512 + 50), 0);
	assert_int_equal(s.len, 0);
	assert_int_equal(c[0], 'a');
	assert_int_equal(a[48], 'a');
	assert_int_equal(a[49], 'b');
}

/* Somebody cut the file under the guest: what is missing is an I/O error, not zeroes. */
static void a_cut_file_is_an_error(void **state UNUSED)
{
	autoclose int fd = image(8192);
	CLEANUP(disk_freep) struct disk *d = NULL;
	char a[512], b[512];
	struct iovec v[2];
	struct sg s;

	assert_int_equal(disk_raw_new(host, fd, false, &d, NULL), 0);
	assert_int_equal(ftruncate(fd, 700), 0);
	s = list(v, a, sizeof(a), b, sizeof(b));
	assert_int_equal(d->ops->read(d, &s, 0), -EIO);
	s = list(v, a, sizeof(a), b, sizeof(b));
	assert_int_equal(d->ops->read(d, &s, 4096), -EIO);
}

static void the_file_may_grow(void **state UNUSED)
{
	autoclose int fd = image(8192);
	CLEANUP(disk_freep) struct disk *d = NULL;

	assert_int_equal(disk_raw_new(host, fd, false, &d, NULL), 0);
	assert_int_equal(ftruncate(fd, 16384 + 700), 0);
	assert_false(disk_holds(d, 8192, 512));
	assert_int_equal(disk_resize(d, "auto", NULL), 1);
	assert_int_equal(disk_bytes(d), 16384 + 512);
	assert_int_equal(disk_resize(d, "auto", NULL), 0);
	assert_int_equal(disk_resize(d, "8K", NULL), 1);
	assert_int_equal(disk_bytes(d), 8192);
	assert_int_equal(disk_resize(d, "17K", NULL), -ENOSPC);
	assert_int_equal(disk_bytes(d), 8192);
}

static void host_errors_come_back(void **state UNUSED)
{
	autoclose int fd = image(8192);
	CLEANUP(disk_freep) struct disk *d = NULL;
	char a[512] = "", b[512] = "";
	struct iovec v[2];
	struct sg s;

	assert_int_equal(disk_raw_new(host, fd, false, &d, NULL), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
	s = list(v, a, sizeof(a), b, sizeof(b));
	assert_int_equal(d->ops->write(d, &s, 0), -EPERM);
	assert_int_equal(d->ops->zero(d, 0, 512, false), -EPERM);
	assert_int_equal(d->ops->discard(d, 0, 4096), -EPERM);
	s = list(v, a, sizeof(a), b, sizeof(b));
	assert_int_equal(d->ops->read(d, &s, 0), 0);
}

static void zeroes_with_or_without_help(void **state UNUSED)
{
	autoclose int fd = image(1 << 20);
	CLEANUP(disk_freep) struct disk *d = NULL;
	autofree char *data = malloc(1 << 20);
	unsigned ones = 0;

	assert_int_equal(disk_raw_new(host, fd, false, &d, NULL), 0);
	memset(data, 1, 1 << 20);
	assert_int_equal(pwrite(fd, data, 1 << 20, 0), 1 << 20);
	/* tmpfs punches holes but knows no ZERO_RANGE: the second falls back to writing. */
	assert_int_equal(d->ops->zero(d, 512, 512, true), 0);
	assert_int_equal(d->ops->zero(d, 2048, 200 << 10, false), 0);
	assert_int_equal(d->ops->zero(d, 400 << 10, 512, false), 0);
	assert_int_equal(d->ops->discard(d, 512 << 10, 4096), 0);
	assert_int_equal(pread(fd, data, 1 << 20, 0), 1 << 20);
	for (unsigned i = 0; i < 1 << 20; i++)
		ones += data[i] == 1;
	assert_int_equal(ones, (1 << 20) - 512 - (200 << 10) - 512 - 4096);
	assert_int_equal(data[2047], 1);
	assert_int_equal(data[2048], 0);
	assert_int_equal(data[2048 + (200 << 10)], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_what_is_no_disk),
		cmocka_unit_test(writes_and_reads_back),
		cmocka_unit_test(a_cut_file_is_an_error),
		cmocka_unit_test(the_file_may_grow),
		cmocka_unit_test(host_errors_come_back),
		cmocka_unit_test(zeroes_with_or_without_help),
	};

	return cmocka_run_group_tests_name("raw", tests, setup, teardown);
}
