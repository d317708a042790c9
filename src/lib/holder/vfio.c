// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who has a function open through VFIO. The kernel tells nobody, but /proc does: a process that
 * uses a group has its node open (/dev/vfio/12), or the function's own (/dev/vfio/devices/vfio0).
 * One that was handed nothing but a device descriptor shows "anon_inode:[vfio-device]" without
 * saying which; it is taken for a holder of every function asked about, which errs on the side
 * of not hanging.
 */
#include "sources.h"

#include "base/str.h"
#include "host/devnode.h"
#include "host/procfs.h"
#include "host/sysfs.h"
#include "iommu/group.h"

/* What an open node must be called to hold function `bdf`. */
struct target {
	struct bdf bdf;
	char *group;  /* "vfio/12" or, without an IOMMU, "vfio/noiommu-12" */
	char *device; /* "vfio/devices/vfio0" */
};

/* What one process has open. */
struct open_nodes {
	char **names; /* below the folder of device nodes */
	bool some_device;
};

static int find_target(struct host *h, struct bdf a, struct target *t)
{
	autostrv char **devices = NULL;
	int group = iommu_group_of(h, a);

	t->bdf = a;
	if (group >= 0)
		t->group = str_printf("vfio/%d", group);
	if (sysfs_list(h, &devices, "bus/pci/devices/%s/vfio-dev", BDF_TEXT(a)) >= 0 && devices &&
		devices[0])
		t->device = str_printf("vfio/devices/%s", devices[0]);
	return (group >= 0 && !t->group) ? -ENOMEM : 0;
}

static void targets_free(struct target *t, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(t[i].group);
		free(t[i].device);
	}
	free(t);
}

static void open_nodes_done(struct open_nodes *o)
{
	strv_free(o->names);
}

/* Processes that end, or that the caller may not look into, simply have nothing open. */
static int look_into(struct host *h, const char *pid, struct open_nodes *ret)
{
	autostrv char **fds = NULL;

	if (procfs_list(h, &fds, "%s/fd", pid) < 0)
		return 0;
	STRV_FOREACH (fd, fds) {
		autofree char *target = NULL;
		const char *node;

		if (procfs_read_link(h, &target, "%s/fd/%s", pid, *fd) < 0)
			continue;
		node = devnode_name(target);
		if (str_eq(target, "anon_inode:[vfio-device]"))
			ret->some_device = true;
		/* The container, vfio/vfio, holds nothing. */
		if (node && str_starts(node, "vfio/") && !str_eq(node, "vfio/vfio") &&
			strv_add(&ret->names, node) < 0)
			return -ENOMEM;
	}
	return 0;
}

static bool holds(const struct open_nodes *o, const struct target *t)
{
	if (t->group && strv_has(o->names, t->group))
		return true;
	if (t->device && strv_has(o->names, t->device))
		return true;
	return o->some_device && !strv_len(o->names);
}

/* The word after -name or --name: QEMU's "guest=web1,debug-threads=on", ours "web1". */
static char *guest_name(const char *args, size_t len)
{
	for (size_t at = 0; at < len;) {
		const char *word = args + at, *next;

		at += strlen(word) + 1;
		if (!(str_eq(word, "-name") || str_eq(word, "--name")) || at >= len)
			continue;
		next = args + at;
		if (str_starts(next, "guest="))
			next += strlen("guest=");
		return str_printf("%.*s", (int)strcspn(next, ","), next);
	}
	return NULL;
}

/* "pid 4711 (qemu-system-x86 web1)" */
static char *describe(struct host *h, const char *pid)
{
	autofree char *comm = NULL, *safe = NULL, *name = NULL, *both = NULL;
	char args[4097] = "";
	ssize_t n = procfs_read_bytes(h, args, sizeof(args) - 1, "%s/cmdline", pid);

	if (procfs_read(h, &comm, "%s/comm", pid) < 0)
		comm = strdup("?");
	if (n > 0)
		name = guest_name(args, (size_t)n);
	both = str_printf("%s%s%s", comm ? str_trim(comm) : "?", name ? " " : "", name ? name : "");
	safe = both ? str_printable(both) : NULL;
	return safe ? str_printf("pid %s (%s)", pid, safe) : NULL;
}

static int look_at(struct host *h, const char *pid, uint32_t number, const struct target *t,
	size_t n, struct uses *u)
{
	struct open_nodes open CLEANUP(open_nodes_done) = { 0 };
	int r = look_into(h, pid, &open);

	if (!open.some_device && !open.names)
		return r;
	for (size_t i = 0; r == 0 && i < n; i++)
		if (holds(&open, &t[i]))
			r = uses_add(u, USE_VFIO, t[i].bdf, (int)number, describe(h, pid));
	return r;
}

int use_vfio(struct host *h, const struct bdf *a, size_t n, struct uses *u)
{
	autostrv char **pids = NULL;
	struct target *t = calloc(n + 1, sizeof(*t));
	int r = t ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = find_target(h, a[i], &t[i]);
	if (r == 0 && procfs_list(h, &pids, ".") == -ENOMEM)
		r = -ENOMEM;
	for (char **pid = pids; r == 0 && pid && *pid; pid++) {
		uint32_t number;

		if (parse_u32(*pid, &number) == 0)
			r = look_at(h, *pid, number, t, n, u);
	}
	if (t)
		targets_free(t, n);
	return r;
}
