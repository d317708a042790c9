/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A function as others want it said to them: an element of a libvirt domain, a hostdev network of
 * libvirt's, arguments of QEMU, a Container Device Interface specification, tasks for Ansible.
 * Looking and writing only: nothing is bound, and nobody else is asked.
 *
 * Sources: libvirt's formatdomain and formatnetwork; QEMU's vfio-pci properties and
 * Documentation/driver-api/vfio.rst; the CDI specification, 0.6.0; Ansible's set_fact.
 *
 * Users of this header also name the rooms pci, sriov, netdev, iommu and inventory in USES.
 */
#pragma once

#include "inventory/inventory.h"

/* What is told of one function beyond what the inventory knows. */
struct export_function {
	const struct function *f;
	char *mac;     /* of a network VF, as its PF set it; NULL: none set, or unknown */
	unsigned vlan; /* likewise; 0 none */
	unsigned qos;
	bool provider; /* its VLAN is 802.1ad's */
	char *cdev;    /* its character device's name, "vfio3" (Linux 6.2, iommufd); NULL none */
};

enum export_as { EXPORT_AS_HOSTDEV, EXPORT_AS_INTERFACE };

struct export_opts {
	bool as_is;		  /* also what cannot be opened now */
	const char *identity_dir; /* which cards were configured; NULL: nobody knows */
	const char *owner;    /* who has claimed them may have them, "domain:web1"; NULL: none */
	enum export_as as;    /* libvirt */
	int iommufd;	      /* qemu, cdi: 0, 1; -1 where the kernel has it */
	const char *vf_token; /* qemu: a UUID; NULL none */
	const char *kind;     /* cdi: "vendor/class"; NULL "vfctl/vfio" */
	const char *name;     /* libvirt-network: its name; NULL "vfctl-ens1f0", of a PF only */
};

struct exported;

struct export_format {
	const char *name; /* "libvirt" */
	const char *help;
	bool of_pool; /* a PF, for all of its VFs, or VFs */
	int (*write)(const struct exported *e, const struct export_opts *opts, char **ret,
		struct problem **reterr);
};

extern const struct export_format export_formats[];
extern const size_t n_export_formats;
/* NULL: there is none of that name. */
const struct export_format *export_format_find(const char *name);

struct exported {
	const struct export_format *format;
	struct export_function *v; /* in the order in which they were given */
	size_t n;
	char *text;   /* whole lines */
	char **notes; /* what the format has no word for, a sentence each; NULL none */
};

/*
 * `f`: n functions of `inv`, which outlives *ret and has INVENTORY_GROUPS. Unless as_is,
 * whatever fitness_check() refuses is refused; a network's PF must have VFs, which nobody looks at.
 * PROBLEM_USAGE for options that do not suit; PROBLEM_UNSUPPORTED for what the format cannot say.
 */
int export_make(struct host *h, const struct inventory *inv, const struct export_format *format,
	struct function *const *f, size_t n, const struct export_opts *opts, struct exported *ret,
	struct problem **reterr);
void exported_done(struct exported *e);
#define autoexported CLEANUP(exported_done) struct exported

/*
 * The nodes that whoever opens it needs, a list of the caller's (strv_free): "/dev/vfio/12" and
 * "/dev/vfio/vfio". NULL: there are none, without an IOMMU.
 */
int export_nodes(const struct export_function *x, int iommufd, char ***ret);
