// SPDX-License-Identifier: GPL-2.0-or-later
#include "tree.h"
#include "base/checked.h"
#include "base/str.h"

#include <limits.h>

struct node {
	char *name; /* NULL at the root */
	struct node *parent;
	mode_t mode; /* with the type bits */
	dev_t rdev;
	uid_t uid;
	gid_t gid;
	ino_t serial; /* given once; 0 is the root's */
	char *data;   /* a file's bytes, or a link's target with its NUL */
	size_t len;
	struct node **children; /* sorted by name */
	size_t n_children, room;
};

struct tree {
	struct node root;
	size_t bytes, nodes;
	ino_t serial; /* the last that was given */
};

struct tree *tree_new(void)
{
	struct tree *t = calloc(1, sizeof(*t));

	if (t)
		t->root.mode = S_IFDIR | 0755;
	return t;
}

/* Frees the contents, not the node itself. Depth is bounded, so recursion is. */
static void node_done(struct tree *t, struct node *n)
{
	for (size_t i = 0; i < n->n_children; i++) {
		node_done(t, n->children[i]);
		free(n->children[i]);
	}
	t->nodes -= n->n_children;
	t->bytes -= n->len;
	free(n->children);
	free(n->data);
	free(n->name);
}

void tree_free(struct tree *t)
{
	if (!t)
		return;
	node_done(t, &t->root);
	free(t);
}

/* Where `name` of `len` bytes is among the children, or where it belongs. */
static bool find_child(const struct node *dir, const char *name, size_t len, size_t *ret_at)
{
	size_t lo = 0, hi = dir->n_children;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const char *other = dir->children[mid]->name;
		int c = strncmp(other, name, len);

		if (c == 0 && other[len] == '\0') {
			*ret_at = mid;
			return true;
		}
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	*ret_at = lo;
	return false;
}

/* Puts a new, empty folder at that place. */
static int insert_child(struct tree *t, struct node *dir, size_t at, const char *name, size_t len)
{
	autofree struct node *n = calloc(1, sizeof(*n));
	autofree char *copy = strndup(name, len);

	if (!n || !copy)
		return -ENOMEM;
	if (t->nodes >= TREE_MAX_NODES || dir->n_children >= TREE_MAX_CHILDREN)
		return -ENOSPC;
	if (dir->n_children == dir->room) {
		size_t room = dir->room ? dir->room * 2 : 4;
		struct node **more = reallocarray(dir->children, room, sizeof(*more));

		if (!more)
			return -ENOMEM;
		dir->children = more;
		dir->room = room;
	}
	memmove(dir->children + at + 1, dir->children + at,
		(dir->n_children - at) * sizeof(*dir->children));
	n->name = TAKE_PTR(copy);
	n->parent = dir;
	n->mode = S_IFDIR | 0755;
	n->serial = ++t->serial;
	dir->children[at] = TAKE_PTR(n);
	dir->n_children++;
	t->nodes++;
	return 0;
}

static void remove_child(struct tree *t, struct node *dir, size_t at)
{
	struct node *n = dir->children[at];

	node_done(t, n);
	free(n);
	t->nodes--;
	dir->n_children--;
	memmove(dir->children + at, dir->children + at + 1,
		(dir->n_children - at) * sizeof(*dir->children));
}

/* The next component of a path; its length is 0 at the end. */
static const char *next_part(const char **path, size_t *ret_len)
{
	const char *p = *path, *begin;

	while (*p == '/')
		p++;
	begin = p;
	while (*p && *p != '/')
		p++;
	*path = p;
	*ret_len = (size_t)(p - begin);
	return begin;
}

static bool is_last(const char *rest)
{
	while (*rest == '/')
		rest++;
	return *rest == '\0';
}

static bool part_is(const char *part, size_t len, const char *s)
{
	return strlen(s) == len && memcmp(part, s, len) == 0;
}

/* A fresh node at `path`, as a folder; an existing one loses its contents unless keep_dir. */
static int make_node(struct tree *t, const char *path, bool keep_dir, struct node **ret)
{
	struct node *at = &t->root;
	size_t len, i;
	int depth = 0;

	if (path[0] != '/' || is_last(path))
		return -EINVAL;
	for (;;) {
		const char *part = next_part(&path, &len);
		bool last = is_last(path), there;
		int e;

		if (part_is(part, len, "..") || part_is(part, len, "."))
			return -EINVAL;
		if (len > NAME_MAX || ++depth > TREE_MAX_DEPTH)
			return -ENAMETOOLONG;
		if (!S_ISDIR(at->mode))
			return -ENOTDIR;
		there = find_child(at, part, len, &i);
		if (there && last && !(keep_dir && S_ISDIR(at->children[i]->mode))) {
			remove_child(t, at, i);
			there = false;
		}
		e = there ? 0 : insert_child(t, at, i, part, len);
		if (e < 0)
			return e;
		at = at->children[i];
		if (last)
			break;
	}
	*ret = at;
	return 0;
}

static int put_data(
	struct tree *t, const char *path, const void *data, size_t len, size_t alloc, mode_t mode)
{
	autofree char *copy = NULL;
	struct node *n;
	int e;

	if (len > TREE_MAX_FILE)
		return -EFBIG;
	if (t->bytes + len > TREE_MAX_TOTAL)
		return -ENOSPC;
	copy = calloc(1, alloc ? alloc : 1);
	if (!copy)
		return -ENOMEM;
	if (len)
		memcpy(copy, data, len);
	e = make_node(t, path, false, &n);
	if (e < 0)
		return e;
	n->mode = mode;
	n->data = TAKE_PTR(copy);
	n->len = len;
	t->bytes += len;
	return 0;
}

int tree_put_dir(struct tree *t, const char *path, mode_t mode)
{
	struct node *n;
	int e = make_node(t, path, true, &n);

	if (e == 0)
		n->mode = S_IFDIR | (mode & 07777);
	return e;
}

int tree_put_file(struct tree *t, const char *path, const void *data, size_t len, mode_t mode)
{
	return put_data(t, path, data, len, len, S_IFREG | (mode & 07777));
}

int tree_put_link(struct tree *t, const char *path, const char *target)
{
	size_t len = strlen(target);

	if (len == 0 || len >= PATH_MAX)
		return len ? -ENAMETOOLONG : -EINVAL;
	return put_data(t, path, target, len, len + 1, S_IFLNK | 0777);
}

int tree_put_node(struct tree *t, const char *path, mode_t mode, dev_t rdev)
{
	struct node *n;
	int e;

	if (!S_ISCHR(mode) && !S_ISBLK(mode) && !S_ISFIFO(mode) && !S_ISSOCK(mode))
		return -EINVAL;
	e = make_node(t, path, false, &n);
	if (e < 0)
		return e;
	n->mode = mode;
	n->rdev = rdev;
	return 0;
}

/*
 * Walks `path` from `from`. `*links` counts the links followed so far, over all levels of this
 * walk: a link's target is walked by recursion, which the count bounds.
 */
static int walk(struct tree *t, struct node *from, const char *path, bool follow, int *links,
	struct node **ret)
{
	struct node *at = path[0] == '/' ? &t->root : from;
	size_t len, i;

	for (;;) {
		const char *part = next_part(&path, &len);
		struct node *next;
		int e;

		if (len == 0)
			break;
		if (!S_ISDIR(at->mode))
			return -ENOTDIR;
		if (part_is(part, len, "."))
			continue;
		if (part_is(part, len, "..")) {
			at = at->parent ? at->parent : at;
			continue;
		}
		if (!find_child(at, part, len, &i))
			return -ENOENT;
		next = at->children[i];
		if (S_ISLNK(next->mode) && (follow || *path)) {
			if (++*links > TREE_MAX_LINKS)
				return -ELOOP;
			e = walk(t, at, next->data, true, links, &next);
			if (e < 0)
				return e;
		}
		at = next;
	}
	*ret = at;
	return 0;
}

static int lookup(struct tree *t, const char *path, bool follow, struct node **ret)
{
	int links = 0;

	if (path[0] != '/')
		return -EINVAL;
	return walk(t, &t->root, path, follow, &links, ret);
}

int tree_remove(struct tree *t, const char *path)
{
	struct node *n;
	size_t at;
	int e = lookup(t, path, false, &n);

	if (e < 0)
		return e;
	if (!n->parent)
		return -EBUSY;
	if (!find_child(n->parent, n->name, strlen(n->name), &at))
		return -ENOENT;
	remove_child(t, n->parent, at);
	return 0;
}

ssize_t tree_read(struct tree *t, const char *path, void *buf, size_t size)
{
	struct node *n;
	size_t len;
	int e = lookup(t, path, true, &n);

	if (e < 0)
		return e;
	if (S_ISDIR(n->mode))
		return -EISDIR;
	if (!S_ISREG(n->mode))
		return -ENXIO;
	len = MIN(size, n->len);
	if (len)
		memcpy(buf, n->data, len);
	return (ssize_t)len;
}

int tree_read_link(struct tree *t, const char *path, char *buf, size_t size)
{
	struct node *n;
	int e = lookup(t, path, false, &n);

	if (e < 0)
		return e;
	if (!S_ISLNK(n->mode))
		return -EINVAL;
	if (n->len >= size)
		return -ENAMETOOLONG;
	memcpy(buf, n->data, n->len + 1);
	return 0;
}

int tree_list(struct tree *t, const char *path, char ***ret_names)
{
	autostrv char **names = NULL;
	struct node *n;
	int e = lookup(t, path, true, &n);

	if (e < 0)
		return e;
	if (!S_ISDIR(n->mode))
		return -ENOTDIR;
	names = calloc(n->n_children + 1, sizeof(*names));
	if (!names)
		return -ENOMEM;
	for (size_t i = 0; i < n->n_children; i++) {
		names[i] = strdup(n->children[i]->name);
		if (!names[i])
			return -ENOMEM;
	}
	*ret_names = TAKE_PTR(names);
	return 0;
}

static struct stat stat_of(const struct node *n)
{
	return (struct stat) {
		.st_ino = n->serial,
		.st_mode = n->mode,
		.st_nlink = 1,
		.st_uid = n->uid,
		.st_gid = n->gid,
		.st_rdev = n->rdev,
		.st_size = (off_t)n->len,
	};
}

int tree_stat(struct tree *t, const char *path, struct stat *ret)
{
	struct node *n;
	int e = lookup(t, path, true, &n);

	if (e < 0)
		return e;
	*ret = stat_of(n);
	return 0;
}

int tree_set_owner(struct tree *t, const char *path, uid_t uid, gid_t gid, mode_t mode)
{
	struct node *n;
	int e = lookup(t, path, false, &n);

	if (e < 0)
		return e;
	if (S_ISLNK(n->mode))
		return -ELOOP;
	n->uid = uid;
	n->gid = gid;
	n->mode = (n->mode & S_IFMT) | (mode & 07777);
	return 0;
}

static int each_below(const struct node *dir, const char *path,
	int (*each)(void *arg, const char *path, const struct stat *st, const char *data),
	void *arg)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < dir->n_children; i++) {
		const struct node *n = dir->children[i];
		autofree char *own = str_printf("%s/%s", path, n->name);
		struct stat st = stat_of(n);

		r = own ? each(arg, own, &st, n->data) : -ENOMEM;
		if (r >= 0)
			r = each_below(n, own, each, arg);
	}
	return r < 0 ? r : 0;
}

int tree_each(struct tree *t,
	int (*each)(void *arg, const char *path, const struct stat *st, const char *data),
	void *arg)
{
	return each_below(&t->root, "", each, arg);
}

bool tree_exists(struct tree *t, const char *path)
{
	struct node *n;

	return lookup(t, path, true, &n) == 0;
}

int tree_resolve(struct tree *t, const char *path, bool follow, char **ret)
{
	const struct node *parts[TREE_MAX_DEPTH];
	autostrbuf b = { 0 };
	size_t depth = 0;
	struct node *n;
	char *s;
	int e = lookup(t, path, follow, &n);

	if (e < 0)
		return e;
	for (const struct node *up = n; up->parent; up = up->parent)
		parts[depth++] = up;
	if (depth == 0)
		strbuf_add(&b, "/");
	while (depth)
		strbuf_add(&b, "/%s", parts[--depth]->name);
	s = strbuf_take(&b);
	if (!s)
		return -ENOMEM;
	*ret = s;
	return 0;
}
