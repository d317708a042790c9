// SPDX-License-Identifier: GPL-2.0-or-later
/* What writing an attribute does. */
#include "kernel.h"

static bool split(const char *path, const char *prefix, char **ret_mid, const char **ret_name)
{
	const char *last = strrchr(path, '/'), *before = last;

	if (!str_starts(path, prefix) || !last || last == path)
		return false;
	while (before > path && before[-1] != '/')
		before--;
	*ret_mid = need_printf("%.*s", (int)(last - before), before);
	*ret_name = last + 1;
	return true;
}

/* kstrtobool and kstrtou16 take one newline at the end. */
char *without_newline(const char *text)
{
	size_t n = strlen(text);

	return need_printf("%.*s", (int)(n && text[n - 1] == '\n' ? n - 1 : n), text);
}

/* driver_set_override() in drivers/base/driver.c: up to the first newline, nothing clears it. */
static int write_override(struct kernel *k, const char *dir, const char *text)
{
	size_t n = strcspn(text, "\n");

	if (strlen(text) >= 4095)
		return -EINVAL;
	k_put(k, 0644, n ? "" : "(null)\n", "%s/driver_override", dir);
	if (n) {
		autofree char *value = need_printf("%.*s\n", (int)n, text);

		k_put(k, 0644, value, "%s/driver_override", dir);
	}
	return 0;
}

static int write_autoprobe(struct kernel *k, const char *dir, const char *text)
{
	autofree char *value = without_newline(text);
	bool on;

	if (parse_bool(value, &on) < 0)
		return -EINVAL;
	k_put(k, 0644, on ? "1\n" : "0\n", "%s/sriov_drivers_autoprobe", dir);
	return 0;
}

/* Attributes without a model keep what was written. */
static int keep(struct kernel *k, const char *path, const char *text)
{
	struct stat st;

	NEED(tree_stat(k->tree, path, &st) == 0);
	k_put_bytes(k, st.st_mode, text, strlen(text), path);
	return 0;
}

static int write_device(
	struct kernel *k, const char *path, const char *bdf, const char *name, const char *text)
{
	autofree char *dir = need_printf("/sys/bus/pci/devices/%s", bdf), *real = NULL;
	struct pf *pf;

	/* Written back through the true folder: a link in the way would be replaced. */
	NEED(tree_resolve(k->tree, dir, true, &real) == 0);
	pf = pf_find(k, bdf);
	if (pf && str_eq(name, "sriov_numvfs"))
		return sriov_write_numvfs(k, pf, text);
	if (str_eq(name, "sriov_drivers_autoprobe"))
		return pf && pf->stuck ? WOULD_BLOCK : write_autoprobe(k, real, text);
	if (str_eq(name, "driver_override"))
		return write_override(k, real, text);
	if (str_eq(name, "reset"))
		return reset_write(k, bdf, text);
	if (str_eq(name, "reset_method"))
		return reset_write_method(k, bdf, text);
	if (str_eq(name, "reset_subordinate"))
		return reset_write_subordinate(k, bdf, text);
	if (str_eq(name, "sriov_vf_msix_count"))
		return msix_write_count(k, bdf, text);
	if (str_eq(name, "remove")) {
		device_remove(k, bdf);
		return 0;
	}
	return keep(k, path, text);
}

static int write_driver(
	struct kernel *k, const char *driver, const char *name, const char *text, bool again)
{
	autofree char *bdf = without_newline(text);
	autofree char *bound = NULL;

	if (str_eq(name, "bind"))
		return k_driver_bind(k, driver, bdf);
	if (!str_eq(name, "unbind"))
		return 0; /* new_id, remove_id: logged like all writes */
	if (strv_has(k->unbinding, bdf))
		return WOULD_BLOCK;
	if (again)
		return 0;
	bound = k_link_name(k, "/sys/bus/pci/devices/%s/driver", bdf);
	if (!str_eq(bound, driver))
		return -ENODEV;
	return k_driver_unbind(k, bdf);
}

/* bus_rescan_devices_helper(): success says nothing, only an unknown device is refused. */
static int write_drivers_probe(struct kernel *k, const char *text)
{
	autofree char *bdf = without_newline(text);

	if (!k_exists(k, "/sys/bus/pci/devices/%s", bdf))
		return -ENODEV;
	driver_probe(k, bdf);
	return 0;
}

int attr_write(struct kernel *k, const char *path, const char *text, bool again)
{
	autofree char *mid = NULL;
	const char *name;
	struct bdf a;

	if (str_eq(path, "/sys/bus/pci/drivers_probe"))
		return write_drivers_probe(k, text);
	if (strstr(path, "/sriov_admin/"))
		return xe_write(k, path, text);
	if (strstr(path, "/qat/"))
		return qat_write(k, path, text);
	if (split(path, "/sys/bus/pci/drivers/", &mid, &name))
		return write_driver(k, mid, name, text, again);
	if (split(path, "/sys/devices/", &mid, &name) && bdf_parse(mid, &a) == 0)
		return write_device(k, path, mid, name, text);
	return keep(k, path, text);
}

/* Their show functions take the device lock. */
static bool takes_lock(const struct kernel *k, const char *name)
{
	return str_eq(name, "sriov_numvfs") || str_eq(name, "sriov_vf_total_msix") ||
	       (str_eq(name, "driver_override") && !k->override_unlocked);
}

bool attr_read_blocks(struct kernel *k, const char *path)
{
	autofree char *real = NULL, *mid = NULL;
	const char *name;
	struct pf *pf;

	if (tree_resolve(k->tree, path, true, &real) < 0 ||
		!split(real, "/sys/devices/", &mid, &name) || !takes_lock(k, name))
		return false;
	if (strv_has(k->unbinding, mid))
		return true;
	for (pf = k->pfs; pf; pf = pf->next) {
		char vf[BDF_TEXT_MAX];

		if (!pf->stuck)
			continue;
		vf_bdf(k, pf, pf->next_to_remove, vf);
		if (str_eq(pf->bdf, mid) || str_eq(vf, mid))
			return true;
	}
	return false;
}
