/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Everything about one function. */
#pragma once

#include "out.h"
#include "holder/holder.h"
#include "inventory/inventory.h"
#include "nvme/secctrl.h"
#include "pci/detail.h"
#include "setting/report.h"

struct shown {
	const struct function *f;
	const struct detail *detail;
	const struct iommu_group *group; /* NULL: in none */
	const struct holders *holders;
	char **altnames; /* of its interfaces; NULL: none, or nobody could say */
	/*
	 * What the PF's driver reports: of a PF all its VFs, of a VF that one. NULL: nothing, or
	 * it is not a network function.
	 */
	const struct host_vf *vfs;
	size_t n_vfs;
	/* Of an NVMe PF or VF whose admin queue could be asked; else NULL. All of the PF's. */
	const struct nvmepf_caps *nvme_caps;
	const struct secctrl *secondaries;
	size_t n_secondaries;
	const struct setting_report *settings;
};

int out_show(const struct out *o, const struct shown *s, struct problem **reterr);
