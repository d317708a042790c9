// SPDX-License-Identifier: GPL-2.0-or-later
/* The IOMMU: is it on, does it remap interrupts, what was switched off or faked. */
#include "run.h"

#include "base/str.h"
#include "cause/confirm.h"
#include "host/procfs.h"
#include "host/sysfs.h"

/* ---- Why it is off ---- */

static bool off_on_cmdline(struct check_run *r)
{
	static const char *const words[] = { "intel_iommu=off", "amd_iommu=off", "iommu=off" };
	autofact fact = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (!cmdline_has(r, words[i]))
			continue;
		cmdline_fact(&fact, words[i]);
		fix(r,
			found(r, CHECK_FAIL, &fact,
				"the IOMMU is switched off on the kernel command line"),
			"remove %s from the kernel command line and reboot", words[i]);
		return true;
	}
	return false;
}

/* The tables by which firmware tells of an IOMMU; arm64 has the last two. */
static const char *table_of_firmware(struct check_run *r)
{
	static const char *const tables[] = { "DMAR", "IVRS", "IORT", "VIOT" };

	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		if (sysfs_exists(r->h, "firmware/acpi/tables/%s", tables[i]))
			return tables[i];
	return NULL;
}

static void iommu_off(struct check_run *r)
{
	const char *table = table_of_firmware(r);
	autofact fact = { 0 };

	if (off_on_cmdline(r))
		return;
	if (!table && sysfs_exists(r->h, "firmware/acpi/tables")) {
		fact_stand(&fact, sysfs_path("firmware/acpi/tables"), "neither DMAR nor IVRS");
		fix(r,
			found(r, CHECK_FAIL, &fact,
				"the IOMMU is off in the machine's firmware, or there is none"),
			"switch on VT-d (Intel) or AMD-Vi, often called IOMMU, in the firmware");
		return;
	}
	if (str_eq(table, "DMAR") && r->c->cmdline && !cmdline_has(r, "intel_iommu=on")) {
		cmdline_fact(&fact, "no intel_iommu=on");
		fix(r,
			found(r, CHECK_FAIL, &fact,
				"the machine has an IOMMU, but this kernel waits to be told to use "
				"it"),
			"add intel_iommu=on to the kernel command line and reboot");
		return;
	}
	fact_stand(&fact, sysfs_path("kernel/iommu_groups"), "empty");
	fix(r,
		found(r, CHECK_FAIL, &fact,
			table ? "the kernel does not use the machine's IOMMU"
			      : "there is no IOMMU group: the IOMMU is off or missing"),
		"switch the IOMMU on in the firmware, and with intel_iommu=on or amd_iommu=on");
}

void check_iommu(struct check_run *r)
{
	autofact fact = { 0 };

	if (!r->inv->iommu_on) {
		iommu_off(r);
		return;
	}
	if (!r->f) {
		fact_stand(
			&fact, sysfs_path("kernel/iommu_groups"), "%zu groups", r->inv->n_groups);
		found(r, CHECK_OK, &fact, "the IOMMU is on");
		return;
	}
	fact_sysfs_link(r->h, &fact, "bus/pci/devices/%s/iommu_group", r->f->address);
	if (r->f->iommu_group >= 0)
		found(r, CHECK_OK, &fact, "it is in IOMMU group %d", r->f->iommu_group);
	else
		found(r, CHECK_FAIL, &fact,
			"it is in no IOMMU group, though others are: its IOMMU is off or there is "
			"none");
}

void check_iommu_mode(struct check_run *r)
{
	static const char *const words[] = { "iommu=pt", "iommu.passthrough=1", "iommu.strict=0",
		"iommu.strict=1", "iommu=nopt" };
	autofact fact = { 0 };

	if (!r->inv->iommu_on)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (cmdline_has(r, words[i])) {
			cmdline_fact(&fact, words[i]);
			found(r, CHECK_OK, &fact,
				"host drivers' DMA follows %s; guests' is always translated",
				words[i]);
			return;
		}
	if (r->inv->n_groups && r->inv->groups[0].type) {
		fact_sysfs(r->h, &fact, "kernel/iommu_groups/%d/type", r->inv->groups[0].id);
		found(r, CHECK_OK, &fact, "host drivers' DMA is translated as the kernel likes");
	}
}

/* ---- Interrupts ---- */

static bool is_yes(struct check_run *r, struct fact *f, const char *module, const char *parameter)
{
	return fact_sysfs(r->h, f, "module/%s/parameters/%s", module, parameter) == 0 &&
	       str_eq(f->value, "Y");
}

void check_intremap(struct check_run *r)
{
	struct cause_query q = { .code = -EPERM };
	autofree char *interrupts = NULL;
	autofact fact = { 0 }, unsafe = { 0 };

	if (!r->inv->iommu_on)
		return;
	if (procfs_read(r->h, &interrupts, "interrupts") < 0) {
		found(r, CHECK_UNKNOWN, NULL, "whether interrupts are remapped cannot be read");
		return;
	}
	if (!no_interrupt_remapping(r->h, &q, &fact)) {
		if (strstr(interrupts, " IR-"))
			fact_stand(&fact, procfs_path("interrupts"), "IR-…");
		found(r, CHECK_OK, fact.value ? &fact : NULL, "interrupts are remapped");
		return;
	}
	if (is_yes(r, &unsafe, "vfio_iommu_type1", "allow_unsafe_interrupts")) {
		found(r, CHECK_WARN, &unsafe,
			"UNSAFE: interrupts are not remapped, and VFIO was told not to mind");
		return;
	}
	fix(r,
		found(r, CHECK_FAIL, &fact,
			"interrupts are not remapped, and so VFIO refuses to set up DMA (EPERM)"),
		cmdline_has(r, "intremap=off") || cmdline_has(r, "nointremap")
			? "remove intremap=off from the kernel command line and reboot"
			: "switch interrupt remapping (x2APIC, VT-d) on in the firmware");
}

void check_unsafe_interrupts(struct check_run *r)
{
	autofact fact = { 0 };

	if (is_yes(r, &fact, "vfio_iommu_type1", "allow_unsafe_interrupts"))
		fix(r,
			found(r, CHECK_WARN, &fact,
				"UNSAFE: a guest's device may forge interrupts of the host"),
			"remove allow_unsafe_interrupts from modprobe.d and the command line");
	else if (fact.value)
		found(r, CHECK_OK, &fact, "unsafe interrupts are not allowed");
}

void check_noiommu(struct check_run *r)
{
	autofact fact = { 0 };

	if (is_yes(r, &fact, "vfio", "enable_unsafe_noiommu_mode"))
		fix(r,
			found(r, CHECK_WARN, &fact,
				"UNSAFE: devices may be given away without any protection"),
			"remove enable_unsafe_noiommu_mode from modprobe.d");
	else if (fact.value)
		found(r, CHECK_OK, &fact, "no-IOMMU mode is off");
}

void check_rmrr(struct check_run *r)
{
	struct cause_query q = { .bdf = r->f->bdf };
	autofact fact = { 0 };

	if (r->f->iommu_group < 0)
		return;
	if (firmware_owns_memory(r->h, &q, &fact))
		fix(r,
			found(r, CHECK_FAIL, &fact,
				"the firmware shares memory with the device, and the kernel does "
				"not give such a device away"),
			"switch off what uses it in the firmware (legacy USB, RAID, management)");
	else
		found(r, CHECK_OK, NULL, "the firmware keeps no memory for it");
}

/* ---- Isolation ---- */

void check_acs_override(struct check_run *r)
{
	autofree char *value = cmdline_value(r, "pcie_acs_override");
	autofact fact = { 0 };

	if (!r->c->cmdline) {
		found(r, CHECK_UNKNOWN, NULL, "the kernel command line cannot be read");
		return;
	}
	if (!value) {
		found(r, CHECK_OK, NULL, "no ACS override on the kernel command line");
		return;
	}
	fact_stand(&fact, procfs_path("cmdline"), "pcie_acs_override=%s", value);
	fix(r,
		found(r, CHECK_WARN, &fact,
			"UNSAFE: the kernel was told that functions are isolated which are not; a "
			"guest can reach the devices beside its own"),
		"remove pcie_acs_override= from the kernel command line and reboot");
}

void check_acs_off(struct check_run *r)
{
	static const char *const words[] = { "noacs", "disable_acs_redir", "config_acs" };
	bool any = false;

	if (!r->c->cmdline) {
		found(r, CHECK_UNKNOWN, NULL, "the kernel command line cannot be read");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		autofact fact = { 0 };

		if (!cmdline_lists(r, "pci", words[i], &fact))
			continue;
		any = true;
		fix(r,
			found(r, CHECK_WARN, &fact,
				"ACS is switched off for some hops: groups grow, or isolate less"),
			"remove it from the kernel command line and reboot");
	}
	if (!any)
		found(r, CHECK_OK, NULL, "ACS is left as the kernel sets it");
}

void check_acs(struct check_run *r)
{
	const struct group_verdict *v = topology_verdict(r->c->topo, r->f);
	autofree char *text = topology_assignable_text(r->c->topo, r->f);

	if (!v || !text || class_is_bridge(r->f->id.class_code))
		return;
	if (v->trust == TRUST_FAKED) {
		autofact fact = { 0 };

		fact_stand(&fact, procfs_path("cmdline"), "pcie_acs_override=%s",
			r->c->topo->acs_override ? r->c->topo->acs_override : "");
		found(r, CHECK_WARN, &fact,
			"UNSAFE: its isolation is faked by the ACS override: %s", v->why);
		return;
	}
	for (size_t i = 0; i < v->n_gaps; i++) {
		autofree char *gap = acs_gap_text(&v->gaps[i]);
		autofact fact = { 0 };

		fact_stand(&fact,
			sysfs_path("bus/pci/devices/%s/config", v->gaps[i].node->f->address), "%s",
			gap_kind_name(v->gaps[i].kind));
		fix(r, found(r, CHECK_WARN, &fact, "assignable %s: %s", text, gap ? gap : "no ACS"),
			"another slot, or take the whole group: vfctl bind %s --with-group",
			r->f->address);
	}
	if (!v->n_gaps)
		found(r, v->acs_unknown ? CHECK_UNKNOWN : CHECK_OK, NULL, "assignable %s%s", text,
			v->acs_unknown ? "; why cannot be read without root" : "");
}
