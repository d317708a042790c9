// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * plan-cost PFS VFS: the CPU time, in microseconds, that it takes to plan VFS configured VFs on
 * vfio-pci for each of PFS PFs that have none; the best of five.
 */
#include "unit/plan/made-plan.h"

#include "base/str.h"

#include <time.h>

static int wish(struct wishes *w, size_t pfs, unsigned vfs)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < pfs; i++) {
		struct pf_wish *pf = wishes_pf(w, bdf_of(i, 0));

		for (unsigned k = 0; r == 0 && pf && k < vfs; k++) {
			autofree char *word = str_printf("vlan=%u", k + 1);
			struct vf_wish *v = pf_wish_vf(pf, k);

			pf->num_vfs = (int)vfs;
			r = word && v ? wish_put(&v->driver, "vfio-pci") : -ENOMEM;
			if (r == 0)
				r = wish_setting(&v->settings, word);
		}
		if (!pf)
			r = -ENOMEM;
	}
	return r;
}

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int once(size_t pfs, unsigned vfs, double *best)
{
	autowishes w = { 0 };
	autoplan p = { 0 };
	autonow now = { 0 };
	struct made_pfs m;
	double us;
	int r;

	make(&m, pfs, 0, "igb");
	r = wish(&w, pfs, vfs);
	us = now_us();
	if (r == 0)
		r = plan_make(&m.inv, &now, &w, &(struct plan_opts) { 0 }, &p);
	us = now_us() - us;
	*best = *best > 0 ? MIN(*best, us) : us;
	if (r == 0 && (plan_refusal(&p) || p.n != pfs * (1 + 2 * vfs)))
		r = -EINVAL;
	unmake(&m);
	return r;
}

int main(int argc, char **argv)
{
	size_t pfs = argc == 3 ? strtoul(argv[1], NULL, 10) : 0;
	unsigned vfs = argc == 3 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
	double best = 0;

	if (!pfs || pfs > 64 || !vfs || vfs > 64) {
		fputs("usage: plan-cost PFS VFS (1 to 64 each)\n", stderr);
		return 2;
	}
	for (int i = 0; i < 5; i++)
		if (once(pfs, vfs, &best) < 0) {
			fputs("plan-cost: not the plan that it should be\n", stderr);
			return 1;
		}
	printf("%.0f\n", best);
	return 0;
}
