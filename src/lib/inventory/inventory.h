/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One immutable picture of the machine's PCI functions: what every look and every decision starts
 * from. A function that vanishes while the picture is taken is left out; a fact that cannot be
 * read is unknown. A machine without functions is an empty picture, not an error.
 *
 * Nothing in here can hang: attributes whose reading takes the kernel's device lock (which a VF's
 * user can hold up for ever) are read with a deadline, and only when their flag asks for them.
 *
 * Users of this header also name the rooms pci, sriov, netdev and iommu in USES.
 */
#pragma once

#include "base/bdf.h"
#include "host/host.h"
#include "iommu/group.h"
#include "netdev/netdev.h"
#include "pci/identity.h"
#include "sriov/facts.h"

struct holder;
struct holders;
struct lease;
struct leases;

enum inventory_flags {
	INVENTORY_NAMES = 1 << 0,     /* vendor_name, device_name */
	INVENTORY_OVERRIDES = 1 << 1, /* driver_override */
	INVENTORY_SRIOV = 1 << 2,     /* all of sriov; without it only total_vfs and num_vfs */
	INVENTORY_GROUPS = 1 << 3,    /* groups[] */
	INVENTORY_ALL = 0xf,
	/*
	 * Without what only a choice by name or a request to the kernel needs: namespaces, and the
	 * ifindex of interfaces. For tables of a whole machine.
	 */
	INVENTORY_BRIEF = 1 << 8,
};

enum function_kind { FUNCTION_PLAIN, FUNCTION_PF, FUNCTION_VF };

struct function {
	struct bdf bdf;
	char address[BDF_TEXT_MAX];
	enum function_kind kind;
	struct identity id;
	bool id_unknown;		 /* id could not be read and is all zero */
	const char *class_word;		 /* "network"; static */
	char *vendor_name, *device_name; /* NULL unknown */
	char *driver;			 /* NULL: none bound */
	char *driver_override;		 /* NULL: none, or not asked for */
	bool override_unknown;		 /* asked for, but the kernel did not answer in time */
	int iommu_group;		 /* -1: none */
	int numa_node;			 /* -1: none */
	const struct netdev *netdevs;	 /* by index */
	size_t n_netdevs;
	char *nvme;	   /* controller, "nvme0"; NULL */
	char **namespaces; /* of its NVMe controller: "nvme0n1"; NULL none */

	struct sriov_facts sriov; /* of a PF; zero and -1 otherwise */
	struct function **vfs;	  /* of a PF: those that exist, by index; n_vfs of them */
	size_t n_vfs;
	struct function *physfn; /* of a VF; NULL otherwise */
	int vf_index;		 /* of a VF; -1 otherwise */
	char *pool; /* by the configuration, when policy_label() was asked; NULL none */

	const struct holder *holders; /* the worst first; NULL: none, or not asked for */
	size_t n_holders;
	bool holders_known;	   /* they were asked for */
	const struct lease *claim; /* lease/lease.h; NULL: none, or not asked for */
};

struct inventory {
	struct function *functions; /* sorted by address */
	size_t n_functions;
	struct iommu_group *groups; /* by number */
	size_t n_groups;
	bool iommu_on;		   /* some function is in a group */
	bool iommu_may_be_missing; /* none is, and VFIO takes them all the same: iommu/group.h */
	struct netdev *netdevs;
	size_t n_netdevs;
	struct holders *holders; /* NULL: inventory_find_holders() was not called */
	struct leases *leases;	 /* NULL: nor was inventory_find_claims() */
};

int inventory_load(struct host *h, unsigned flags, struct inventory **ret, struct problem **reterr);
/* The same with a pci.ids file of choice; NULL: the system's. */
int inventory_load_named(struct host *h, unsigned flags, const char *pci_ids,
	struct inventory **ret, struct problem **reterr);
/* Who uses each function (holder/holder.h), in one look for all of them. */
int inventory_find_holders(struct host *h, struct inventory *inv);
/* Which functions were given to whom. -ENOMEM only: what cannot be read is in leases->unreadable.
 */
int inventory_find_claims(struct host *h, struct inventory *inv);
void inventory_forget_holders(struct inventory *inv);
void inventory_free(struct inventory *inv);
DEFINE_AUTO(struct inventory, inventory_free);

const char *function_kind_name(enum function_kind kind); /* JSON: "pf", "vf", "function" */

/* NULL when there is none. All borrowed from the inventory. */
struct function *inventory_find_bdf(const struct inventory *inv, struct bdf a);
struct function *inventory_find_netdev(const struct inventory *inv, const char *name);
/*
 * "nvme0", and also its namespaces and partitions: "nvme0n1p2". A namespace that several
 * controllers share names none of them.
 */
struct function *inventory_find_nvme(const struct inventory *inv, const char *name);
struct function *function_vf(const struct function *pf, unsigned index);
struct iommu_group *inventory_find_group(const struct inventory *inv, int id);
