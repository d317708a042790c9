// SPDX-License-Identifier: GPL-2.0-or-later
#include "netdev.h"

#include "base/str.h"
#include "host/sysfs.h"
#include "pci/classdev.h"
#include "pci/identity.h"

static int read_one(struct folder *class, const char *name, struct netdev *ret)
{
	struct netdev d = { 0 };
	int r;

	if (strlen(name) >= sizeof(d.name))
		return -EINVAL;
	r = classdev_function_in(class, name, &d.bdf);
	if (r < 0)
		return r;
	memcpy(d.name, name, strlen(name) + 1);
	*ret = d;
	return 0;
}

static int by_function(const void *a, const void *b)
{
	const struct netdev *x = a, *y = b;
	int c = bdf_cmp(x->bdf, y->bdf);

	return c ? c : (x->ifindex > y->ifindex) - (x->ifindex < y->ifindex);
}

/* Every interface has a number: without it, it has gone meanwhile. */
static int read_index(struct host *h, struct netdev *d)
{
	return sysfs_read_int(h, &d->ifindex, "class/net/%s/ifindex", d->name);
}

static bool has_siblings(const struct netdev *v, size_t n, size_t i)
{
	return (i && bdf_eq(v[i - 1].bdf, v[i].bdf)) ||
	       (i + 1 < n && bdf_eq(v[i].bdf, v[i + 1].bdf));
}

/* Of a sorted list, those that need it (siblings: their order depends on it) or all. */
static void read_indexes(struct host *h, bool all, struct netdev *v, size_t *n)
{
	size_t kept = 0;

	for (size_t i = 0; i < *n; i++)
		if ((all || has_siblings(v, *n, i)) && read_index(h, &v[i]) < 0)
			v[i].ifindex = -1;
	for (size_t i = 0; i < *n; i++)
		if (v[i].ifindex >= 0)
			v[kept++] = v[i];
	*n = kept;
	qsort(v, kept, sizeof(*v), by_function);
}

struct listing {
	struct folder class;
	const struct bdf *only; /* NULL: all functions' */
	struct netdev *v;
	size_t n, room;
};

static void listing_done(struct listing *l)
{
	folder_done(&l->class);
	free(l->v);
}

static int add_one(void *arg, const char *name)
{
	struct listing *l = arg;

	if (l->n == l->room) {
		size_t room = l->room * 2;
		struct netdev *more = reallocarray(l->v, room, sizeof(*more));

		if (!more)
			return -ENOMEM;
		l->v = more;
		l->room = room;
	}
	if (read_one(&l->class, name, &l->v[l->n]) == 0 &&
		(!l->only || bdf_eq(*l->only, l->v[l->n].bdf)))
		l->n++;
	return 0;
}

static int add_names(struct listing *l, char **names)
{
	int r = 0;

	for (; r == 0 && *names; names++)
		r = add_one(l, *names);
	return r;
}

/* `names`: which; NULL: all that are there. */
static int list(struct host *h, const struct bdf *only, char **names, bool indexes,
	struct netdev **ret, size_t *ret_n)
{
	CLEANUP(listing_done)
	struct listing l = { .only = only, .v = calloc(16, sizeof(*l.v)), .room = 16 };
	int r;

	folder_init(&l.class, h);
	if (!l.v)
		return -ENOMEM;
	r = sysfs_enter(&l.class, "class/net");
	if (r == 0)
		r = names ? add_names(&l, names) : folder_each(&l.class, add_one, &l);
	if (r < 0 && r != -ENOENT)
		return r;
	qsort(l.v, l.n, sizeof(*l.v), by_function);
	read_indexes(h, indexes, l.v, &l.n);
	*ret = TAKE_PTR(l.v);
	*ret_n = l.n;
	return 0;
}

int netdevs_list(struct host *h, struct netdev **ret, size_t *ret_n)
{
	return list(h, NULL, NULL, true, ret, ret_n);
}

int netdevs_list_brief(struct host *h, struct netdev **ret, size_t *ret_n)
{
	return list(h, NULL, NULL, false, ret, ret_n);
}

/* Names that stand in the function's own folder; 0 when it has none there. */
static int own_names(struct host *h, struct bdf a, char ***ret)
{
	int r = sysfs_list(h, ret, "bus/pci/devices/%s/net", BDF_TEXT(a));

	return r == -ENOMEM ? r : r == 0 && **ret;
}

/* Of those without interface that there are many of on one machine. */
static bool never_has_any(struct host *h, struct bdf a)
{
	struct identity id;

	return identity_read(h, a, &id) == 0 && class_is_nvme(id.class_code);
}

/*
 * Nearly all drivers make their interfaces children of the function, and then it is these. Between
 * a function and those of virtio or USB stands another device: they are looked for among all of the
 * machine's, which are thousands where there are thousands of VFs.
 */
int netdevs_of(struct host *h, struct bdf a, struct netdev **ret, size_t *ret_n)
{
	autostrv char **names = NULL;
	char *none[] = { NULL };
	int r = own_names(h, a, &names);

	if (r < 0)
		return r;
	if (r == 0 && never_has_any(h, a))
		return list(h, &a, none, true, ret, ret_n);
	return list(h, &a, r ? names : NULL, true, ret, ret_n);
}
