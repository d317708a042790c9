// SPDX-License-Identifier: GPL-2.0-or-later
#include "netdev.h"

#include "base/str.h"
#include "host/sysfs.h"
#include "pci/classdev.h"

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

static bool has_siblings(const struct netdev *list, size_t n, size_t i)
{
	return (i && bdf_eq(list[i - 1].bdf, list[i].bdf)) ||
	       (i + 1 < n && bdf_eq(list[i].bdf, list[i + 1].bdf));
}

/* Of a sorted list, those that need it (siblings: their order depends on it) or all. */
static void read_indexes(struct host *h, bool all, struct netdev *list, size_t *n)
{
	size_t kept = 0;

	for (size_t i = 0; i < *n; i++)
		if ((all || has_siblings(list, *n, i)) && read_index(h, &list[i]) < 0)
			list[i].ifindex = -1;
	for (size_t i = 0; i < *n; i++)
		if (list[i].ifindex >= 0)
			list[kept++] = list[i];
	*n = kept;
	qsort(list, kept, sizeof(*list), by_function);
}

static int list_all(struct host *h, bool indexes, struct netdev **ret, size_t *ret_n)
{
	autostrv char **names = NULL;
	struct netdev *list;
	autofolder class;
	size_t n = 0;
	int r;

	folder_init(&class, h);
	r = sysfs_enter(&class, "class/net");
	if (r == 0)
		r = folder_list(&class, &names);
	if (r < 0 && r != -ENOENT)
		return r;
	list = calloc(strv_len(names) + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	STRV_FOREACH (name, names)
		if (read_one(&class, *name, &list[n]) == 0)
			n++;
	qsort(list, n, sizeof(*list), by_function);
	read_indexes(h, indexes, list, &n);
	*ret = list;
	*ret_n = n;
	return 0;
}

int netdevs_list(struct host *h, struct netdev **ret, size_t *ret_n)
{
	return list_all(h, true, ret, ret_n);
}

int netdevs_list_brief(struct host *h, struct netdev **ret, size_t *ret_n)
{
	return list_all(h, false, ret, ret_n);
}

int netdevs_of(struct host *h, struct bdf a, struct netdev **ret, size_t *ret_n)
{
	struct netdev *list;
	size_t n, kept = 0;
	int r = netdevs_list(h, &list, &n);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++)
		if (bdf_eq(list[i].bdf, a))
			list[kept++] = list[i];
	*ret = list;
	*ret_n = kept;
	return 0;
}
