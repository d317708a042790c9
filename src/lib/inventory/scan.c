// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Few system calls: this runs for every function of the machine, and there are machines with ten
 * thousand. In the order of addresses a PF comes before its VFs, so that a VF is known by its PF's
 * link and need not be asked what it is. "uevent" would tell driver and identity in one read, but
 * some kernels take the device lock for it (6.10, and stable ones of that summer).
 */
#include "scan.h"

#include "base/str.h"
#include "host/sysfs.h"

#include <limits.h>

/* What a PF's link says. */
struct claim {
	struct bdf pf, vf;
	unsigned index;
};

struct scan {
	struct host *h;
	struct folder at;
	struct function *v;
	size_t n;
	bool *gone, *claimed;
	struct claim *claims;
	size_t n_claims, room;
};

static void scan_done(struct scan *s)
{
	folder_done(&s->at);
	free(s->gone);
	free(s->claimed);
	free(s->claims);
}

static int by_address(const void *a, const void *b)
{
	const struct function *x = a, *y = b;

	return bdf_cmp(x->bdf, y->bdf);
}

/* Empty, but for addresses; sorted, each once ("0000:00:1f.0" can be written in other ways). */
static int list_functions(struct host *h, struct inventory *inv)
{
	autostrv char **names = NULL;
	size_t n = 0, kept = 0;
	struct function *v;
	int r = sysfs_list(h, &names, "bus/pci/devices");

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	inv->functions = v = calloc(strv_len(names) + 1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	STRV_FOREACH (name, names)
		if (bdf_parse(*name, &v[n].bdf) == 0) {
			bdf_format(v[n].bdf, v[n].address);
			n++;
		}
	qsort(v, n, sizeof(*v), by_address);
	for (size_t i = 0; i < n; i++)
		if (!kept || !bdf_eq(v[kept - 1].bdf, v[i].bdf))
			v[kept++] = v[i];
	inv->n_functions = kept;
	return 0;
}

static size_t find(const struct scan *s, struct bdf a)
{
	struct function key = { .bdf = a };
	const struct function *f = bsearch(&key, s->v, s->n, sizeof(*s->v), by_address);

	return f ? (size_t)(f - s->v) : SIZE_MAX;
}

static int read_driver(struct folder *at, char **ret)
{
	char name[NAME_MAX + 1];

	if (folder_link_name(at, "driver", name, sizeof(name)) < 0)
		return 0;
	*ret = strdup(name);
	return *ret ? 0 : -ENOMEM;
}

static int read_numa_node(struct folder *at)
{
	char text[32];
	uint64_t node;

	/* "-1" where the firmware says nothing, and that is no number for us. */
	if (folder_read_text(at, "numa_node", text, sizeof(text)) < 0 ||
		parse_u64(str_trim(text), &node) < 0 || node > INT_MAX)
		return -1;
	return (int)node;
}

/* -ENOENT: it has gone meanwhile. */
static int read_identity(struct scan *s, struct function *f)
{
	int r = identity_read_in(&s->at, &f->id);

	if (r == -ENOMEM || (r == -ENOENT && !sysfs_exists(s->h, "bus/pci/devices/%s", f->address)))
		return r;
	f->id_unknown = r < 0;
	f->class_word = r < 0 ? "other" : class_word(f->id.class_code);
	return 0;
}

static int add_claim(struct scan *s, struct claim c)
{
	if (s->n_claims == s->room) {
		size_t room = s->room ? s->room * 2 : 64;
		struct claim *more = reallocarray(s->claims, room, sizeof(*more));

		if (!more)
			return -ENOMEM;
		s->claims = more;
		s->room = room;
	}
	s->claims[s->n_claims++] = c;
	return 0;
}

/*
 * Captures may lie: a PF is nobody's VF, least of all its own, and a VF has one PF and one index.
 * So the picture is a forest, and who walks it comes to an end.
 */
static int claim_vfs(struct scan *s, size_t pf)
{
	autofree struct sriov_vf *vfs = NULL;
	size_t n;
	int r = sriov_vfs_in(&s->at, &vfs, &n);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	s->v[pf].sriov.num_vfs = (unsigned)n;
	for (size_t i = 0; r == 0 && i < n; i++) {
		size_t vf = find(s, vfs[i].bdf);

		if (vf == SIZE_MAX || vf == pf || s->claimed[vf] || s->v[vf].kind == FUNCTION_PF ||
			(i && vfs[i - 1].index == vfs[i].index))
			continue;
		s->claimed[vf] = true;
		r = add_claim(s, (struct claim) { s->v[pf].bdf, s->v[vf].bdf, vfs[i].index });
	}
	return r;
}

static int read_kind(struct scan *s, size_t i)
{
	struct function *f = &s->v[i];
	struct bdf pf;

	if (s->claimed[i] || sriov_physfn_in(&s->at, &pf) == 0) {
		f->kind = FUNCTION_VF;
		return 0;
	}
	if (sriov_total_vfs_in(&s->at, &f->sriov.total_vfs) < 0)
		return 0;
	f->kind = FUNCTION_PF;
	return claim_vfs(s, i);
}

static int read_function(struct scan *s, size_t i)
{
	struct function *f = &s->v[i];
	int r;

	f->vf_index = -1;
	f->sriov = (struct sriov_facts) {
		.offset = -1,
		.stride = -1,
		.vf_device = -1,
		.drivers_autoprobe = -1,
		.vf_total_msix = -1,
	};
	/* What is there and cannot be entered is shown, with nothing known about it. */
	r = sysfs_enter(&s->at, "bus/pci/devices/%s", f->address);
	if (r == -ENOENT || r == -ENOMEM)
		return r;
	r = read_identity(s, f);
	if (r == 0)
		r = read_driver(&s->at, &f->driver);
	if (r < 0)
		return r;
	f->iommu_group = MAX(iommu_group_of_in(&s->at), -1);
	f->numa_node = read_numa_node(&s->at);
	return read_kind(s, i);
}

/* Closes the gaps; from here on functions do not move, and pointers to them are taken. */
static void compact(struct scan *s, struct inventory *inv)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->n; i++)
		if (!s->gone || !s->gone[i])
			s->v[kept++] = s->v[i];
	inv->n_functions = kept;
	for (size_t i = 0; i < kept; i++)
		inv->iommu_on |= s->v[i].iommu_group >= 0;
}

static int link_vf(const struct inventory *inv, const struct claim *c)
{
	struct function *pf = inventory_find_bdf(inv, c->pf);
	struct function *vf = inventory_find_bdf(inv, c->vf);

	if (!pf || !vf)
		return 0;
	if (!pf->vfs)
		pf->vfs = calloc(pf->sriov.num_vfs + 1, sizeof(struct function *));
	if (!pf->vfs)
		return -ENOMEM;
	vf->kind = FUNCTION_VF;
	vf->physfn = pf;
	vf->vf_index = (int)c->index;
	pf->vfs[pf->n_vfs++] = vf;
	return 0;
}

static int scan(struct scan *s)
{
	for (size_t i = 0; i < s->n; i++) {
		int r = read_function(s, i);

		if (r == -ENOMEM)
			return r;
		s->gone[i] = r < 0;
	}
	return 0;
}

int scan_functions(struct host *h, struct inventory *inv)
{
	CLEANUP(scan_done) struct scan s = { .h = h };
	int r = list_functions(h, inv);

	folder_init(&s.at, h);
	if (r < 0)
		return r;
	s.v = inv->functions;
	s.n = inv->n_functions;
	s.gone = calloc(s.n + 1, sizeof(*s.gone));
	s.claimed = calloc(s.n + 1, sizeof(*s.claimed));
	r = s.gone && s.claimed ? scan(&s) : -ENOMEM;
	/* Also after a failure: what was read is freed with the inventory. */
	compact(&s, inv);
	for (size_t i = 0; r == 0 && i < s.n_claims; i++)
		r = link_vf(inv, &s.claims[i]);
	return r;
}
