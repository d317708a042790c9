// SPDX-License-Identifier: GPL-2.0-or-later
#include "disk.h"
#include "host/host.h"
#include "vmm/count/syscalls.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>

struct raw {
	struct disk disk;
	int fd;
	bool no_zero_range; /* fallocate told so once: write the zeroes */
};

static struct raw *raw_of(struct disk *d)
{
	return container_of(d, struct raw, disk);
}

/* Goes on after a short transfer; end of file inside the disk means that someone cut the file. */
static int transfer(struct disk *d, struct sg *s, uint64_t offset,
	ssize_t (*move)(int fd, const struct iovec *v, int n, off_t at))
{
	while (s->len) {
		ssize_t n;

		syscalls_count(1);
		n = move(raw_of(d)->fd, s->v, (int)s->n, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		sg_skip(s, (size_t)n);
		offset += (uint64_t)n;
	}
	return 0;
}

static int raw_read(struct disk *d, struct sg *to, uint64_t offset)
{
	return transfer(d, to, offset, preadv);
}

static int raw_write(struct disk *d, struct sg *from, uint64_t offset)
{
	return transfer(d, from, offset, pwritev);
}

static int raw_flush(struct disk *d)
{
	syscalls_count(1);
	return fdatasync(raw_of(d)->fd) < 0 ? -errno : 0;
}

static int raw_fallocate(struct disk *d, int mode, uint64_t offset, uint64_t len)
{
	int r;

	do {
		syscalls_count(1);
		r = fallocate(raw_of(d)->fd, mode, (off_t)offset, (off_t)len);
	} while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : 0;
}

/* Punching works on block devices too (since Linux 4.9), as a discard that reads zeroes. */
static int raw_discard(struct disk *d, uint64_t offset, uint64_t len)
{
	return raw_fallocate(d, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, len);
}

static int write_zeroes(struct disk *d, uint64_t offset, uint64_t len)
{
	static const char zeroes[64 << 10] __attribute__((aligned(4096)));

	while (len) {
		struct iovec v = { (void *)(uintptr_t)zeroes, MIN(len, sizeof(zeroes)) };
		struct sg s = { &v, 1, v.iov_len };
		size_t part = v.iov_len;
		int r = raw_write(d, &s, offset);

		if (r < 0)
			return r;
		offset += part;
		len -= part;
	}
	return 0;
}

static int raw_zero(struct disk *d, uint64_t offset, uint64_t len, bool may_unmap)
{
	struct raw *raw = raw_of(d);
	int r = -EOPNOTSUPP;

	if (may_unmap && raw_discard(d, offset, len) == 0)
		return 0;
	if (!raw->no_zero_range)
		r = raw_fallocate(d, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, offset, len);
	if (r != -EOPNOTSUPP)
		return r;
	raw->no_zero_range = true;
	return write_zeroes(d, offset, len);
}

static void raw_free(struct disk *d)
{
	free(raw_of(d));
}

static const struct disk_ops raw_ops = {
	.read = raw_read,
	.write = raw_write,
	.flush = raw_flush,
	.discard = raw_discard,
	.zero = raw_zero,
	.free = raw_free,
};

static int block_device_shape(struct host *h, int fd, struct disk *d)
{
	unsigned physical = 0;
	int logical = 0, r;

	r = host_ioctl(h, fd, BLKGETSIZE64, &d->bytes);
	if (r >= 0)
		r = host_ioctl(h, fd, BLKSSZGET, &logical);
	if (r < 0)
		return r;
	d->logical_bytes = logical > 0 ? (uint32_t)logical : DISK_SECTOR_BYTES;
	if (host_ioctl(h, fd, BLKPBSZGET, &physical) >= 0)
		d->physical_bytes = physical;
	return 0;
}

static int find_shape(struct host *h, int fd, struct disk *d, struct problem **reterr)
{
	struct stat st;
	int r = fstat(fd, &st) < 0 ? -errno : 0;

	if (r == 0 && S_ISBLK(st.st_mode)) {
		r = block_device_shape(h, fd, d);
	} else if (r == 0 && S_ISREG(st.st_mode)) {
		d->bytes = (uint64_t)st.st_size;
		d->logical_bytes = DISK_SECTOR_BYTES;
		d->physical_bytes = (uint32_t)st.st_blksize;
	} else if (r == 0) {
		return problem(reterr, -ENOTBLK, PROBLEM_BAD_IMAGE,
			"give a raw image file or a block device",
			S_ISDIR(st.st_mode) ? "the disk is a directory"
					    : "the disk is neither a file nor a block device");
	}
	if (r < 0)
		return problem(reterr, r, PROBLEM_IO, NULL, "cannot tell the size of the disk: %s",
			strerror(-r));
	return 0;
}

/* What the guest is told must be consistent even if the host's answer is odd. */
static int settle_shape(struct disk *d, struct problem **reterr)
{
	d->bytes = align_down(d->bytes, DISK_SECTOR_BYTES);
	if (d->bytes == 0)
		return problem(reterr, -EINVAL, PROBLEM_BAD_IMAGE,
			"make it larger first: truncate -s 1G FILE",
			"the disk is empty, or smaller than one sector of 512 bytes");
	if (!is_power_of_two(d->logical_bytes) || d->logical_bytes < DISK_SECTOR_BYTES)
		d->logical_bytes = DISK_SECTOR_BYTES;
	if (!is_power_of_two(d->physical_bytes) || d->physical_bytes < d->logical_bytes)
		d->physical_bytes = d->logical_bytes;
	return 0;
}

static int check_access(int fd, bool read_only, struct problem **reterr)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return problem(reterr, -errno, PROBLEM_BAD_IMAGE, NULL,
			"the disk's descriptor %d is not open", fd);
	if ((flags & O_PATH) || (flags & O_ACCMODE) == O_WRONLY)
		return problem(reterr, -EBADF, PROBLEM_BAD_IMAGE, NULL,
			"the disk is not open for reading");
	if (!read_only && (flags & O_ACCMODE) != O_RDWR)
		return problem(reterr, -EROFS, PROBLEM_BAD_IMAGE,
			"open it for writing, or give the disk as read-only",
			"the disk is not open for writing");
	return 0;
}

int disk_raw_new(struct host *h, int fd, bool read_only, struct disk **ret, struct problem **reterr)
{
	struct disk shape = { .ops = &raw_ops, .read_only = read_only };
	struct raw *raw;
	int r = check_access(fd, read_only, reterr);

	if (r == 0)
		r = find_shape(h, fd, &shape, reterr);
	if (r == 0)
		r = settle_shape(&shape, reterr);
	if (r < 0)
		return r;
	raw = calloc(1, sizeof(*raw));
	if (!raw)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "no memory for a disk");
	raw->disk = shape;
	raw->fd = fd;
	*ret = &raw->disk;
	return 0;
}
