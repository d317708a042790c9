// SPDX-License-Identifier: GPL-2.0-or-later
#include "inventory.h"

#include "base/str.h"

#include <ctype.h>

struct function *inventory_find_bdf(const struct inventory *inv, struct bdf a)
{
	size_t low = 0, high = inv->n_functions;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int c = bdf_cmp(inv->functions[mid].bdf, a);

		if (c == 0)
			return &inv->functions[mid];
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

struct function *inventory_find_netdev(const struct inventory *inv, const char *name)
{
	for (size_t i = 0; i < inv->n_netdevs; i++)
		if (str_eq(inv->netdevs[i].name, name))
			return inventory_find_bdf(inv, inv->netdevs[i].bdf);
	return NULL;
}

/* "nvme0n1" itself, or a partition of it: "nvme0n1p2". */
static bool is_of_namespace(const char *name, const char *namespace)
{
	const char *rest;

	if (!str_starts(name, namespace))
		return false;
	rest = name + strlen(namespace);
	if (!*rest)
		return true;
	if (*rest++ != 'p' || !*rest)
		return false;
	while (isdigit((unsigned char)*rest))
		rest++;
	return !*rest;
}

static bool has_namespace(const struct function *f, const char *name)
{
	STRV_FOREACH (ns, f->namespaces)
		if (is_of_namespace(name, *ns))
			return true;
	return false;
}

struct function *inventory_find_nvme(const struct inventory *inv, const char *name)
{
	struct function *found = NULL;

	for (size_t i = 0; i < inv->n_functions; i++) {
		struct function *f = &inv->functions[i];

		if (f->nvme && str_eq(f->nvme, name))
			return f;
		if (!has_namespace(f, name))
			continue;
		if (found)
			return NULL;
		found = f;
	}
	return found;
}

struct function *function_vf(const struct function *pf, unsigned index)
{
	for (size_t i = 0; i < pf->n_vfs; i++)
		if (pf->vfs[i]->vf_index == (int)index)
			return pf->vfs[i];
	return NULL;
}

struct iommu_group *inventory_find_group(const struct inventory *inv, int id)
{
	size_t low = 0, high = inv->n_groups;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (inv->groups[mid].id == id)
			return &inv->groups[mid];
		if (inv->groups[mid].id < id)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}
