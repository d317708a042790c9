// SPDX-License-Identifier: GPL-2.0-or-later
/* The kernel: what it can, what it forbids, what it wrote, and who else tells it what to do. */
#include "run.h"

#include "base/str.h"
#include "cause/cause.h"
#include "cause/confirm.h"
#include "host/devnode.h"
#include "host/procfs.h"
#include "host/sysfs.h"

#include <stdio.h>

/* ---- KVM ---- */

static const char *nested(struct check_run *r, struct fact *fact)
{
	static const char *const modules[] = { "kvm_intel", "kvm_amd" };

	for (size_t i = 0; i < ARRAY_SIZE(modules); i++)
		if (fact_sysfs(r->h, fact, "module/%s/parameters/nested", modules[i]) == 0)
			return str_eq(fact->value, "Y") || str_eq(fact->value, "1")
				       ? "guests may have guests"
				       : "guests may not have guests";
	return "";
}

void check_kvm(struct check_run *r)
{
	autofact fact = { 0 };
	const char *words;

	if (r->h->captured) {
		found(r, CHECK_UNKNOWN, NULL, "a captured machine has no device nodes");
		return;
	}
	if (!devnode_exists(r->h, "kvm")) {
		fact_stand(&fact, devnode_path("kvm"), "not there");
		fix(r,
			found(r, CHECK_WARN, &fact,
				"KVM is not there: no guests, only user-space drivers"),
			"switch virtualisation on in the firmware, then modprobe kvm_intel or kvm_amd");
		return;
	}
	words = nested(r, &fact);
	found(r, CHECK_OK, fact.value ? &fact : NULL, "KVM is there%s%s", *words ? "; " : "",
		words);
}

/* ---- What is forbidden ---- */

void check_lockdown(struct check_run *r)
{
	struct cause_query q = { 0 };
	autofact fact = { 0 };

	if (locked_down(r->h, &q, &fact))
		fix(r,
			found(r, CHECK_WARN, &fact,
				"the kernel is locked down: no unsigned modules, no writing of "
				"configuration space"),
			"only if that is in the way: boot without lockdown= and secure boot");
	else if (fact.value)
		found(r, CHECK_OK, &fact, "the kernel is not locked down");
}

/* Four bytes of attributes, then the value (UEFI 2.10, 3.3). */
void check_secure_boot(struct check_run *r)
{
	static const char path[] =
		"firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";
	uint8_t v[5];
	autofact fact = { 0 };

	if (sysfs_read_bytes(r->h, v, sizeof(v), "%s", path) != sizeof(v))
		return;
	fact_stand(&fact, sysfs_path("%s", path), "%u", v[4]);
	found(r, CHECK_OK, &fact,
		v[4] ? "secure boot is on: modules must be signed" : "secure boot is off");
}

/* ---- Versions ---- */

/* What came with which version, and what one lacks before it. */
static const struct since {
	unsigned major, minor;
	const char *what;
} features[] = {
	{ 4, 12, "driver_override may be read while a VF is being removed" },
	{ 5, 7, "VF tokens, and vfio-pci's enable_sriov" },
	{ 5, 13, "sriov_vf_msix_count: vectors per VF" },
	{ 5, 15, "reset_method: the choice of a reset" },
	{ 5, 18, "VFIO drivers made for a device, which migrate it" },
	{ 6, 2, "iommufd" },
	{ 6, 6, "VFIO device nodes without groups (cdev)" },
};

void check_kernel_version(struct check_run *r)
{
	autofact fact = { 0 };
	unsigned major, minor;
	bool lacks = false;

	if (fact_procfs(r->h, &fact, "sys/kernel/osrelease") < 0 ||
		sscanf(fact.value, "%u.%u", &major, &minor) != 2) {
		found(r, CHECK_UNKNOWN, NULL, "the kernel's version cannot be read");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(features); i++) {
		autofact copy = { 0 };

		if (major > features[i].major ||
			(major == features[i].major && minor >= features[i].minor))
			continue;
		lacks = true;
		fact_stand(&copy, procfs_path("sys/kernel/osrelease"), "%s", fact.value);
		fix(r,
			found(r, CHECK_WARN, &copy, "this kernel lacks what %u.%u brought: %s",
				features[i].major, features[i].minor, features[i].what),
			"a newer kernel, if that is wanted");
	}
	if (!lacks)
		found(r, CHECK_OK, &fact, "the kernel has everything that is used");
}

/* ---- What it wrote ---- */

/* A line with one of these, and for what it stands. */
struct phrase {
	const char *words, *and;
};

struct reading {
	const struct phrase *phrases;
	size_t n;
	char *last;
	unsigned count;
	bool failed;
};

static void match(void *arg, const struct host_log_line *line)
{
	struct reading *g = arg;

	for (size_t i = 0; !line->foreign && i < g->n; i++) {
		if (!strstr(line->text, g->phrases[i].words) ||
			(g->phrases[i].and &&!strstr(line->text, g->phrases[i].and)))
			continue;
		free(g->last);
		g->last = str_printable(line->text);
		g->failed |= !g->last;
		g->count++;
		return;
	}
}

/* How many lines, and the last; what cannot be read is said. */
static void search_log(struct check_run *r, const struct phrase *phrases, size_t n, const char *bad,
	const char *good, const char *help)
{
	struct reading g = { .phrases = phrases, .n = n };
	autofact fact = { 0 };
	uint64_t next;
	int e = host_kernel_log(r->h, 0, &next, match, &g);

	r->failed |= g.failed;
	if (e < 0)
		found(r, CHECK_UNKNOWN, NULL, "the kernel's log cannot be read");
	else if (!g.count)
		found(r, CHECK_OK, NULL, "%s", good);
	else if (g.last) {
		fact_stand(&fact, devnode_path("kmsg"), "%s", g.last);
		fix(r,
			found(r, CHECK_WARN, &fact, "%s (%u lines of the kernel's log)", bad,
				g.count),
			"%s", help);
	}
	free(g.last);
}

void check_shortage(struct check_run *r)
{
	/* drivers/pci/setup-bus.c, setup-res.c, iov.c and probe.c; most lines end so. */
	static const struct phrase phrases[] = {
		{ "not enough MMIO resources for SR-IOV", NULL },
		{ "can't assign; no space", "mem " },
		{ "no space for [mem ", NULL },
		{ "failed to assign [mem ", NULL },
		{ "out of range of [bus ", NULL },
		{ "No bus number available", NULL },
		{ "can't enable ", " VFs" },
	};

	search_log(r, phrases, ARRAY_SIZE(phrases),
		"memory windows or bus numbers did not suffice for a device",
		"memory windows and bus numbers sufficed",
		"switch on decoding above 4G and SR-IOV in the firmware, or boot with pci=realloc");
}

void check_dma_faults(struct check_run *r)
{
	static const struct phrase phrases[] = {
		{ "DMAR: [DMA ", "fault addr" },
		{ "AMD-Vi: Event logged [IO_PAGE_FAULT", NULL },
		{ "arm-smmu-v3", "event 0x10 received" },
	};

	search_log(r, phrases, ARRAY_SIZE(phrases),
		"the IOMMU has stopped DMA of a device to memory that it was not given",
		"no DMA was stopped",
		"see which function it names: a driver or a guest misused it, or it is broken");
}

void check_kernel_log(struct check_run *r)
{
	autofree char *line = NULL;
	autofact fact = { 0 };
	int e = cause_log(r->h, r->f->bdf, NULL, &line);

	if (e == -ENOMEM) {
		r->failed = true;
	} else if (e < 0) {
		found(r, CHECK_UNKNOWN, NULL, "the kernel's log cannot be read");
	} else if (line) {
		fact_stand(&fact, devnode_path("kmsg"), "%s", line);
		found(r, CHECK_WARN, &fact, "the kernel's log complains about it");
	} else {
		found(r, CHECK_OK, NULL, "the kernel's log has no complaint about it");
	}
}

/* ---- Other programs ---- */

void check_managers(struct check_run *r)
{
	const struct check_opts *o = &r->c->opts;

	if (!o->claims) {
		found(r, CHECK_UNKNOWN, NULL, "other programs' configuration was not looked at");
		return;
	}
	for (size_t i = 0; i < o->n_claims; i++) {
		const struct check_claim *c = &o->claims[i];
		autofree char *file = strdup(c->file);
		autofact fact = { 0 };

		fact_stand(&fact, TAKE_PTR(file), "%s", c->wants);
		if (c->conflicts)
			fix(r,
				found(r, CHECK_FAIL, &fact, "%s also sets up %s, and differently",
					c->manager, c->pf),
				"take it out there, or leave the PF to %s", c->manager);
		else
			found(r, CHECK_OK, &fact, "%s sets up %s", c->manager, c->pf);
	}
	if (!o->n_claims)
		found(r, CHECK_OK, NULL, "nobody else sets up our PFs");
}
