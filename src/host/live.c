// SPDX-License-Identifier: GPL-2.0-or-later
/* The machine this process runs on. */
#include "blocking_read.h"
#include "blocking_write.h"
#include "devlink.h"
#include "events.h"
#include "fd.h"
#include "kmsg.h"
#include "live.h"
#include "netlink.h"
#include "rootdir.h"
#include "run.h"
#include "udevd.h"

#include "base/str.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/syscall.h>

struct live {
	struct host host;
	struct host_ops ops; /* its own: see live.h */
	struct rootdir root; /* opened once: a later chroot does not move us */
	struct writers *writers;
};

static const struct rootdir *root_of(struct host *h)
{
	return &container_of(h, struct live, host)->root;
}

static void live_free(struct host *h)
{
	struct live *l = container_of(h, struct live, host);

	writers_free(l->writers);
	close(l->root.fd);
	free(l);
}

static ssize_t live_read_file(struct host *h, const char *path, void *buf, size_t size)
{
	return rootdir_read(root_of(h), path, buf, size);
}

static int live_write_file(struct host *h, const char *path, const void *data, size_t len)
{
	autoclose int fd = rootdir_open(root_of(h), path, O_WRONLY);
	ssize_t n;

	if (fd < 0)
		return fd;
	n = write(fd, data, len);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EIO;
}

static int live_write_file_within(struct host *h, const char *path, const void *data, size_t len,
	const struct host_wait *wait)
{
	struct live *l = container_of(h, struct live, host);

	return blocking_write(l->writers, &l->root, path, data, len, wait);
}

/* So few that to start a helper for them costs more than to ask one for each. */
enum { FEW_READS = 64 };

static bool are_few(char *const *paths)
{
	for (size_t i = 0; i <= FEW_READS; i++)
		if (!paths[i])
			return true;
	return false;
}

static int live_read_files_within(struct host *h, char *const *paths, unsigned stall_ms,
	void (*got)(void *arg, size_t i, ssize_t n, const char *data), void *arg)
{
	struct live *l = container_of(h, struct live, host);
	int r = -E2BIG;

	if (are_few(paths))
		r = blocking_read_few(l->writers, &l->root, paths, stall_ms, got, arg);
	return r != -E2BIG ? r : blocking_read(&l->root, paths, stall_ms, got, arg);
}

static int live_read_link(struct host *h, const char *path, char *buf, size_t size)
{
	return rootdir_read_link(root_of(h), path, buf, size);
}

static int live_list_dir(struct host *h, const char *path, char ***ret_names)
{
	return rootdir_list(root_of(h), path, ret_names);
}

static int live_stat(struct host *h, const char *path, struct stat *ret)
{
	return rootdir_stat(root_of(h), path, ret);
}

static int live_open(struct host *h, const char *path, int flags)
{
	return rootdir_open(root_of(h), path, flags);
}

static int live_set_owner(struct host *h, const char *path, uid_t uid, gid_t gid, mode_t mode)
{
	return rootdir_set_owner(root_of(h), path, uid, gid, mode);
}

static int live_watch_process(struct host *h UNUSED, int pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	return fd < 0 ? -errno : fd;
}

/* By the descriptor: the folder is below our root, whatever the process' root is. */
static int add_watch(int to, int fd, uint32_t what)
{
	char path[sizeof("/proc/self/fd/") + 12];

	if (fd < 0)
		return fd;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return inotify_add_watch(to, path, what) < 0 ? -errno : 0;
}

/* A group of the first version has no events, and its folder alone tells. */
static int live_watch_group(struct host *h, const char *path)
{
	autofree char *events = str_printf("%s/cgroup.events", path);
	autoclose int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	autoclose int folder = rootdir_open(root_of(h), path, O_PATH | O_DIRECTORY);
	autoclose int file = events ? rootdir_open(root_of(h), events, O_PATH) : -ENOMEM;
	int r;

	if (!events)
		return -ENOMEM;
	if (fd < 0)
		return -errno;
	r = add_watch(fd, folder, IN_DELETE_SELF);
	if (r == 0 && file >= 0)
		r = add_watch(fd, file, IN_MODIFY);
	return r < 0 ? r : TAKE_FD(fd);
}

static int live_kernel_log(struct host *h, uint64_t from, uint64_t *ret_next,
	void (*each)(void *arg, const struct host_log_line *line), void *arg)
{
	return kmsg_read(root_of(h), from, ret_next, each, arg);
}

static int live_log_mark(struct host *h)
{
	return kmsg_mark(root_of(h));
}

static int live_load_module(struct host *h UNUSED, const char *name UNUSED)
{
	return -EOPNOTSUPP;
}

static const struct host_ops live_ops = {
	.free = live_free,
	.read_file = live_read_file,
	.write_file = live_write_file,
	.write_file_within = live_write_file_within,
	.read_files_within = live_read_files_within,
	.read_link = live_read_link,
	.list_dir = live_list_dir,
	.stat = live_stat,
	.files = root_of,
	.open = live_open,
	.close = fd_close,
	.ioctl = fd_ioctl,
	.pread = fd_pread,
	.pwrite = fd_pwrite,
	.stream_read = fd_stream_read,
	.stream_write = fd_stream_write,
	.mmap = fd_mmap,
	.munmap = fd_munmap,
	.set_owner = live_set_owner,
	.watch_process = live_watch_process,
	.watch_group = live_watch_group,
	.link_get = netlink_link_get,
	.link_index = netlink_link_index,
	.link_altnames = netlink_link_altnames,
	.link_set_up = netlink_link_set_up,
	.link_vfs = netlink_link_vfs,
	.link_vfs_stats = netlink_link_vfs_stats,
	.link_set_vf = netlink_link_set_vf,
	.link_set = netlink_link_set,
	.link_add_macvtap = netlink_link_add_macvtap,
	.link_remove = netlink_link_remove,
	.run = run_program,
	.devlink = &devlink_live_ops,
	.events = &events_live_ops,
	.load_module = live_load_module,
	.device_settled = udevd_settled,
	.kernel_log = live_kernel_log,
	.log_mark = live_log_mark,
	.log_since = kmsg_since,
	.now_ms = clock_now_ms,
	.sleep_ms = clock_sleep_ms,
};

int host_new_watching(struct host **ret, struct problem **reterr)
{
	autofree struct live *l = calloc(1, sizeof(*l));

	if (!l)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	l->ops = live_ops;
	l->host.ops = &l->ops;
	l->root.fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (l->root.fd < 0)
		return problem(reterr, -errno, problem_kind_from_errno(-errno), NULL,
			"opening the root folder: %s", strerror(errno));
	l->writers = writers_new();
	if (!l->writers) {
		close(l->root.fd);
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	}
	*ret = &TAKE_PTR(l)->host;
	return 0;
}

void live_set_loader(struct host *h, int (*load_module)(struct host *h, const char *name))
{
	container_of(h, struct live, host)->ops.load_module = load_module;
}
