// SPDX-License-Identifier: GPL-2.0-or-later
#include "about.h"

#include "base/str.h"
#include "health/health.h"

void about_free(struct about *a)
{
	if (!a)
		return;
	detail_free(a->detail);
	holders_done(&a->holders);
	candidates_done(&a->candidates);
	migration_done(&a->migration);
	topology_free(a->topology);
	healths_free(a->healths);
	for (size_t i = 0; i < a->n_interfaces; i++)
		interface_done(&a->interfaces[i]);
	free(a->interfaces);
	free(a->vfs);
	nvme_controller_done(&a->controller);
	free(a->secondaries);
	setting_report_done(&a->settings);
	free(a);
}

static const struct function *pf_of(const struct function *f)
{
	return f->physfn ? f->physfn : f;
}

static int read_interfaces(struct host *h, struct about *a)
{
	a->interfaces = calloc(a->f->n_netdevs + 1, sizeof(*a->interfaces));
	if (!a->interfaces)
		return -ENOMEM;
	for (size_t i = 0; i < a->f->n_netdevs; i++) {
		int r = interface_read(h, &a->f->netdevs[i], &a->interfaces[i]);

		if (r < 0)
			return r;
		a->n_interfaces++;
	}
	return 0;
}

/* What the PF's driver reports of its VFs. Many functions have no such driver: that is no error. */
static void read_vfs(struct host *h, struct about *a)
{
	const struct function *pf = pf_of(a->f);

	for (size_t i = 0; i < pf->n_netdevs && !a->n_vfs; i++) {
		free(a->vfs);
		a->vfs = NULL;
		int ifindex = pf->netdevs[i].ifindex;

		/* The counters of hundreds of VFs do not fit into one answer. */
		if (host_link_vfs_stats(h, ifindex, &a->vfs, &a->n_vfs) < 0 &&
			host_link_vfs(h, ifindex, &a->vfs, &a->n_vfs) < 0)
			a->n_vfs = 0;
	}
	if (!a->n_vfs) {
		free(a->vfs);
		a->vfs = NULL;
	}
}

/* Of a VF, only itself. */
static void keep_own_vf(struct about *a)
{
	size_t kept = 0;

	for (size_t i = 0; i < a->n_vfs; i++)
		if (!a->f->physfn || (int)a->vfs[i].vf == a->f->vf_index)
			a->vfs[kept++] = a->vfs[i];
	a->n_vfs = kept;
}

/* Without the right to ask the controller, nothing is known of its secondaries. */
static void read_nvme(struct host *h, struct about *a)
{
	const struct function *pf = pf_of(a->f);
	autonvmepf *nvme = NULL;

	a->controller.id = -1;
	if (a->f->nvme)
		nvme_controller_read(h, a->f->nvme, &a->controller);
	if (!class_is_nvme(a->f->id.class_code) || pf->kind != FUNCTION_PF ||
		nvmepf_open(h, pf->bdf, &nvme, NULL) < 0 ||
		nvmepf_get_caps(nvme, &a->nvme_caps, NULL) < 0)
		return;
	a->has_nvme_caps = true;
	if (nvmepf_list(nvme, &a->secondaries, &a->n_secondaries, NULL) < 0)
		a->n_secondaries = 0;
}

static int load(
	struct host *h, const struct inventory *inv, const char *learned_dir, struct about *a)
{
	int r = detail_read(h, a->f->bdf, &a->detail);

	if (r == 0)
		r = candidates_find(h, a->f->bdf, &a->candidates);
	if (r == 0)
		r = migration_find(h, a->f->bdf, &a->candidates, &a->migration);
	if (r < 0)
		return r;
	if (holders_find(h, &a->f->bdf, 1, &a->holders) == -ENOMEM ||
		topology_load(h, inv, &a->topology, NULL) == -ENOMEM)
		return -ENOMEM;
	r = healths_look(h, inv, &a->f, 1, &a->healths, NULL);
	if (r < 0)
		return r;
	a->health = healths_of(a->healths, a->f);
	r = read_interfaces(h, a);
	if (r < 0)
		return r;
	read_vfs(h, a);
	keep_own_vf(a);
	read_nvme(h, a);
	a->group = inventory_find_group(inv, a->f->iommu_group);
	return setting_report_read(h, a->f, learned_dir, &a->settings);
}

int about_load(struct host *h, const struct inventory *inv, const struct function *f,
	const char *learned_dir, struct about **ret, struct problem **reterr)
{
	struct about *a CLEANUP(about_freep) = calloc(1, sizeof(*a));
	int r = -ENOMEM;

	if (a) {
		a->f = f;
		r = load(h, inv, learned_dir, a);
	}
	if (r < 0)
		return problem(reterr, r, problem_kind_from_errno(r), NULL, "%s: %s", f->address,
			r == -ENOENT ? "the function has gone" : strerror(-r));
	*ret = TAKE_PTR(a);
	return 0;
}
