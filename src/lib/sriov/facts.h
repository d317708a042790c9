/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a PF says about its VFs, without ever touching sriov_numvfs: reading that file sleeps
 * uninterruptibly for as long as a disable waits for a VF's user (Linux, all versions). The count
 * is the number of virtfn links.
 */
#pragma once

#include "base/bdf.h"
#include "host/folder.h"

struct sriov_facts {
	unsigned total_vfs; /* what the driver allows */
	unsigned num_vfs;
	int offset, stride;    /* -1 unknown */
	int vf_device;	       /* device id, -1 unknown */
	int drivers_autoprobe; /* 0, 1, -1 unknown */
	int64_t vf_total_msix; /* -1 unknown, SRIOV_MSIX_ABSURD */
};

/* A number that cannot be: there are drivers that tell a negative one, wrapped around. */
enum { SRIOV_MSIX_ABSURD = -2 };

struct sriov_vf {
	unsigned index;
	struct bdf bdf;
};

/* In pieces: the number alone; and all but the numbers of VFs and MSI-X vectors. */
int sriov_total_vfs(struct host *h, struct bdf pf, unsigned *ret);
int sriov_total_vfs_in(struct folder *pf, unsigned *ret);
void sriov_facts_read_rest(struct host *h, struct bdf pf, struct sriov_facts *f);
/* The text of "sriov_vf_total_msix", whose reading takes the device lock. */
int64_t sriov_parse_vf_total_msix(char *text);
/* The VFs that exist, by index; there may be holes while the kernel removes them. free() it. */
int sriov_vfs(struct host *h, struct bdf pf, struct sriov_vf **ret, size_t *ret_n);
/* The same, in the PF's folder, which this lists. */
int sriov_vfs_in(struct folder *pf, struct sriov_vf **ret, size_t *ret_n);
/* A VF's PF and index. -ENODATA when `vf` is no VF. */
int sriov_physfn(struct host *h, struct bdf vf, struct bdf *ret_pf);
int sriov_physfn_in(struct folder *vf, struct bdf *ret_pf);
int sriov_vf_index(struct host *h, struct bdf pf, struct bdf vf, unsigned *ret);
