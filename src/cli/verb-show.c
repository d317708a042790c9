// SPDX-License-Identifier: GPL-2.0-or-later
#include "verbs.h"
#include "base/str.h"
#include "nvme/secctrl.h"
#include "out/show.h"
#include "select/select.h"

static const struct example examples[] = {
	{ "show ens1f0", "a PF and the attributes of its VFs" },
	{ "show 0000:3b:02.1", "a function by its address" },
	{ "show nvme0/vf0 --json", "a VF, for a program" },
};

/* What the PF's driver reports of its VFs. Many functions have no such driver: that is no error. */
static void read_vfs(struct host *h, const struct function *f, struct host_vf **ret, size_t *ret_n)
{
	const struct function *pf = f->physfn ? f->physfn : f;

	for (size_t i = 0; i < pf->n_netdevs; i++) {
		if (host_link_vfs(h, pf->netdevs[i].ifindex, ret, ret_n) < 0)
			continue;
		if (*ret_n)
			return;
		free(*ret);
		*ret = NULL;
	}
}

/* All of the function's interfaces; what cannot be asked stays unknown. */
static int read_altnames(struct host *h, const struct function *f, char ***ret)
{
	for (size_t i = 0; i < f->n_netdevs; i++) {
		autostrv char **names = NULL;
		int r = host_link_altnames(h, f->netdevs[i].ifindex, &names);

		if (r == 0 && !*ret)
			*ret = TAKE_PTR(names);
		else
			STRV_FOREACH (it, names)
				if (strv_add(ret, *it) < 0)
					return -ENOMEM;
		if (r == -ENOMEM)
			return r;
	}
	return 0;
}

/* Of a VF, only itself. */
static void keep_own(const struct function *f, struct host_vf *vfs, size_t *n)
{
	size_t kept = 0;

	for (size_t i = 0; i < *n; i++)
		if (!f->physfn || (int)vfs[i].vf == f->vf_index)
			vfs[kept++] = vfs[i];
	*n = kept;
}

/* The secondary controllers of an NVMe PF, or of a VF its own. Without the right to ask: nothing.
 */
static void read_secondaries(struct host *h, const struct function *f, struct shown *s,
	struct nvmepf_caps *caps, struct secctrl **ret)
{
	const struct function *pf = f->physfn ? f->physfn : f;
	autonvmepf *nvme = NULL;

	if (!class_is_nvme(f->id.class_code) || pf->kind != FUNCTION_PF ||
		nvmepf_open(h, pf->bdf, &nvme, NULL) < 0 || nvmepf_get_caps(nvme, caps, NULL) < 0)
		return;
	s->nvme_caps = caps;
	if (nvmepf_list(nvme, ret, &s->n_secondaries, NULL) == 0)
		s->secondaries = *ret;
}

static int show(struct cli *cli, struct host *h, const struct inventory *inv,
	const struct function *f, struct problem **reterr)
{
	CLEANUP(detail_freep) struct detail *detail = NULL;
	autofree struct secctrl *secondaries = NULL;
	autofree struct host_vf *vfs = NULL;
	autostrv char **altnames = NULL;
	autoholders holders = { 0 };
	autoreport settings = { 0 };
	struct nvmepf_caps caps;
	struct shown s = { .f = f, .holders = &holders, .settings = &settings };
	int r;

	r = detail_read(h, f->bdf, &detail);
	if (r < 0)
		return problem(reterr, r, problem_kind_from_errno(r), NULL, "%s: %s", f->address,
			r == -ENOENT ? "the function has gone" : strerror(-r));
	r = holders_find(h, &f->bdf, 1, &holders);
	if (r != -ENOMEM)
		r = read_altnames(h, f, &altnames);
	if (r != -ENOMEM)
		r = setting_report_read(h, f, cli->root ? NULL : cli->learned_dir, &settings);
	if (r == -ENOMEM)
		return r;
	read_vfs(h, f, &vfs, &s.n_vfs);
	keep_own(f, vfs, &s.n_vfs);
	read_secondaries(h, f, &s, &caps, &secondaries);
	s.detail = detail;
	s.altnames = altnames;
	s.vfs = vfs;
	s.group = inventory_find_group(inv, f->iommu_group);
	return out_show(&cli->out, &s, reterr);
}

static int run(struct cli *cli, const struct args *a, struct problem **reterr)
{
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	struct function *f = NULL;
	struct host *h = NULL;
	int r;

	r = cli_inventory(cli, INVENTORY_ALL, &inv, reterr);
	if (r == 0)
		r = cli_host(cli, &h, reterr);
	if (r == 0)
		r = select_one(h, inv, a->words[0], &f, reterr);
	return r < 0 ? r : show(cli, h, inv, f, reterr);
}

const struct verb verb_show = {
	.name = "show",
	.section = VERB_LOOK,
	.args = "SELECTOR",
	.summary = "everything about one function",
	.description =
		"Shows one function: identity, driver, IOMMU group, users, SR-IOV capability,\n"
		"interrupts, resets, link, regions, what the PF set for each VF, and what its\n"
		"driver lets be set: as the kernel tells, or as it answered before.\n",
	.examples = examples,
	.n_examples = ARRAY_SIZE(examples),
	.completes = "<function>",
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
