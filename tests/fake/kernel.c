// SPDX-License-Identifier: GPL-2.0-or-later
/* The operations table, time, faults and the log; what attributes do is in the other files. */
#include "kernel.h"

#include <dirent.h>
#include <fcntl.h>

char *need_printf(const char *fmt, ...)
{
	va_list ap;
	char *s = NULL;

	va_start(ap, fmt);
	NEED(vasprintf(&s, fmt, ap) >= 0);
	va_end(ap);
	return s;
}

void k_put_bytes(struct kernel *k, mode_t mode, const void *data, size_t len, const char *path)
{
	NEED(tree_put_file(k->tree, path, data, len, mode) == 0);
}

void k_put(struct kernel *k, mode_t mode, const char *text, const char *fmt, ...)
{
	FORMAT(path, fmt);

	k_put_bytes(k, mode, text, strlen(text), path);
}

void k_remove(struct kernel *k, const char *fmt, ...)
{
	FORMAT(path, fmt);

	tree_remove(k->tree, path);
}

bool k_exists(struct kernel *k, const char *fmt, ...)
{
	FORMAT(path, fmt);

	return tree_exists(k->tree, path);
}

char *k_read_text(struct kernel *k, const char *path)
{
	char buf[4097];
	ssize_t n = tree_read(k->tree, path, buf, sizeof(buf) - 1);

	if (n < 0)
		return NULL;
	buf[n] = '\0';
	return need_printf("%s", str_trim(buf));
}

char *k_text(struct kernel *k, const char *fmt, ...)
{
	FORMAT(path, fmt);

	return k_read_text(k, path);
}

char *k_link_name(struct kernel *k, const char *fmt, ...)
{
	char target[4096];
	FORMAT(path, fmt);

	if (tree_read_link(k->tree, path, target, sizeof(target)) < 0)
		return NULL;
	return need_printf("%s", strrchr(target, '/') ? strrchr(target, '/') + 1 : target);
}

void k_link(struct kernel *k, const char *dir, const char *name, const char *target)
{
	autostrbuf up = { 0 };
	autofree char *path = need_printf("/sys/%s/%s", dir, name);

	strbuf_add(&up, "../");
	for (const char *p = dir; *p; p++)
		if (*p == '/')
			strbuf_add(&up, "../");
	strbuf_add(&up, "%s", target);
	NEED(!up.failed && tree_put_link(k->tree, path, up.s) == 0);
}

/* ---- Time ---- */

void k_after(struct kernel *k, unsigned ms, void (*fn)(struct host *h, void *arg), void *arg,
	void (*free_arg)(void *arg))
{
	struct event *e = calloc(1, sizeof(*e)), **at = &k->events;

	NEED(e);
	*e = (struct event) { k->now + ms, fn, arg, free_arg, NULL };
	while (*at && (*at)->at <= e->at)
		at = &(*at)->next;
	e->next = *at;
	*at = e;
}

static void event_free(struct event *e)
{
	if (e->free_arg)
		e->free_arg(e->arg);
	free(e);
}

void k_pass(struct kernel *k, uint64_t until)
{
	while (k->events && k->events->at <= until) {
		struct event *e = k->events;

		k->events = e->next;
		k->now = MAX(k->now, e->at);
		e->fn(&k->host, e->arg);
		event_free(e);
	}
	k->now = MAX(k->now, until);
}

static uint64_t fake_now_ms(struct host *h)
{
	return kernel_of(h)->now;
}

static void fake_sleep_ms(struct host *h, unsigned ms)
{
	struct kernel *k = kernel_of(h);

	k_pass(k, k->now + ms);
}

/* ---- Faults and the log ---- */

int fault(struct kernel *k, enum fake_op op, const char *path)
{
	struct fault *f = &k->faults[op];

	/* Whatever is due has happened before anybody looks. */
	k_pass(k, k->now);
	f->calls++;
	if (f->nth && --f->nth == 0)
		return f->nth_code;
	if (f->part && path && strstr(path, f->part))
		return f->part_code;
	return 0;
}

void k_log(struct kernel *k, const char *fmt, ...)
{
	FORMAT(line, fmt);

	strbuf_add(&k->log, "%s\n", line);
	NEED(!k->log.failed);
}

bool is_held(struct kernel *k, const char *bdf)
{
	return strv_has(k->held, bdf) || vfio_is_open(k, bdf);
}

/* ---- Files ---- */

/* The real path of what lies in a mirrored folder; NULL: it does not. */
static char *mirrored(const struct kernel *k, const char *path)
{
	size_t len = k->mirror ? strlen(k->mirror) : 0;

	if (!len || strncmp(path, k->mirror, len) != 0 || (path[len] && path[len] != '/'))
		return NULL;
	return need_printf("%s%s", k->mirror_to, path + len);
}

static ssize_t real_read(const char *path, void *buf, size_t size)
{
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, size);

	return n < 0 ? -errno : n;
}

static int real_list(const char *path, char ***ret)
{
	autostrv char **names = calloc(1, sizeof(*names));
	DIR *d = opendir(path);

	NEED(names);
	if (!d)
		return -errno;
	for (struct dirent *e; (e = readdir(d));)
		if (!str_eq(e->d_name, ".") && !str_eq(e->d_name, ".."))
			NEED(strv_add(&names, e->d_name) == 0);
	closedir(d);
	strv_sort(names);
	*ret = TAKE_PTR(names);
	return 0;
}

void fake_mirror(struct host *h, const char *path, const char *real)
{
	struct kernel *k = kernel_of(h);

	free(k->mirror);
	free(k->mirror_to);
	k->mirror = need_printf("%s", path);
	k->mirror_to = need_printf("%s", real);
}

static ssize_t fake_read_file(struct host *h, const char *path, void *buf, size_t size)
{
	struct kernel *k = kernel_of(h);
	int e = fault(k, FAKE_READ, path);
	autofree char *real = mirrored(k, path);
	struct stat st;

	if (e < 0)
		return e;
	if (real)
		return real_read(real, buf, size);
	e = tree_stat(k->tree, path, &st);
	if (e < 0)
		return e;
	if (S_ISREG(st.st_mode) && !(st.st_mode & 0444))
		return -EACCES;
	while (attr_read_blocks(k, path)) {
		if (!k->events) {
			k->hangs++;
			return -EDEADLK;
		}
		k_pass(k, k->events->at);
	}
	return tree_read(k->tree, path, buf, size);
}

/* As the live machine does it: what blocks costs `stall_ms` and is told as such. */
static int fake_read_files_within(struct host *h, char *const *paths, unsigned stall_ms,
	void (*got)(void *arg, size_t i, ssize_t n, const char *data), void *arg)
{
	struct kernel *k = kernel_of(h);

	for (size_t i = 0; paths[i]; i++) {
		uint64_t until = k->now + stall_ms;
		char buf[128];

		while (attr_read_blocks(k, paths[i]) && k->now < until)
			k_pass(k, k->events ? MIN(until, k->events->at) : until);
		if (attr_read_blocks(k, paths[i]))
			got(arg, i, -ETIMEDOUT, NULL);
		else
			got(arg, i, fake_read_file(h, paths[i], buf, sizeof(buf)), buf);
	}
	return 0;
}

/* A write under way: the attribute's true path and the text. */
struct write {
	char *path, *text;
};

static void write_done(struct write *w)
{
	free(w->path);
	free(w->text);
}

static int begin_write(
	struct kernel *k, const char *path, const void *data, size_t len, struct write *w)
{
	autofree char *shown = NULL;
	struct stat st;
	int e;

	w->text = strndup(data, len);
	NEED(w->text);
	shown = need_printf("%s", w->text);
	k_log(k, "write %s %s", path, str_trim(shown));
	e = fault(k, FAKE_WRITE, path);
	if (e == 0)
		e = tree_stat(k->tree, path, &st);
	if (e < 0)
		return e;
	if (!S_ISREG(st.st_mode))
		return S_ISDIR(st.st_mode) ? -EISDIR : -ENXIO;
	if (!(st.st_mode & 0222))
		return -EACCES;
	NEED(tree_resolve(k->tree, path, true, &w->path) == 0);
	return attr_write(k, w->path, w->text, false);
}

static int fake_write_file(struct host *h, const char *path, const void *data, size_t len)
{
	CLEANUP(write_done) struct write w = { 0 };
	struct kernel *k = kernel_of(h);
	int e = begin_write(k, path, data, len, &w);

	while (e == WOULD_BLOCK) {
		if (!k->events) {
			k->hangs++;
			return -EDEADLK;
		}
		k_pass(k, k->events->at);
		e = attr_write(k, w.path, w.text, true);
	}
	return e;
}

static int fake_write_file_within(struct host *h, const char *path, const void *data, size_t len,
	const struct host_wait *wait)
{
	CLEANUP(write_done) struct write w = { 0 };
	struct kernel *k = kernel_of(h);
	uint64_t begin = k->now, deadline = begin + wait->deadline_ms, tell = begin + 1000;
	int e = begin_write(k, path, data, len, &w);

	while (e == WOULD_BLOCK) {
		uint64_t next = MIN(deadline, tell);

		if (k->events)
			next = MIN(next, k->events->at);
		k_pass(k, next);
		e = attr_write(k, w.path, w.text, true);
		if (e != WOULD_BLOCK)
			break;
		if (k->now >= deadline)
			return -ETIMEDOUT;
		if (k->now < tell)
			continue;
		tell += 1000;
		if (wait->waiting && wait->waiting(wait->arg, (unsigned)(k->now - begin)))
			return -ECANCELED;
	}
	return e;
}

static int fake_read_link(struct host *h, const char *path, char *buf, size_t size)
{
	struct kernel *k = kernel_of(h);
	int e = fault(k, FAKE_READ_LINK, path);

	return e < 0 ? e : tree_read_link(k->tree, path, buf, size);
}

static int fake_list_dir(struct host *h, const char *path, char ***ret_names)
{
	struct kernel *k = kernel_of(h);
	int e = fault(k, FAKE_LIST, path);
	autofree char *real = mirrored(k, path);

	if (e < 0)
		return e;
	return real ? real_list(real, ret_names) : tree_list(k->tree, path, ret_names);
}

static int fake_stat(struct host *h, const char *path, struct stat *ret)
{
	struct kernel *k = kernel_of(h);
	int e = fault(k, FAKE_STAT, path);

	return e < 0 ? e : tree_stat(k->tree, path, ret);
}

static int fake_set_owner(struct host *h, const char *path, uid_t uid, gid_t gid, mode_t mode)
{
	struct kernel *k = kernel_of(h);
	int e = fault(k, FAKE_SET_OWNER, path);

	if (e == 0)
		e = tree_set_owner(k->tree, path, uid, gid, mode);
	if (e == 0)
		strbuf_add(&k->log, "own %s %u:%u %o\n", path, uid, gid, mode);
	return e;
}

static int fake_load_module(struct host *h, const char *name)
{
	struct kernel *k = kernel_of(h);
	int e = fault(k, FAKE_LOAD_MODULE, name);

	if (e < 0)
		return e;
	k_log(k, "load %s", name);
	return driver_load(k, name);
}

/* ---- Devices: NVMe controllers here, everything else is VFIO's ---- */

static int fake_open(struct host *h, const char *path, int flags)
{
	struct kernel *k = kernel_of(h);
	int e = fault(k, FAKE_OPEN, path);
	struct stat st;

	if (e < 0)
		return e;
	e = tree_stat(k->tree, path, &st);
	if (e < 0)
		return e;
	if (!S_ISCHR(st.st_mode))
		return S_ISDIR(st.st_mode) ? -EISDIR : -ENXIO;
	if (str_starts(path, "/dev/vfio/") || str_eq(path, "/dev/iommu"))
		return vfio_open(k, path, flags);
	if (str_starts(path, "/dev/nvme"))
		return nvme_open(k, path + strlen("/dev/"));
	return -ENXIO;
}

static void fake_close(struct host *h, int fd)
{
	struct kernel *k = kernel_of(h);

	if (nvme_close(k, fd) || klog_fake_close(fd))
		return;
	k->vfio.host.ops->close(&k->vfio.host, fd);
	/* That may have been the last user of a function that somebody wants to remove. */
	sriov_continue(k);
	driver_continue(k);
}

static int fake_ioctl(struct host *h, int fd, unsigned long request, void *arg)
{
	struct kernel *k = kernel_of(h);
	int e = fault(k, FAKE_IOCTL, NULL);

	if (e < 0)
		return e;
	if (k->fail_ioctl_code && request == k->fail_ioctl)
		return k->fail_ioctl_code;
	e = nvme_ioctl(k, fd, request, arg);
	return e == -EBADF ? k->vfio.host.ops->ioctl(&k->vfio.host, fd, request, arg) : e;
}

static ssize_t fake_pread(struct host *h, int fd, void *buf, size_t len, uint64_t offset)
{
	struct kernel *k = kernel_of(h);
	int e = fault(k, FAKE_PREAD, NULL);

	return e < 0 ? e : k->vfio.host.ops->pread(&k->vfio.host, fd, buf, len, offset);
}

static ssize_t fake_pwrite(struct host *h, int fd, const void *buf, size_t len, uint64_t offset)
{
	struct kernel *k = kernel_of(h);
	int e = fault(k, FAKE_PWRITE, NULL);

	return e < 0 ? e : k->vfio.host.ops->pwrite(&k->vfio.host, fd, buf, len, offset);
}

static ssize_t fake_stream_read(struct host *h, int fd, void *buf, size_t len, unsigned ms)
{
	struct kernel *k = kernel_of(h);

	return k->vfio.host.ops->stream_read(&k->vfio.host, fd, buf, len, ms);
}

static ssize_t fake_stream_write(struct host *h, int fd, const void *buf, size_t len, unsigned ms)
{
	struct kernel *k = kernel_of(h);

	return k->vfio.host.ops->stream_write(&k->vfio.host, fd, buf, len, ms);
}

static int fake_mmap(
	struct host *h, int fd, uint64_t offset, size_t len, int prot, int flags, void **ret)
{
	struct kernel *k = kernel_of(h);
	int e = fault(k, FAKE_MMAP, NULL);

	return e < 0 ? e : k->vfio.host.ops->mmap(&k->vfio.host, fd, offset, len, prot, flags, ret);
}

static int fake_munmap(struct host *h, void *addr, size_t len)
{
	struct kernel *k = kernel_of(h);

	return k->vfio.host.ops->munmap(&k->vfio.host, addr, len);
}

/* ---- The table ---- */

static void fake_free(struct host *h)
{
	struct kernel *k = kernel_of(h);

	while (k->events) {
		struct event *e = k->events;

		k->events = e->next;
		event_free(e);
	}
	while (k->pfs) {
		struct pf *p = k->pfs;

		k->pfs = p->next;
		free(p->devlink);
		free(p);
	}
	while (k->probe_faults) {
		struct probe_fault *p = k->probe_faults;

		k->probe_faults = p->next;
		free(p->driver);
		free(p);
	}
	for (int i = 0; i < FAKE_OPS; i++)
		free(k->faults[i].part);
	strv_free(k->held);
	strv_free(k->gone);
	reset_forget(k);
	strv_free(k->udev_ignores);
	strv_free(k->altnames);
	free(k->mirror);
	free(k->mirror_to);
	strv_free(k->unbinding);
	strv_free(k->vfio_names);
	strv_free(k->klog);
	strbuf_done(&k->log);
	for (int i = 0; i < FAKE_MAX_FILES; i++)
		nvme_close(k, k->nvme_files[i].fd);
	fakevfio_done(&k->vfio);
	tree_free(k->tree);
	free(k);
}

static const struct host_ops fake_ops = {
	.free = fake_free,
	.read_file = fake_read_file,
	.write_file = fake_write_file,
	.write_file_within = fake_write_file_within,
	.read_files_within = fake_read_files_within,
	.read_link = fake_read_link,
	.list_dir = fake_list_dir,
	.stat = fake_stat,
	.open = fake_open,
	.close = fake_close,
	.ioctl = fake_ioctl,
	.pread = fake_pread,
	.pwrite = fake_pwrite,
	.stream_read = fake_stream_read,
	.stream_write = fake_stream_write,
	.mmap = fake_mmap,
	.munmap = fake_munmap,
	.set_owner = fake_set_owner,
	.link_get = net_link_get,
	.link_index = net_link_index,
	.link_altnames = net_link_altnames,
	.link_set_up = net_link_set_up,
	.link_vfs = net_link_vfs,
	.link_vfs_stats = net_link_vfs_stats,
	.link_set_vf = net_link_set_vf,
	.devlink = &fake_devlink_ops,
	.load_module = fake_load_module,
	.kernel_log = klog_fake_read,
	.log_mark = klog_fake_mark,
	.log_since = klog_fake_since,
	.device_settled = fakeudev_settled,
	.now_ms = fake_now_ms,
	.sleep_ms = fake_sleep_ms,
};

struct host *fake_kernel_new(const char *capture)
{
	struct kernel *k = calloc(1, sizeof(*k));
	autoproblem *p = NULL;

	NEED(k);
	k->host.ops = &fake_ops;
	k->tree = tree_new();
	NEED(k->tree);
	if (tree_load_tar(k->tree, capture, &p) < 0) {
		fprintf(stderr, "%s\n", p->what);
		abort();
	}
	k->now = 1000;
	k->vf_ms = 30;
	k->driver_ms = 20;
	k->node_ms = 5;
	/* Write-only attributes of the bus that a capture leaves out. */
	k_put(k, 0200, "", "/sys/bus/pci/drivers_probe");
	k_put(k, 0200, "", "/sys/bus/pci/rescan");
	fakevfio_init(&k->vfio, NULL);
	k->vfio.log = vfio_logs;
	k->vfio.clock = &k->host;
	pf_find_all(k);
	nvme_find_all(k);
	driver_find_vfio(k);
	fake_nvme_pool(&k->host, 8, 4, 4, 2);
	return &k->host;
}
