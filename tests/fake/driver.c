// SPDX-License-Identifier: GPL-2.0-or-later
/* Which driver takes which function, and what happens when it does. */
#include "kernel.h"

#include <sys/sysmacros.h>

struct driver {
	const char *name, *module;
	uint16_t vendor, device;    /* what it matches; 0: only by driver_override */
	uint32_t class, class_mask; /* or this, when the mask is not 0 */
	bool sriov;		    /* has sriov_configure() */
	bool disables_vfs;	    /* on unbind; others leave the VFs behind */
	int (*probe)(struct kernel *k, const char *bdf);
	void (*bound)(struct kernel *k, const char *bdf);
	void (*unbound)(struct kernel *k, const char *bdf);
};

/* vfio_pci_core_register_device(): a PF with VFs is busy, a function without group is no use. */
static int vfio_probe(struct kernel *k, const char *bdf)
{
	struct pf *pf = pf_find(k, bdf);

	if (pf && pf->num_vfs)
		return -EBUSY;
	return k_exists(k, "/sys/bus/pci/devices/%s/iommu_group", bdf) ? 0 : -EINVAL;
}

struct node {
	char *group;
};

static void node_free(void *arg)
{
	free(((struct node *)arg)->group);
	free(arg);
}

static bool group_has_vfio(struct kernel *k, const char *group)
{
	autofree char *path = need_printf("/sys/kernel/iommu_groups/%s/devices", group);
	autostrv char **members = NULL;

	if (tree_list(k->tree, path, &members) < 0)
		return false;
	STRV_FOREACH (it, members) {
		autofree char *driver = k_link_name(k, "/sys/bus/pci/devices/%s/driver", *it);

		if (driver && str_ends(driver, "vfio-pci"))
			return true;
	}
	return false;
}

static void node_appears(struct host *h, void *arg)
{
	struct kernel *k = kernel_of(h);
	struct node *n = arg;
	autofree char *path = need_printf("/dev/vfio/%s", n->group);

	if (group_has_vfio(k, n->group))
		NEED(tree_put_node(k->tree, path, S_IFCHR | 0600, makedev(240, 0)) == 0);
}

static void vfio_bound(struct kernel *k, const char *bdf)
{
	autofree char *group = k_link_name(k, "/sys/bus/pci/devices/%s/iommu_group", bdf);
	autofree char *dir = device_dir(k, bdf), *virtual = NULL, *own = NULL;
	struct node *node = calloc(1, sizeof(*node));
	unsigned n = 0;

	NEED(group && dir && node);
	virtual = need_printf("devices/virtual/vfio/%s", group);
	k_put(k, 0444, "240:0\n", "/sys/%s/dev", virtual);
	k_link(k, "class/vfio", group, virtual);
	while (k_exists(k, "/sys/class/vfio-dev/vfio%u", n))
		n++;
	own = need_printf("%s/vfio-dev/vfio%u", dir, n);
	k_put(k, 0644, "", "/sys/%s/uevent", own);
	k_link(k, own, "device", dir);
	NEED(tree_put_dir(k->tree, "/sys/class/vfio-dev", 0755) == 0);
	k_link(k, "class/vfio-dev", strrchr(own, '/') + 1, own);
	vfio_add(k, bdf);
	vfio_own_node(k, bdf);
	node->group = TAKE_PTR(group);
	k_after(k, k->node_ms, node_appears, node, node_free);
}

static void vfio_unbound(struct kernel *k, const char *bdf)
{
	autofree char *group = k_link_name(k, "/sys/bus/pci/devices/%s/iommu_group", bdf);
	autofree char *dir = device_dir(k, bdf), *own = NULL;
	autostrv char **names = NULL;

	vfio_remove(k, bdf);
	own = need_printf("/sys/%s/vfio-dev", dir);
	if (tree_list(k->tree, own, &names) == 0)
		STRV_FOREACH (it, names) {
			k_remove(k, "/sys/class/vfio-dev/%s", *it);
			k_remove(k, "/dev/vfio/devices/%s", *it);
		}
	k_remove(k, "/sys/%s/vfio-dev", dir);
	if (!group || group_has_vfio(k, group))
		return;
	k_remove(k, "/dev/vfio/%s", group);
	k_remove(k, "/sys/class/vfio/%s", group);
	k_remove(k, "/sys/devices/virtual/vfio/%s", group);
}

static const struct driver drivers[] = {
	{ .name = "igb",
		.vendor = 0x8086,
		.device = 0x10c9,
		.sriov = true,
		.disables_vfs = true,
		.bound = net_add,
		.unbound = net_remove },
	{ .name = "igbvf",
		.vendor = 0x8086,
		.device = 0x10ca,
		.bound = net_add,
		.unbound = net_remove },
	{ .name = "e1000",
		.vendor = 0x8086,
		.device = 0x100e,
		.bound = net_add,
		.unbound = net_remove },
	{ .name = "nvme",
		.class = 0x010802,
		.class_mask = 0xffffff,
		.sriov = true,
		.probe = nvme_probe,
		.bound = nvme_bound,
		.unbound = nvme_unbound },
	{ .name = "vfio-pci",
		.module = "vfio_pci",
		.probe = vfio_probe,
		.bound = vfio_bound,
		.unbound = vfio_unbound },
	/* A variant for one device, named as hisi-acc-vfio-pci is: not like its module. */
	{ .name = "igbvf-vfio-pci",
		.module = "igbvf_vfio_pci",
		.probe = vfio_probe,
		.bound = vfio_bound,
		.unbound = vfio_unbound },
	/* Only where the test puts them: fake_xe(), fake_qat(). */
	{ .name = "xe", .sriov = true, .disables_vfs = true },
	{ .name = "4xxx", .sriov = true, .disables_vfs = true },
	{ .name = "pci-pf-stub", .module = "pci_pf_stub", .sriov = true },
};

void driver_find_vfio(struct kernel *k)
{
	autostrv char **names = NULL;

	NEED(tree_put_node(k->tree, "/dev/vfio/vfio", S_IFCHR | 0666, makedev(10, 196)) == 0);
	if (tree_list(k->tree, "/sys/bus/pci/drivers/vfio-pci", &names) < 0)
		return;
	STRV_FOREACH (it, names) {
		autofree char *group = k_link_name(k, "/sys/bus/pci/devices/%s/iommu_group", *it);
		autofree char *path = group ? need_printf("/dev/vfio/%s", group) : NULL;

		if (!group)
			continue;
		vfio_add(k, *it);
		NEED(tree_put_node(k->tree, path, S_IFCHR | 0600, makedev(240, 0)) == 0);
	}
}

static const struct driver *find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(drivers); i++)
		if (str_eq(drivers[i].name, name) || str_eq(drivers[i].module, name))
			return &drivers[i];
	return NULL;
}

static bool loaded(struct kernel *k, const char *driver)
{
	return k_exists(k, "/sys/bus/pci/drivers/%s", driver);
}

bool driver_can_sriov(struct kernel *k, const char *name)
{
	const struct driver *d = find(name);
	autofree char *param = NULL;

	if (!d || !str_eq(name, "vfio-pci"))
		return d && d->sriov;
	param = k_text(k, "/sys/module/vfio_pci/parameters/enable_sriov");
	return str_eq(param, "Y");
}

/* pci_match_device(): with an override only its driver matches, and matches everything. */
static bool matches(struct kernel *k, const char *driver, const char *bdf)
{
	autofree char *override = k_text(k, "/sys/bus/pci/devices/%s/driver_override", bdf);
	const struct driver *d = find(driver);

	if (override && !str_eq(override, "(null)"))
		return str_eq(override, driver);
	if (!d)
		return false;
	if (d->class_mask)
		return (device_number(k, bdf, "class", true) & d->class_mask) == d->class;
	return d->vendor && d->vendor == device_number(k, bdf, "vendor", true) &&
	       d->device == device_number(k, bdf, "device", true);
}

/* pci_device_can_probe(): a VF of a PF without autoprobe needs an override. */
static bool may_probe(struct kernel *k, const char *bdf)
{
	autofree char *pf = k_link_name(k, "/sys/bus/pci/devices/%s/physfn", bdf);
	autofree char *override = k_text(k, "/sys/bus/pci/devices/%s/driver_override", bdf);

	if (!pf || (override && !str_eq(override, "(null)")))
		return true;
	return device_number(k, pf, "sriov_drivers_autoprobe", false);
}

static int probe_fault(struct kernel *k, const char *driver)
{
	for (struct probe_fault *p = k->probe_faults; p; p = p->next)
		if (str_eq(p->driver, driver))
			return p->code;
	return 0;
}

static int attach(struct kernel *k, const char *driver, const char *bdf)
{
	const struct driver *d = find(driver);
	int e;

	if (!may_probe(k, bdf))
		return -ENODEV;
	e = probe_fault(k, driver);
	if (e == 0 && d && d->probe)
		e = d->probe(k, bdf);
	if (e < 0) {
		k_say(k, e == -ENODEV ? 7 : 3, "%s %s: probe with driver %s failed with error %d",
			driver, bdf, driver, e);
		return e;
	}
	device_set_driver(k, bdf, driver);
	if (d && d->bound)
		d->bound(k, bdf);
	k_pass(k, k->now);
	return 0;
}

int k_driver_bind(struct kernel *k, const char *driver, const char *bdf)
{
	if (!k_exists(k, "/sys/bus/pci/devices/%s", bdf) || !matches(k, driver, bdf))
		return -ENODEV;
	if (k_exists(k, "/sys/bus/pci/devices/%s/driver", bdf))
		return -EBUSY;
	return attach(k, driver, bdf);
}

void driver_probe(struct kernel *k, const char *bdf)
{
	autostrv char **names = NULL;

	if (k_exists(k, "/sys/bus/pci/devices/%s/driver", bdf))
		return;
	NEED(tree_list(k->tree, "/sys/bus/pci/drivers", &names) == 0);
	STRV_FOREACH (it, names)
		if (matches(k, *it, bdf) && attach(k, *it, bdf) == 0)
			return;
}

int k_driver_unbind(struct kernel *k, const char *bdf)
{
	autofree char *driver = k_link_name(k, "/sys/bus/pci/devices/%s/driver", bdf);
	const struct driver *d = driver ? find(driver) : NULL;
	struct pf *pf = pf_find(k, bdf);

	if (d && d->disables_vfs && pf)
		sriov_disable(k, pf);
	if ((pf && pf->stuck) || (str_eq(driver, "vfio-pci") && is_held(k, bdf))) {
		NEED(strv_add(&k->unbinding, bdf) == 0);
		return WOULD_BLOCK;
	}
	device_set_driver(k, bdf, NULL);
	if (d && d->unbound)
		d->unbound(k, bdf);
	return 0;
}

void driver_continue(struct kernel *k)
{
	char **waiting = TAKE_PTR(k->unbinding);

	/* Those that still cannot go put themselves on the new list. */
	STRV_FOREACH (it, waiting)
		k_driver_unbind(k, *it);
	strv_free(waiting);
}

void fake_unload(struct host *h, const char *driver, bool for_ever)
{
	struct kernel *k = kernel_of(h);

	k_remove(k, "/sys/bus/pci/drivers/%s", driver);
	if (for_ever)
		NEED(strv_add(&k->gone, driver) == 0);
}

static void put_module(struct kernel *k, const struct driver *d)
{
	autofree char *dir = need_printf("module/%s/drivers", d->module);
	autofree char *link = need_printf("pci:%s", d->name);
	autofree char *target = need_printf("bus/pci/drivers/%s", d->name);

	k_link(k, dir, link, target);
}

int driver_load(struct kernel *k, const char *name)
{
	static const char *const others[] = { "vfio_iommu_type1", "vfio", "tun", "vhost_net", "kvm",
		"kvm_amd", "kvm_intel" };
	const struct driver *d = find(name);

	for (size_t i = 0; !d && i < ARRAY_SIZE(others); i++)
		if (str_eq(name, others[i]))
			return 0;
	if (!d || strv_has(k->gone, d->name))
		return -ENOENT;
	if (loaded(k, d->name))
		return 0;
	k_put(k, 0200, "", "/sys/bus/pci/drivers/%s/bind", d->name);
	k_put(k, 0200, "", "/sys/bus/pci/drivers/%s/unbind", d->name);
	k_put(k, 0200, "", "/sys/bus/pci/drivers/%s/new_id", d->name);
	k_put(k, 0200, "", "/sys/bus/pci/drivers/%s/remove_id", d->name);
	if (d->module)
		put_module(k, d);
	return 1;
}
