// SPDX-License-Identifier: GPL-2.0-or-later
#include "memory.h"

#include "base/str.h"
#include "host/sysfs.h"

#include <inttypes.h>
#include <string.h>

static bool is_node(const char *name)
{
	return str_starts(name, "node") && name[4] && !name[4 + strspn(name + 4, "0123456789")];
}

static unsigned count_nodes(struct host *h)
{
	autostrv char **names = NULL;
	unsigned n = 0;

	if (sysfs_list(h, &names, "devices/system/node") < 0)
		return 0;
	STRV_FOREACH (it, names)
		n += is_node(*it);
	return n;
}

/* Of the first function that is assigned; nobody asks on machines with one node. */
static int node_of_functions(struct host *h, const struct launch_plan *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].how == LAUNCH_VFIO && p->v[i].function &&
			p->v[i].function->numa_node >= 0)
			return count_nodes(h) > 1 ? p->v[i].function->numa_node : -1;
	return -1;
}

static int read_node_bytes(struct host *h, unsigned node, uint64_t *ret)
{
	autofree char *text = NULL;
	const char *at;
	int r = sysfs_read(h, &text, "devices/system/node/node%u/meminfo", node);

	if (r < 0)
		return r;
	at = strstr(text, "MemTotal:");
	if (!at)
		return -ENODATA;
	*ret = strtoull(at + strlen("MemTotal:"), NULL, 10) << 10;
	return 0;
}

static int check_node(
	struct host *h, const struct launch_request *r, unsigned node, struct problem **reterr)
{
	uint64_t bytes;

	if (!sysfs_exists(h, "devices/system/node/node%u", node))
		return problem(reterr, -ENOENT, PROBLEM_NOT_FOUND, NULL,
			"this machine has no NUMA node %u", node);
	if (read_node_bytes(h, node, &bytes) < 0 || r->memory_bytes <= bytes)
		return 0;
	return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, "give the guest less, or --numa off",
		"NUMA node %u has %" PRIu64 " MiB in all, the guest needs %" PRIu64, node,
		bytes >> 20, r->memory_bytes >> 20);
}

/* What the kernel tells of one pool, as it is called in sysfs. */
struct pool {
	uint64_t page, all, unused, reserved, overcommit, surplus;
};

static uint64_t pool_fact(struct host *h, const struct pool *p, const char *name)
{
	uint64_t v;

	return sysfs_read_u64(h, &v, "kernel/mm/hugepages/hugepages-%" PRIu64 "kB/%s",
		       p->page >> 10, name) < 0
		       ? 0
		       : v;
}

static void read_pool(struct host *h, struct pool *p)
{
	p->all = pool_fact(h, p, "nr_hugepages");
	p->unused = pool_fact(h, p, "free_hugepages");
	p->reserved = pool_fact(h, p, "resv_hugepages");
	p->overcommit = pool_fact(h, p, "nr_overcommit_hugepages");
	p->surplus = pool_fact(h, p, "surplus_hugepages");
}

/* Free ones that somebody mapped and has not touched yet are his. */
static uint64_t available(const struct pool *p)
{
	uint64_t n = p->unused > p->reserved ? p->unused - p->reserved : 0;

	return n + (p->overcommit > p->surplus ? p->overcommit - p->surplus : 0);
}

static void hint_pool(struct problem **reterr, const struct pool *p, int node, uint64_t wanted)
{
	autofree char *file =
		node < 0 ? sysfs_path("kernel/mm/hugepages/hugepages-%" PRIu64 "kB/nr_hugepages",
				   p->page >> 10)
			 : sysfs_path("devices/system/node/node%d/hugepages/hugepages-%" PRIu64
				      "kB/nr_hugepages",
				   node, p->page >> 10);

	problem_hint(reterr, "echo %" PRIu64 " >%s%s", wanted, file ? file : "nr_hugepages",
		p->page > 2 << 20 ? "; 1 GiB in one piece is best found at boot: "
				    "hugepagesz=1G hugepages=N"
				  : "");
}

static int check_pool(
	struct host *h, const struct launch_request *r, int node, struct problem **reterr)
{
	struct pool p = { .page = r->huge_page };
	const char *size = r->huge_page > 2 << 20 ? "1G" : "2M";
	uint64_t need = r->memory_bytes / r->huge_page, have;

	if (!sysfs_exists(h, "kernel/mm/hugepages/hugepages-%" PRIu64 "kB", p.page >> 10))
		return problem(reterr, -EOPNOTSUPP, PROBLEM_UNSUPPORTED, NULL,
			"this machine has no huge pages of %s", size);
	read_pool(h, &p);
	have = available(&p);
	if (have < need) {
		problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL,
			"the guest needs %" PRIu64 " huge pages of %s, %" PRIu64
			" can be had (%" PRIu64 " reserved, %" PRIu64 " of them free)",
			need, size, have, p.all, p.unused);
		hint_pool(reterr, &p, -1, p.all + need - have);
		return -ENOMEM;
	}
	if (node < 0 || sysfs_read_u64(h, &have,
				"devices/system/node/node%d/hugepages/hugepages-%" PRIu64
				"kB/free_hugepages",
				node, p.page >> 10) < 0)
		return 0;
	if (have >= need)
		return 0;
	problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL,
		"the guest needs %" PRIu64 " huge pages of %s, NUMA node %d has %" PRIu64 " free",
		need, size, node, have);
	hint_pool(reterr, &p, node, need);
	return -ENOMEM;
}

static bool thp_is_off(struct host *h)
{
	autofree char *text = NULL;

	return sysfs_read(h, &text, "kernel/mm/transparent_hugepage/enabled") >= 0 &&
	       strstr(text, "[never]");
}

int launch_memory_plan(struct host *h, const struct launch_request *r, const struct launch_plan *p,
	struct launch_memory *ret, struct problem **reterr)
{
	struct launch_memory m = { .node = -1, .no_thp = thp_is_off(h) };
	int e = 0;

	if (r->numa == LAUNCH_NUMA_NODE) {
		m.node = (int)r->node;
		m.only = true;
		e = check_node(h, r, r->node, reterr);
	} else if (r->numa == LAUNCH_NUMA_AUTO) {
		m.node = node_of_functions(h, p);
	}
	if (e == 0 && r->huge_page)
		e = check_pool(h, r, m.only ? m.node : -1, reterr);
	if (e < 0)
		return e;
	*ret = m;
	return 0;
}
