// SPDX-License-Identifier: GPL-2.0-or-later
#include "inventory.h"

#include "base/str.h"
#include "host/locked.h"
#include "host/sysfs.h"
#include "pci/classdev.h"
#include "pci/namedb.h"
#include "pci/namespace.h"

const char *function_kind_name(enum function_kind kind)
{
	static const char *const names[] = { "function", "pf", "vf" };

	return names[kind];
}

static void function_done(struct function *f)
{
	free(f->vendor_name);
	free(f->device_name);
	free(f->driver);
	free(f->driver_override);
	free(f->nvme);
	strv_free(f->namespaces);
	free(f->vfs);
}

void inventory_free(struct inventory *inv)
{
	if (!inv)
		return;
	for (size_t i = 0; i < inv->n_functions; i++)
		function_done(&inv->functions[i]);
	free(inv->functions);
	free(inv->netdevs);
	iommu_groups_free(inv->groups, inv->n_groups);
	free(inv);
}

/* A fact that a function need not have: only a lack of memory is a failure. */
static int optional_link(struct host *h, const char *address, const char *link, char **ret)
{
	int r = sysfs_link_name(h, ret, "bus/pci/devices/%s/%s", address, link);

	return r == -ENOMEM ? r : 0;
}

static int read_numa_node(struct host *h, const char *address)
{
	int node;

	if (sysfs_read_int(h, &node, "bus/pci/devices/%s/numa_node", address) < 0 || node < 0)
		return -1;
	return node;
}

/* -ENOENT: it has gone meanwhile. */
static int read_identity(struct host *h, struct function *f)
{
	int r = identity_read(h, f->bdf, &f->id);

	if (r == -ENOMEM || (r == -ENOENT && !sysfs_exists(h, "bus/pci/devices/%s", f->address)))
		return r;
	f->id_unknown = r < 0;
	f->class_word = r < 0 ? "other" : class_word(f->id.class_code);
	return 0;
}

static void read_kind(struct host *h, struct function *f)
{
	struct bdf pf;

	if (sriov_physfn(h, f->bdf, &pf) == 0)
		f->kind = FUNCTION_VF;
	else if (sriov_total_vfs(h, f->bdf, &f->sriov.total_vfs) == 0)
		f->kind = FUNCTION_PF;
}

/* Few system calls: this runs for every function of the machine. */
static int read_function(struct host *h, const char *name, struct function *ret)
{
	struct function f = {
		.vf_index = -1,
		.sriov = { .offset = -1,
			.stride = -1,
			.vf_device = -1,
			.drivers_autoprobe = -1,
			.vf_total_msix = -1 },
	};
	int r = bdf_parse(name, &f.bdf);

	if (r < 0)
		return r;
	bdf_format(f.bdf, f.address);
	r = read_identity(h, &f);
	if (r == 0)
		r = optional_link(h, name, "driver", &f.driver);
	if (r < 0)
		return r;
	f.iommu_group = iommu_group_of(h, f.bdf);
	if (f.iommu_group < 0)
		f.iommu_group = -1;
	f.numa_node = read_numa_node(h, name);
	read_kind(h, &f);
	*ret = f;
	return 0;
}

static int by_address(const void *a, const void *b)
{
	const struct function *x = a, *y = b;

	return bdf_cmp(x->bdf, y->bdf);
}

static int read_functions(struct host *h, struct inventory *inv)
{
	autostrv char **names = NULL;
	int r = sysfs_list(h, &names, "bus/pci/devices");

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	inv->functions = calloc(strv_len(names) + 1, sizeof(*inv->functions));
	if (!inv->functions)
		return -ENOMEM;
	STRV_FOREACH (name, names) {
		r = read_function(h, *name, &inv->functions[inv->n_functions]);
		if (r == -ENOMEM)
			return r;
		if (r == 0)
			inv->n_functions++;
	}
	qsort(inv->functions, inv->n_functions, sizeof(*inv->functions), by_address);
	for (size_t i = 0; i < inv->n_functions; i++)
		inv->iommu_on |= inv->functions[i].iommu_group >= 0;
	return 0;
}

/* From here on the functions do not move: pointers to them are taken. */
static int link_vfs(struct host *h, struct inventory *inv, struct function *pf)
{
	autofree struct sriov_vf *vfs = NULL;
	size_t n;
	int r = sriov_vfs(h, pf->bdf, &vfs, &n);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	pf->sriov.num_vfs = (unsigned)n;
	pf->vfs = calloc(n + 1, sizeof(struct function *));
	if (!pf->vfs)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct function *vf = inventory_find_bdf(inv, vfs[i].bdf);

		if (!vf)
			continue;
		vf->kind = FUNCTION_VF;
		vf->physfn = pf;
		vf->vf_index = (int)vfs[i].index;
		pf->vfs[pf->n_vfs++] = vf;
	}
	return 0;
}

static int link_all_vfs(struct host *h, struct inventory *inv)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < inv->n_functions; i++)
		if (inv->functions[i].kind == FUNCTION_PF)
			r = link_vfs(h, inv, &inv->functions[i]);
	return r;
}

static int attach_netdevs(struct host *h, struct inventory *inv)
{
	int r = netdevs_list(h, &inv->netdevs, &inv->n_netdevs);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	for (size_t i = 0; i < inv->n_netdevs; i++) {
		struct function *f = inventory_find_bdf(inv, inv->netdevs[i].bdf);

		if (!f)
			continue;
		if (f->n_netdevs++ == 0)
			f->netdevs = &inv->netdevs[i];
	}
	return 0;
}

static int attach_controller(struct host *h, struct function *f, const char *name)
{
	int r;

	if (f->nvme) /* one function, one controller */
		return 0;
	f->nvme = strdup(name);
	r = f->nvme ? nvme_namespaces(h, name, &f->namespaces) : -ENOMEM;
	return r == -ENOMEM ? r : 0;
}

static int attach_nvme(struct host *h, struct inventory *inv)
{
	autostrv char **names = NULL;
	int r = sysfs_list(h, &names, "class/nvme");

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	STRV_FOREACH (name, names) {
		struct function *f;
		struct bdf a;

		if (classdev_function(h, "nvme", *name, &a) < 0)
			continue;
		f = inventory_find_bdf(inv, a);
		r = f ? attach_controller(h, f, *name) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

int inventory_look_up_names(struct inventory *inv, const char *pci_ids)
{
	struct namedb *db CLEANUP(namedb_freep) = NULL;
	int r = namedb_open(pci_ids, &db);

	for (size_t i = 0; r == 0 && i < inv->n_functions; i++) {
		struct function *f = &inv->functions[i];

		free(f->vendor_name);
		free(f->device_name);
		f->vendor_name = namedb_vendor(db, f->id.vendor);
		f->device_name = namedb_device(db, f->id.vendor, f->id.device);
	}
	return r;
}

static void take_override(struct function *f, struct locked_read *r)
{
	char *text;

	if (r->result < 0) {
		f->override_unknown = r->result == -ETIMEDOUT;
		return;
	}
	text = str_trim(r->text);
	if (*text && !str_eq(text, "(null)"))
		f->driver_override = str_printable(text);
}

/* All in one batch: see host/locked.h for what a plain read could run into. */
static int read_locked(struct host *h, struct inventory *inv, unsigned flags)
{
	autofree struct locked_read *reads = calloc(2 * inv->n_functions + 1, sizeof(*reads));
	autofree struct function **owner = calloc(2 * inv->n_functions + 1, sizeof(*owner));
	size_t n = 0, overrides;

	if (!reads || !owner)
		return -ENOMEM;
	for (size_t i = 0; flags & INVENTORY_OVERRIDES && i < inv->n_functions; i++) {
		owner[n] = &inv->functions[i];
		reads[n].function = inv->functions[i].bdf;
		reads[n++].attribute = "driver_override";
	}
	overrides = n;
	for (size_t i = 0; flags & INVENTORY_SRIOV && i < inv->n_functions; i++) {
		if (inv->functions[i].kind != FUNCTION_PF)
			continue;
		owner[n] = &inv->functions[i];
		reads[n].function = inv->functions[i].bdf;
		reads[n++].attribute = "sriov_vf_total_msix";
	}
	locked_read_all(h, reads, n);
	for (size_t i = 0; i < overrides; i++)
		take_override(owner[i], &reads[i]);
	for (size_t i = overrides; i < n; i++)
		if (reads[i].result >= 0)
			owner[i]->sriov.vf_total_msix = sriov_parse_vf_total_msix(reads[i].text);
	return 0;
}

static int load(struct host *h, unsigned flags, struct inventory *inv)
{
	int r = read_functions(h, inv);

	if (r == 0)
		r = link_all_vfs(h, inv);
	if (r == 0)
		r = attach_netdevs(h, inv);
	if (r == 0)
		r = attach_nvme(h, inv);
	for (size_t i = 0; r == 0 && flags & INVENTORY_SRIOV && i < inv->n_functions; i++)
		if (inv->functions[i].kind == FUNCTION_PF)
			sriov_facts_read_rest(h, inv->functions[i].bdf, &inv->functions[i].sriov);
	if (r == 0 && flags & (INVENTORY_OVERRIDES | INVENTORY_SRIOV))
		r = read_locked(h, inv, flags);
	if (r == 0 && flags & INVENTORY_NAMES)
		r = inventory_look_up_names(inv, NULL);
	if (r == 0 && flags & INVENTORY_GROUPS)
		r = iommu_groups_read(h, &inv->groups, &inv->n_groups);
	return r;
}

int inventory_load(struct host *h, unsigned flags, struct inventory **ret, struct problem **reterr)
{
	struct inventory *inv CLEANUP(inventory_freep) = calloc(1, sizeof(*inv));
	int r = inv ? load(h, flags, inv) : -ENOMEM;

	if (r < 0)
		return problem(reterr, r, problem_kind_from_errno(r), NULL,
			"cannot read the list of PCI functions: %s", strerror(-r));
	*ret = TAKE_PTR(inv);
	return 0;
}
