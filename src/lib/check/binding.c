// SPDX-License-Identifier: GPL-2.0-or-later
/* Who has the function, who else is in its group, and which driver may take it. */
#include "run.h"

#include "base/str.h"
#include "cause/confirm.h"
#include "driver/driver.h"
#include "host/devnode.h"
#include "host/modules.h"
#include "host/procfs.h"
#include "host/sysfs.h"
#include "pci/classdev.h"

/* ---- The group ---- */

static void blocked_by(
	struct check_run *r, const struct iommu_group *g, const struct group_member *m)
{
	autofact fact = { 0 };

	fact_sysfs_link(r->h, &fact, "bus/pci/devices/%s/driver", BDF_TEXT(m->bdf));
	fix(r,
		found(r, CHECK_FAIL, &fact, "%s, of the same IOMMU group %d, is on %s",
			BDF_TEXT(m->bdf), g->id, m->driver),
		"vfctl bind %s", BDF_TEXT(m->bdf));
}

void check_group(struct check_run *r)
{
	const struct iommu_group *g = inventory_find_group(r->inv, r->f->iommu_group);
	bool blocked = false;

	if (!g || class_is_bridge(r->f->id.class_code))
		return;
	for (size_t i = 0; i < g->n_members; i++) {
		if (!g->members[i].blocks || bdf_eq(g->members[i].bdf, r->f->bdf))
			continue;
		blocked = true;
		blocked_by(r, g, &g->members[i]);
	}
	if (!blocked)
		found(r, CHECK_OK, NULL, "nobody else in IOMMU group %d is in the way", g->id);
}

void check_pf_vfs(struct check_run *r)
{
	autofact fact = { 0 };

	if (r->f->kind != FUNCTION_PF)
		return;
	if (!r->f->n_vfs) {
		found(r, CHECK_OK, NULL, "it has no VFs");
		return;
	}
	fact_sysfs_link(
		r->h, &fact, "bus/pci/devices/%s/virtfn%d", r->f->address, r->f->vfs[0]->vf_index);
	fix(r,
		found(r, CHECK_FAIL, &fact, "it has %zu VFs, and VFIO takes no PF that has (EBUSY)",
			r->f->n_vfs),
		"vfctl destroy %s, or give away a VF", r->f->address);
}

/* ---- Users ---- */

static void users_of(struct check_run *r, struct bdf a, bool own, bool *any)
{
	size_t n;
	const struct holder *v = held_by(r, a, &n);

	for (size_t i = 0; i < n; i++) {
		struct check_result *to;

		/* What others of the group merely use shows in the check of the group. */
		if (v[i].strength < (own ? HOLD_USED : HOLD_BLOCKS))
			continue;
		*any = true;
		to = found(r, CHECK_FAIL, NULL, "%s is %s %s", BDF_TEXT(a),
			v[i].strength == HOLD_BLOCKS ? "held by" : "in use:", v[i].text);
		if (v[i].strength == HOLD_BLOCKS && v[i].pid)
			fix(r, to,
				"end pid %d; until then the kernel waits, and nothing else helps",
				v[i].pid);
		else if (v[i].kind == HOLDER_CLAIM)
			fix(r, to, "vfctl leases tells more; vfctl release %s", BDF_TEXT(a));
		else
			fix(r, to, "free it first: vfctl bind refuses until then");
	}
}

void check_holder(struct check_run *r)
{
	const struct iommu_group *g = inventory_find_group(r->inv, r->f->iommu_group);
	bool any = false;

	users_of(r, r->f->bdf, true, &any);
	for (size_t i = 0; g && i < g->n_members; i++)
		if (!bdf_eq(g->members[i].bdf, r->f->bdf))
			users_of(r, g->members[i].bdf, false, &any);
	if (any)
		return;
	if (strv_len(r->c->holders.unknown))
		found(r, CHECK_UNKNOWN, NULL, "no user was found; what could not be read: %s",
			r->c->holders.unknown[0]);
	else
		found(r, CHECK_OK, NULL, "nobody uses it");
}

/* ---- The host's own console ---- */

static bool is_display(const struct function *f)
{
	return f->id.class_code >> 16 == 0x03;
}

static bool is_only_display(const struct check_run *r)
{
	for (size_t i = 0; i < r->inv->n_functions; i++)
		if (is_display(&r->inv->functions[i]) && &r->inv->functions[i] != r->f)
			return false;
	return true;
}

static void check_display(struct check_run *r)
{
	autofact fact = { 0 };
	bool boot = fact_sysfs(r->h, &fact, "bus/pci/devices/%s/boot_vga", r->f->address) == 0 &&
		    str_eq(fact.value, "1");
	bool host_draws = r->f->driver && !driver_is_vfio(r->f->driver);

	if (!boot && !is_only_display(r)) {
		found(r, CHECK_OK, NULL, "another display is there for the host");
		return;
	}
	fix(r,
		found(r, host_draws && boot ? CHECK_FAIL : CHECK_WARN, fact.file ? &fact : NULL,
			"it is the host's %s display; the screen goes dark when a guest has it",
			boot ? "boot" : "only"),
		"let the host boot on another display, or by serial console");
}

/* "tty0 ttyS4": the terminals that are the kernel's console. */
static void check_serial(struct check_run *r)
{
	autofree char *ttys = NULL;
	autofact fact = { 0 };
	char *save = NULL;
	bool any = false;

	if (fact_sysfs(r->h, &fact, "class/tty/console/active") < 0)
		return;
	ttys = strdup(fact.value);
	for (char *tty = ttys ? strtok_r(ttys, " ", &save) : NULL; tty;
		tty = strtok_r(NULL, " ", &save)) {
		struct bdf at;

		any |= classdev_function(r->h, "tty", tty, &at) == 0 && bdf_eq(at, r->f->bdf);
	}
	if (any)
		fix(r, found(r, CHECK_FAIL, &fact, "the kernel's console is on it"),
			"take console= off the kernel command line and reboot");
	else
		found(r, CHECK_OK, &fact, "the kernel's console is elsewhere");
}

void check_console(struct check_run *r)
{
	if (is_display(r->f))
		check_display(r);
	else
		check_serial(r);
}

/* ---- Drivers ---- */

void check_driver(struct check_run *r)
{
	autofact fact = { 0 };

	if (class_is_bridge(r->f->id.class_code))
		return;
	fact_sysfs_link(r->h, &fact, "bus/pci/devices/%s/driver", r->f->address);
	if (driver_is_vfio(r->f->driver)) {
		found(r, CHECK_OK, &fact, "it is on %s", r->f->driver);
		return;
	}
	fix(r,
		found(r, CHECK_FAIL, &fact,
			r->f->driver ? "it is on %s, not on a VFIO driver"
				     : "it has no driver, and needs a VFIO driver%s",
			r->f->driver ? r->f->driver : ""),
		"vfctl bind %s", r->f->address);
}

void check_override(struct check_run *r)
{
	const char *to = r->f->driver_override;
	autofact fact = { 0 };

	if (r->f->override_unknown) {
		found(r, CHECK_UNKNOWN, NULL, "the kernel is busy with it and does not tell");
		return;
	}
	if (!to) {
		found(r, CHECK_OK, NULL, "driver_override is not set");
		return;
	}
	fact_stand(
		&fact, sysfs_path("bus/pci/devices/%s/driver_override", r->f->address), "%s", to);
	if (driver_is_vfio(to) || str_eq(to, r->f->driver))
		found(r, CHECK_OK, &fact, "driver_override names %s", to);
	else
		fix(r,
			found(r, CHECK_WARN, &fact,
				"driver_override names %s: no other driver can bind it (ENODEV)",
				to),
			"vfctl bind %s, which sets it, or vfctl restore %s", r->f->address,
			r->f->address);
}

void check_autoprobe(struct check_run *r)
{
	autofact fact = { 0 };

	if (!r->f->physfn)
		return;
	fact_sysfs(
		r->h, &fact, "bus/pci/devices/%s/sriov_drivers_autoprobe", r->f->physfn->address);
	if (!str_eq(fact.value, "0") || r->f->driver || r->f->driver_override)
		found(r, CHECK_OK, &fact, "drivers may be bound to it");
	else
		fix(r,
			found(r, CHECK_WARN, &fact,
				"its PF lets no driver be tried: binding by hand gives ENODEV "
				"unless driver_override is set"),
			"vfctl bind %s, which sets it", r->f->address);
}

void check_vf_token(struct check_run *r)
{
	struct cause_query q = { .bdf = r->f->bdf };
	autofact fact = { 0 };

	if (!r->f->physfn)
		return;
	if (!pf_on_vfio(r->h, &q, &fact)) {
		found(r, CHECK_OK, NULL, "its PF is with the host: no token is needed");
		return;
	}
	fix(r,
		found(r, CHECK_FAIL, &fact,
			"its PF is driven from user space: without that owner's token opening it "
			"gives EACCES"),
		"vfctl vm run --vf %s,vf-token=UUID, with the PF owner's UUID", r->f->address);
}

void check_variant(struct check_run *r)
{
	autofree char *best = NULL;
	autofact fact = { 0 };

	if (!driver_is_vfio(r->f->driver) || driver_best_vfio(r->h, r->f->bdf, &best, NULL) < 0)
		return;
	fact_sysfs_link(r->h, &fact, "bus/pci/devices/%s/driver", r->f->address);
	if (str_eq(best, r->f->driver) || str_eq(best, "vfio-pci"))
		found(r, CHECK_OK, &fact, "there is no better VFIO driver than %s", r->f->driver);
	else
		fix(r, found(r, CHECK_WARN, &fact, "the kernel has %s, made for this device", best),
			"vfctl bind %s %s", r->f->address, best);
}

/* ---- Modules ---- */

/* 1 installed or built in, 0 not, -1 nobody knows. */
static int is_installed(struct check_run *r)
{
	static const char *const lists[] = { "modules.dep", "modules.builtin" };
	int known = -1;

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		autofree char *text = NULL;

		if (modules_read(r->h, lists[i], &text) < 0)
			continue;
		known = 0;
		if (strstr(text, "/vfio-pci.ko"))
			return 1;
	}
	return known;
}

/* Whether something forbids the module; said already then. */
static bool is_forbidden(struct check_run *r)
{
	autofact fact = { 0 };
	autofree char *file = NULL, *line = NULL;

	if (cmdline_lists(r, "module_blacklist", "vfio_pci", &fact) ||
		cmdline_lists(r, "module_blacklist", "vfio-pci", &fact)) {
		fix(r, found(r, CHECK_FAIL, &fact, "the kernel was told never to load vfio-pci"),
			"take it off the kernel command line and reboot");
		return true;
	}
	if (modules_conf_find(r->h, "install", "vfio-pci", &file, &line) == 1) {
		fact_stand(&fact, TAKE_PTR(file), "%s", line);
		fix(r, found(r, CHECK_FAIL, &fact, "modprobe.d replaces the loading of vfio-pci"),
			"remove that line");
		return true;
	}
	if (modules_conf_find(r->h, "blacklist", "vfio-pci", &file, &line) == 1) {
		fact_stand(&fact, TAKE_PTR(file), "%s", line);
		found(r, CHECK_WARN, &fact,
			"vfio-pci is on the blacklist: it is not loaded by itself, only by name");
		return true;
	}
	return false;
}

void check_modules(struct check_run *r)
{
	autofact fact = { 0 };

	if (fact_sysfs_exists(r->h, &fact, "bus/pci/drivers/vfio-pci") == 0) {
		found(r, CHECK_OK, &fact, "vfio-pci is loaded");
		return;
	}
	if (is_forbidden(r))
		return;
	switch (is_installed(r)) {
	case 1:
		found(r, CHECK_OK, &fact, "vfio-pci is not loaded yet; vfctl bind does that");
		break;
	case 0:
		fix(r, found(r, CHECK_FAIL, &fact, "this kernel has no vfio-pci"),
			"install the kernel's other modules, or a kernel with CONFIG_VFIO_PCI");
		break;
	default:
		found(r, CHECK_UNKNOWN, &fact,
			"vfio-pci is not loaded; whether it could be is "
			"unknown");
	}
}

void check_interfaces(struct check_run *r)
{
	bool groups, iommufd, cdevs;
	autofact fact = { 0 };

	if (r->h->captured) {
		found(r, CHECK_UNKNOWN, NULL, "a captured machine has no device nodes");
		return;
	}
	groups = devnode_exists(r->h, "vfio/vfio");
	iommufd = devnode_exists(r->h, "iommu");
	cdevs = devnode_exists(r->h, "vfio/devices");
	fact_stand(&fact, devnode_path("vfio/vfio"), groups ? "there" : "not there");
	if (groups || (iommufd && cdevs))
		found(r, CHECK_OK, &fact, "VFIO's interfaces: groups %s, iommufd %s",
			groups ? "yes" : "no", iommufd ? "yes" : "no");
	else if (sysfs_exists(r->h, "module/vfio"))
		fix(r,
			found(r, CHECK_FAIL, &fact,
				"VFIO is loaded, but its device nodes are missing"),
			"see whether devtmpfs is mounted, or give the container the nodes");
	else
		fix(r, found(r, CHECK_WARN, &fact, "VFIO is not loaded yet"), "modprobe vfio-pci");
}
