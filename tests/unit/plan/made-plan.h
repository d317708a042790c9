/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Machines for plans, made of structs. */
#pragma once

#include "plan/plan.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* PFs of one driver, each with `vfs` of 64 VFs. */
struct made_pfs {
	struct inventory inv;
	struct function **links;
	struct netdev *netdevs;
};

static inline struct bdf bdf_of(size_t pf, size_t vf)
{
	return (struct bdf) { .bus = (uint8_t)(2 * pf + (vf > 248)),
		.dev = (uint8_t)(vf / 8),
		.fn = (uint8_t)(vf % 8) };
}

static inline void make(struct made_pfs *m, size_t pfs, size_t vfs, const char *driver)
{
	size_t n = 0, link = 0;

	*m = (struct made_pfs) { 0 };
	m->inv.functions = calloc(pfs * (vfs + 1) + 1, sizeof(struct function));
	m->links = calloc(pfs * vfs + 1, sizeof(struct function *));
	m->netdevs = calloc(pfs + 1, sizeof(*m->netdevs));
	m->inv.iommu_on = true;
	for (size_t i = 0; i < pfs; i++) {
		struct function *pf = &m->inv.functions[n++];

		snprintf(m->netdevs[i].name, sizeof(m->netdevs[i].name), "ens%u",
			(unsigned)(i % 1000));
		*pf = (struct function) { .bdf = bdf_of(i, 0),
			.kind = FUNCTION_PF,
			.class_word = "network",
			.id.class_code = 0x020000,
			.driver = (char *)(uintptr_t)driver,
			.netdevs = &m->netdevs[i],
			.n_netdevs = 1,
			.vf_index = -1,
			.vfs = &m->links[link],
			.n_vfs = vfs,
			.sriov = { .total_vfs = 64,
				.num_vfs = (unsigned)vfs,
				.drivers_autoprobe = 1 } };
		bdf_format(pf->bdf, pf->address);
		for (size_t k = 0; k < vfs; k++) {
			struct function *vf = &m->inv.functions[n++];

			*vf = (struct function) { .bdf = bdf_of(i, k + 1),
				.kind = FUNCTION_VF,
				.class_word = "network",
				.id.class_code = 0x020000,
				.driver = (char *)(uintptr_t) "vfdrv",
				.physfn = pf,
				.vf_index = (int)k };
			bdf_format(vf->bdf, vf->address);
			m->links[link++] = vf;
		}
	}
	m->inv.n_functions = n;
}

static inline void unmake(struct made_pfs *m)
{
	free(m->inv.functions);
	free(m->links);
	free(m->netdevs);
}
