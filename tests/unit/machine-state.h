/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether a machine is as it was: two texts are compared. */
#pragma once

#include "cm.h"
#include "base/str.h"
#include "inventory/inventory.h"
#include "netdev/netdev.h"
#include "nvme/secctrl.h"

static inline UNUSED void add_nvme(struct host *h, struct bdf pf, struct strbuf *b)
{
	autofree struct secctrl *v = NULL;
	autonvmepf *p = NULL;
	size_t n = 0;

	if (nvmepf_open(h, pf, &p, NULL) < 0 || nvmepf_list(p, &v, &n, NULL) < 0)
		return;
	for (size_t i = 0; i < n; i++)
		strbuf_add(b, "  vf %d vq=%u vi=%u online=%d\n", v[i].vf - 1, v[i].nvq, v[i].nvi,
			v[i].online);
}

/* Everything about PFs and VFs that vfctl can change, as one text. */
static inline UNUSED char *state_of(struct host *h)
{
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	autostrbuf b = { 0 };

	assert_int_equal(inventory_load(h, INVENTORY_OVERRIDES | INVENTORY_SRIOV, &inv, NULL), 0);
	for (size_t i = 0; i < inv->n_functions; i++) {
		const struct function *f = &inv->functions[i];
		autofree struct host_vf *vfs = NULL;
		size_t n = 0;

		strbuf_add(&b, "%s %s override=%s vfs=%zu autoprobe=%d\n", f->address,
			f->driver ? f->driver : "-", f->driver_override ? f->driver_override : "-",
			f->n_vfs, f->sriov.drivers_autoprobe);
		if (f->nvme && f->kind == FUNCTION_PF)
			add_nvme(h, f->bdf, &b);
		if (f->kind != FUNCTION_PF || !f->n_netdevs ||
			host_link_vfs(h, f->netdevs[0].ifindex, &vfs, &n) < 0)
			continue;
		for (size_t k = 0; k < n; k++)
			strbuf_add(&b, "  vf %u %s vlan=%u trust=%d rate=%u\n", vfs[k].vf,
				MAC_TEXT(vfs[k].mac), vfs[k].vlan, vfs[k].trust,
				vfs[k].max_tx_rate);
	}
	return strbuf_take(&b);
}
