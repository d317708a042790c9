// SPDX-License-Identifier: GPL-2.0-or-later
/* Other programs' files: fstab, udev's names of disks, libvirt's domains, the kernel's modules. */
#include "parts.h"

#include "base/str.h"
#include "domain/domain.h"
#include "host/modules.h"
#include "host/procfs.h"
#include "host/rootfs.h"
#include "host/sysfs.h"
#include "lease/lease.h"

#include <inttypes.h>
#include <stdio.h>

/* Disks only: others may have a password among their options. */
static int copy_fstab(struct capture *c)
{
	autofree char *text = NULL;
	autostrbuf b = { 0 };
	char *save = NULL;
	int r = rootfs_read(c->h, &text, "etc/fstab");

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		char spec[1024], where[1024], type[64] = "auto", options[1024] = "";
		autofree char *disk = NULL, *path = NULL;

		if (sscanf(l, "%1023s %1023s %63s %1023s", spec, where, type, options) < 2 ||
			spec[0] == '#' ||
			!(spec[0] == '/' || strstr(spec, "UUID=") || strstr(spec, "LABEL=")) ||
			str_starts(spec, "//"))
			continue;
		disk = redact_disk(&c->redactor, spec);
		path = redact_path(&c->redactor, where);
		strbuf_add(&b, "%s %s %s %s 0 0\n", disk ? disk : "x", path ? path : "x", type,
			strstr(options, "noauto") ? "noauto" : "defaults");
	}
	return b.failed ? -ENOMEM : capture_put_text(c, "/etc/fstab", b.s ? b.s : "");
}

/* The names that fstab may use. */
static int copy_udev(struct capture *c, const char *number)
{
	autofree char *text = NULL, *path = str_printf("/run/udev/data/b%s", number);
	autostrbuf b = { 0 };
	char *save = NULL;
	int r = rootfs_read(c->h, &text, "run/udev/data/b%s", number);

	if (r < 0 || !path)
		return r == -ENOMEM || !path ? -ENOMEM : 0;
	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		autofree char *line = NULL;

		if (!str_starts(l, "S:") && !str_starts(l, "E:ID_FS_UUID=") &&
			!str_starts(l, "E:ID_FS_LABEL=") &&
			!str_starts(l, "E:ID_PART_ENTRY_UUID=") &&
			!str_starts(l, "E:ID_PART_ENTRY_NAME="))
			continue;
		line = redact_disk(&c->redactor, l);
		strbuf_add(&b, "%s\n", line ? line : "x");
	}
	return b.failed ? -ENOMEM : capture_put_text(c, path, b.s ? b.s : "");
}

static int copy_udev_of_disks(struct capture *c)
{
	autostrv char **names = NULL;
	int r = sysfs_list(c->h, &names, "class/block");

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	for (char **name = names; r == 0 && *name; name++) {
		autofree char *number = NULL;

		if (sysfs_read(c->h, &number, "class/block/%s/dev", *name) == 0)
			r = copy_udev(c, str_trim(number));
	}
	return r;
}

/* A name in XML. */
static void add_escaped(struct strbuf *b, const char *s)
{
	for (; *s; s++)
		switch (*s) {
		case '&':
			strbuf_add(b, "&amp;");
			break;
		case '<':
			strbuf_add(b, "&lt;");
			break;
		case '\'':
			strbuf_add(b, "&apos;");
			break;
		default:
			strbuf_add_bytes(b, s, 1);
		}
}

static void add_address(struct strbuf *b, struct bdf a)
{
	strbuf_add(b, "<address domain='0x%04x' bus='0x%02x' slot='0x%02x' function='0x%x'/>",
		a.domain, a.bus, a.dev, a.fn);
}

/* So that the line which names a PF is still the same. */
static void add_lines(struct strbuf *b, const char *text)
{
	const char *pf = strstr(text, "<pf");

	for (; pf && text < pf; text++)
		if (*text == '\n')
			strbuf_add(b, "\n");
}

/* As libvirt would write it, if it wrote nothing but what is read here. */
static int put_domain(struct capture *c, const char *path, const struct domain *x, const char *text,
	bool runs, bool network)
{
	const char *element = network ? "network" : "domain";
	autostrbuf b = { 0 };

	if (runs)
		strbuf_add(&b, "<domstatus pid='%d'>", x->pid);
	strbuf_add(&b, "<%s><name>", element);
	add_escaped(&b, x->name);
	strbuf_add(&b, "</name>%s", network ? "<forward mode='hostdev'>" : "<devices>");
	for (size_t i = 0; i < x->n_devices; i++) {
		strbuf_add(&b, network ? "" : "<hostdev><source>");
		add_address(&b, x->devices[i].bdf);
		strbuf_add(&b, network ? "" : "</source></hostdev>");
	}
	if (network)
		add_lines(&b, text);
	STRV_FOREACH (name, x->interfaces) {
		strbuf_add(&b, "<pf dev='");
		add_escaped(&b, *name);
		strbuf_add(&b, "'/>");
	}
	strbuf_add(&b, "%s</%s>%s\n", network ? "</forward>" : "</devices>", element,
		runs ? "</domstatus>" : "");
	return b.failed ? -ENOMEM : capture_put_text(c, path, b.s);
}

/* What cannot be read as such a file is empty, so that it still cannot be. */
static int copy_domain(struct capture *c, const char *folder, const char *file)
{
	autofree char *text = NULL, *path = str_printf("/%s/%s", folder, file);
	autodomain x = { 0 };
	bool network = str_ends(folder, "networks");
	int r = rootfs_read(c->h, &text, "%s/%s", folder, file);

	if (r < 0 || !path)
		return r == -ENOMEM || !path ? -ENOMEM : 0;
	r = domain_parse(text, strlen(text), &x);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return capture_put_text(c, path, "");
	return put_domain(c, path, &x, text, str_starts(folder, "run/"), network);
}

static int copy_domains(struct capture *c)
{
	static const char *const folders[] = { "run/libvirt/qemu", "run/libvirt/libxl",
		"run/libvirt/ch", "etc/libvirt/qemu", "etc/libvirt/libxl", "etc/libvirt/ch",
		"etc/libvirt/qemu/networks" };

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		autostrv char **files = NULL;
		int r = rootfs_list(c->h, &files, "%s", folders[i]);

		if (r == -ENOMEM)
			return r;
		STRV_FOREACH (file, files) {
			r = str_ends(*file, ".xml") ? copy_domain(c, folders[i], *file) : 0;
			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* Which drivers there would be for a function. Other buses' aliases are most of the file. */
static int copy_aliases(struct capture *c)
{
	autofree char *text = NULL, *release = NULL, *path = NULL;
	autostrbuf b = { 0 };
	char *save = NULL;
	int r = modules_read(c->h, "modules.alias", &text);

	if (r < 0 || procfs_read(c->h, &release, "sys/kernel/osrelease") < 0)
		return r == -ENOMEM ? r : 0;
	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
		if (str_starts(l, "alias pci:") || str_starts(l, "alias vfio_pci:"))
			strbuf_add(&b, "%s\n", l);
	path = str_printf("/lib/modules/%s/modules.alias", release);
	return b.failed || !path ? -ENOMEM : capture_put_text(c, path, b.s ? b.s : "");
}

/* So much of its owner that who looks at the capture can tell whether he lived. */
static int copy_process(struct capture *c, int pid, uint64_t start)
{
	autofree char *stat = NULL, *path = str_printf("/proc/%d/stat", pid);
	const char *state;
	autofree char *text = NULL;

	if (!path)
		return -ENOMEM;
	if (!pid || procfs_read(c->h, &stat, "%d/stat", pid) < 0)
		return 0;
	state = strrchr(stat, ')');
	text = str_printf("%d (x) %c 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 %" PRIu64 "\n", pid,
		state && state[1] == ' ' && state[2] ? state[2] : 'X', start);
	return text ? capture_put_text(c, path, text) : -ENOMEM;
}

static int copy_group(struct capture *c, const char *group)
{
	autofree char *procs = NULL, *events = NULL;

	if (!group || !sysfs_exists(c->h, "fs/cgroup%s", group))
		return 0;
	procs = sysfs_path("fs/cgroup%s/cgroup.procs", group);
	events = sysfs_path("fs/cgroup%s/cgroup.events", group);
	if (!procs || !events || capture_put_text(c, procs, "") < 0)
		return -ENOMEM;
	return capture_copy(c, events);
}

/* The start time that is there now: it tells whether it is still the same process. */
static int copy_owner(struct capture *c, const struct owner *o)
{
	autofree char *stat = NULL;
	uint64_t start = o->start;
	const char *rest;
	int r;

	if (o->pid && procfs_read(c->h, &stat, "%d/stat", o->pid) == 0) {
		rest = strrchr(stat, ')');
		if (!rest || sscanf(rest,
				     ") %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
				     "%*s %*s %*s %*s %*s %" SCNu64,
				     &start) != 1)
			start = 0;
	}
	r = copy_process(c, o->pid, start);
	return r < 0 ? r : copy_group(c, o->path);
}

/* All files of a folder of our run-time state. */
static int copy_state(struct capture *c, const char *folder)
{
	autostrv char **names = NULL;
	int r = rootfs_list(c->h, &names, "run/vfctl/%s", folder) == -ENOMEM ? -ENOMEM : 0;

	for (char **name = names; r == 0 && name && *name; name++) {
		autofree char *path = str_printf("/run/vfctl/%s/%s", folder, *name);

		r = path ? capture_copy(c, path) : -ENOMEM;
	}
	return r;
}

static int copy_claims(struct capture *c)
{
	autoleases all = { 0 };
	int r = leases_read(c->h, &all);

	for (size_t i = 0; r == 0 && i < all.n; i++)
		r = copy_owner(c, &all.v[i].owner);
	return r == -ENOMEM ? r : copy_state(c, LEASE_DIR);
}

/* What counts no more of what the kernel counts: health/health.h. */
static int copy_forgiven(struct capture *c)
{
	return copy_state(c, "health");
}

int capture_files(struct capture *c)
{
	static int (*const parts[])(struct capture * c) = { copy_fstab, copy_udev_of_disks,
		copy_domains, copy_claims, copy_forgiven, copy_aliases };
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(parts); i++)
		r = parts[i](c);
	return r;
}
