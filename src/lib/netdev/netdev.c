// SPDX-License-Identifier: GPL-2.0-or-later
#include "netdev.h"

#include "base/str.h"
#include "host/sysfs.h"
#include "pci/classdev.h"

static int read_one(struct host *h, const char *name, struct netdev *ret)
{
	struct netdev d = { 0 };
	int r;

	if (strlen(name) >= sizeof(d.name))
		return -EINVAL;
	r = classdev_function(h, "net", name, &d.bdf);
	if (r < 0)
		return r;
	r = sysfs_read_int(h, &d.ifindex, "class/net/%s/ifindex", name);
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

int netdevs_list(struct host *h, struct netdev **ret, size_t *ret_n)
{
	autostrv char **names = NULL;
	struct netdev *list;
	size_t n = 0;
	int r = sysfs_list(h, &names, "class/net");

	if (r < 0 && r != -ENOENT)
		return r;
	list = calloc(strv_len(names) + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	STRV_FOREACH (name, names)
		if (read_one(h, *name, &list[n]) == 0)
			n++;
	qsort(list, n, sizeof(*list), by_function);
	*ret = list;
	*ret_n = n;
	return 0;
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
