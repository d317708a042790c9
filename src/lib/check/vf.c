// SPDX-License-Identifier: GPL-2.0-or-later
/* VFs and what they need of their PF. */
#include "run.h"

#include "base/str.h"
#include "cause/confirm.h"
#include "host/locked.h"
#include "host/sysfs.h"
#include "nvme/secctrl.h"

#include <inttypes.h>

/* ---- NVMe ---- */

static bool is_nvme_vf(const struct function *f)
{
	return f->physfn && class_is_nvme(f->id.class_code);
}

void check_nvme_online(struct check_run *r)
{
	struct nvmepf_caps caps;
	struct secctrl s;
	autonvmepf *pf = NULL;
	autoproblem *p = NULL;

	if (!is_nvme_vf(r->f))
		return;
	if (nvmepf_open(r->h, r->f->physfn->bdf, &pf, &p) < 0 ||
		nvmepf_get_caps(pf, &caps, &p) < 0 ||
		nvmepf_find(pf, (unsigned)r->f->vf_index, &s, &p) < 0) {
		found(r, CHECK_UNKNOWN, NULL, "whether its controller is online: %s",
			p ? p->what : "its PF does not tell");
		return;
	}
	if (s.online && s.nvq && s.nvi) {
		found(r, CHECK_OK, NULL,
			"its controller %u is online with %u queues and %u vectors", s.scid, s.nvq,
			s.nvi);
		return;
	}
	fix(r,
		found(r, CHECK_FAIL, NULL, "its controller %u is %s with %u queues and %u vectors",
			s.scid, s.online ? "online" : "offline", s.nvq, s.nvi),
		"vfctl set %s vq=2 vi=1 online=yes", r->f->address);
}

/* ---- The network ---- */

static const struct netdev *pf_netdev(const struct function *f)
{
	return f->physfn && class_is_network(f->id.class_code) && f->physfn->n_netdevs
		       ? &f->physfn->netdevs[0]
		       : NULL;
}

void check_pf_link(struct check_run *r)
{
	struct cause_query q = { 0 };
	const struct netdev *n = pf_netdev(r->f);
	autofact fact = { 0 };

	if (!n)
		return;
	q.bdf = r->f->physfn->bdf;
	if (interface_down(r->h, &q, &fact))
		fix(r,
			found(r, CHECK_WARN, &fact,
				"its PF's interface is down: most drivers then give VFs no carrier"),
			"ip link set %s up", n->name);
	else if (fact.value)
		found(r, CHECK_OK, &fact, "its PF's interface %s is up", n->name);
	else
		found(r, CHECK_UNKNOWN, NULL, "whether its PF's interface is up cannot be read");
}

/* 1 it has an address from the PF, 0 not, -1 nobody tells. */
static int has_admin_mac(const struct host_vf *vfs, size_t n, int index)
{
	for (size_t i = 0; i < n; i++)
		if ((int)vfs[i].vf == index)
			return !mac_is_zero(vfs[i].mac);
	return -1;
}

void check_vf_mac(struct check_run *r)
{
	const struct netdev *n = pf_netdev(r->f);
	autofree struct host_vf *vfs = NULL;
	size_t n_vfs = 0;
	int has;

	if (!n)
		return;
	has = host_link_vfs(r->h, n->ifindex, &vfs, &n_vfs) < 0
		      ? -1
		      : has_admin_mac(vfs, n_vfs, r->f->vf_index);
	if (has < 0)
		found(r, CHECK_UNKNOWN, NULL, "its PF's driver does not tell its MAC address");
	else if (has)
		found(r, CHECK_OK, NULL, "its PF gave it a MAC address");
	else
		fix(r,
			found(r, CHECK_WARN, NULL,
				"it has no MAC address from its PF and takes a random one at every "
				"start"),
			"vfctl set %s/vf%d mac=ADDRESS, before it is bound", n->name,
			r->f->vf_index);
}

static void macs_of(struct check_run *r, const struct function *pf, bool *any, bool *known)
{
	autofree struct host_vf *vfs = NULL;
	size_t n_vfs = 0, without = 0;

	if (!pf->n_vfs || !pf->n_netdevs ||
		host_link_vfs(r->h, pf->netdevs[0].ifindex, &vfs, &n_vfs) < 0)
		return;
	*known = true;
	for (size_t i = 0; i < pf->n_vfs; i++)
		without += has_admin_mac(vfs, n_vfs, pf->vfs[i]->vf_index) == 0;
	if (!without)
		return;
	*any = true;
	fix(r,
		found(r, CHECK_WARN, NULL, "%zu of %zu VFs of %s (%s) have no lasting MAC address",
			without, pf->n_vfs, pf->address, pf->netdevs[0].name),
		"vfctl set %s/vfN mac=ADDRESS", pf->netdevs[0].name);
}

void check_vf_macs(struct check_run *r)
{
	bool any = false, known = false;

	for (size_t i = 0; i < r->inv->n_functions; i++)
		macs_of(r, &r->inv->functions[i], &any, &known);
	if (!any && known)
		found(r, CHECK_OK, NULL, "every network VF has a MAC address from its PF");
}

/* ---- The host's VFs and PFs ---- */

void check_vf_drivers(struct check_run *r)
{
	size_t without = 0, all = 0;
	autostrbuf some = { 0 };

	for (size_t i = 0; i < r->inv->n_functions; i++) {
		const struct function *f = &r->inv->functions[i];

		all += f->kind == FUNCTION_VF;
		if (f->kind != FUNCTION_VF || f->driver)
			continue;
		if (without++ < 3)
			strbuf_add(&some, "%s%s", some.len ? ", " : "", f->address);
	}
	if (!all)
		return;
	if (!without)
		found(r, CHECK_OK, NULL, "each of the %zu VFs has a driver", all);
	else
		fix(r,
			found(r, CHECK_WARN, NULL, "%zu of %zu VFs have no driver: %s%s", without,
				all, some.s ? some.s : "", without > 3 ? " …" : ""),
			"for guests: vfctl bind SELECTOR; for the host: vfctl restore SELECTOR");
}

static void firmware_of(struct check_run *r, const struct function *f, bool *any)
{
	autofact fact = { 0 };

	if (f->kind == FUNCTION_VF ||
		fact_sysfs(r->h, &fact, "bus/pci/devices/%s/sriov_totalvfs", f->address) < 0 ||
		fact_number(&fact, 1))
		return;
	*any = true;
	fix(r,
		found(r, CHECK_WARN, &fact,
			"%s could have VFs, but its firmware or driver allows none", f->address),
		"switch SR-IOV on in the machine's firmware and with the card vendor's tool");
}

void check_firmware_vfs(struct check_run *r)
{
	bool any = false, pfs = false;

	for (size_t i = 0; i < r->inv->n_functions; i++) {
		const struct function *f = &r->inv->functions[i];

		if (r->f && r->f != f)
			continue;
		pfs |= f->kind == FUNCTION_PF;
		firmware_of(r, f, &any);
	}
	if (!any && pfs)
		found(r, CHECK_OK, NULL, "VFs are allowed where SR-IOV is there");
}

/* The text as it is: what the inventory knows has absurd numbers taken out. */
static void pool_of(struct check_run *r, const struct function *pf, bool *any, bool *known)
{
	struct locked_read read = { .function = pf->bdf, .attribute = "sriov_vf_total_msix" };
	autofact fact = { 0 };
	uint64_t n;

	locked_read_all(r->h, &read, 1);
	if (read.result < 0)
		return;
	*known = true;
	if (parse_u64(str_trim(read.text), &n) == 0 && n <= INT32_MAX)
		return;
	*any = true;
	fact_stand(&fact, sysfs_path("bus/pci/devices/%s/sriov_vf_total_msix", pf->address), "%s",
		str_trim(read.text));
	found(r, CHECK_WARN, &fact,
		"%s: its driver tells an impossible pool of VF interrupts; it is taken as unknown",
		pf->address);
}

void check_msix_total(struct check_run *r)
{
	bool any = false, known = false;

	for (size_t i = 0; i < r->inv->n_functions; i++)
		if (r->inv->functions[i].kind == FUNCTION_PF)
			pool_of(r, &r->inv->functions[i], &any, &known);
	if (!any && known)
		found(r, CHECK_OK, NULL, "the pools of VF interrupts make sense");
}
