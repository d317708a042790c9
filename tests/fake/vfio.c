// SPDX-License-Identifier: GPL-2.0-or-later
/* Functions on vfio-pci, as the VFIO of tests/fakevfio shows them; the tree says what is there. */
#include "kernel.h"

#include <sys/sysmacros.h>

enum { NOBODY = 0xffff }; /* the group of a function that is not on vfio-pci any more */

static struct fakevfio_function *function_of(struct kernel *k, const char *bdf)
{
	for (unsigned i = 0; i < k->vfio.n_functions; i++)
		if (str_eq(k->vfio.functions[i].name, bdf))
			return &k->vfio.functions[i];
	return NULL;
}

void vfio_logs(struct fakevfio *f, const char *text)
{
	k_say(container_of(f, struct kernel, vfio), 3, "%s", text);
}

struct fakevfio *fake_vfio(struct host *h)
{
	return &kernel_of(h)->vfio;
}

struct fakevfio_function *fake_vfio_function(struct host *h, const char *bdf)
{
	return function_of(kernel_of(h), bdf);
}

/* The bus shows all ones for a VF's ids; VFIO shows them as software expects them. */
static struct fakevfio_function *add_function(struct kernel *k, const char *bdf)
{
	autofree char *path = need_printf("/sys/bus/pci/devices/%s/config", bdf);
	autofree char *name = need_printf("%s", bdf);
	unsigned vendor = (unsigned)device_number(k, bdf, "vendor", true);
	unsigned device = (unsigned)device_number(k, bdf, "device", true);
	unsigned class = (unsigned)device_number(k, bdf, "class", true);
	uint8_t c[4096] = { 0 };

	NEED(tree_read(k->tree, path, c, sizeof(c)) > 0);
	c[0] = (uint8_t)vendor;
	c[1] = (uint8_t)(vendor >> 8);
	c[2] = (uint8_t)device;
	c[3] = (uint8_t)(device >> 8);
	c[9] = (uint8_t) class;
	c[10] = (uint8_t)(class >> 8);
	c[11] = (uint8_t)(class >> 16);
	NEED(strv_add(&k->vfio_names, name) == 0);
	return fakevfio_add(
		&k->vfio, k->vfio_names[strv_len(k->vfio_names) - 1], NOBODY, c, sizeof(c));
}

static void add_bars(struct kernel *k, struct fakevfio_function *fn)
{
	autofree char *text = k_text(k, "/sys/bus/pci/devices/%s/resource", fn->name);
	char *save = NULL;
	unsigned bar = 0;

	for (char *s = text ? strtok_r(text, "\n", &save) : NULL; s && bar < 6;
		s = strtok_r(NULL, "\n", &save), bar++) {
		unsigned long long start, end, flags;

		if (sscanf(s, "%llx %llx %llx", &start, &end, &flags) == 3 && start)
			fakevfio_bar(fn, bar, end - start + 1);
	}
}

void vfio_add(struct kernel *k, const char *bdf)
{
	autofree char *group = k_link_name(k, "/sys/bus/pci/devices/%s/iommu_group", bdf);
	struct fakevfio_function *fn = function_of(k, bdf);

	if (!fn) {
		fn = add_function(k, bdf);
		add_bars(k, fn);
	}
	NEED(group);
	fn->group = (unsigned)atoi(group);
}

void vfio_own_node(struct kernel *k, const char *bdf)
{
	autofree char *dir = device_dir(k, bdf), *folder = NULL, *node = NULL;
	struct fakevfio_function *fn = function_of(k, bdf);
	autostrv char **names = NULL;

	NEED(dir);
	folder = need_printf("/sys/%s/vfio-dev", dir);
	if (!k->vfio.iommufd || !fn || tree_list(k->tree, folder, &names) < 0 || !names)
		return;
	NEED(sscanf(names[0], "vfio%u", &fn->node) == 1);
	node = need_printf("/dev/vfio/devices/%s", names[0]);
	k_put(k, 0444, "511:0\n", "%s/%s/dev", folder, names[0]);
	NEED(tree_put_node(k->tree, node, S_IFCHR | 0600, makedev(511, fn->node)) == 0);
}

void fake_iommufd(struct host *h)
{
	struct kernel *k = kernel_of(h);

	k->vfio.iommufd = true;
	k->vfio.may_count_processes = true; /* as root */
	NEED(tree_put_node(k->tree, "/dev/iommu", S_IFCHR | 0600, makedev(10, 124)) == 0);
	for (unsigned i = 0; i < k->vfio.n_functions; i++)
		vfio_own_node(k, k->vfio.functions[i].name);
}

void vfio_remove(struct kernel *k, const char *bdf)
{
	struct fakevfio_function *fn = function_of(k, bdf);

	if (fn)
		fn->group = NOBODY;
}

bool vfio_is_open(struct kernel *k, const char *bdf)
{
	struct fakevfio_function *fn = function_of(k, bdf);

	return fn && fn->devices_open;
}

/* Drivers that do no DMA of their own do not stand in the way. */
static bool spoils_group(const char *driver)
{
	static const char *const harmless[] = { "vfio-pci", "pci-stub", "pcieport", "shpchp" };

	for (size_t i = 0; i < ARRAY_SIZE(harmless); i++)
		if (str_eq(driver, harmless[i]))
			return false;
	return driver != NULL;
}

static bool viable(struct kernel *k, const char *group)
{
	autofree char *path = need_printf("/sys/kernel/iommu_groups/%s/devices", group);
	autostrv char **members = NULL;

	if (tree_list(k->tree, path, &members) < 0)
		return false;
	STRV_FOREACH (it, members) {
		autofree char *driver = k_link_name(k, "/sys/bus/pci/devices/%s/driver", *it);

		if (spoils_group(driver))
			return false;
	}
	return true;
}

int vfio_open(struct kernel *k, const char *path, int flags)
{
	for (unsigned i = 0; i < k->vfio.n_functions; i++) {
		struct fakevfio_function *fn = &k->vfio.functions[i];
		autofree char *group = need_printf("%u", fn->group);

		if (fn->group != NOBODY)
			fn->viable = viable(k, group);
	}
	return k->vfio.host.ops->open(&k->vfio.host, path, flags);
}
