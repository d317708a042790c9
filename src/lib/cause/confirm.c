// SPDX-License-Identifier: GPL-2.0-or-later
#include "confirm.h"

#include "base/str.h"
#include "host/locked.h"
#include "host/procfs.h"
#include "host/sysfs.h"
#include "iommu/group.h"
#include "pci/detail.h"
#include "pci/identity.h"

#include <inttypes.h>

#define CONFIRM(name) int name(struct host *h, const struct cause_query *q UNUSED, struct fact *ret)
#define DEVICE	      "bus/pci/devices/%s/"

CONFIRM(no_vfs_allowed)
{
	return fact_sysfs(h, ret, DEVICE "sriov_totalvfs", BDF_TEXT(q->bdf)) == 0 &&
	       fact_number(ret, 1) == 0;
}

CONFIRM(more_than_total)
{
	return fact_sysfs(h, ret, DEVICE "sriov_totalvfs", BDF_TEXT(q->bdf)) == 0 &&
	       fact_number(ret, UINT64_MAX) < q->wanted;
}

CONFIRM(has_vfs)
{
	return fact_sysfs_link(h, ret, DEVICE "virtfn0", BDF_TEXT(q->bdf)) == 0;
}

CONFIRM(has_no_driver)
{
	return fact_sysfs_link(h, ret, DEVICE "driver", BDF_TEXT(q->bdf)) == -ENOENT &&
	       sysfs_exists(h, DEVICE "vendor", BDF_TEXT(q->bdf)) && fact_say(ret, "none") == 0;
}

CONFIRM(has_driver)
{
	return fact_sysfs_link(h, ret, DEVICE "driver", BDF_TEXT(q->bdf)) == 0;
}

CONFIRM(not_on_vfio)
{
	return has_no_driver(h, q, ret) || (ret->value && !driver_is_vfio(ret->value));
}

CONFIRM(vfio_without_sriov)
{
	if (!has_driver(h, q, ret) || !driver_is_vfio(ret->value))
		return 0;
	return fact_sysfs(h, ret, "module/vfio_pci/parameters/enable_sriov") == 0 &&
	       !str_eq(ret->value, "Y");
}

/* ---- Registers, bus numbers, life ---- */

static int unassigned(struct host *h, struct bdf a, unsigned first, unsigned end, struct fact *ret)
{
	struct region regions[REGIONS];
	autofree char *text = NULL;

	if (sysfs_read(h, &text, DEVICE "resource", BDF_TEXT(a)) < 0 ||
		fact_sysfs(h, ret, DEVICE "resource", BDF_TEXT(a)) < 0)
		return 0;
	regions_parse(text, regions);
	for (unsigned i = first; i < end; i++)
		if (regions[i].size && !regions[i].start)
			return fact_say(ret, "region %u: %" PRIu64 " bytes at address 0", i,
				       regions[i].size) == 0;
	return 0;
}

CONFIRM(vf_bar_unassigned)
{
	return unassigned(h, q->bdf, REGION_VF_BAR0, REGIONS, ret);
}

CONFIRM(bar_unassigned)
{
	return unassigned(h, q->bdf, 0, REGION_BARS, ret);
}

/* The bridge above: the folder that the function's own stands in. */
static int subordinate_bus(struct host *h, struct bdf a, struct fact *ret)
{
	autofree char *path = NULL;
	char *parent, *slash;

	if (sysfs_read_link(h, &path, "bus/pci/devices/%s", BDF_TEXT(a)) < 0)
		return 0;
	slash = strrchr(path, '/');
	if (!slash)
		return 0;
	*slash = '\0';
	parent = strrchr(path, '/');
	return parent &&
	       fact_sysfs(h, ret, "bus/pci/devices/%s/subordinate_bus_number", parent + 1) == 0;
}

CONFIRM(no_bus_numbers)
{
	uint64_t offset, stride, last;
	struct bdf a = q->bdf;

	if (!q->wanted || sysfs_read_u64(h, &offset, DEVICE "sriov_offset", BDF_TEXT(a)) < 0 ||
		sysfs_read_u64(h, &stride, DEVICE "sriov_stride", BDF_TEXT(a)) < 0 ||
		offset > 0xffff || stride > 0xffff || !subordinate_bus(h, a, ret))
		return 0;
	last = (uint64_t)a.bus << 8 | (uint64_t)a.dev << 3 | a.fn;
	last += offset + stride * (q->wanted - 1);
	return fact_number(ret, UINT64_MAX) < last >> 8;
}

CONFIRM(device_gone)
{
	struct config_space c;

	if (config_space_read(h, q->bdf, &c) < 0 || c.len < 64)
		return 0;
	for (size_t i = 0; i < c.len; i++)
		if (c.b[i] != 0xff)
			return 0;
	return fact_stand(ret, sysfs_path(DEVICE "config", BDF_TEXT(q->bdf)), "all ones") == 0;
}

CONFIRM(interface_down)
{
	autostrv char **names = NULL;

	if (sysfs_list(h, &names, DEVICE "net", BDF_TEXT(q->bdf)) < 0)
		return 0;
	STRV_FOREACH (it, names)
		if (fact_sysfs(h, ret, "class/net/%s/flags", *it) == 0 &&
			!(fact_number(ret, 1) & 1))
			return fact_say(ret, "%s, which is down", ret->value) == 0;
	return 0;
}

CONFIRM(locked_down)
{
	return fact_sysfs(h, ret, "kernel/security/lockdown") == 0 &&
	       !strstr(ret->value, "[none]") && strchr(ret->value, '[');
}

/* ---- VFIO and groups ---- */

CONFIRM(vf_on_vfio)
{
	autostrv char **names = NULL;

	if (sysfs_list(h, &names, "bus/pci/devices/%s", BDF_TEXT(q->bdf)) < 0)
		return 0;
	STRV_FOREACH (it, names)
		if (str_starts(*it, "virtfn") &&
			fact_sysfs_link(h, ret, DEVICE "%s/driver", BDF_TEXT(q->bdf), *it) == 0 &&
			driver_is_vfio(ret->value))
			return 1;
	return 0;
}

CONFIRM(vfio_without_group)
{
	return driver_is_vfio(q->driver) &&
	       fact_sysfs_link(h, ret, DEVICE "iommu_group", BDF_TEXT(q->bdf)) == -ENOENT &&
	       fact_say(ret, "none") == 0;
}

CONFIRM(vfio_on_bridge)
{
	struct identity id;

	return driver_is_vfio(q->driver) && identity_read(h, q->bdf, &id) == 0 &&
	       class_is_bridge(id.class_code) &&
	       fact_sysfs(h, ret, DEVICE "class", BDF_TEXT(q->bdf)) == 0;
}

CONFIRM(vfio_with_vfs)
{
	return driver_is_vfio(q->driver) && has_vfs(h, q, ret);
}

/* A member, other than the function, that `wanted` says yes to. */
static int member(struct host *h, const struct cause_query *q, struct fact *ret,
	bool (*wanted)(const struct group_member *m))
{
	int id = iommu_group_of(h, q->bdf), found = 0;
	struct iommu_group g;

	if (id < 0 || iommu_group_read(h, id, &g) < 0)
		return 0;
	for (size_t i = 0; !found && i < g.n_members; i++)
		if (!bdf_eq(g.members[i].bdf, q->bdf) && wanted(&g.members[i]))
			found = fact_sysfs_link(
					h, ret, DEVICE "driver", BDF_TEXT(g.members[i].bdf)) == 0;
	iommu_group_done(&g);
	return found;
}

static bool is_with_vfio(const struct group_member *m)
{
	return driver_is_vfio(m->driver);
}

static bool is_in_the_way(const struct group_member *m)
{
	return m->blocks;
}

CONFIRM(group_on_vfio)
{
	return !driver_is_vfio(q->driver) && member(h, q, ret, is_with_vfio);
}

CONFIRM(group_blocked)
{
	return member(h, q, ret, is_in_the_way);
}

CONFIRM(pf_on_vfio)
{
	return fact_sysfs_link(h, ret, DEVICE "physfn/driver", BDF_TEXT(q->bdf)) == 0 &&
	       driver_is_vfio(ret->value);
}

/* ---- Which driver may be tried ---- */

/* Reading takes the device lock, so it has a deadline; 1 when it names something. */
static int read_override(struct host *h, const struct cause_query *q, struct fact *ret)
{
	struct locked_read read = { .function = q->bdf, .attribute = "driver_override" };

	locked_read_all(h, &read, 1);
	if (read.result < 0 || !*read.text || str_eq(read.text, "(null)"))
		return 0;
	return fact_stand(ret, sysfs_path(DEVICE "driver_override", BDF_TEXT(q->bdf)), "%s",
		       str_trim(read.text)) == 0;
}

CONFIRM(override_elsewhere)
{
	return read_override(h, q, ret) && q->driver && !str_eq(ret->value, q->driver);
}

/* pci_device_can_probe(): a VF of a PF without autoprobe is given to nobody unless asked for. */
CONFIRM(autoprobe_off)
{
	return !read_override(h, q, ret) &&
	       fact_sysfs(h, ret, DEVICE "physfn/sriov_drivers_autoprobe", BDF_TEXT(q->bdf)) == 0 &&
	       str_eq(ret->value, "0");
}

CONFIRM(nvme_vf)
{
	struct identity id;

	return str_eq(q->driver, "nvme") && identity_read(h, q->bdf, &id) == 0 &&
	       class_is_nvme(id.class_code) &&
	       fact_sysfs_link(h, ret, DEVICE "physfn", BDF_TEXT(q->bdf)) == 0;
}

/* ---- The machine ---- */

/*
 * The kernel puts "IR-" before the names of interrupt controllers whose interrupts are remapped
 * (intel and amd alike, arch/x86 and drivers/iommu).
 */
CONFIRM(no_interrupt_remapping)
{
	autofree char *text = NULL;

	if (procfs_read(h, &text, "interrupts") < 0 || !strstr(text, "-MSI") ||
		strstr(text, " IR-"))
		return 0;
	return fact_stand(ret, procfs_path("interrupts"), "no interrupt comes through IR-…") == 0;
}

/* "direct": the device reaches that memory whatever the guest's mappings are. */
CONFIRM(firmware_owns_memory)
{
	int id = iommu_group_of(h, q->bdf), found = 0;
	struct iommu_group g;

	if (id < 0 || iommu_group_read(h, id, &g) < 0)
		return 0;
	for (size_t i = 0; !found && i < g.n_reserved; i++)
		if (str_eq(g.reserved[i].type, "direct"))
			found = fact_stand(ret,
					sysfs_path("kernel/iommu_groups/%d/reserved_regions", id),
					"0x%" PRIx64 "-0x%" PRIx64 " direct", g.reserved[i].start,
					g.reserved[i].end) == 0;
	iommu_group_done(&g);
	return found;
}

/* The line of the process's limits: "Max locked memory  8388608  8388608  bytes". */
CONFIRM(memlock_limited)
{
	static const char title[] = "Max locked memory";
	autofree char *text = NULL;
	const char *line;
	uint64_t bytes;
	char *number;

	if (procfs_read(h, &text, "self/limits") < 0)
		return 0;
	line = strstr(text, title);
	if (!line)
		return 0;
	number = str_trim(text + (line - text) + strlen(title));
	number[strcspn(number, " \t\n")] = '\0';
	if (parse_u64(number, &bytes) < 0)
		return 0; /* "unlimited" */
	return fact_stand(ret, procfs_path("self/limits"), "%s: %s bytes", title, number) == 0;
}

CONFIRM(dma_entries_limited)
{
	static const char at[] = "module/vfio_iommu_type1/parameters/dma_entry_limit";
	autofree char *text = NULL;

	if (sysfs_read(h, &text, "%s", at) < 0)
		return 0;
	return fact_stand(ret, sysfs_path("%s", at), "%s", str_trim(text)) == 0;
}

/* Without a method there is no "reset" file either. */
CONFIRM(knows_no_reset)
{
	const char *it = BDF_TEXT(q->bdf);

	if (!sysfs_exists(h, "bus/pci/devices/%s", it) ||
		sysfs_exists(h, "bus/pci/devices/%s/reset", it))
		return 0;
	return fact_stand(ret, sysfs_path("bus/pci/devices/%s/reset", it), "not there") == 0;
}

CONFIRM(asleep)
{
	const char *it = BDF_TEXT(q->bdf);
	autofree char *text = NULL;

	if (sysfs_read(h, &text, "bus/pci/devices/%s/power_state", it) < 0 ||
		!str_starts(text, "D3"))
		return 0;
	return fact_stand(ret, sysfs_path("bus/pci/devices/%s/power_state", it), "%s",
		       str_trim(text)) == 0;
}
