// SPDX-License-Identifier: GPL-2.0-or-later
/* sriov_numvfs: drivers/pci/pci-sysfs and iov.c of Linux 6.12, as far as one sees them. */
#include "kernel.h"

struct pf *pf_find(struct kernel *k, const char *bdf)
{
	for (struct pf *p = k->pfs; p; p = p->next)
		if (str_eq(p->bdf, bdf))
			return p;
	return NULL;
}

static void pf_add(struct kernel *k, const char *bdf)
{
	struct pf *pf = calloc(1, sizeof(*pf));

	NEED(pf);
	snprintf(pf->bdf, sizeof(pf->bdf), "%s", bdf);
	pf->num_vfs = (unsigned)device_number(k, bdf, "sriov_numvfs", false);
	NEED(pf->num_vfs <= FAKE_MAX_VFS);
	pf->next = k->pfs;
	k->pfs = pf;
	net_reset_vfs(k, pf);
	net_adopt_macs(k, pf);
}

void pf_find_all(struct kernel *k)
{
	autostrv char **names = NULL;

	NEED(tree_list(k->tree, "/sys/bus/pci/devices", &names) == 0);
	STRV_FOREACH (it, names)
		if (k_exists(k, "/sys/bus/pci/devices/%s/sriov_totalvfs", *it))
			pf_add(k, *it);
}

static void set_count(struct kernel *k, struct pf *pf, unsigned n)
{
	autofree char *dir = device_dir(k, pf->bdf), *text = need_printf("%u\n", n);

	pf->num_vfs = n;
	if (dir)
		k_put(k, 0644, text, "/sys/%s/sriov_numvfs", dir);
}

/* ---- VFs appear: the function, 1 ms later its links, later still its driver ---- */

struct arrival {
	struct pf *pf;
	unsigned index;
};

static struct arrival *arrival(struct pf *pf, unsigned index)
{
	struct arrival *a = calloc(1, sizeof(*a));

	NEED(a);
	*a = (struct arrival) { pf, index };
	return a;
}

/* The VFs may have been switched off again meanwhile. */
static bool still_wanted(const struct arrival *a)
{
	return a->index < a->pf->num_vfs && !a->pf->stuck;
}

static void vf_arrives(struct host *h, void *arg)
{
	struct arrival *a = arg;

	if (still_wanted(a))
		device_add_vf(kernel_of(h), a->pf, a->index);
}

static void vf_gets_links(struct host *h, void *arg)
{
	struct arrival *a = arg;

	if (still_wanted(a))
		device_link_vf(kernel_of(h), a->pf, a->index);
}

static void vf_gets_driver(struct host *h, void *arg)
{
	struct arrival *a = arg;
	char bdf[BDF_TEXT_MAX];

	if (!still_wanted(a))
		return;
	vf_bdf(kernel_of(h), a->pf, a->index, bdf);
	driver_probe(kernel_of(h), bdf);
}

static void enable(struct kernel *k, struct pf *pf, unsigned n)
{
	set_count(k, pf, n);
	net_reset_vfs(k, pf);
	devlink_vfs_come(k, pf);
	for (unsigned i = 0; i < n; i++) {
		unsigned at = k->vf_ms ? k->vf_ms + 2 * i : 0;

		k_after(k, at, vf_arrives, arrival(pf, i), free);
		k_after(k, at + (at ? 1 : 0), vf_gets_links, arrival(pf, i), free);
		k_after(k, at + k->driver_ms, vf_gets_driver, arrival(pf, i), free);
	}
	k_pass(k, k->now);
}

/* ---- VFs go, in order, and one that is held stops the rest ---- */

static void remove_some(struct kernel *k, struct pf *pf)
{
	for (; pf->next_to_remove < pf->num_vfs; pf->next_to_remove++) {
		autofree char *dir = device_dir(k, pf->bdf);
		char bdf[BDF_TEXT_MAX];

		vf_bdf(k, pf, pf->next_to_remove, bdf);
		if (is_held(k, bdf)) {
			/* The driver's link goes before VFIO waits (measured). */
			device_set_driver(k, bdf, NULL);
			pf->stuck = true;
			return;
		}
		if (dir)
			k_remove(k, "/sys/%s/virtfn%u", dir, pf->next_to_remove);
		device_remove(k, bdf);
	}
	pf->stuck = false;
	pf->next_to_remove = 0;
	devlink_vfs_go(k, pf);
	set_count(k, pf, 0);
	nvme_vfs_gone(k, pf);
	xe_vfs_gone(k, pf);
}

void sriov_disable(struct kernel *k, struct pf *pf)
{
	if (!pf->stuck && pf->num_vfs)
		remove_some(k, pf);
}

void sriov_continue(struct kernel *k)
{
	for (struct pf *p = k->pfs; p; p = p->next)
		if (p->stuck)
			remove_some(k, p);
}

/* kstrtou16() with base 0. */
static int parse_count(const char *text, unsigned *ret)
{
	autofree char *value = need_printf("%s", text);
	size_t n = strlen(value);
	uint64_t v;

	if (n && value[n - 1] == '\n')
		value[n - 1] = '\0';
	if (parse_u64(value, &v) < 0 || v > 65535)
		return -EINVAL;
	*ret = (unsigned)v;
	return 0;
}

int sriov_write_numvfs(struct kernel *k, struct pf *pf, const char *text)
{
	autofree char *driver = NULL;
	unsigned n;

	if (parse_count(text, &n) < 0)
		return -EINVAL;
	if (n > device_number(k, pf->bdf, "sriov_totalvfs", false))
		return -ERANGE;
	if (pf->stuck)
		return WOULD_BLOCK; /* the device lock */
	if (n == pf->num_vfs)
		return 0;
	driver = k_link_name(k, "/sys/bus/pci/devices/%s/driver", pf->bdf);
	if (!driver)
		k_say(k, 6, "pci %s: no driver bound to device; cannot configure SR-IOV", pf->bdf);
	if (!driver || !driver_can_sriov(k, driver))
		return -ENOENT;
	if (n && pf->num_vfs) {
		k_say(k, 4, "%s %s: %u VFs already enabled. Disable before enabling %u VFs", driver,
			pf->bdf, pf->num_vfs, n);
		return -EBUSY;
	}
	if (n) {
		enable(k, pf, n);
		return 0;
	}
	sriov_disable(k, pf);
	return pf->stuck ? WOULD_BLOCK : 0;
}
