/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IOMMU groups: the smallest unit that VFIO hands out. A group is viable when no member is bound
 * to a driver that could do DMA on the host's behalf; the kernel then answers SET_CONTAINER with
 * EPERM and does not say why, so this file says who.
 */
#pragma once

#include "base/bdf.h"
#include "host/folder.h"

struct group_member {
	struct bdf bdf;
	uint32_t class_code;
	char *driver; /* NULL: none */
	bool blocks;
};

/* Guest memory must not be mapped there. */
struct reserved_region {
	uint64_t start, end; /* inclusive */
	char type[24];	     /* "direct", "direct-relaxable", "msi", "reserved" */
};

struct iommu_group {
	int id;
	char *type; /* "DMA-FQ", "identity"…; NULL unknown */
	struct group_member *members;
	size_t n_members;
	struct reserved_region *reserved;
	size_t n_reserved;
	bool viable; /* no member blocks */
};

/* All groups, by number. n = 0: no active IOMMU. */
int iommu_groups_read(struct host *h, struct iommu_group **ret, size_t *ret_n);
void iommu_groups_free(struct iommu_group *groups, size_t n);
int iommu_group_read(struct host *h, int id, struct iommu_group *ret);
void iommu_group_done(struct iommu_group *g);
/* The group's number; -ENODATA when the function is in none (the IOMMU is off). */
int iommu_group_of(struct host *h, struct bdf a);
/*
 * Was the kernel told to give functions away without an IOMMU (vfio's parameter
 * enable_unsafe_noiommu_mode)? Such a one has a group only once it is bound. That is for programs
 * that run as root and know what they do; guests are refused it when its group is opened.
 */
bool iommu_may_be_missing(struct host *h);
/* The same as iommu_group_of(), in the function's folder. */
int iommu_group_of_in(struct folder *f);

/* "0000:05:02.0 (e1000), 0000:05:03.0 (igb)": those who block; NULL when nobody does. */
char *iommu_group_blockers(const struct iommu_group *g) NODISCARD;
/* 0, or PROBLEM_GROUP_NOT_VIABLE with the blockers and the command that helps. */
int iommu_group_require_viable(const struct iommu_group *g, struct problem **reterr);

/* vfio-pci and its variants (mlx5_vfio_pci, "…-vfio-pci"). */
bool driver_is_vfio(const char *driver);
/* Would a member of this class on this driver (NULL: none) keep its group from being viable? */
bool iommu_member_blocks(uint32_t class_code, const char *driver);
