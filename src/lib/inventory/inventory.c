// SPDX-License-Identifier: GPL-2.0-or-later
#include "inventory.h"
#include "scan.h"

#include "base/str.h"
#include "host/locked.h"
#include "host/sysfs.h"
#include "pci/classdev.h"
#include "pci/namedb.h"
#include "pci/namespace.h"

#include <pthread.h>
#include <signal.h>

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
	free(f->pool);
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
	inventory_forget_holders(inv);
	free(inv->netdevs);
	iommu_groups_free(inv->groups, inv->n_groups);
	free(inv);
}

static int attach_netdevs(struct host *h, bool brief, struct inventory *inv)
{
	int r = brief ? netdevs_list_brief(h, &inv->netdevs, &inv->n_netdevs)
		      : netdevs_list(h, &inv->netdevs, &inv->n_netdevs);

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

static int attach_controller(struct host *h, bool brief, struct function *f, const char *name)
{
	int r;

	if (f->nvme) /* one function, one controller */
		return 0;
	f->nvme = strdup(name);
	if (f->nvme && brief)
		return 0;
	r = f->nvme ? nvme_namespaces(h, name, &f->namespaces) : -ENOMEM;
	return r == -ENOMEM ? r : 0;
}

static int attach_nvme(struct host *h, bool brief, struct inventory *inv)
{
	autostrv char **names = NULL;
	autofolder class;
	int r;

	folder_init(&class, h);
	r = sysfs_enter(&class, "class/nvme");
	if (r == 0)
		r = folder_list(&class, &names);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	STRV_FOREACH (name, names) {
		struct function *f;
		struct bdf a;

		if (classdev_function_in(&class, *name, &a) < 0)
			continue;
		f = inventory_find_bdf(inv, a);
		r = f ? attach_controller(h, brief, f, *name) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

static char *dup_name(const char *s)
{
	return s ? strdup(s) : NULL;
}

/* VFs come in rows of the same kind: the name is the one before's. */
static void look_up(struct namedb *db, struct function *f, const struct function *before)
{
	bool same =
		before && before->id.vendor == f->id.vendor && before->id.device == f->id.device;

	free(f->vendor_name);
	free(f->device_name);
	f->vendor_name = f->device_name = NULL;
	if (f->id_unknown)
		return;
	f->vendor_name = same ? dup_name(before->vendor_name) : namedb_vendor(db, f->id.vendor);
	f->device_name = same ? dup_name(before->device_name)
			      : namedb_device(db, f->id.vendor, f->id.device);
}

static void look_up_all(struct namedb *db, struct inventory *inv)
{
	for (size_t i = 0; i < inv->n_functions; i++)
		look_up(db, &inv->functions[i], i ? &inv->functions[i - 1] : NULL);
}

int inventory_look_up_names(struct inventory *inv, const char *pci_ids)
{
	struct namedb *db CLEANUP(namedb_freep) = NULL;
	int r = namedb_open(pci_ids, &db);

	if (r == 0)
		look_up_all(db, inv);
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
	bool brief = flags & INVENTORY_BRIEF;
	int r = scan_functions(h, inv);

	if (r == 0)
		r = attach_netdevs(h, brief, inv);
	if (r == 0)
		r = attach_nvme(h, brief, inv);
	for (size_t i = 0; r == 0 && flags & INVENTORY_SRIOV && i < inv->n_functions; i++)
		if (inv->functions[i].kind == FUNCTION_PF)
			sriov_facts_read_rest(h, inv->functions[i].bdf, &inv->functions[i].sriov);
	if (r == 0 && flags & (INVENTORY_OVERRIDES | INVENTORY_SRIOV))
		r = read_locked(h, inv, flags);
	if (r == 0 && flags & INVENTORY_GROUPS)
		r = iommu_groups_read(h, &inv->groups, &inv->n_groups);
	return r;
}

/* The database of names is a megabyte of text to read: enough to do it beside the rest. */
struct names_job {
	const char *pci_ids;
	struct namedb *db;
	int result;
	pthread_t thread;
};

static void *open_names(void *arg)
{
	struct names_job *job = arg;

	job->result = namedb_open(job->pci_ids, &job->db);
	return NULL;
}

static int load_with_names(
	struct host *h, unsigned flags, const char *pci_ids, struct inventory *inv)
{
	struct names_job job = { .pci_ids = pci_ids };
	sigset_t all, was;
	bool started;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &was);
	started = pthread_create(&job.thread, NULL, open_names, &job) == 0;
	pthread_sigmask(SIG_SETMASK, &was, NULL);
	r = load(h, flags, inv);
	if (started)
		pthread_join(job.thread, NULL);
	else
		open_names(&job);
	r = r < 0 ? r : job.result;
	if (r == 0)
		look_up_all(job.db, inv);
	namedb_free(job.db);
	return r;
}

int inventory_load_named(struct host *h, unsigned flags, const char *pci_ids,
	struct inventory **ret, struct problem **reterr)
{
	struct inventory *inv CLEANUP(inventory_freep) = calloc(1, sizeof(*inv));
	int r = -ENOMEM;

	if (inv)
		r = flags & INVENTORY_NAMES ? load_with_names(h, flags, pci_ids, inv)
					    : load(h, flags, inv);
	if (r < 0)
		return problem(reterr, r, problem_kind_from_errno(r), NULL,
			"cannot read the list of PCI functions: %s", strerror(-r));
	*ret = TAKE_PTR(inv);
	return 0;
}

int inventory_load(struct host *h, unsigned flags, struct inventory **ret, struct problem **reterr)
{
	return inventory_load_named(h, flags, NULL, ret, reterr);
}
