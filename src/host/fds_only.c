// SPDX-License-Identifier: GPL-2.0-or-later
/* For a process that was handed all it may touch: descriptors work, names do not. */
#include "fd.h"

static void fds_free(struct host *h)
{
	free(h);
}

static ssize_t fds_read_file(
	struct host *h UNUSED, const char *path UNUSED, void *buf UNUSED, size_t size UNUSED)
{
	return -EACCES;
}

static int fds_write_file(
	struct host *h UNUSED, const char *path UNUSED, const void *data UNUSED, size_t len UNUSED)
{
	return -EACCES;
}

static int fds_write_file_within(struct host *h UNUSED, const char *path UNUSED,
	const void *data UNUSED, size_t len UNUSED, const struct host_wait *wait UNUSED)
{
	return -EACCES;
}

static int fds_read_link(
	struct host *h UNUSED, const char *path UNUSED, char *buf UNUSED, size_t size UNUSED)
{
	return -EACCES;
}

static int fds_list_dir(struct host *h UNUSED, const char *path UNUSED, char ***ret_names UNUSED)
{
	return -EACCES;
}

static int fds_stat(struct host *h UNUSED, const char *path UNUSED, struct stat *ret UNUSED)
{
	return -EACCES;
}

static int fds_open(struct host *h UNUSED, const char *path UNUSED, int flags UNUSED)
{
	return -EACCES;
}

static int fds_link_get(struct host *h UNUSED, int ifindex UNUSED, struct host_link *ret UNUSED)
{
	return -EACCES;
}

static int fds_link_set_up(struct host *h UNUSED, int ifindex UNUSED, bool up UNUSED)
{
	return -EACCES;
}

static int fds_link_vfs(struct host *h UNUSED, int ifindex UNUSED, struct host_vf **ret UNUSED,
	size_t *ret_n UNUSED)
{
	return -EACCES;
}

static int fds_link_set_vf(
	struct host *h UNUSED, int ifindex UNUSED, const struct host_vf_change *change UNUSED)
{
	return -EACCES;
}

static int fds_load_module(struct host *h UNUSED, const char *name UNUSED)
{
	return -EACCES;
}

static const struct host_ops fds_only_ops = {
	.free = fds_free,
	.read_file = fds_read_file,
	.write_file = fds_write_file,
	.write_file_within = fds_write_file_within,
	.read_link = fds_read_link,
	.list_dir = fds_list_dir,
	.stat = fds_stat,
	.open = fds_open,
	.close = fd_close,
	.ioctl = fd_ioctl,
	.pread = fd_pread,
	.pwrite = fd_pwrite,
	.stream_read = fd_stream_read,
	.stream_write = fd_stream_write,
	.mmap = fd_mmap,
	.munmap = fd_munmap,
	.link_get = fds_link_get,
	.link_set_up = fds_link_set_up,
	.link_vfs = fds_link_vfs,
	.link_set_vf = fds_link_set_vf,
	.load_module = fds_load_module,
	.now_ms = clock_now_ms,
	.sleep_ms = clock_sleep_ms,
};

int host_new_fds_only(struct host **ret)
{
	struct host *h = calloc(1, sizeof(*h));

	if (!h)
		return -ENOMEM;
	h->ops = &fds_only_ops;
	*ret = h;
	return 0;
}
