/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What other managers' configuration says about functions of this machine, read from their files
 * as they read them; nothing is asked of the managers themselves, and nothing is changed.
 *
 *   systemd          *.link and *.network: the [SR-IOV] sections, SR-IOVVirtualFunctions=
 *                    (systemd.link(5), systemd.network(5); of several files the first that matches)
 *   NetworkManager   keyfiles: [sriov] (nm-settings-keyfile(5)); sriov-num-vfs=
 *                    (NetworkManager.conf(5))
 *   netplan          virtual-function-count, embedded-switch-mode, link: and sriov VLANs
 *   driverctl        /etc/driverctl.d/pci-ADDRESS: a driver_override
 *   modprobe         options vfio-pci ids=, options DRIVER max_vfs=, blacklist (modprobe.d(5)),
 *                    and the same on the kernel's command line
 *   mdevctl          /etc/mdevctl.d/PARENT/UUID: mediated devices of a function
 *   libvirt          networks that forward with mode='hostdev': a pool of all VFs of a PF
 *
 * Users of this header also name the rooms inventory, pci, iommu, netdev and sriov in USES.
 */
#pragma once

#include "inventory/inventory.h"

enum foreign_manager {
	FOREIGN_SYSTEMD,
	FOREIGN_NETWORKMANAGER,
	FOREIGN_NETPLAN,
	FOREIGN_DRIVERCTL,
	FOREIGN_MODPROBE,
	FOREIGN_MDEVCTL,
	FOREIGN_LIBVIRT,
	FOREIGN_VFCTL, /* foreign_add_policy() */
	FOREIGN_MANAGERS
};

/* "systemd", … */
const char *foreign_manager_name(enum foreign_manager m);

enum { FOREIGN_ITSELF = -1, FOREIGN_ALL_VFS = -2 };

/*
 * One thing that one file says of one function. `key` is a setting's (setting/setting.h), or
 * num-vfs, autoprobe, driver, blacklist (a driver's module must not load by itself), mdev, network.
 */
struct foreign_fact {
	enum foreign_manager by;
	char *file;
	unsigned line; /* from 1; 0: the file as a whole */
	struct bdf pf; /* or the function itself, when it is no VF */
	int vf;	       /* index, or FOREIGN_ above */
	char *key;
	char *value; /* as our own settings tell it, so that equal is equal */
	char *said;  /* "SR-IOVVirtualFunctions=4" */
};

/* What could not be read or understood: the picture is not whole. */
struct foreign_doubt {
	enum foreign_manager by;
	char *file;
	unsigned line;
	char *what;
};

struct foreign {
	struct foreign_fact *facts; /* by function, VF (all VFs last), key, manager, file, line */
	size_t n_facts;
	struct foreign_doubt *doubts;
	size_t n_doubts;
};

/* -ENOMEM only. A machine without such files gives nothing. */
int foreign_read(struct host *h, const struct inventory *inv, struct foreign *ret);
void foreign_done(struct foreign *f);
#define autoforeign CLEANUP(foreign_done) struct foreign

/* Where something stands, borrowed. */
struct foreign_source {
	enum foreign_manager by;
	const char *file;
	unsigned line;
};

/* Adds copies; foreign_sort() afterwards. -ENOMEM. */
int foreign_add(struct foreign *f, const struct foreign_source *from, struct bdf pf, int vf,
	const char *key, const char *value, const char *said);
void foreign_sort(struct foreign *f);

struct policy;
/* Our own configuration (policy/policy.h), so that it takes part in the comparison. -ENOMEM. */
int foreign_add_policy(struct foreign *f, const struct policy *p);

enum foreign_verdict {
	FOREIGN_ALONE,	  /* nobody else says anything about it */
	FOREIGN_AGREES,	  /* others say the same */
	FOREIGN_CONFLICT, /* others say something else: who comes last wins */
};

/*
 * Of facts[i]. What is said of all VFs is compared with what is said of one. Two lines of one
 * manager are its own business, except when they are in files that it reads both.
 */
enum foreign_verdict foreign_verdict(const struct foreign *f, size_t i);
const char *foreign_verdict_name(enum foreign_verdict v); /* "alone", "agrees", "conflict" */
/* The first other fact that facts[i] is in conflict with; NULL. */
const struct foreign_fact *foreign_rival(const struct foreign *f, size_t i);

/*
 * What others say of one PF as configuration of ours: the text of a pf.d file, with a comment where
 * each line comes from, and comments only for what has no place in it. Of a conflict the first one
 * stands and the others are commented out. *ret is the caller's; "" when nobody says anything.
 */
int foreign_as_policy(
	const struct inventory *inv, const struct foreign *f, struct bdf pf, char **ret);
