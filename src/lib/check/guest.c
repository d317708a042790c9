// SPDX-License-Identifier: GPL-2.0-or-later
/* What a guest of a given size needs of the caller and of the machine. */
#include "run.h"

#include "base/str.h"
#include "host/devnode.h"
#include "host/procfs.h"
#include "host/sysfs.h"

#include <inttypes.h>
#include <stdio.h>

enum { BIT_DAC_OVERRIDE = 1, BIT_IPC_LOCK = 14 };

/* ---- The caller, as the kernel shows him ---- */

struct caller {
	unsigned uid;
	uint64_t capabilities;
	char *groups; /* "0 4 27" */
};

static void caller_done(struct caller *c)
{
	free(c->groups);
}

/* The rest of the line that begins with `key`, allocated. */
static char *line_of(const char *text, const char *key)
{
	const char *at = strstr(text, key);
	autofree char *copy = NULL;

	if (!at || (at != text && at[-1] != '\n'))
		return NULL;
	copy = strndup(at + strlen(key), strcspn(at + strlen(key), "\n"));
	return copy ? str_printf("%s", str_trim(copy)) : NULL;
}

static int read_caller(struct check_run *r, struct caller *ret)
{
	autofree char *text = NULL, *uids = NULL, *caps = NULL;
	unsigned real;

	if (procfs_read(r->h, &text, "self/status") < 0)
		return -ENOENT;
	uids = line_of(text, "Uid:");
	caps = line_of(text, "CapEff:");
	ret->groups = line_of(text, "Groups:");
	if (!uids || !caps || sscanf(uids, "%u %u", &real, &ret->uid) != 2 ||
		parse_hex(caps, &ret->capabilities) < 0)
		return -EINVAL;
	return 0;
}

static bool has_group(const struct caller *c, unsigned gid)
{
	const char *at = c->groups ? c->groups : "";
	unsigned one;
	int n;

	for (; sscanf(at, "%u%n", &one, &n) == 1; at += n)
		if (one == gid)
			return true;
	return false;
}

static bool may_open(const struct caller *c, const struct stat *st)
{
	if (c->capabilities & 1ULL << BIT_DAC_OVERRIDE)
		return true;
	if (c->uid == st->st_uid)
		return (st->st_mode & 0600) == 0600;
	if (has_group(c, st->st_gid))
		return (st->st_mode & 0060) == 0060;
	return (st->st_mode & 0006) == 0006;
}

static void may_open_node(struct check_run *r, const struct stat *st)
{
	struct caller caller CLEANUP(caller_done) = { 0 };
	autofact fact = { 0 };

	fact_stand(&fact, devnode_path("vfio/%d", r->f->iommu_group), "mode %04o, owner %u:%u",
		(unsigned)st->st_mode & 07777, (unsigned)st->st_uid, (unsigned)st->st_gid);
	if (read_caller(r, &caller) < 0)
		found(r, CHECK_UNKNOWN, &fact, "who asks cannot be read");
	else if (may_open(&caller, st))
		found(r, CHECK_OK, &fact, "the caller may open its device node");
	else
		fix(r,
			found(r, CHECK_FAIL, &fact,
				"the caller (user %u) may not open its device node (EACCES)",
				caller.uid),
			"run as root, or chown the node to the user");
}

void check_node(struct check_run *r)
{
	struct stat st;

	if (!driver_is_vfio(r->f->driver) || r->f->iommu_group < 0)
		return;
	if (r->h->captured)
		found(r, CHECK_UNKNOWN, NULL, "a captured machine has no device nodes");
	else if (devnode_stat(r->h, &st, "vfio/%d", r->f->iommu_group) == 0)
		may_open_node(r, &st);
	else
		fix(r,
			found(r, CHECK_FAIL, NULL, "its device node vfio/%d is missing",
				r->f->iommu_group),
			"see whether devtmpfs is mounted, or give the container the node");
}

/* ---- Pinned memory ---- */

/* The hard limit: a program raises its soft one by itself. UINT64_MAX: none. */
static int hard_limit(struct check_run *r, uint64_t *ret)
{
	autofree char *text = NULL, *line = NULL;
	char soft[32], hard[32];

	if (procfs_read(r->h, &text, "self/limits") < 0)
		return -ENOENT;
	line = line_of(text, "Max locked memory");
	if (!line || sscanf(line, "%31s %31s", soft, hard) != 2)
		return -EINVAL;
	*ret = UINT64_MAX;
	return str_eq(hard, "unlimited") ? 0 : parse_u64(hard, ret);
}

static void too_little(struct check_run *r, struct fact *fact, uint64_t need)
{
	bool asked = r->c->opts.memory_bytes;
	autostrbuf size = { 0 };

	strbuf_add_size(&size, need);
	fix(r,
		found(r, asked && r->f ? CHECK_FAIL : CHECK_WARN, fact,
			"a guest of %s needs more pinned memory than is allowed%s",
			size.s ? size.s : "?", asked ? " (ENOMEM)" : ""),
		"ulimit -l %" PRIu64 ", LimitMEMLOCK= in the unit, or limits.conf", need / 1024);
}

void check_memlock(struct check_run *r)
{
	/* Without a size: what a small guest needs. */
	uint64_t need = r->c->opts.memory_bytes ? r->c->opts.memory_bytes : 512ULL << 20, limit;
	struct caller caller CLEANUP(caller_done) = { 0 };
	autofact fact = { 0 };

	if (hard_limit(r, &limit) < 0 || read_caller(r, &caller) < 0) {
		found(r, CHECK_UNKNOWN, NULL, "how much memory may be pinned cannot be read");
		return;
	}
	if (limit == UINT64_MAX)
		fact_stand(&fact, procfs_path("self/limits"), "Max locked memory: unlimited");
	else
		fact_stand(&fact, procfs_path("self/limits"),
			"Max locked memory: %" PRIu64 " bytes", limit);
	if (caller.capabilities & 1ULL << BIT_IPC_LOCK)
		found(r, CHECK_OK, &fact, "the caller has CAP_IPC_LOCK and may pin any memory");
	else if (limit >= need)
		found(r, CHECK_OK, &fact, "enough memory may be pinned");
	else
		too_little(r, &fact, need);
}

/* ---- Mappings and addresses ---- */

enum { DMA_LIMIT_USUAL = 65535, DMA_LIMIT_LEAST = 64 };

void check_dma_limit(struct check_run *r)
{
	autofact fact = { 0 };
	uint64_t n;

	if (fact_sysfs(r->h, &fact, "module/vfio_iommu_type1/parameters/dma_entry_limit") < 0)
		return;
	n = fact_number(&fact, 0);
	if (n >= DMA_LIMIT_USUAL)
		found(r, CHECK_OK, &fact, "%" PRIu64 " DMA mappings are allowed", n);
	else
		fix(r,
			found(r, n < DMA_LIMIT_LEAST ? CHECK_FAIL : CHECK_WARN, &fact,
				"only %" PRIu64
				" DMA mappings are allowed: guests and DPDK can run "
				"out of them (ENOSPC)",
				n),
			"set vfio_iommu_type1's dma_entry_limit to 65535; use huge pages");
}

/* Where guest memory lies: from 0 to 3 GiB, and on from 4 GiB (vfctl-vmm and QEMU's q35). */
static const uint64_t low_end = 3ULL << 30, high_start = 4ULL << 30;

static const struct reserved_region *overlap(const struct iommu_group *g, uint64_t memory)
{
	for (size_t i = 0; i < g->n_reserved; i++) {
		const struct reserved_region *v = &g->reserved[i];

		/* VFIO lifts these; and the MSI window lies in the hole or is VFIO's business. */
		if (str_eq(v->type, "direct-relaxable"))
			continue;
		if (v->start < MIN(memory, low_end))
			return v;
		if (memory > low_end && v->end >= high_start &&
			v->start < high_start + (memory - low_end))
			return v;
	}
	return NULL;
}

void check_reserved(struct check_run *r)
{
	const struct iommu_group *g = inventory_find_group(r->inv, r->f->iommu_group);
	const struct reserved_region *v;
	autofact fact = { 0 };

	if (!g || !r->c->opts.memory_bytes)
		return;
	v = overlap(g, r->c->opts.memory_bytes);
	if (!v) {
		found(r, CHECK_OK, NULL, "the guest's memory avoids reserved addresses");
		return;
	}
	fact_stand(&fact, sysfs_path("kernel/iommu_groups/%d/reserved_regions", g->id),
		"0x%" PRIx64 "-0x%" PRIx64 " %s", v->start, v->end, v->type);
	fix(r,
		found(r, CHECK_FAIL, &fact,
			"the guest's memory would lie on reserved I/O addresses (EINVAL)"),
		"give the guest less memory");
}

/* ---- Huge pages ---- */

static uint64_t pages_of(struct check_run *r, const char *node, struct fact *fact)
{
	autostrv char **sizes = NULL;
	uint64_t all = 0;

	if (sysfs_list(r->h, &sizes, "devices/system/node/%s/hugepages", node) < 0)
		return 0;
	STRV_FOREACH (it, sizes) {
		uint64_t n;

		fact_sysfs(
			r->h, fact, "devices/system/node/%s/hugepages/%s/nr_hugepages", node, *it);
		n = fact_number(fact, 0);
		all += n;
		if (n)
			break;
	}
	return all;
}

/* Whether guests could get devices of that node. */
static bool node_has_devices(struct check_run *r, const char *node)
{
	for (size_t i = 0; i < r->inv->n_functions; i++) {
		const struct function *f = &r->inv->functions[i];
		autofree char *name = str_printf("node%d", f->numa_node < 0 ? 0 : f->numa_node);

		if ((f->kind != FUNCTION_PLAIN || driver_is_vfio(f->driver)) && str_eq(name, node))
			return true;
	}
	return false;
}

void check_hugepages(struct check_run *r)
{
	autostrv char **names = NULL;

	if (sysfs_list(r->h, &names, "devices/system/node") < 0) {
		found(r, CHECK_UNKNOWN, NULL, "huge pages cannot be read");
		return;
	}
	STRV_FOREACH (it, names) {
		autofact fact = { 0 };
		uint64_t n;

		if (!str_starts(*it, "node") || !strspn(*it + 4, "0123456789"))
			continue;
		n = pages_of(r, *it, &fact);
		if (n)
			found(r, CHECK_OK, &fact, "%s has huge pages reserved", *it);
		else if (node_has_devices(r, *it))
			fix(r,
				found(r, CHECK_WARN, fact.file ? &fact : NULL,
					"%s has devices for guests, but no huge pages: their memory "
					"takes more DMA mappings and more misses",
					*it),
				"echo N >%s", fact.file ? fact.file : "nr_hugepages of the node");
	}
}
