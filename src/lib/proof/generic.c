// SPDX-License-Identifier: GPL-2.0-or-later
/* What holds for every PCI function: it opens, and is what sysfs says it is. */
#include "run.h"

#include "cause/cause.h"
#include "holder/holder.h"
#include "host/devnode.h"
#include "host/sysfs.h"
#include "iommu/group.h"
#include "vfio/iommufd.h"

#include <inttypes.h>
#include <string.h>

enum {
	REG_HEADER_TYPE = 0x0e,
	HEADER_TYPE_MASK = 0x7f,
	CAPABILITIES_MAX = 128,
	PCI_COMMAND_MEMORY_AND_MASTER = 0x06,
	NODE_MS = 2000,
};

static int check_group(struct proof_run *r, struct problem **reterr)
{
	struct iommu_group g;
	int e;

	if (r->target->group < 0)
		return problem(reterr, -ENODATA, PROBLEM_NO_IOMMU,
			"switch the IOMMU on in the firmware and with intel_iommu=on",
			"%s is in no IOMMU group", BDF_TEXT(r->target->bdf));
	/* VFIO would only say that it is not viable; this says because of whom. */
	e = iommu_group_read(r->host, r->target->group, &g);
	if (e < 0)
		return 0;
	e = iommu_group_require_viable(&g, reterr);
	iommu_group_done(&g);
	return e;
}

/* The kernel's EBUSY would not tell who has it. */
static int check_holders(struct proof_run *r, struct problem **reterr)
{
	autoholders held = { 0 };

	if (holders_find(r->host, &r->target->bdf, 1, &held) < 0)
		return 0;
	return holders_refuse(&held, "test", reterr);
}

static int has_node(void *arg)
{
	const struct proof_run *r = arg;
	autofree char *own = NULL;

	if (devnode_exists(r->host, "vfio/%d", r->target->group))
		return 1;
	return vfio_cdev_find(r->host, BDF_TEXT(r->target->bdf), &own) == 0 &&
	       devnode_exists(r->host, "%s", own);
}

/* udevd, or the kernel itself, makes the nodes a little after the driver was bound. */
static void wait_for_node(struct proof_run *r)
{
	autofree char *driver = NULL;

	if (sysfs_link_name(
		    r->host, &driver, "bus/pci/devices/%s/driver", BDF_TEXT(r->target->bdf)) == 0 &&
		driver_is_vfio(driver))
		proof_wait(r, NODE_MS, has_node, r);
}

static int open_device(struct proof_run *r, struct problem **reterr)
{
	char name[BDF_TEXT_MAX];
	struct vfio_target t = {
		.name = bdf_format(r->target->bdf, name),
		.group = (unsigned)r->target->group,
		.vf_token = r->target->vf_token,
	};
	CLEANUP(vfio_pick_done)
	struct vfio_pick pick = { .wish = r->opts->backend, .targets = &t, .n = 1 };
	autocausemark mark = cause_mark(r->host);
	int e = check_group(r, reterr);

	if (e == 0)
		e = check_holders(r, reterr);
	if (e < 0)
		return e;
	wait_for_node(r);
	e = vfio_pick_attach(r->host, &pick, &t, &r->space, &r->device, reterr);
	return e < 0 ? cause_explain_opening(r->host, r->target->bdf, e, &mark, reterr) : 0;
}

bool prove_open(struct proof_run *r)
{
	struct proof_check *c = check_start(r, "open");
	struct problem *p = NULL;
	int e = open_device(r, &p);

	if (e < 0) {
		check_problem(c, p, e);
		return false;
	}
	if (!r->device->is_pci) {
		check_failed(c, "VFIO does not call it a PCI function");
		return false;
	}
	check_proved(c, "group %d is viable, %s and function opened", r->target->group,
		vfio_space_is_iommufd(r->space) ? "iommufd" : "container");
	check_evidence(c, "%s%s, pages from %" PRIu64 " bytes", r->space->ops->name,
		vfio_space_is_iommufd(r->space) ? "" : " IOMMU",
		r->space->page_sizes & -r->space->page_sizes);
	return true;
}

int proof_config_read(struct proof_run *r, struct config_space *ret)
{
	size_t len = (size_t)MIN(r->device->config.size, (uint64_t)CONFIG_BYTES);

	ret->len = 0;
	if (len < CONFIG_LEGACY_BYTES)
		return -EBADMSG;
	ret->len = len;
	return vfio_config_read(r->device, 0, ret->b, len);
}

static bool is_all_ones(const struct config_space *c)
{
	for (size_t i = 0; i < c->len; i++)
		if (c->b[i] != 0xff)
			return false;
	return true;
}

static void judge_config(struct proof_run *r, struct proof_check *c)
{
	struct capability caps[CAPABILITIES_MAX];
	uint16_t vendor, device;
	uint8_t type;

	config_u16(&r->config, 0, &vendor);
	config_u16(&r->config, 2, &device);
	config_u8(&r->config, REG_HEADER_TYPE, &type);
	if (is_all_ones(&r->config))
		check_failed(c, "every byte reads 0xff: the function does not answer");
	else if (vendor != r->target->vendor || device != r->target->device)
		check_failed(c, "it calls itself %04x:%04x, and was found as %04x:%04x", vendor,
			device, r->target->vendor, r->target->device);
	else if ((type & HEADER_TYPE_MASK) != 0)
		check_failed(c, "header type %u is that of a bridge", type & HEADER_TYPE_MASK);
	else
		check_proved(c, "%04x:%04x, %zu bytes, %zu capabilities", vendor, device,
			r->config.len, config_capabilities(&r->config, caps, ARRAY_SIZE(caps)));
}

void prove_config(struct proof_run *r)
{
	struct proof_check *c = check_start(r, "config");
	int e = proof_config_read(r, &r->config);

	if (e < 0)
		check_failed(c, "the configuration space cannot be read: %s", strerror(-e));
	else
		judge_config(r, c);
	/* From here on the function answers to registers and may do DMA; restored at the end. */
	if (e == 0 && c->verdict == PROOF_PROVED &&
		config_command_set(r, PCI_COMMAND_MEMORY_AND_MASTER) < 0)
		check_failed(c, "its command register cannot be written");
}
