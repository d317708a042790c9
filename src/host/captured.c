// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A captured machine: files only, and only to read. Nothing of the machine that we run on may show
 * through, so there is no device and no module here, and of netlink and of the kernel's log only
 * what was written down (linkfacts.h, devlinkfacts.h, logfacts.h).
 */
#include "devlinkfacts.h"
#include "fd.h"
#include "linkfacts.h"
#include "logfacts.h"
#include "rootdir.h"
#include "text.h"
#include "tree.h"

#include <fcntl.h>
#include <string.h>

struct captured {
	struct host host;
	struct rootdir dir; /* a folder, … */
	struct tree *tree;  /* … or an archive in memory, then dir.fd is -1 */
	struct link_table links;
};

static struct captured *captured_of(struct host *h)
{
	return container_of(h, struct captured, host);
}

static void captured_free(struct host *h)
{
	struct captured *c = captured_of(h);

	closep_(&c->dir.fd);
	tree_free(c->tree);
	linkfacts_done(&c->links);
	free(c);
}
DEFINE_AUTO(struct host, captured_free);

static ssize_t captured_read_file(struct host *h, const char *path, void *buf, size_t size)
{
	struct captured *c = captured_of(h);

	return c->tree ? tree_read(c->tree, path, buf, size)
		       : rootdir_read(&c->dir, path, buf, size);
}

static int captured_read_link(struct host *h, const char *path, char *buf, size_t size)
{
	struct captured *c = captured_of(h);

	return c->tree ? tree_read_link(c->tree, path, buf, size)
		       : rootdir_read_link(&c->dir, path, buf, size);
}

static int captured_list_dir(struct host *h, const char *path, char ***ret_names)
{
	struct captured *c = captured_of(h);

	return c->tree ? tree_list(c->tree, path, ret_names)
		       : rootdir_list(&c->dir, path, ret_names);
}

static int captured_stat(struct host *h, const char *path, struct stat *ret)
{
	struct captured *c = captured_of(h);

	return c->tree ? tree_stat(c->tree, path, ret) : rootdir_stat(&c->dir, path, ret);
}

static const struct rootdir *captured_files(struct host *h)
{
	struct captured *c = captured_of(h);

	return c->tree ? NULL : &c->dir;
}

static int captured_write_file(
	struct host *h UNUSED, const char *path UNUSED, const void *data UNUSED, size_t len UNUSED)
{
	return -EROFS;
}

static int captured_write_file_within(struct host *h UNUSED, const char *path UNUSED,
	const void *data UNUSED, size_t len UNUSED, const struct host_wait *wait UNUSED)
{
	return -EROFS;
}

/* A device node may be in the capture, but there is no device behind it. */
static int captured_open(struct host *h, const char *path, int flags)
{
	struct stat st;
	int e = captured_stat(h, path, &st);

	if (e < 0)
		return e;
	return (flags & O_ACCMODE) == O_RDONLY ? -ENXIO : -EROFS;
}

static int captured_link_get(struct host *h, int ifindex, struct host_link *ret)
{
	const struct link_facts *f = linkfacts_find(&captured_of(h)->links, ifindex);

	if (!f)
		return -ENOENT;
	*ret = f->link;
	return 0;
}

static int captured_link_index(struct host *h, const char *name, int *ret)
{
	const struct link_table *t = &captured_of(h)->links;

	for (size_t i = 0; i < t->n; i++)
		if (str_eq(t->v[i].link.name, name) || strv_has(t->v[i].altnames, name)) {
			*ret = t->v[i].link.ifindex;
			return 0;
		}
	return -ENOENT;
}

static int captured_link_altnames(struct host *h, int ifindex, char ***ret)
{
	const struct link_facts *f = linkfacts_find(&captured_of(h)->links, ifindex);
	autostrv char **names = calloc(1, sizeof(*names));

	if (!f)
		return -ENOENT;
	if (!names)
		return -ENOMEM;
	STRV_FOREACH (it, f->altnames)
		if (strv_add(&names, *it) < 0)
			return -ENOMEM;
	*ret = TAKE_PTR(names);
	return 0;
}

static int captured_link_set_up(struct host *h UNUSED, int ifindex UNUSED, bool up UNUSED)
{
	return -EROFS;
}

static int captured_link_vfs(struct host *h, int ifindex, struct host_vf **ret, size_t *ret_n)
{
	const struct link_facts *f = linkfacts_find(&captured_of(h)->links, ifindex);
	struct host_vf *copy;

	if (!f)
		return -ENOENT;
	copy = calloc(f->n_vfs + 1, sizeof(*copy));
	if (!copy)
		return -ENOMEM;
	if (f->n_vfs)
		memcpy(copy, f->vfs, f->n_vfs * sizeof(*copy));
	*ret = copy;
	*ret_n = f->n_vfs;
	return 0;
}

static int captured_link_set_vf(
	struct host *h UNUSED, int ifindex UNUSED, const struct host_vf_change *change UNUSED)
{
	return -EROFS;
}

static int captured_kernel_log(struct host *h, uint64_t from, uint64_t *ret_next,
	void (*each)(void *arg, const struct host_log_line *line), void *arg)
{
	autofree char *text = NULL;
	int r = text_read_long(h, "/vfctl/log", &text);

	if (r < 0)
		return r == -ENOENT ? -EOPNOTSUPP : r;
	return logfacts_each(text, from, ret_next, each, arg);
}

static int captured_load_module(struct host *h UNUSED, const char *name UNUSED)
{
	return -EROFS;
}

static const struct host_ops captured_ops = {
	.free = captured_free,
	.read_file = captured_read_file,
	.write_file = captured_write_file,
	.write_file_within = captured_write_file_within,
	.read_link = captured_read_link,
	.list_dir = captured_list_dir,
	.stat = captured_stat,
	.files = captured_files,
	.open = captured_open,
	.close = fd_close,
	.ioctl = fd_ioctl,
	.pread = fd_pread,
	.pwrite = fd_pwrite,
	.mmap = fd_mmap,
	.munmap = fd_munmap,
	.link_get = captured_link_get,
	.link_index = captured_link_index,
	.link_altnames = captured_link_altnames,
	.link_set_up = captured_link_set_up,
	.link_vfs = captured_link_vfs,
	.link_set_vf = captured_link_set_vf,
	.devlink = &devlink_captured_ops,
	.load_module = captured_load_module,
	.kernel_log = captured_kernel_log,
	.now_ms = clock_now_ms,
	.sleep_ms = clock_sleep_ms,
};

static int load(struct captured *c, const char *path, struct problem **reterr)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return problem(reterr, -errno, problem_kind_from_errno(-errno), NULL, "%s: %s",
			path, strerror(errno));
	if (S_ISDIR(st.st_mode)) {
		int r = rootdir_confine(path, &c->dir);

		return r == 0 ? 0
			      : problem(reterr, r, problem_kind_from_errno(r), NULL, "%s: %s", path,
					strerror(-r));
	}
	if (!S_ISREG(st.st_mode))
		return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL,
			"%s: neither a folder nor an archive", path);
	c->tree = tree_new();
	if (!c->tree)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	return tree_load_tar(c->tree, path, reterr);
}

static int read_links(struct captured *c)
{
	autofree char *text = NULL;
	int r = text_read_long(&c->host, "/vfctl/links", &text);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	return linkfacts_parse(text, &c->links);
}

static int finish(struct captured *c, struct problem **reterr)
{
	if (read_links(c) < 0)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	return 0;
}

static struct captured *new_captured(void)
{
	struct captured *c = calloc(1, sizeof(*c));

	if (c) {
		c->host = (struct host) { .ops = &captured_ops, .captured = true };
		c->dir = (struct rootdir) { .fd = -1, .confined = true };
	}
	return c;
}

int host_new_from_tree(struct tree *t, struct host **ret, struct problem **reterr)
{
	struct captured *c = new_captured();
	CLEANUP(captured_freep) struct host *h = c ? &c->host : NULL;
	int r;

	if (!c) {
		tree_free(t);
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	}
	c->tree = t;
	r = finish(c, reterr);
	if (r == 0)
		*ret = TAKE_PTR(h);
	return r;
}

int host_new_captured(const char *path, struct host **ret, struct problem **reterr)
{
	struct captured *c = new_captured();
	CLEANUP(captured_freep) struct host *h = c ? &c->host : NULL;
	struct stat st;
	int e;

	if (!c)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	e = load(c, path, reterr);
	if (e < 0)
		return e;
	if (captured_stat(h, "/sys", &st) < 0 || !S_ISDIR(st.st_mode))
		return problem(reterr, -EINVAL, PROBLEM_USAGE,
			"a captured machine holds at least a folder \"sys\" at its top",
			"%s: not a captured machine", path);
	e = finish(c, reterr);
	if (e < 0)
		return e;
	*ret = TAKE_PTR(h);
	return 0;
}
