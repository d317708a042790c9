/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the functions of an inventory hang together: root buses, bridges, what is below them, and for
 * each IOMMU group whether it can be given to a guest, with whom, and which hop without ACS makes
 * it as large as it is. Made once from an inventory that was loaded with INVENTORY_GROUPS, and
 * immutable; everything is borrowed from the topology or the inventory, which must outlive it.
 *
 * The configuration space of every function but VFs is read: an unprivileged caller gets 64 bytes,
 * and everything about ACS is then unknown, never guessed.
 *
 * Users of this header also name the rooms pci, sriov, netdev, iommu and inventory in USES.
 */
#pragma once

#include "acs.h"
#include "inventory/inventory.h"

struct topo_node {
	const struct function *f;
	struct topo_node *parent;    /* the bridge above; NULL on a root bus */
	struct topo_node **children; /* below a bridge, by address; without VFs (f->vfs has them) */
	size_t n_children;
	enum port_type port;
	bool bridge;	    /* leads to a bus of its own (header type 1 or 2) */
	bool multifunction; /* shares its slot with other functions, as the kernel sees it */
	struct acs acs;
	int isolates;	      /* acs_isolates(): 1, 0, -1 unknown */
	uint16_t acs_missing; /* required bits that are switched off */
	char *slot;	      /* physical slot that it is plugged into, "3"; NULL: none known */
};

/* "pci0000:00": where a host bridge (or a VMD) begins a hierarchy of its own. */
struct topo_root {
	uint32_t domain;
	uint8_t bus;
	struct topo_node **children;
	size_t n_children;
};

enum gap_kind {
	GAP_NO_ACS,	   /* a port without the capability */
	GAP_ACS_OFF,	   /* a port with it, but required bits are switched off */
	GAP_CONVENTIONAL,  /* a bridge to or on conventional PCI, which cannot have it */
	GAP_MULTIFUNCTION, /* functions of one device that may talk to each other */
};

/* A hop that does not isolate. */
struct acs_gap {
	const struct topo_node *node;
	enum gap_kind kind;
};

enum assignable {
	ASSIGNABLE_ALONE,    /* nothing else in its group would have to come along */
	ASSIGNABLE_TOGETHER, /* only with others of its group */
	ASSIGNABLE_NEVER,    /* a bridge, or the host cannot do without a member */
	ASSIGNABLE_NO_IOMMU, /* in no group */
};

/* What the kernel isolates although the registers say that nothing does. */
enum isolation_trust {
	TRUST_PLAIN, /* group and registers agree, or the registers are unknown */
	TRUST_QUIRK, /* the kernel knows the device better (pci_dev_acs_enabled) */
	TRUST_FAKED, /* pcie_acs_override= on the kernel command line says so: unsafe */
};

struct group_verdict {
	const struct iommu_group *group;
	enum assignable assignable;
	/* Those that a guest would get: members that are neither bridges nor the host's own. */
	const struct topo_node **members;
	size_t n_members;
	/* Members that are never given away: bridges, and what the host cannot do without. */
	const struct topo_node **kept;
	size_t n_kept;
	/* Why the group has several members, from the root down; empty for one alone. */
	struct acs_gap *gaps;
	size_t n_gaps;
	bool acs_unknown; /* several members, but the registers of a hop could not be read */
	enum isolation_trust trust;
	/* The reasons, joined by "; ": gaps, an override… NULL when there is nothing to tell. */
	char *why;
};

struct topology {
	const struct inventory *inv;
	struct topo_node *nodes; /* as inv->functions: same number, same order */
	size_t n_nodes;
	struct topo_root *roots; /* by domain and bus */
	size_t n_roots;
	struct group_verdict *verdicts; /* as inv->groups */
	size_t n_verdicts;
	char *acs_override; /* value of pcie_acs_override=; NULL: not given */
};

int topology_load(struct host *h, const struct inventory *inv, struct topology **ret,
	struct problem **reterr);
void topology_free(struct topology *t);
DEFINE_AUTO(struct topology, topology_free);

const struct topo_node *topology_node(const struct topology *t, const struct function *f);
/* NULL when the function is in no group. */
const struct group_verdict *topology_verdict(const struct topology *t, const struct function *f);
/* Of one function: NEVER also for a bridge in a group that others of it can leave. */
enum assignable topology_assignable(const struct topology *t, const struct function *f);
/* NULL, or why this very function is never given away: "it is a bridge". Static. */
const char *topo_node_kept_because(const struct topo_node *n);

/* "alone", "with 0000:05:02.0", "never: …", "no IOMMU"; of one function. Allocated. */
char *topology_assignable_text(const struct topology *t, const struct function *f) NODISCARD;

/* JSON: "alone", "together", "never", "no-iommu". */
const char *assignable_name(enum assignable a);
/* JSON: "no-acs", "acs-off", "conventional", "multifunction". */
const char *gap_kind_name(enum gap_kind k);
/* "0000:00:1c.0, a root port, has no ACS". Allocated, NULL when memory is out. */
char *acs_gap_text(const struct acs_gap *g) NODISCARD;
