// SPDX-License-Identifier: GPL-2.0-or-later
#include "group.h"

#include "base/str.h"
#include "host/sysfs.h"
#include "pci/identity.h"

#include <limits.h>
#include <stdio.h>

/*
 * Module names in sysfs come with '-' or '_' as their author liked: "vfio-pci", "mlx5_vfio_pci",
 * "nvgrace-gpu-vfio-pci", "vfio_pci_foo".
 */
bool driver_is_vfio(const char *driver)
{
	return driver && (str_starts(driver, "vfio-") || str_starts(driver, "vfio_") ||
				 str_ends(driver, "-vfio-pci") || str_ends(driver, "_vfio_pci"));
}

/*
 * The rule of the kernel (vfio_dev_viable and, later, iommu DMA ownership): free are functions
 * without driver, those on VFIO, bridges with a bus behind them, and those on drivers that promise
 * not to do DMA. An ISA bridge on lpc_ich does block: the kernel makes no difference there.
 */
bool iommu_member_blocks(uint32_t class_code, const char *driver)
{
	return driver && !class_is_bus_bridge(class_code) && !str_eq(driver, "pci-stub") &&
	       !str_eq(driver, "pcieport") && !driver_is_vfio(driver);
}

static int read_member(struct host *h, const char *address, struct group_member *ret)
{
	struct group_member m = { 0 };
	struct identity id;
	int r = bdf_parse(address, &m.bdf);

	if (r < 0)
		return r;
	if (identity_read(h, m.bdf, &id) == 0)
		m.class_code = id.class_code;
	r = sysfs_link_name(h, &m.driver, "bus/pci/devices/%s/driver", address);
	if (r == -ENOMEM)
		return r;
	m.blocks = iommu_member_blocks(m.class_code, m.driver);
	*ret = m;
	return 0;
}

/* Members that are not PCI functions (platform devices on other machines) are not counted. */
static int read_members(struct host *h, struct iommu_group *g)
{
	autostrv char **names = NULL;
	int r = sysfs_list(h, &names, "kernel/iommu_groups/%d/devices", g->id);

	if (r < 0)
		return r;
	g->members = calloc(strv_len(names) + 1, sizeof(*g->members));
	if (!g->members)
		return -ENOMEM;
	STRV_FOREACH (name, names) {
		r = read_member(h, *name, &g->members[g->n_members]);
		if (r == -ENOMEM)
			return r;
		if (r == 0)
			g->n_members++;
	}
	return 0;
}

/* "0x00000000fee00000 0x00000000feefffff msi"; the type is the whole last word. */
static bool parse_reserved(const char *line, struct reserved_region *ret)
{
	struct reserved_region r = { 0 };
	unsigned long long start, end;
	int read = 0;

	if (sscanf(line, "0x%llx 0x%llx %23s%n", &start, &end, r.type, &read) != 3 || end < start)
		return false;
	/* Half a word would be another one. The range is what counts, and stays. */
	if (line[read] && line[read] != ' ')
		strcpy(r.type, "unknown");
	r.start = start;
	r.end = end;
	*ret = r;
	return true;
}

static int read_reserved(struct host *h, struct iommu_group *g)
{
	autofree char *text = NULL;
	char *save = NULL;

	if (sysfs_read(h, &text, "kernel/iommu_groups/%d/reserved_regions", g->id) < 0)
		return 0;
	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		struct reserved_region one, *more;

		if (!parse_reserved(l, &one))
			continue;
		more = reallocarray(g->reserved, g->n_reserved + 1, sizeof(*more));
		if (!more)
			return -ENOMEM;
		g->reserved = more;
		g->reserved[g->n_reserved++] = one;
	}
	return 0;
}

static bool nobody_blocks(const struct iommu_group *g)
{
	for (size_t i = 0; i < g->n_members; i++)
		if (g->members[i].blocks)
			return false;
	return true;
}

int iommu_group_read(struct host *h, int id, struct iommu_group *ret)
{
	struct iommu_group g = { .id = id };
	autofree char *type = NULL;
	int r = read_members(h, &g);

	if (r == 0)
		r = read_reserved(h, &g);
	if (r < 0) {
		iommu_group_done(&g);
		return r;
	}
	if (sysfs_read(h, &type, "kernel/iommu_groups/%d/type", id) >= 0)
		g.type = str_printable(str_trim(type));
	g.viable = nobody_blocks(&g);
	*ret = g;
	return 0;
}

void iommu_group_done(struct iommu_group *g)
{
	for (size_t i = 0; i < g->n_members; i++)
		free(g->members[i].driver);
	free(g->members);
	free(g->reserved);
	free(g->type);
	*g = (struct iommu_group) { .id = -1 };
}

void iommu_groups_free(struct iommu_group *groups, size_t n)
{
	for (size_t i = 0; groups && i < n; i++)
		iommu_group_done(&groups[i]);
	free(groups);
}

static int by_id(const void *a, const void *b)
{
	const struct iommu_group *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

int iommu_groups_read(struct host *h, struct iommu_group **ret, size_t *ret_n)
{
	autostrv char **names = NULL;
	struct iommu_group *groups;
	size_t n = 0;
	int r = sysfs_list(h, &names, "kernel/iommu_groups");

	/* Without CONFIG_IOMMU_API there is no such directory; with it and no IOMMU it is empty. */
	if (r < 0 && r != -ENOENT)
		return r;
	groups = calloc(strv_len(names) + 1, sizeof(*groups));
	if (!groups)
		return -ENOMEM;
	STRV_FOREACH (name, names) {
		uint32_t id;

		if (parse_u32(*name, &id) < 0 || id > INT32_MAX)
			continue;
		r = iommu_group_read(h, (int)id, &groups[n]);
		if (r == -ENOMEM) {
			iommu_groups_free(groups, n);
			return r;
		}
		if (r == 0) /* otherwise it went with its last member */
			n++;
	}
	qsort(groups, n, sizeof(*groups), by_id);
	*ret = groups;
	*ret_n = n;
	return 0;
}

int iommu_group_of_in(struct folder *f)
{
	char name[NAME_MAX + 1];
	uint32_t id;
	int r = folder_link_name(f, "iommu_group", name, sizeof(name));

	if (r < 0)
		return r == -ENOENT ? -ENODATA : r;
	if (parse_u32(name, &id) < 0 || id > INT32_MAX)
		return -EINVAL;
	return (int)id;
}

int iommu_group_of(struct host *h, struct bdf a)
{
	autofolder f;
	int r;

	folder_init(&f, h);
	r = sysfs_enter(&f, "bus/pci/devices/%s", BDF_TEXT(a));
	if (r < 0)
		return r == -ENOENT ? -ENODATA : r;
	return iommu_group_of_in(&f);
}

bool iommu_may_be_missing(struct host *h)
{
	autofree char *text = NULL;

	return sysfs_read(h, &text, "module/vfio/parameters/enable_unsafe_noiommu_mode") == 0 &&
	       (*text == 'Y' || *text == '1');
}

char *iommu_group_blockers(const struct iommu_group *g)
{
	autostrbuf b = { 0 };

	for (size_t i = 0; i < g->n_members; i++)
		if (g->members[i].blocks)
			strbuf_add(&b, "%s%s (%s)", b.len ? ", " : "", BDF_TEXT(g->members[i].bdf),
				g->members[i].driver);
	return b.len ? strbuf_take(&b) : NULL;
}

int iommu_group_require_viable(const struct iommu_group *g, struct problem **reterr)
{
	autofree char *blockers = iommu_group_blockers(g);
	int r;

	if (g->viable)
		return 0;
	r = problem(reterr, -EPERM, PROBLEM_GROUP_NOT_VIABLE, NULL,
		"IOMMU group %d is not viable because of %s", g->id, blockers ? blockers : "?");
	for (size_t i = 0; i < g->n_members; i++)
		if (g->members[i].blocks && class_is_bridge(g->members[i].class_code)) {
			problem_hint(reterr, "%s stays with the host: see vfctl groups %d",
				BDF_TEXT(g->members[i].bdf), g->id);
			return r;
		}
	for (size_t i = 0; i < g->n_members; i++)
		if (g->members[i].blocks) {
			problem_hint(reterr, "vfctl bind %s vfio-pci", BDF_TEXT(g->members[i].bdf));
			break;
		}
	return r;
}
