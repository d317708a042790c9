// SPDX-License-Identifier: GPL-2.0-or-later
/* PCI functions in sysfs: folders, links, groups. */
#include "kernel.h"

char *device_dir(struct kernel *k, const char *bdf)
{
	autofree char *path = need_printf("/sys/bus/pci/devices/%s", bdf), *real = NULL;

	if (tree_resolve(k->tree, path, true, &real) < 0)
		return NULL;
	return need_printf("%s", real + strlen("/sys/"));
}

uint64_t device_number(struct kernel *k, const char *bdf, const char *attr, bool hex)
{
	autofree char *text = k_text(k, "/sys/bus/pci/devices/%s/%s", bdf, attr);
	uint64_t v = 0;

	if (text)
		NEED((hex ? parse_hex(text, &v) : parse_u64(text, &v)) == 0);
	return v;
}

bool device_is_vf(struct kernel *k, const char *bdf)
{
	return k_exists(k, "/sys/bus/pci/devices/%s/physfn", bdf);
}

/* PCIe SR-IOV, 9.2.1.2: VF n has the PF's routing id + offset + n × stride. */
void vf_bdf(struct kernel *k, const struct pf *pf, unsigned index, char ret[BDF_TEXT_MAX])
{
	uint64_t rid;
	struct bdf a;

	NEED(bdf_parse(pf->bdf, &a) == 0);
	rid = (uint64_t)a.bus << 8 | (uint64_t)a.dev << 3 | a.fn;
	rid += device_number(k, pf->bdf, "sriov_offset", false);
	rid += index * device_number(k, pf->bdf, "sriov_stride", false);
	a.bus = (uint8_t)(rid >> 8);
	a.dev = (uint8_t)(rid >> 3 & 31);
	a.fn = (uint8_t)(rid & 7);
	bdf_format(a, ret);
}

/* ---- IOMMU groups ---- */

static char *iommu_name(struct kernel *k)
{
	autostrv char **names = NULL;

	if (tree_list(k->tree, "/sys/class/iommu", &names) < 0 || !names[0])
		return NULL;
	return need_printf("%s", names[0]);
}

static char *new_group(struct kernel *k)
{
	unsigned n = 0;

	while (k_exists(k, "/sys/kernel/iommu_groups/%u", n))
		n++;
	k_put(k, 0644, "identity\n", "/sys/kernel/iommu_groups/%u/type", n);
	k_put(k, 0444, "0x00000000fee00000 0x00000000feefffff msi\n",
		"/sys/kernel/iommu_groups/%u/reserved_regions", n);
	return need_printf("%u", n);
}

static void join_group(struct kernel *k, const char *bdf, const char *dir, const char *pf_bdf)
{
	autofree char *iommu = iommu_name(k), *group = NULL, *target = NULL, *members = NULL;

	if (!iommu)
		return;
	if (k->no_acs)
		group = k_link_name(k, "/sys/bus/pci/devices/%s/iommu_group", pf_bdf);
	if (!group)
		group = new_group(k);
	target = need_printf("kernel/iommu_groups/%s", group);
	k_link(k, dir, "iommu_group", target);
	members = need_printf("%s/devices", target);
	k_link(k, members, bdf, dir);
	free(target);
	target = need_printf("devices/virtual/iommu/%s", iommu);
	k_link(k, dir, "iommu", target);
	free(members);
	members = need_printf("%s/devices", target);
	k_link(k, members, bdf, dir);
}

static void leave_group(struct kernel *k, const char *bdf)
{
	autofree char *group = k_link_name(k, "/sys/bus/pci/devices/%s/iommu_group", bdf);
	autofree char *iommu = iommu_name(k), *path = NULL;
	autostrv char **left = NULL;

	if (iommu)
		k_remove(k, "/sys/devices/virtual/iommu/%s/devices/%s", iommu, bdf);
	if (!group)
		return;
	k_remove(k, "/sys/kernel/iommu_groups/%s/devices/%s", group, bdf);
	path = need_printf("/sys/kernel/iommu_groups/%s/devices", group);
	if (tree_list(k->tree, path, &left) == 0 && !left[0])
		k_remove(k, "/sys/kernel/iommu_groups/%s", group);
}

void fake_iommu_off(struct host *h)
{
	struct kernel *k = kernel_of(h);
	autostrv char **names = NULL;

	k_remove(k, "/sys/class/iommu");
	k_remove(k, "/sys/devices/virtual/iommu");
	k_remove(k, "/sys/kernel/iommu_groups");
	NEED(tree_put_dir(k->tree, "/sys/class/iommu", 0755) == 0);
	NEED(tree_put_dir(k->tree, "/sys/kernel/iommu_groups", 0755) == 0);
	NEED(tree_list(k->tree, "/sys/bus/pci/devices", &names) == 0);
	STRV_FOREACH (it, names) {
		autofree char *dir = device_dir(k, *it);

		NEED(dir);
		k_remove(k, "/sys/%s/iommu_group", dir);
		k_remove(k, "/sys/%s/iommu", dir);
	}
}

/* ---- A VF's folder ---- */

static void copy_attr(struct kernel *k, const char *from_bdf, const char *dir, const char *attr)
{
	autofree char *text = k_text(k, "/sys/bus/pci/devices/%s/%s", from_bdf, attr), *line = NULL;

	if (!text)
		return;
	line = need_printf("%s\n", text);
	k_put(k, 0444, line, "/sys/%s/%s", dir, attr);
}

/*
 * Lines 7–12 of the PF's "resource" are the VF BARs, all VFs one after the other. A driver may have
 * lowered sriov_totalvfs (igb does, 8 to 7), so that the quotient is only an upper bound.
 */
static unsigned long long bar_size(unsigned long long window, uint64_t vfs)
{
	unsigned long long size = 1;

	while (size * 2 * vfs <= window)
		size *= 2;
	return size;
}

static void put_resources(struct kernel *k, const struct pf *pf, const char *dir, unsigned index)
{
	autofree char *text = k_text(k, "/sys/bus/pci/devices/%s/resource", pf->bdf);
	uint64_t total = device_number(k, pf->bdf, "sriov_totalvfs", false);
	autostrbuf out = { 0 };
	char *save = NULL;
	int line = 0;

	for (char *s = text ? strtok_r(text, "\n", &save) : NULL; s;
		s = strtok_r(NULL, "\n", &save), line++) {
		unsigned long long start, end, flags, size;

		if (line < 7 || line > 12 || sscanf(s, "%llx %llx %llx", &start, &end, &flags) != 3)
			continue;
		size = start ? bar_size(end - start + 1, total) : 0;
		if (size) {
			k_put(k, 0600, "", "/sys/%s/resource%d", dir, line - 7);
			start += index * size;
			end = start + size - 1;
		}
		strbuf_add(&out, "0x%016llx 0x%016llx 0x%016llx\n", start, end, flags);
	}
	for (int i = 6; i < 13; i++)
		strbuf_add(&out, "0x%016x 0x%016x 0x%016x\n", 0, 0, 0);
	NEED(!out.failed);
	k_put(k, 0444, out.s, "/sys/%s/resource", dir);
}

/* A VF answers all ones for vendor and device (PCIe SR-IOV, 9.3.4.1.1). */
static void put_config(struct kernel *k, const char *dir)
{
	autofree char *path = need_printf("/sys/%s/config", dir);
	uint8_t c[4096] = { 0xff, 0xff, 0xff, 0xff };
	static const uint8_t msix[] = { 0x11, 0xa0, 0x02, 0x80, 0x03, 0, 0, 0, 0x03, 0x20 };
	/* PCI Express endpoint, version 2, that can do a function level reset. */
	static const uint8_t express[] = { 0x10, 0, 0x02, 0, 0x20, 0x80, 0, 0x10 };

	c[6] = 0x10;
	c[0x34] = 0x70;
	memcpy(c + 0x70, msix, sizeof(msix));
	memcpy(c + 0xa0, express, sizeof(express));
	k_put_bytes(k, 0644, c, sizeof(c), path);
}

static void put_uevent(struct kernel *k, const char *bdf, const char *driver)
{
	autofree char *dir = device_dir(k, bdf), *text = NULL, *modalias = NULL;
	autofree char *with = driver ? need_printf("DRIVER=%s\n", driver) : need_printf("%s", "");

	if (!dir)
		return;
	modalias = k_text(k, "/sys/%s/modalias", dir);
	text = need_printf("%sPCI_CLASS=%llX\nPCI_ID=%04llX:%04llX\nPCI_SUBSYS_ID=%04llX:%04llX\n"
			   "PCI_SLOT_NAME=%s\nMODALIAS=%s\n",
		with, (unsigned long long)device_number(k, bdf, "class", true),
		(unsigned long long)device_number(k, bdf, "vendor", true),
		(unsigned long long)device_number(k, bdf, "device", true),
		(unsigned long long)device_number(k, bdf, "subsystem_vendor", true),
		(unsigned long long)device_number(k, bdf, "subsystem_device", true), bdf,
		modalias ? modalias : "");
	k_put(k, 0644, text, "/sys/%s/uevent", dir);
}

/* `device`: the attribute of the PF that has its device id. */
static void put_modalias(struct kernel *k, const char *pf_bdf, const char *device, const char *dir)
{
	unsigned class = (unsigned)device_number(k, pf_bdf, "class", true);
	autofree char *text = need_printf("pci:v%08llXd%08llXsv%08llXsd%08llXbc%02Xsc%02Xi%02X\n",
		(unsigned long long)device_number(k, pf_bdf, "vendor", true),
		(unsigned long long)device_number(k, pf_bdf, device, true),
		(unsigned long long)device_number(k, pf_bdf, "subsystem_vendor", true),
		(unsigned long long)device_number(k, pf_bdf, "subsystem_device", true), class >> 16,
		class >> 8 & 0xff, class & 0xff);

	k_put(k, 0444, text, "/sys/%s/modalias", dir);
}

void device_add_vf(struct kernel *k, struct pf *pf, unsigned index)
{
	static const char *const inherited[] = { "vendor", "class", "revision", "subsystem_vendor",
		"subsystem_device", "numa_node", "local_cpus", "local_cpulist", "max_link_speed",
		"max_link_width", "current_link_speed", "current_link_width" };
	autofree char *pf_dir = device_dir(k, pf->bdf), *dir = NULL, *device = NULL;
	char bdf[BDF_TEXT_MAX];

	if (!pf_dir)
		return;
	vf_bdf(k, pf, index, bdf);
	dir = need_printf("%.*s/%s", (int)(strrchr(pf_dir, '/') - pf_dir), pf_dir, bdf);
	for (size_t i = 0; i < ARRAY_SIZE(inherited); i++)
		copy_attr(k, pf->bdf, dir, inherited[i]);
	device = need_printf("0x%04llx\n",
		(unsigned long long)device_number(k, pf->bdf, "sriov_vf_device", true));
	k_put(k, 0444, device, "/sys/%s/device", dir);
	k_put(k, 0644, "(null)\n", "/sys/%s/driver_override", dir);
	k_put(k, 0644, "0\n", "/sys/%s/enable", dir);
	k_put(k, 0444, "0\n", "/sys/%s/irq", dir);
	k_put(k, 0444, "D0\n", "/sys/%s/power_state", dir);
	k_put(k, 0200, "", "/sys/%s/reset", dir);
	k_put(k, 0644, "flr\n", "/sys/%s/reset_method", dir);
	k_put(k, 0200, "", "/sys/%s/sriov_vf_msix_count", dir);
	put_modalias(k, pf->bdf, "sriov_vf_device", dir);
	put_resources(k, pf, dir, index);
	put_config(k, dir);
	k_link(k, dir, "subsystem", "bus/pci");
	k_link(k, "bus/pci/devices", bdf, dir);
	put_uevent(k, bdf, NULL);
	join_group(k, bdf, dir, pf->bdf);
	fakeudev_function_came(k, bdf);
}

void device_link_vf(struct kernel *k, struct pf *pf, unsigned index)
{
	autofree char *pf_dir = device_dir(k, pf->bdf), *dir = NULL, *name = NULL;
	char bdf[BDF_TEXT_MAX];

	vf_bdf(k, pf, index, bdf);
	dir = device_dir(k, bdf);
	if (!pf_dir || !dir)
		return;
	name = need_printf("virtfn%u", index);
	k_link(k, pf_dir, name, dir);
	k_link(k, dir, "physfn", pf_dir);
}

void device_remove(struct kernel *k, const char *bdf)
{
	autofree char *dir = device_dir(k, bdf), *driver = NULL;
	struct pf *pf = pf_find(k, bdf);

	if (!dir)
		return;
	if (pf)
		sriov_disable(k, pf);
	driver = k_link_name(k, "/sys/%s/driver", dir);
	if (driver)
		k_driver_unbind(k, bdf);
	leave_group(k, bdf);
	k_remove(k, "/sys/bus/pci/devices/%s", bdf);
	k_remove(k, "/sys/%s", dir);
	fakeudev_function_went(k, bdf);
}

void device_set_driver(struct kernel *k, const char *bdf, const char *driver)
{
	autofree char *dir = device_dir(k, bdf), *old = NULL, *target = NULL;

	if (!dir)
		return;
	old = k_link_name(k, "/sys/%s/driver", dir);
	if (old)
		k_remove(k, "/sys/bus/pci/drivers/%s/%s", old, bdf);
	k_remove(k, "/sys/%s/driver", dir);
	if (driver) {
		target = need_printf("bus/pci/drivers/%s", driver);
		k_link(k, dir, "driver", target);
		k_link(k, target, bdf, dir);
	}
	put_uevent(k, bdf, driver);
}

void device_becomes(struct kernel *k, const char *bdf, const char *class, const char *vf_device,
	const char *driver)
{
	autofree char *dir = device_dir(k, bdf);

	NEED(dir);
	k_driver_unbind(k, bdf);
	k_put(k, 0444, class, "/sys/%s/class", dir);
	k_put(k, 0444, vf_device, "/sys/%s/sriov_vf_device", dir);
	put_modalias(k, bdf, "device", dir);
	NEED(driver_load(k, driver) >= 0);
	device_set_driver(k, bdf, driver);
}
