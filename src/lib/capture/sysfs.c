// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The parts of sysfs that somebody here reads, by name: an attribute that is not in the list is
 * not touched, because reading some of them starts something or waits.
 */
#include "parts.h"

#include "base/bdf.h"
#include "base/str.h"
#include "host/sysfs.h"

#include <fnmatch.h>

enum { MAX_DEPTH = 12, BYTES_MAX = 64 << 10 };

/* Copied as they are; sorted by what has them. */
static const char *const attributes[] = {
	/* PCI functions, bridges and slots */
	"vendor",
	"device",
	"subsystem_vendor",
	"subsystem_device",
	"class",
	"revision",
	"modalias",
	"resource",
	"numa_node",
	"local_cpulist",
	"irq",
	"enable",
	"msi_bus",
	"ari_enabled",
	"dma_mask_bits",
	"consistent_dma_mask_bits",
	"broken_parity_status",
	"d3cold_allowed",
	"power_state",
	"current_link_speed",
	"current_link_width",
	"max_link_speed",
	"max_link_width",
	"reset_method",
	"sriov_totalvfs",
	"sriov_offset",
	"sriov_stride",
	"sriov_vf_device",
	"sriov_drivers_autoprobe",
	"aer_dev_correctable",
	"aer_dev_fatal",
	"aer_dev_nonfatal",
	"label",
	"index",
	"acpi_index",
	"boot_vga",
	"address",
	"secondary_bus_number",
	"subordinate_bus_number",
	"cur_bus_speed",
	"max_bus_speed",
	"runtime_status",
	"control",
	/* interfaces */
	"ifindex",
	"iflink",
	"addr_assign_type",
	"name_assign_type",
	"dev_port",
	"dev_id",
	"mtu",
	"operstate",
	"carrier",
	"speed",
	"duplex",
	"flags",
	"type",
	"phys_port_name",
	"phys_switch_id",
	"bonding_slave",
	"mode",
	/* disks */
	"dev",
	"size",
	"partition",
	"ro",
	"removable",
	"hidden",
	"name",
	"level",
	"array_state",
	"start",
	"cntlid",
	"cntrltype",
	"model",
	"firmware_rev",
	"state",
	"transport",
	"queue_count",
	"subsystype",
	/* IOMMU groups, IOMMUs */
	"reserved_regions",
	"cap",
	"ecap",
	"version",
	/* the machine */
	"nr_hugepages",
	"free_hugepages",
};
/* Interfaces and disks say in it what they are; a PCI function's takes the device lock. */
static const char *const uevent = "uevent";
/* Told by pseudonyms. */
static const char *const serials[] = { "serial", "subsysnqn", "uuid", "wwid", "nguid", "eui" };
/* Read at the end, with a deadline: the device lock. */
static const char *const locked[] = { "driver_override", "sriov_vf_total_msix" };
/* That they are there is all that anybody wants to know. */
static const char *const presence[] = { "reset", "reset_subordinate", "sriov_vf_msix_count",
	"drivers_probe", "bind", "unbind", "new_id" };
/* Folders of functions and of devices on them; what is in those of the second list is a device. */
static const char *const folders[] = { "net", "nvme", "block", "vfio-dev", "infiniband",
	"infiniband_verbs", "infiniband_mad", "drm", "accel", "uio", "nvme-generic", "holders",
	"slaves", "dm", "md", "bonding", "bridge", "parameters", "link", "msi_irqs", "power",
	"iommu", "devices", "hugepages", "mdev_supported_types", "intel-iommu", "amd-iommu",
	"ata[0-9]*", "host[0-9]*", "target[0-9]*", "virtio[0-9]*", "nvme[0-9]*",
	"[0-9]*:[0-9]*:[0-9]*:[0-9]*" };
static const char *const of_devices[] = { "net", "nvme", "block", "vfio-dev", "infiniband",
	"infiniband_verbs", "infiniband_mad", "drm", "accel", "uio", "nvme-generic", "holders",
	"mdev_supported_types", "iommu" };
/* Below these all is small text of the driver's own, and read with a deadline. */
static const char *const settings[] = { "sriov_admin", "qat", "sriov" };

#define IN(list, name) is_in(list, ARRAY_SIZE(list), name)
static bool is_in(const char *const *list, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(list[i], name))
			return true;
	return false;
}

static bool is_folder(const char *parent, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		if (fnmatch(folders[i], name, 0) == 0)
			return true;
	/* "sda1" in "sda", "nvme0n1p2" in "nvme0n1" */
	return IN(of_devices, parent) || str_starts(name, parent);
}

static const char *last_part(const char *path)
{
	return strrchr(path, '/') + 1;
}

/* One that does not fit is left out rather than cut. */
static int copy_bytes(struct capture *c, const char *path)
{
	void (*redact)(const struct redactor *r, uint8_t *data, size_t len) =
		str_ends(path, "/vpd") ? redact_vpd : redact_config;
	autofree uint8_t *data = malloc(BYTES_MAX);
	ssize_t n;

	if (!data)
		return -ENOMEM;
	n = c->h->ops->read_file(c->h, path, data, BYTES_MAX);
	if (n < 0 || n == BYTES_MAX)
		return 0;
	redact(&c->redactor, data, (size_t)n);
	return capture_put_bytes(c, path, data, (size_t)n);
}

static int copy_serial(struct capture *c, const char *path)
{
	char text[1024];
	autofree char *name = NULL, *line = NULL;
	const char *kept = "";
	ssize_t n = c->h->ops->read_file(c->h, path, text, sizeof(text) - 1);

	if (n < 0)
		return 0;
	text[n] = '\0';
	if (!c->redactor.key)
		return capture_put_text(c, path, text);
	/* Of device mapper the first word tells what it does. */
	if (str_ends(path, "/dm/uuid"))
		kept = str_starts(text, "LVM-")	    ? "LVM-"
		       : str_starts(text, "CRYPT-") ? "CRYPT-"
		       : str_starts(text, "mpath-") ? "mpath-"
						    : "";
	name = redact_name(&c->redactor, str_trim(text));
	line = name ? str_printf("%s%s\n", kept, name) : NULL;
	return line ? capture_put_text(c, path, line) : -ENOMEM;
}

static int copy_folder(struct capture *c, const char *path, unsigned depth);

/* Below a driver's own settings. */
static int copy_settings(struct capture *c, const char *path, unsigned depth)
{
	autostrv char **names = NULL;
	int r = c->h->ops->list_dir(c->h, path, &names);

	if (r < 0 || depth == MAX_DEPTH)
		return r == -ENOTDIR && depth ? strv_add(&c->late, path) : r == -ENOMEM ? r : 0;
	r = capture_put_dir(c, path);
	for (char **name = names; r == 0 && *name; name++) {
		autofree char *at = str_printf("%s/%s", path, *name);
		char target[1];

		if (!at)
			return -ENOMEM;
		/* Links lead to functions, which have folders of their own. */
		if (host_read_link(c->h, at, target, sizeof(target)) != -ENAMETOOLONG)
			r = copy_settings(c, at, depth + 1);
	}
	return r;
}

static int copy_entry(struct capture *c, const char *folder, const char *name, unsigned depth)
{
	autofree char *path = str_printf("%s/%s", folder, name), *target = NULL;
	struct bdf a;
	int r;

	if (!path)
		return -ENOMEM;
	if (str_eq(name, "config") || str_eq(name, "vpd"))
		return copy_bytes(c, path);
	if (IN(serials, name))
		return copy_serial(c, path);
	if (IN(locked, name))
		return strv_add(&c->late, path);
	if (IN(presence, name))
		return capture_put_bytes(c, path, "", 0);
	if (IN(settings, name))
		return copy_settings(c, path, 0);
	r = sysfs_read_link(c->h, &target, "%s", path + strlen("/sys/"));
	if (r == 0)
		return capture_put_link(c, path, target);
	if (IN(attributes, name) || str_eq(last_part(folder), "parameters") ||
		(str_eq(name, uevent) && bdf_parse(last_part(folder), &a) < 0))
		return capture_copy(c, path);
	/* Functions below a bridge are reached by their own names. */
	if (bdf_parse(name, &a) < 0 && is_folder(last_part(folder), name))
		return copy_folder(c, path, depth + 1);
	return 0;
}

/* The number of VFs is that of the links to them: reading it waits for their users. */
static int put_numvfs(struct capture *c, const char *path, char *const *names)
{
	autofree char *at = str_printf("%s/sriov_numvfs", path), *text = NULL;
	unsigned n = 0;

	STRV_FOREACH (it, names)
		n += str_starts(*it, "virtfn");
	text = str_printf("%u\n", n);
	return at && text ? capture_put_text(c, at, text) : -ENOMEM;
}

static int copy_folder(struct capture *c, const char *path, unsigned depth)
{
	autostrv char **names = NULL;
	int r = depth == MAX_DEPTH ? -ELOOP : c->h->ops->list_dir(c->h, path, &names);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	r = capture_put_dir(c, path);
	for (char **name = names; r == 0 && *name; name++)
		r = copy_entry(c, path, *name, depth);
	return r == 0 && strv_has(names, "sriov_numvfs") ? put_numvfs(c, path, names) : r;
}

/* "/sys/devices/REST" of a link's target "../../devices/REST"; NULL: it leads elsewhere. */
static char *device_folder(const char *target)
{
	const char *at = strstr(target, "devices/");

	return at && !strstr(at, "..") ? str_printf("/sys/%s", at) : NULL;
}

static bool is_below_a_function(const char *path)
{
	autofree char *copy = strdup(path);
	char *save = NULL;
	struct bdf a;

	for (char *p = copy ? strtok_r(copy, "/", &save) : NULL; p; p = strtok_r(NULL, "/", &save))
		if (bdf_parse(p, &a) == 0)
			return true;
	return false;
}

/* The link, and the folder that it leads to unless that is part of another. */
static int copy_device(struct capture *c, const char *link, bool is_function)
{
	autofree char *target = NULL, *folder = NULL;
	struct stat st;
	int r = sysfs_read_link(c->h, &target, "%s", link + strlen("/sys/"));

	if (r == -EINVAL) /* no link: not what the kernel does, but it can be read */
		return c->h->ops->stat(c->h, link, &st) == 0 && S_ISREG(st.st_mode)
			       ? capture_put_bytes(c, link, "", 0)
			       : copy_folder(c, link, 1);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	r = capture_put_link(c, link, target);
	folder = device_folder(target);
	if (r < 0 || !folder || (!is_function && is_below_a_function(folder)))
		return r;
	return copy_folder(c, folder, 0);
}

/* All of a folder of links, but those whose names match `but`. */
static int copy_devices(struct capture *c, const char *folder, const char *but, bool functions)
{
	autostrv char **names = NULL;
	int r = c->h->ops->list_dir(c->h, folder, &names);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	r = capture_put_dir(c, folder);
	for (char **name = names; r == 0 && *name; name++) {
		autofree char *link = str_printf("%s/%s", folder, *name);

		if (!link)
			return -ENOMEM;
		if (!but || fnmatch(but, *name, FNM_EXTMATCH) != 0)
			r = copy_device(c, link, functions);
	}
	return r;
}

static int copy_classes(struct capture *c)
{
	static const struct {
		const char *name, *but;
	} classes[] = {
		{ "net", NULL },
		{ "block", "@(loop|ram|zram|sr|fd)[0-9]*" },
		{ "nvme", NULL },
		{ "nvme-generic", NULL },
		{ "nvme-subsystem", NULL },
		{ "iommu", NULL },
		{ "vfio", NULL },
		{ "vfio-dev", NULL },
		{ "infiniband", NULL },
		{ "infiniband_verbs", NULL },
		{ "infiniband_mad", NULL },
		{ "drm", NULL },
		{ "accel", NULL },
		{ "uio", NULL },
		{ "mdev_bus", NULL },
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(classes); i++) {
		autofree char *folder = str_printf("/sys/class/%s", classes[i].name);

		r = folder ? copy_devices(c, folder, classes[i].but, false) : -ENOMEM;
	}
	return r;
}

/* A class device's link, and one attribute of what it leads to. */
static int copy_one(struct capture *c, const char *class, const char *name, const char *attribute)
{
	autofree char *link = str_printf("/sys/class/%s/%s", class, name), *target = NULL;
	autofree char *folder = NULL, *path = NULL;
	int r = link ? sysfs_read_link(c->h, &target, "class/%s/%s", class, name) : -ENOMEM;

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	r = capture_put_link(c, link, target);
	folder = device_folder(target);
	if (r < 0 || !folder)
		return r;
	path = str_printf("%s/%s", folder, attribute);
	return path ? capture_copy(c, path) : -ENOMEM;
}

/* Where a person sits: which terminals are the kernel's console, and where keyboards hang. */
static int copy_consoles(struct capture *c)
{
	autostrv char **inputs = NULL;
	autofree char *active = NULL;
	char *save = NULL;
	int r = copy_one(c, "tty", "console", "active");

	if (r == 0 && sysfs_read(c->h, &active, "class/tty/console/active") == 0)
		for (char *tty = strtok_r(active, " ", &save); r == 0 && tty;
			tty = strtok_r(NULL, " ", &save))
			r = copy_one(c, "tty", tty, "type");
	if (r == 0 && sysfs_list(c->h, &inputs, "class/input") == 0)
		for (char **name = inputs; r == 0 && *name; name++)
			if (str_starts(*name, "input"))
				r = copy_one(c, "input", *name, "capabilities/key");
	return r;
}

/* Folders in a folder, each copied: groups, drivers, slots, modules. */
static int copy_each(struct capture *c, const char *folder, const char *pattern)
{
	autostrv char **names = NULL;
	int r = c->h->ops->list_dir(c->h, folder, &names);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	r = capture_put_dir(c, folder);
	for (char **name = names; r == 0 && *name; name++) {
		autofree char *path = str_printf("%s/%s", folder, *name);

		if (!path)
			return -ENOMEM;
		r = fnmatch(pattern, *name, FNM_EXTMATCH) == 0 ? copy_folder(c, path, 1)
							       : capture_put_dir(c, path);
	}
	return r;
}

/* A mounted btrfs names its devices by links that matter by their names alone. */
static int copy_btrfs(struct capture *c)
{
	autostrv char **ids = NULL;
	int r = 0;

	if (sysfs_list(c->h, &ids, "fs/btrfs") == -ENOMEM)
		return -ENOMEM;
	for (char **id = ids; r == 0 && id && *id; id++) {
		autofree char *name = redact_name(&c->redactor, *id), *to = NULL;
		autostrv char **devices = NULL;

		if (sysfs_list(c->h, &devices, "fs/btrfs/%s/devices", *id) < 0)
			continue;
		for (char **d = devices; r == 0 && *d; d++) {
			free(to);
			to = str_printf("/sys/fs/btrfs/%s/devices/%s", name ? name : "x", *d);
			r = to ? capture_put_bytes(c, to, "", 0) : -ENOMEM;
		}
	}
	return r;
}

/* Links as they are, what else is there as empty folders. */
static int copy_names(struct capture *c, const char *folder)
{
	autostrv char **names = NULL;
	int r = c->h->ops->list_dir(c->h, folder, &names);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	r = capture_put_dir(c, folder);
	for (char **name = names; r == 0 && *name; name++) {
		autofree char *path = str_printf("%s/%s", folder, *name), *target = NULL;

		if (!path)
			return -ENOMEM;
		if (sysfs_read_link(c->h, &target, "%s", path + strlen("/sys/")) == 0)
			r = capture_put_link(c, path, target);
		else
			r = capture_put_dir(c, path);
	}
	return r;
}

/* Which drivers a module brought: a link for each. */
static int copy_module_drivers(struct capture *c)
{
	autostrv char **names = NULL;
	int r = sysfs_list(c->h, &names, "module");

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	for (char **name = names; r == 0 && *name; name++) {
		autofree char *path = str_printf("/sys/module/%s/drivers", *name);

		/* Only the names matter, which also a machine that was made up may have. */
		r = path ? copy_names(c, path) : -ENOMEM;
	}
	return r;
}

/* Of VFIO's debugfs no more than is shown: reading what drivers have there may touch the device. */
static int copy_migration(struct capture *c)
{
	autostrv char **names = NULL;
	int r = 0;

	if (sysfs_list(c->h, &names, "kernel/debug/vfio") == -ENOMEM)
		return -ENOMEM;
	for (char **name = names; r == 0 && name && *name; name++) {
		autofree char *at = str_printf("/sys/kernel/debug/vfio/%s", *name);
		autofree char *features = str_printf("%s/migration/features", at ? at : "");
		autofree char *state = str_printf("%s/migration/state", at ? at : "");
		struct bdf a;

		if (!at || !features || !state)
			return -ENOMEM;
		if (bdf_parse(*name, &a) < 0)
			continue;
		r = capture_put_dir(c, at);
		if (r == 0 && sysfs_exists(c->h, "%s", state + strlen("/sys/")))
			r = strv_add(&c->late, state);
		if (r == 0 && sysfs_exists(c->h, "%s", features + strlen("/sys/")))
			r = capture_copy(c, features);
	}
	return r;
}

int capture_sysfs(struct capture *c)
{
	static const char with_parameters[] = "@(vfio*|kvm*|*iommu*|irqbypass|mlx5_core|nvme*)";
	int r = capture_put_dir(c, "/sys");

	if (r == 0)
		r = copy_devices(c, "/sys/bus/pci/devices", NULL, true);
	if (r == 0)
		r = capture_put_bytes(c, "/sys/bus/pci/drivers_probe", "", 0);
	if (r == 0)
		r = copy_each(c, "/sys/bus/pci/drivers", "*");
	if (r == 0)
		r = copy_each(c, "/sys/bus/pci/slots", "*");
	if (r == 0)
		r = copy_each(c, "/sys/kernel/iommu_groups", "*");
	if (r == 0)
		r = copy_each(c, "/sys/kernel/mm/hugepages", "*");
	if (r == 0)
		r = copy_each(c, "/sys/devices/system/node", "node[0-9]*");
	if (r == 0)
		r = copy_each(c, "/sys/module", with_parameters);
	if (r == 0)
		r = copy_module_drivers(c);
	if (r == 0)
		r = copy_classes(c);
	if (r == 0)
		r = copy_consoles(c);
	if (r == 0)
		r = copy_migration(c);
	return r == 0 ? copy_btrfs(c) : r;
}

struct late {
	struct capture *c;
	int r;
};

static void got(void *arg, size_t i, ssize_t n, const char *data)
{
	struct late *l = arg;
	char text[1024];

	if (n < 0 || l->r < 0)
		return;
	n = MIN(n, (ssize_t)sizeof(text) - 1);
	memcpy(text, data, (size_t)n);
	text[n] = '\0';
	l->r = capture_put_text(l->c, l->c->late[i], text);
}

int capture_late(struct capture *c)
{
	enum { STALL_MS = 500 };
	struct late l = { .c = c };
	char text[1024];
	int r = 0;

	if (!c->late)
		return 0;
	if (c->h->ops->read_files_within)
		r = c->h->ops->read_files_within(c->h, c->late, STALL_MS, got, &l);
	else
		for (size_t i = 0; c->late[i]; i++)
			got(&l, i, c->h->ops->read_file(c->h, c->late[i], text, sizeof(text)),
				text);
	return l.r < 0 ? l.r : r == -ENOMEM ? r : 0;
}
