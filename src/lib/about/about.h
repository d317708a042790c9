/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Everything that can be known about one function of an inventory: what its folder, its
 * capabilities, its drivers, its interfaces and its PF tell, put together once. Nothing is changed,
 * no device is opened but an NVMe controller's own node, and nothing blocks without bound.
 *
 * Users of this header also name the rooms pci, iommu, netdev, holder, driver, sriov, inventory,
 * topology, nvme and setting in USES.
 */
#pragma once

#include "driver/candidate.h"
#include "driver/migration.h"
#include "holder/holder.h"
#include "inventory/inventory.h"
#include "netdev/interface.h"
#include "nvme/controller.h"
#include "nvme/secctrl.h"
#include "pci/detail.h"
#include "setting/report.h"
#include "topology/topology.h"

struct health;
struct healths;

struct about {
	const struct function *f;	 /* borrowed from the inventory, and so … */
	const struct iommu_group *group; /* NULL: in none */
	struct detail *detail;
	struct holders holders;
	struct candidates candidates;
	struct migration migration;
	struct topology *topology;   /* NULL: it could not be read */
	const struct health *health; /* health/health.h; in: */
	struct healths *healths;
	struct interface *interfaces;
	size_t n_interfaces;
	/*
	 * What the PF's driver reports: of a PF all its VFs, of a VF that one. NULL: nothing, or
	 * it is not a network function.
	 */
	struct host_vf *vfs;
	size_t n_vfs;

	struct nvme_controller controller; /* where f->nvme is set */
	/* Of an NVMe PF or VF whose admin queue could be asked. All of the PF's. */
	bool has_nvme_caps;
	struct nvmepf_caps nvme_caps;
	struct secctrl *secondaries;
	size_t n_secondaries;

	struct setting_report settings; /* with the switch and its ports */
};

/*
 * `inv` loaded with INVENTORY_ALL; it must outlive the result. `learned_dir` as in
 * settings_supported(). What cannot be read is unknown; an error when the function has gone.
 */
int about_load(struct host *h, const struct inventory *inv, const struct function *f,
	const char *learned_dir, struct about **ret, struct problem **reterr);
void about_free(struct about *a);
DEFINE_AUTO(struct about, about_free);
