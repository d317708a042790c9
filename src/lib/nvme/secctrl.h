/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NVMe secondary controllers: the VFs of an NVMe PF as its admin queue sees them (NVM Express base
 * specification, virtualisation enhancements). A VF is of no use until its secondary controller has
 * flexible resources and is online. The order that works: resources, numvfs, online, bind.
 *
 * - Resources change only while the secondary controller is offline; going offline takes them away.
 * - Online needs the VF to exist: before numvfs is written it is refused (status 4120h).
 * - numvfs back to 0 puts all of them offline and so takes the resources away.
 *
 * Everything that changes is read back. Not thread-safe per handle.
 */
#pragma once

#include "base/bdf.h"
#include "base/problem.h"
#include "host/host.h"

/* The primary controller, opened through the PF's driver. */
struct nvmepf;

/* Counts of one kind of resource. */
struct nvmepf_pool {
	bool supported;
	uint32_t flexible;    /* in all */
	uint32_t assigned;    /* to secondary controllers */
	uint16_t primary;     /* flexible ones that the primary has */
	uint16_t fixed;	      /* the primary's own, not flexible */
	uint16_t max_per_vf;  /* 0: no limit told */
	uint16_t granularity; /* preferred */
};

struct nvmepf_caps {
	uint16_t cntlid;
	struct nvmepf_pool vq, vi; /* queue pairs (admin included), interrupt vectors */
};

struct secctrl {
	uint16_t scid, pcid;
	uint16_t vf; /* 1 is the first VF, as the specification counts; 0: of no VF */
	bool online;
	uint16_t nvq, nvi;
};

/*
 * By the PF's address. -ENOENT no-driver when it has no NVMe controller (not bound to nvme),
 * -EROFS read-only-root on a machine that was captured without its answers, -EACCES permission.
 */
int nvmepf_open(struct host *h, struct bdf pf, struct nvmepf **ret, struct problem **reterr);
void nvmepf_free(struct nvmepf *p);
DEFINE_AUTO(struct nvmepf, nvmepf_free);
#define autonvmepf CLEANUP(nvmepf_freep) struct nvmepf

/* -EOPNOTSUPP unsupported when it has no secondary controllers. */
int nvmepf_get_caps(struct nvmepf *p, struct nvmepf_caps *ret, struct problem **reterr);
/*
 * What it answers to both calls below, as a captured machine keeps it: `put` gets each file's path
 * and bytes. What `put` returned last, or as they do.
 */
int nvmepf_copy(struct nvmepf *p,
	int (*put)(void *arg, const char *path, const void *data, size_t len), void *arg);

/* In order of scid; the array is the caller's (free). */
int nvmepf_list(struct nvmepf *p, struct secctrl **ret, size_t *ret_n, struct problem **reterr);
/* That of VF `index`, 0 for virtfn0. -ENOENT not-found. */
int nvmepf_find(struct nvmepf *p, unsigned index, struct secctrl *ret, struct problem **reterr);

/*
 * Idempotent: 1 changed, 0 was so. `index` counts VFs from 0.
 * set_resources: -ERANGE when more is asked than the controller or what is left of the pool has,
 * -EBUSY in-use while it is online with other numbers.
 * set_online(true): -EINVAL when it has too little (no VI, fewer than 2 VQ), -ENXIO when the VF
 * does not exist yet. set_online(false): its resources are gone afterwards.
 */
int nvmepf_set_resources(
	struct nvmepf *p, unsigned index, uint16_t nvq, uint16_t nvi, struct problem **reterr);
int nvmepf_set_online(struct nvmepf *p, unsigned index, bool online, struct problem **reterr);
