// SPDX-License-Identifier: GPL-2.0-or-later
#include "disk.h"
#include "host/host.h"
#include "vmm/count/syscalls.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/ioctl.h>

enum {
	BOUNCE_BYTES = 1 << 20,
	DIRECT_BYTES_MAX = 64 << 10,
	DIRECT_BYTES_SAFE = 4096, /* where the kernel does not tell */
};

struct raw {
	struct disk disk;
	struct host *host;
	int fd;
	atomic_bool no_zero_range;     /* fallocate told so once: write the zeroes */
	pthread_mutex_t read_to_write; /* blocks that are written in part */
};

static struct raw *raw_of(struct disk *d)
{
	return container_of(d, struct raw, disk);
}

typedef ssize_t move_fn(int fd, const struct iovec *v, int n, off_t at);

/* Goes on after a short transfer; end of file inside the disk means that someone cut the file. */
static int move_all(int fd, struct sg *s, uint64_t offset, move_fn *move)
{
	while (s->len) {
		ssize_t n;

		syscalls_count(1);
		n = move(fd, s->v, (int)MIN(s->n, (unsigned)IOV_MAX), (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		sg_skip(s, (size_t)n);
		offset += (uint64_t)n;
	}
	return 0;
}

bool disk_is_aligned(const struct disk *d, const struct sg *s, uint64_t offset)
{
	if (d->direct_bytes <= 1 && d->direct_memory <= 1)
		return true;
	if (offset % d->direct_bytes)
		return false;
	for (unsigned i = 0; i < s->n; i++)
		if (s->v[i].iov_len % d->direct_bytes ||
			(uintptr_t)s->v[i].iov_base % d->direct_memory)
			return false;
	return true;
}

static int move_buffer(const struct raw *raw, char *buf, size_t len, uint64_t at, move_fn *move)
{
	struct iovec v = { buf, len };
	struct sg s = { &v, 1, len };

	return move_all(raw->fd, &s, at, move);
}

/*
 * The blocks around [offset, offset + len) by way of `buf`. What is written in part is read first,
 * by one at a time: two that write into the same block would lose each other's half.
 */
static int bounce_write(struct raw *raw, char *buf, struct sg *from, uint64_t offset, size_t len)
{
	uint64_t start = align_down(offset, raw->disk.direct_bytes);
	size_t head = (size_t)(offset - start);
	size_t whole = (size_t)align_up(head + len, raw->disk.direct_bytes);
	bool part = whole != len;
	int r = 0;

	if (part) {
		pthread_mutex_lock(&raw->read_to_write);
		r = move_buffer(raw, buf, whole, start, preadv);
	}
	if (r == 0) {
		sg_pull(from, buf + head, len);
		r = move_buffer(raw, buf, whole, start, pwritev);
	}
	if (part)
		pthread_mutex_unlock(&raw->read_to_write);
	return r;
}

static int bounce_read(struct raw *raw, char *buf, struct sg *to, uint64_t offset, size_t len)
{
	uint64_t start = align_down(offset, raw->disk.direct_bytes);
	size_t head = (size_t)(offset - start);
	size_t whole = (size_t)align_up(head + len, raw->disk.direct_bytes);
	int r = move_buffer(raw, buf, whole, start, preadv);

	if (r == 0)
		sg_push(to, buf + head, len);
	return r;
}

/* The guest says how long a transfer is: memory of ours is lent to it in pieces. */
static int bounce(struct raw *raw, struct sg *s, uint64_t offset, bool write)
{
	const uint32_t unit = raw->disk.direct_bytes;
	size_t room = (size_t)MIN(align_up(s->len, unit) + unit, (uint64_t)BOUNCE_BYTES);
	autofree char *buf = NULL;
	int r = 0;

	if (posix_memalign((void **)&buf, MAX(unit, raw->disk.direct_memory), room))
		return -ENOMEM;
	while (s->len && r == 0) {
		size_t len = MIN(s->len, room - (size_t)(offset % unit));

		r = write ? bounce_write(raw, buf, s, offset, len)
			  : bounce_read(raw, buf, s, offset, len);
		offset += len;
	}
	return r;
}

static int raw_read(struct disk *d, struct sg *to, uint64_t offset)
{
	if (!disk_is_aligned(d, to, offset))
		return bounce(raw_of(d), to, offset, false);
	return move_all(raw_of(d)->fd, to, offset, preadv);
}

static int raw_write(struct disk *d, struct sg *from, uint64_t offset)
{
	if (!disk_is_aligned(d, from, offset))
		return bounce(raw_of(d), from, offset, true);
	return move_all(raw_of(d)->fd, from, offset, pwritev);
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

static int raw_look(struct disk *d, uint64_t *ret_bytes)
{
	struct raw *raw = raw_of(d);
	struct stat st;
	int r = fstat(raw->fd, &st) < 0 ? -errno : 0;

	if (r == 0 && S_ISBLK(st.st_mode))
		r = host_ioctl(raw->host, raw->fd, BLKGETSIZE64, ret_bytes);
	else if (r == 0)
		*ret_bytes = (uint64_t)st.st_size;
	if (r < 0)
		return r;
	*ret_bytes = align_down(*ret_bytes, d->logical_bytes);
	return 0;
}

static void raw_free(struct disk *d)
{
	pthread_mutex_destroy(&raw_of(d)->read_to_write);
	free(raw_of(d));
}

static const struct disk_ops raw_ops = {
	.read = raw_read,
	.write = raw_write,
	.flush = raw_flush,
	.discard = raw_discard,
	.zero = raw_zero,
	.free = raw_free,
	.look = raw_look,
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

static uint32_t sane_alignment(uint32_t told, uint32_t otherwise)
{
	return is_power_of_two(told) && told <= DIRECT_BYTES_MAX ? told : otherwise;
}

/*
 * What transfers have to keep to without the page cache. Linux tells since 6.1; before, a device's
 * logical block is enough of one, and no file system wants more than a page.
 */
static void find_alignment(int fd, struct disk *d)
{
	struct statx x = { 0 };
	int flags = fcntl(fd, F_GETFL);
	bool device;

	d->direct_bytes = d->direct_memory = 1;
	if (flags < 0 || !(flags & O_DIRECT))
		return;
	d->direct = true;
	device = statx(fd, "", AT_EMPTY_PATH, STATX_TYPE | STATX_DIOALIGN, &x) == 0 &&
		 S_ISBLK(x.stx_mode);
	if (!(x.stx_mask & STATX_DIOALIGN))
		x.stx_dio_offset_align = x.stx_dio_mem_align =
			device ? d->logical_bytes : DIRECT_BYTES_SAFE;
	d->direct_bytes = sane_alignment(x.stx_dio_offset_align, DIRECT_BYTES_SAFE);
	d->direct_memory = sane_alignment(x.stx_dio_mem_align, DIRECT_BYTES_SAFE);
}

/* What the guest is told must be consistent even if the host's answer is odd. */
static int settle_shape(struct disk *d, struct problem **reterr)
{
	uint32_t unit;

	if (!is_power_of_two(d->logical_bytes) || d->logical_bytes < DISK_SECTOR_BYTES)
		d->logical_bytes = DISK_SECTOR_BYTES;
	d->logical_bytes = MAX(d->logical_bytes, d->direct_bytes);
	unit = MAX((uint32_t)DISK_SECTOR_BYTES, d->direct_bytes);
	d->bytes = align_down(d->bytes, unit);
	if (d->bytes == 0)
		return problem(reterr, -EINVAL, PROBLEM_BAD_IMAGE,
			"make it larger first: truncate -s 1G FILE",
			"the disk is empty, or smaller than one sector of %u bytes", unit);
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
	if (r == 0) {
		find_alignment(fd, &shape);
		r = settle_shape(&shape, reterr);
	}
	if (r < 0)
		return r;
	raw = calloc(1, sizeof(*raw));
	if (!raw)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "no memory for a disk");
	raw->disk = shape;
	raw->host = h;
	raw->fd = fd;
	pthread_mutex_init(&raw->read_to_write, NULL);
	*ret = &raw->disk;
	return 0;
}
