// SPDX-License-Identifier: GPL-2.0-or-later
#include "inventory.h"
#include "scan.h"

#include "base/str.h"
#include "holder/holder.h"
#include "host/locked.h"
#include "host/sysfs.h"
#include "lease/lease.h"
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

void inventory_forget_holders(struct inventory *inv)
{
	if (inv->holders)
		holders_done(inv->holders);
	free(inv->holders);
	inv->holders = NULL;
}

void inventory_free(struct inventory *inv)
{
	if (!inv)
		return;
	for (size_t i = 0; i < inv->n_functions; i++)
		function_done(&inv->functions[i]);
	free(inv->functions);
	inventory_forget_holders(inv);
	if (inv->leases)
		leases_done(inv->leases);
	free(inv->leases);
	free(inv->netdevs);
	iommu_groups_free(inv->groups, inv->n_groups);
	free(inv);
}

/* ---- What stands on functions and is listed elsewhere: it can be looked up beside the scan ----
 */

struct controller {
	char *name;
	struct bdf bdf;
};

struct classes {
	struct netdev *netdevs;
	struct controller *controllers;
	size_t n_netdevs, n_controllers;
};

static void classes_done(struct classes *c)
{
	for (size_t i = 0; i < c->n_controllers; i++)
		free(c->controllers[i].name);
	free(c->controllers);
	free(c->netdevs);
}

static int list_controllers(struct host *h, struct classes *c)
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
	c->controllers = calloc(strv_len(names) + 1, sizeof(*c->controllers));
	if (!c->controllers)
		return -ENOMEM;
	STRV_FOREACH (name, names) {
		struct controller *one = &c->controllers[c->n_controllers];

		if (classdev_function_in(&class, *name, &one->bdf) < 0)
			continue;
		one->name = strdup(*name);
		if (!one->name)
			return -ENOMEM;
		c->n_controllers++;
	}
	return 0;
}

static int list_classes(struct host *h, bool brief, struct classes *c)
{
	int r = brief ? netdevs_list_brief(h, &c->netdevs, &c->n_netdevs)
		      : netdevs_list(h, &c->netdevs, &c->n_netdevs);

	return r == -ENOMEM ? r : list_controllers(h, c);
}

static void attach_netdevs(struct classes *c, struct inventory *inv)
{
	inv->netdevs = TAKE_PTR(c->netdevs);
	inv->n_netdevs = c->n_netdevs;
	for (size_t i = 0; i < inv->n_netdevs; i++) {
		struct function *f = inventory_find_bdf(inv, inv->netdevs[i].bdf);

		if (!f)
			continue;
		if (f->n_netdevs++ == 0)
			f->netdevs = &inv->netdevs[i];
	}
}

static int attach_controllers(struct host *h, bool brief, struct classes *c, struct inventory *inv)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < c->n_controllers; i++) {
		struct function *f = inventory_find_bdf(inv, c->controllers[i].bdf);

		if (!f || f->nvme) /* one function, one controller */
			continue;
		f->nvme = TAKE_PTR(c->controllers[i].name);
		if (!brief)
			r = nvme_namespaces(h, f->nvme, &f->namespaces);
		r = r == -ENOMEM ? r : 0;
	}
	return r;
}

static char *dup_name(const char *s)
{
	return s ? strdup(s) : NULL;
}

/* Machines have many functions of few kinds: those last named, by a hash of what they are. */
enum { KINDS_KEPT = 64 };

static size_t kind_of(const struct identity *id)
{
	return (id->vendor ^ id->device ^ id->device >> 6) % KINDS_KEPT;
}

static bool is_named(const struct function *f, const struct identity *id)
{
	return f && f->id.vendor == id->vendor && f->id.device == id->device;
}

static void look_up(struct namedb *db, struct function *f, const struct function **kept)
{
	const struct function **like = &kept[kind_of(&f->id)];
	bool same = is_named(*like, &f->id);

	free(f->vendor_name);
	free(f->device_name);
	f->vendor_name = f->device_name = NULL;
	if (f->id_unknown)
		return;
	f->vendor_name = same ? dup_name((*like)->vendor_name) : namedb_vendor(db, f->id.vendor);
	f->device_name = same ? dup_name((*like)->device_name)
			      : namedb_device(db, f->id.vendor, f->id.device);
	*like = f;
}

static void look_up_all(struct namedb *db, struct inventory *inv)
{
	const struct function *kept[KINDS_KEPT] = { 0 };

	for (size_t i = 0; i < inv->n_functions; i++)
		look_up(db, &inv->functions[i], kept);
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

/* Beside the scan, where a thread can be had: the database of names, and what stands on functions.
 */
struct beside {
	struct host *h;
	const char *pci_ids;
	unsigned flags;
	struct namedb *db;
	struct classes classes;
	int result;
	pthread_t thread;
};

static void beside_done(struct beside *b)
{
	namedb_free(b->db);
	classes_done(&b->classes);
}

static void look_beside(struct beside *b)
{
	if (b->flags & INVENTORY_NAMES)
		b->result = namedb_open(b->pci_ids, &b->db);
	if (b->result == 0)
		b->result = list_classes(b->h, b->flags & INVENTORY_BRIEF, &b->classes);
}

static void *thread_beside(void *arg)
{
	folder_thread_begin();
	look_beside(arg);
	return NULL;
}

/* Threads are for files: other hosts are in memory, and fakes are no friends of threads. */
static bool start_beside(struct beside *b)
{
	sigset_t all, was;
	bool started;

	if (!b->h->ops->files || !b->h->ops->files(b->h))
		return false;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &was);
	started = pthread_create(&b->thread, NULL, thread_beside, b) == 0;
	pthread_sigmask(SIG_SETMASK, &was, NULL);
	return started;
}

static int attach(struct beside *b, struct inventory *inv)
{
	attach_netdevs(&b->classes, inv);
	if (b->db)
		look_up_all(b->db, inv);
	return attach_controllers(b->h, b->flags & INVENTORY_BRIEF, &b->classes, inv);
}

/* The database takes longer than a thread's start, and what stands on few functions does not. */
enum { BESIDE_FROM = 256 };

static int load(struct host *h, unsigned flags, const char *pci_ids, struct inventory *inv)
{
	CLEANUP(beside_done)
	struct beside beside = { .h = h, .pci_ids = pci_ids, .flags = flags };
	bool started = flags & INVENTORY_NAMES && start_beside(&beside);
	int r = scan_addresses(h, inv);

	if (r == 0 && !started && inv->n_functions >= BESIDE_FROM)
		started = start_beside(&beside);
	if (r == 0)
		r = scan_functions(h, inv);
	if (started)
		pthread_join(beside.thread, NULL);
	else
		look_beside(&beside);
	if (r == 0)
		r = beside.result;
	if (r == 0)
		r = attach(&beside, inv);
	for (size_t i = 0; r == 0 && flags & INVENTORY_SRIOV && i < inv->n_functions; i++)
		if (inv->functions[i].kind == FUNCTION_PF)
			sriov_facts_read_rest(h, inv->functions[i].bdf, &inv->functions[i].sriov);
	if (r == 0 && flags & (INVENTORY_OVERRIDES | INVENTORY_SRIOV))
		r = read_locked(h, inv, flags);
	if (r == 0 && flags & INVENTORY_GROUPS)
		r = iommu_groups_read(h, &inv->groups, &inv->n_groups);
	return r;
}

int inventory_load_named(struct host *h, unsigned flags, const char *pci_ids,
	struct inventory **ret, struct problem **reterr)
{
	struct inventory *inv CLEANUP(inventory_freep) = calloc(1, sizeof(*inv));
	int r = -ENOMEM;

	if (inv)
		r = load(h, flags, pci_ids, inv);
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
