// SPDX-License-Identifier: GPL-2.0-or-later
#include "name.h"

#include "base/str.h"

/* The kernel knows alternative names, the inventory does not; it knows the index. */
static struct function *find_by_other_name(
	struct host *h, const struct inventory *inv, const char *name)
{
	int ifindex;

	if (host_link_index(h, name, &ifindex) < 0)
		return NULL;
	for (size_t i = 0; i < inv->n_netdevs; i++)
		if (inv->netdevs[i].ifindex == ifindex)
			return inventory_find_bdf(inv, inv->netdevs[i].bdf);
	return NULL;
}

/* Everything that a function could have been called. */
static int all_names(const struct inventory *inv, char ***ret)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < inv->n_functions; i++) {
		r = strv_add(ret, inv->functions[i].address);
		if (r == 0 && inv->functions[i].nvme)
			r = strv_add(ret, inv->functions[i].nvme);
	}
	for (size_t i = 0; r == 0 && i < inv->n_netdevs; i++)
		if (inventory_find_bdf(inv, inv->netdevs[i].bdf))
			r = strv_add(ret, inv->netdevs[i].name);
	return r;
}

/* The full form, so that "3b:00.2" finds its neighbours in domain 0. */
static int nearest(const struct inventory *inv, const char *name, char **ret)
{
	autostrv char **names = NULL;
	const char *found;
	struct bdf a;
	int r;

	r = all_names(inv, &names);
	if (r < 0)
		return r;
	found = strv_nearest(names, bdf_parse(name, &a) == 0 ? BDF_TEXT(a) : name);
	*ret = found ? strdup(found) : NULL;
	return found && !*ret ? -ENOMEM : 0;
}

int name_find(struct host *h, const struct inventory *inv, const char *name, struct function **ret,
	struct problem **reterr)
{
	autofree char *near = NULL;
	struct function *f = NULL;
	struct bdf a;

	if (bdf_parse(name, &a) == 0)
		f = inventory_find_bdf(inv, a);
	else
		f = inventory_find_netdev(inv, name);
	if (!f)
		f = inventory_find_nvme(inv, name);
	if (!f)
		f = find_by_other_name(h, inv, name);
	if (f) {
		*ret = f;
		return 0;
	}
	if (nearest(inv, name, &near) < 0)
		return -ENOMEM;
	problem(reterr, -ENOENT, PROBLEM_NOT_FOUND, NULL, "no function is called '%s'", name);
	if (near)
		problem_hint(reterr, "did you mean %s?", near);
	else
		problem_hint(reterr, "vfctl list shows what is there");
	return -ENOENT;
}
