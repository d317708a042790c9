// SPDX-License-Identifier: GPL-2.0-or-later
#include "image.h"

#include "base/str.h"
#include "host/sysfs.h"

#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>

/*
 * The boot sector's setup header (Documentation/arch/x86/boot.rst). Version 2.12 of the protocol
 * (Linux 3.8) brought xloadflags and with it the 64-bit entry.
 */
enum {
	HEADER_BYTES = 0x264,
	SETUP_SECTORS_AT = 0x1f1,
	SYSSIZE_AT = 0x1f4, /* in paragraphs of 16 bytes */
	BOOT_FLAG_AT = 0x1fe,
	MAGIC_AT = 0x202,
	VERSION_AT = 0x206,
	XLOADFLAGS_AT = 0x236,
	SECTOR_BYTES = 512,
	LEAST_VERSION = 0x020c,
	ROM_BYTES_MAX = 16 << 20,
	PATIENCE_MS = 1000,
	PATIENCE_STEP_MS = 20,
};

static int blame_open(const char *what, const char *path, int code, struct problem **reterr)
{
	const char *hint = code == -ENOENT ? "is the name right?" : NULL;

	if (code == -EACCES || code == -EPERM || code == -EROFS)
		hint = "run as a user who may open it; a disk may be given with \",ro\"";
	return problem(reterr, code, problem_kind_from_errno(code), hint, "%s %s: %s", what, path,
		strerror(-code));
}

static int bad(const char *what, const char *path, const char *why, struct problem **reterr)
{
	return problem(reterr, -EINVAL, PROBLEM_BAD_IMAGE, "name a file of the right kind",
		"%s %s: %s", what, path, why);
}

static char *absolute(const char *path)
{
	autofree char *cwd = NULL;

	if (path[0] == '/')
		return strdup(path);
	cwd = getcwd(NULL, 0);
	return cwd ? str_printf("%s/%s", cwd, path) : NULL;
}

/* Nothing here waits: a FIFO without a writer is opened and then refused. */
static int open_file(struct host *h, const char *what, const char *path, int flags, struct stat *st,
	struct problem **reterr)
{
	autofree char *full = absolute(path);
	autoclose int fd = -1;

	if (!full)
		return blame_open(what, path, -errno, reterr);
	fd = host_open(h, full, flags | O_NONBLOCK);
	if (fd == -EISDIR)
		return bad(what, path, "it is a directory", reterr);
	if (fd < 0)
		return blame_open(what, path, fd, reterr);
	if (fstat(fd, st) < 0)
		return blame_open(what, path, -errno, reterr);
	if (S_ISDIR(st->st_mode))
		return bad(what, path, "it is a directory", reterr);
	return TAKE_FD(fd);
}

static uint32_t get(const uint8_t *p, unsigned bytes)
{
	uint32_t v = 0;

	for (unsigned i = 0; i < bytes; i++)
		v |= (uint32_t)p[i] << (8 * i);
	return v;
}

/* NULL if this is a kernel we can start, else why it is none. */
static const char *check_kernel(const uint8_t *h, ssize_t n, uint64_t file_bytes)
{
	uint64_t setup, whole;

	if (n < HEADER_BYTES || memcmp(&h[MAGIC_AT], "HdrS", 4) != 0 ||
		get(&h[BOOT_FLAG_AT], 2) != 0xaa55)
		return "it is not a Linux bzImage";
	if (get(&h[VERSION_AT], 2) < LEAST_VERSION || !(get(&h[XLOADFLAGS_AT], 2) & 1))
		return "it is a kernel without a 64-bit entry";
	setup = h[SETUP_SECTORS_AT] ? h[SETUP_SECTORS_AT] : 4;
	whole = (setup + 1) * SECTOR_BYTES + (uint64_t)get(&h[SYSSIZE_AT], 4) * 16;
	/* syssize is rounded up to a paragraph. */
	if (file_bytes + 15 < whole)
		return "it is cut short";
	return NULL;
}

int image_open_kernel(struct host *h, const char *path, struct problem **reterr)
{
	uint8_t header[HEADER_BYTES];
	const char *why;
	struct stat st;
	autoclose int fd = open_file(h, "kernel", path, O_RDONLY, &st, reterr);
	ssize_t n;

	if (fd < 0)
		return fd;
	if (!S_ISREG(st.st_mode))
		return bad("kernel", path, "it is not a file", reterr);
	n = host_pread(h, fd, header, sizeof(header), 0);
	if (n < 0)
		return blame_open("kernel", path, (int)n, reterr);
	why = check_kernel(header, n, (uint64_t)st.st_size);
	if (why)
		return bad("kernel", path, why, reterr);
	return TAKE_FD(fd);
}

int image_open_initrd(struct host *h, const char *path, struct problem **reterr)
{
	struct stat st;
	autoclose int fd = open_file(h, "initrd", path, O_RDONLY, &st, reterr);

	if (fd < 0)
		return fd;
	if (!S_ISREG(st.st_mode) || st.st_size == 0)
		return bad("initrd", path, "it is empty or not a file", reterr);
	return TAKE_FD(fd);
}

int image_open_rom(struct host *h, const char *path, struct problem **reterr)
{
	struct stat st;
	uint8_t magic[2];
	autoclose int fd = open_file(h, "ROM", path, O_RDONLY, &st, reterr);

	if (fd < 0)
		return fd;
	if (!S_ISREG(st.st_mode) || st.st_size > ROM_BYTES_MAX)
		return bad("ROM", path, "it is no file, or has more than 16 MiB", reterr);
	if (host_pread(h, fd, magic, sizeof(magic), 0) != sizeof(magic) || magic[0] != 0x55 ||
		magic[1] != 0xaa)
		return bad("ROM", path, "it does not begin with 0x55 0xaa", reterr);
	return TAKE_FD(fd);
}

/* Who else has it open is to be asked before two write into one disk. */
static int blame_users(const char *path, int code, struct problem **reterr)
{
	return problem(reterr, code, PROBLEM_IN_USE,
		"end the other one, or give the disk to both with \",ro\"",
		"disk %s: somebody else uses it, a guest or the host", path);
}

/*
 * Locks of the open file (F_OFD_SETLK) go where the descriptor goes, and keep QEMU out as well,
 * whose locks are of that kind. A file system that has none cannot tell.
 */
static int lock_disk(int fd, const char *path, bool read_only, struct problem **reterr)
{
	struct flock l = { .l_type = read_only ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(fd, F_OFD_SETLK, &l) == 0 || (errno != EAGAIN && errno != EACCES))
		return 0;
	return blame_users(path, -EBUSY, reterr);
}

static int open_as(
	struct host *h, const char *path, int flags, struct stat *st, struct problem **reterr)
{
	autoproblem *why = NULL;
	int fd = open_file(h, "disk", path, flags, st, &why);

	if (fd == -EINVAL && (flags & O_DIRECT))
		return problem(reterr, fd, PROBLEM_BAD_IMAGE, "cache=host goes through it",
			"disk %s: its file system does not do without the page cache", path);
	if (fd == -EBUSY)
		return blame_users(path, fd, reterr);
	if (fd < 0 && reterr)
		*reterr = TAKE_PTR(why);
	return fd;
}

/* O_EXCL is of block devices: nobody else has it so, and it is not mounted. */
static int open_disk(struct host *h, const char *path, bool read_only, bool direct, struct stat *st,
	struct problem **reterr)
{
	int flags = (read_only ? O_RDONLY : O_RDWR) | (direct ? O_DIRECT : 0);
	int fd = open_as(h, path, flags, st, reterr);

	if (fd < 0 || read_only || !S_ISBLK(st->st_mode))
		return fd;
	host_close(h, fd);
	return open_as(h, path, flags | O_EXCL, st, reterr);
}

static int open_and_lock(
	struct host *h, const char *path, bool read_only, bool direct, struct problem **reterr)
{
	struct stat st;
	autoclose int fd = open_disk(h, path, read_only, direct, &st, reterr);
	int r;

	if (fd < 0)
		return fd;
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return bad("disk", path, "it is neither a file nor a block device", reterr);
	if (S_ISREG(st.st_mode) && st.st_size < SECTOR_BYTES)
		return bad("disk", path, "it is smaller than a sector", reterr);
	r = lock_disk(fd, path, read_only, reterr);
	return r < 0 ? r : TAKE_FD(fd);
}

/* What io_uring had of a VMM that has ended, its files among it, the kernel gives up a moment
 * later. */
int image_open_disk(
	struct host *h, const char *path, bool read_only, bool direct, struct problem **reterr)
{
	for (unsigned waited = 0; waited < PATIENCE_MS; waited += PATIENCE_STEP_MS) {
		int fd = open_and_lock(h, path, read_only, direct, NULL);

		if (fd >= 0)
			return fd;
		if (fd != -EBUSY)
			break;
		host_sleep_ms(h, PATIENCE_STEP_MS);
	}
	return open_and_lock(h, path, read_only, direct, reterr);
}

/* Its first line; what follows is the version. */
static bool is_record(struct host *h, int fd)
{
	static const char begins[] = "vfctl-trace ";
	char buf[sizeof(begins) - 1];

	return host_pread(h, fd, buf, sizeof(buf), 0) == (ssize_t)sizeof(buf) &&
	       memcmp(buf, begins, sizeof(buf)) == 0;
}

int image_open_record(struct host *h, const char *path, struct problem **reterr)
{
	struct stat st;
	autoclose int fd = open_file(h, "record", path, O_RDWR | O_CREAT | O_APPEND, &st, reterr);

	if (fd < 0)
		return fd;
	if (!S_ISREG(st.st_mode))
		return bad("record", path, "it is not a file", reterr);
	if (st.st_size && !is_record(h, fd))
		return bad(
			"record", path, "it is there, and is no record: it would be lost", reterr);
	return ftruncate(fd, 0) < 0 ? blame_open("record", path, -errno, reterr) : TAKE_FD(fd);
}

/* The device of a disk is the function, or what its driver has made of it, as NVMe's controllers.
 */
bool image_lies_on_vf(struct host *h, int fd)
{
	static const char *const ways[] = { "device", "device/device", "../device",
		"../device/device" };
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISBLK(st.st_mode))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		if (sysfs_exists(h, "dev/block/%u:%u/%s/physfn", major(st.st_rdev),
			    minor(st.st_rdev), ways[i]))
			return true;
	return false;
}
