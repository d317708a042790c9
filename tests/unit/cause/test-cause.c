// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every row of the table: a machine on which it is the cause, told from all others of the same
 * errno. The scenes are made on the fake kernel; a row without a scene fails the test.
 */
#include "cm.h"
#include "machine.h"
#include "cause/cause.h"
#include "fake/fake.h"

#include <stdio.h>

#define PF	"0000:01:00.0" /* igb, four VFs on igbvf */
#define VF	"0000:01:10.0"
#define PF_OFF	"0000:02:00.0" /* igb without autoprobe, two VFs on vfio-pci */
#define VF_OFF	"0000:02:10.0"
#define NVME	"0000:03:00.0"
#define E1000	"0000:05:02.0" /* its group has another e1000 and the bridge of both */
#define BRIDGE	"0000:00:01.0"
#define DEV	"/sys/bus/pci/devices/"
#define NO_ADDR "0x0000000000000000 0x0000000000003fff 0x000000002014220c\n"
#define EMPTY	"0x0000000000000000 0x0000000000000000 0x0000000000000000\n"

static void nothing(struct host *h UNUSED)
{
}

static void no_vfs(struct host *h)
{
	fake_put(h, "0\n", DEV PF "/sriov_totalvfs");
}

static void without_driver(struct host *h)
{
	fake_vanish(h, DEV PF "/driver");
	fake_vanish(h, "/sys/devices/pci0000:00/0000:00:01.0/" PF "/driver");
}

static void pf_to_vfio(struct host *h)
{
	fake_link(h, "../../../../bus/pci/drivers/vfio-pci", DEV PF "/driver");
	fake_put(h, "N\n", "/sys/module/vfio_pci/parameters/enable_sriov");
}

static void vf_bar_lost(struct host *h)
{
	fake_put(h, EMPTY EMPTY EMPTY EMPTY EMPTY EMPTY EMPTY NO_ADDR, DEV PF "/resource");
}

static void bar_lost(struct host *h)
{
	fake_put(h, NO_ADDR, DEV VF "/resource");
}

/* Offset 384 leads to bus 2, and the port above ends at bus 1. */
static void few_buses(struct host *h)
{
	fake_put(h, "1\n", DEV BRIDGE "/subordinate_bus_number");
}

static void all_ones(struct host *h)
{
	char ones[65];

	memset(ones, 0xff, 64);
	ones[64] = '\0';
	fake_put(h, ones, DEV PF "/config");
	fake_put(h, ones, DEV VF "/config");
}

static void down(struct host *h)
{
	fake_put(h, "0x1002\n", "/sys/class/net/eth0/flags");
}

static void lockdown(struct host *h)
{
	fake_put(h, "none [integrity] confidentiality\n", "/sys/kernel/security/lockdown");
}

static void free_of_lockdown(struct host *h)
{
	fake_put(h, "[none] integrity confidentiality\n", "/sys/kernel/security/lockdown");
}

static void other_override(struct host *h)
{
	fake_put(h, "pci-stub\n", DEV VF "/driver_override");
}

static void no_override(struct host *h)
{
	fake_put(h, "(null)\n", DEV VF_OFF "/driver_override");
}

static void not_remapped(struct host *h)
{
	fake_put(h, " 24:  1  PCI-MSIX-0000:01:00.0  0-edge  eth0\n", "/proc/interrupts");
}

static void remapped(struct host *h)
{
	fake_put(h, " 24:  1  IR-PCI-MSIX-0000:01:00.0  0-edge  eth0\n", "/proc/interrupts");
}

static void rmrr(struct host *h)
{
	autofree char *group = fake_text(h, DEV VF "/iommu_group/type");

	assert_non_null(group);
	remapped(h);
	fake_put(h, "0x000000007e000000 0x000000007fffffff direct\n",
		DEV VF "/iommu_group/reserved_regions");
}

static void limited(struct host *h)
{
	fake_put(h, "Max locked memory         8388608              8388608              bytes\n",
		"/proc/self/limits");
}

static void dma_limit(struct host *h)
{
	fake_put(h, "1000\n", "/sys/module/vfio_iommu_type1/parameters/dma_entry_limit");
}

static void no_dma_limit(struct host *h)
{
	fake_vanish(h, "/sys/module/vfio_iommu_type1/parameters/dma_entry_limit");
}

static void no_reset(struct host *h)
{
	fake_vanish(h, "/sys/devices/pci0000:00/0000:00:01.0/" VF "/reset");
}

static void sleeping(struct host *h)
{
	fake_put(h, "D3cold\n", DEV VF "/power_state");
}

static void unlimited(struct host *h)
{
	fake_put(h, "Max locked memory         unlimited            unlimited            bytes\n",
		"/proc/self/limits");
}

static void group_is_vfio(struct host *h)
{
	fake_link(h, "../../../../bus/pci/drivers/vfio-pci", DEV "0000:05:01.0/driver");
	fake_vanish(h, "/sys/devices/pci0000:00/0000:00:04.0/0000:04:00.0/" E1000 "/driver");
}

#define GONE_TEXT "does not answer"

static const struct scene {
	enum cause_action action;
	int code;
	const char *it, *driver;
	unsigned wanted;
	void (*make)(struct host *h);
	const char *text; /* in the cause */
	const char *fact; /* in file or value; NULL: nothing confirms it */
	enum problem_kind kind;
} scenes[] = {
	{ CAUSE_SET_NUMVFS, ERANGE, PF, NULL, 9, no_vfs, "allows no VFs", "sriov_totalvfs",
		PROBLEM_TOO_MANY_VFS },
	{ CAUSE_SET_NUMVFS, ERANGE, PF, NULL, 9, nothing,
		"more than the device or its driver allows", "7", PROBLEM_TOO_MANY_VFS },
	{ CAUSE_SET_NUMVFS, ERANGE, PF, NULL, 3, nothing, "more than the device or its driver has",
		NULL, PROBLEM_TOO_MANY_VFS },
	{ CAUSE_SET_NUMVFS, EBUSY, PF, NULL, 2, nothing, "are there already", "virtfn0",
		PROBLEM_IN_USE },
	{ CAUSE_SET_NUMVFS, EBUSY, NVME, NULL, 2, nothing, "appeared meanwhile", NULL,
		PROBLEM_IN_USE },
	{ CAUSE_SET_NUMVFS, ENOENT, PF, NULL, 2, without_driver, "no driver is bound, and", "none",
		PROBLEM_NO_DRIVER },
	{ CAUSE_SET_NUMVFS, ENOENT, PF, NULL, 2, pf_to_vfio, "enable_sriov", "enable_sriov",
		PROBLEM_UNSUPPORTED },
	{ CAUSE_SET_NUMVFS, ENOENT, PF, NULL, 2, nothing, "its driver does not implement", "igb",
		PROBLEM_UNSUPPORTED },
	{ CAUSE_SET_NUMVFS, ENOENT, "0000:09:00.0", NULL, 2, nothing, "or it does not implement",
		NULL, PROBLEM_NO_DRIVER },
	{ CAUSE_SET_NUMVFS, EOPNOTSUPP, PF, NULL, 2, nothing, "present mode", NULL,
		PROBLEM_UNSUPPORTED },
	{ CAUSE_SET_NUMVFS, ENOSYS, PF, NULL, 2, nothing, "without SR-IOV", NULL,
		PROBLEM_UNSUPPORTED },
	{ CAUSE_SET_NUMVFS, ENOMEM, PF, NULL, 2, vf_bar_lost, "no room for the VFs' memory",
		"region 7: 16384 bytes", PROBLEM_UNSUPPORTED },
	{ CAUSE_SET_NUMVFS, ENOMEM, PF, NULL, 70, few_buses, "too few bus numbers",
		"subordinate_bus_number", PROBLEM_UNSUPPORTED },
	{ CAUSE_SET_NUMVFS, ENOMEM, PF, NULL, 2, nothing, "or no memory", NULL,
		PROBLEM_UNSUPPORTED },
	{ CAUSE_SET_NUMVFS, ENOSPC, PF, NULL, 2, nothing, "vectors", NULL, PROBLEM_UNSUPPORTED },
	{ CAUSE_SET_NUMVFS, EIO, PF, NULL, 2, all_ones, GONE_TEXT, "all ones", PROBLEM_IO },
	{ CAUSE_SET_NUMVFS, EIO, PF, NULL, 2, nothing, "its firmware failed", NULL, PROBLEM_IO },
	{ CAUSE_SET_NUMVFS, EINVAL, PF_OFF, NULL, 0, nothing, "set aside for guests", "vfio-pci",
		PROBLEM_IN_USE },
	{ CAUSE_SET_NUMVFS, EINVAL, PF, NULL, 2, nothing, "does not take this number", NULL,
		PROBLEM_UNSUPPORTED },
	{ CAUSE_SET_NUMVFS, EAGAIN, PF, NULL, 2, down, "interface up", "eth0/flags",
		PROBLEM_FAILED },
	{ CAUSE_SET_NUMVFS, EAGAIN, NVME, NULL, 2, nothing, "not ready", NULL, PROBLEM_IN_USE },
	{ CAUSE_SET_NUMVFS, EPERM, PF_OFF, NULL, 0, lockdown, "set aside for guests", "vfio-pci",
		PROBLEM_IN_USE },
	{ CAUSE_SET_NUMVFS, EPERM, PF, NULL, 2, lockdown, "the kernel is locked down",
		"[integrity]", PROBLEM_PERMISSION },
	{ CAUSE_SET_NUMVFS, EPERM, PF, NULL, 2, free_of_lockdown, "the driver refuses, or", NULL,
		PROBLEM_PERMISSION },
	{ CAUSE_SET_NUMVFS, EACCES, PF, NULL, 2, nothing, "only root", NULL, PROBLEM_PERMISSION },
	{ CAUSE_SET_NUMVFS, EROFS, PF, NULL, 2, nothing, "read-only", NULL, PROBLEM_READ_ONLY },

	{ CAUSE_BIND, EINVAL, VF, "vfio-pci", 0, fake_iommu_off, "no IOMMU group", "iommu_group",
		PROBLEM_NO_IOMMU },
	{ CAUSE_BIND, EINVAL, BRIDGE, "vfio-pci", 0, nothing, "bridges", "0x0604",
		PROBLEM_NOT_ASSIGNABLE },
	{ CAUSE_BIND, EINVAL, VF, "vfio-pci", 0, nothing, "does not like", NULL,
		PROBLEM_UNSUPPORTED },
	{ CAUSE_BIND, EBUSY, PF, "vfio-pci", 0, nothing, "takes no PF that has", VF,
		PROBLEM_IN_USE },
	{ CAUSE_BIND, EBUSY, VF, "vfio-pci", 0, nothing, "it has a driver already", "igbvf",
		PROBLEM_IN_USE },
	{ CAUSE_BIND, EBUSY, E1000, "e1000", 0, group_is_vfio, "a guest may own the group",
		"05:01.0/driver", PROBLEM_IN_USE },
	{ CAUSE_BIND, EBUSY, "0000:09:00.0", "e1000", 0, nothing, "one of its resources", NULL,
		PROBLEM_IN_USE },
	{ CAUSE_BIND, ENODEV, VF, "igbvf", 0, other_override, "names another driver", "pci-stub",
		PROBLEM_DRIFT },
	{ CAUSE_BIND, ENODEV, VF_OFF, "igbvf", 0, no_override, "autoprobe is off",
		"sriov_drivers_autoprobe", PROBLEM_UNSUPPORTED },
	{ CAUSE_BIND, ENODEV, "0000:03:00.1", "nvme", 0, nothing, "not ready", NVME,
		PROBLEM_UNSUPPORTED },
	{ CAUSE_BIND, ENODEV, VF, "igbvf", 0, all_ones, GONE_TEXT, "all ones", PROBLEM_VANISHED },
	{ CAUSE_BIND, ENODEV, VF, "e1000", 0, nothing, "does not take this function", NULL,
		PROBLEM_UNSUPPORTED },
	{ CAUSE_BIND, ENOENT, VF, "e1001", 0, nothing, "no such driver", NULL, PROBLEM_NO_DRIVER },
	{ CAUSE_BIND, ENOMEM, VF, "igbvf", 0, bar_lost, "no address", "region 0",
		PROBLEM_UNSUPPORTED },
	{ CAUSE_BIND, ENOMEM, VF, "igbvf", 0, nothing, "found no memory", NULL, PROBLEM_NO_MEMORY },
	{ CAUSE_BIND, EIO, VF, "igbvf", 0, all_ones, GONE_TEXT, "all ones", PROBLEM_VANISHED },
	{ CAUSE_BIND, EIO, VF, "igbvf", 0, nothing, "could not talk", NULL, PROBLEM_IO },
	{ CAUSE_BIND, EACCES, VF, "igbvf", 0, nothing, "only root", NULL, PROBLEM_PERMISSION },
	{ CAUSE_BIND, EPERM, VF, "igbvf", 0, lockdown, "the kernel is locked down", "lockdown",
		PROBLEM_PERMISSION },
	{ CAUSE_BIND, EPERM, VF, "igbvf", 0, nothing, "refuses", NULL, PROBLEM_PERMISSION },
	{ CAUSE_BIND, EROFS, VF, "igbvf", 0, nothing, "read-only", NULL, PROBLEM_READ_ONLY },
	{ CAUSE_BIND, ETIMEDOUT, VF, "igbvf", 0, nothing, "may still", NULL, PROBLEM_TIMEOUT },
	{ CAUSE_UNBIND, EACCES, VF, NULL, 0, nothing, "only root", NULL, PROBLEM_PERMISSION },
	{ CAUSE_UNBIND, EROFS, VF, NULL, 0, nothing, "read-only", NULL, PROBLEM_READ_ONLY },

	{ CAUSE_OPEN_GROUP, EBUSY, VF, NULL, 0, nothing, "another process", NULL, PROBLEM_IN_USE },
	{ CAUSE_OPEN_GROUP, ENOENT, VF, NULL, 0, nothing, "no VFIO driver", "igbvf",
		PROBLEM_NOT_BOUND_TO_VFIO },
	{ CAUSE_OPEN_GROUP, ENOENT, VF_OFF, NULL, 0, nothing, "node is missing", NULL,
		PROBLEM_NOT_BOUND_TO_VFIO },
	{ CAUSE_OPEN_GROUP, ENODEV, VF, NULL, 0, nothing, "no member", NULL,
		PROBLEM_NOT_BOUND_TO_VFIO },
	{ CAUSE_OPEN_GROUP, EACCES, VF, NULL, 0, nothing, "somebody else", NULL,
		PROBLEM_PERMISSION },
	{ CAUSE_OPEN_GROUP, EPERM, VF, NULL, 0, nothing, "somebody else", NULL,
		PROBLEM_PERMISSION },
	{ CAUSE_JOIN_CONTAINER, EPERM, E1000, NULL, 0, nothing, "on a host driver", "e1000",
		PROBLEM_GROUP_NOT_VIABLE },
	{ CAUSE_JOIN_CONTAINER, EPERM, VF_OFF, NULL, 0, nothing, "not viable", NULL,
		PROBLEM_GROUP_NOT_VIABLE },
	{ CAUSE_JOIN_CONTAINER, EINVAL, VF_OFF, NULL, 0, nothing, "already", NULL, PROBLEM_IN_USE },
	{ CAUSE_SET_IOMMU, EPERM, VF, NULL, 0, not_remapped, "forge", "interrupts",
		PROBLEM_NOT_ASSIGNABLE },
	{ CAUSE_SET_IOMMU, EPERM, VF, NULL, 0, rmrr, "RMRR", "0x7e000000-0x7fffffff direct",
		PROBLEM_NOT_ASSIGNABLE },
	{ CAUSE_SET_IOMMU, EPERM, VF, NULL, 0, remapped, "may be missing", NULL,
		PROBLEM_NOT_ASSIGNABLE },
	{ CAUSE_SET_IOMMU, ENODEV, VF, NULL, 0, nothing, "vfio_iommu_type1", NULL,
		PROBLEM_UNSUPPORTED },
	{ CAUSE_SET_IOMMU, EBUSY, VF, NULL, 0, nothing, "another user", NULL, PROBLEM_IN_USE },
	{ CAUSE_OPEN_DEVICE, EACCES, VF, NULL, 0, pf_to_vfio, "that owner's VF token",
		"physfn/driver", PROBLEM_PERMISSION },
	{ CAUSE_OPEN_DEVICE, EACCES, VF, NULL, 0, nothing, "it needs a VF token", NULL,
		PROBLEM_PERMISSION },
	{ CAUSE_OPEN_DEVICE, ENODEV, VF, NULL, 0, nothing, "not on a VFIO driver", NULL,
		PROBLEM_NOT_BOUND_TO_VFIO },
	{ CAUSE_OPEN_DEVICE, EBUSY, VF, NULL, 0, nothing, "held already", NULL, PROBLEM_IN_USE },
	{ CAUSE_OPEN_DEVICE, EPERM, VF, NULL, 0, nothing, "not usable", NULL,
		PROBLEM_GROUP_NOT_VIABLE },
	{ CAUSE_OPEN_DEVICE, EIO, VF, NULL, 0, all_ones, GONE_TEXT, "all ones", PROBLEM_VANISHED },
	{ CAUSE_MAP_DMA, ENOMEM, VF, NULL, 0, limited, "is too low for it", "8388608",
		PROBLEM_MEMLOCK },
	{ CAUSE_MAP_DMA, ENOMEM, VF, NULL, 0, unlimited, "or memory ran out", NULL,
		PROBLEM_NO_MEMORY },
	{ CAUSE_MAP_DMA, ENOSPC, VF, NULL, 0, dma_limit, "limit of mappings is used up", "1000",
		PROBLEM_DMA_LIMIT },
	{ CAUSE_MAP_DMA, ENOSPC, VF, NULL, 0, no_dma_limit, "no more mappings", NULL,
		PROBLEM_DMA_LIMIT },
	{ CAUSE_MAP_DMA, EINVAL, VF, NULL, 0, nothing, "reserved", NULL, PROBLEM_RESERVED_IOVA },
	{ CAUSE_MAP_DMA, EEXIST, VF, NULL, 0, nothing, "mapped there", NULL, PROBLEM_FAILED },
	{ CAUSE_RESET, ENOTTY, VF, NULL, 0, all_ones, GONE_TEXT, "all ones", PROBLEM_VANISHED },
	{ CAUSE_RESET, ENOTTY, VF, NULL, 0, no_reset, "knows no reset", "/reset",
		PROBLEM_UNSUPPORTED },
	{ CAUSE_RESET, ENOTTY, VF, NULL, 0, nothing, "no method worked", NULL,
		PROBLEM_UNSUPPORTED },
	{ CAUSE_RESET, EINVAL, VF, NULL, 0, sleeping, "not in a state", "D3cold",
		PROBLEM_UNSUPPORTED },
	{ CAUSE_RESET, EINVAL, VF, NULL, 0, nothing, "as it is now", NULL, PROBLEM_UNSUPPORTED },
	{ CAUSE_RESET, EAGAIN, VF, NULL, 0, nothing, "busy", NULL, PROBLEM_IN_USE },
	{ CAUSE_RESET, EIO, VF, NULL, 0, all_ones, GONE_TEXT, "all ones", PROBLEM_VANISHED },
	{ CAUSE_RESET, EIO, VF, NULL, 0, nothing, "or its bus failed", NULL, PROBLEM_IO },
	{ CAUSE_RESET, ENOENT, VF, NULL, 0, nothing, "has gone", NULL, PROBLEM_VANISHED },
	{ CAUSE_RESET, EACCES, VF, NULL, 0, nothing, "only root", NULL, PROBLEM_PERMISSION },
	{ CAUSE_RESET, EPERM, VF, NULL, 0, nothing, "only root", NULL, PROBLEM_PERMISSION },
	{ CAUSE_RESET, EROFS, VF, NULL, 0, nothing, "read-only", NULL, PROBLEM_READ_ONLY },
	{ CAUSE_RESET, ETIMEDOUT, VF, NULL, 0, all_ones, "come back", NULL, PROBLEM_TIMEOUT },
	{ CAUSE_RESET_METHOD, EINVAL, VF, NULL, 0, nothing, "does not offer", NULL,
		PROBLEM_UNSUPPORTED },
	{ CAUSE_RESET_METHOD, EACCES, VF, NULL, 0, nothing, "only root", NULL, PROBLEM_PERMISSION },
	{ CAUSE_RESET_METHOD, EPERM, VF, NULL, 0, nothing, "only root", NULL, PROBLEM_PERMISSION },
	{ CAUSE_RESET_METHOD, ETIMEDOUT, VF, NULL, 0, nothing, "holds the function", NULL,
		PROBLEM_TIMEOUT },
};

/* The row that a scene is about, by its words; its neighbours must not be taken for it. */
static bool is_row(const struct cause_row *r, const struct scene *s)
{
	return r->action == s->action && r->code == s->code && strstr(r->cause, s->text);
}

static struct host *host_of(const struct scene *s)
{
	bool nvme_vf = str_eq(s->it, "0000:03:00.1");
	struct host *h = fake_kernel_new(
		nvme_vf ? HOSTS_DIR "/s4-nvme-vf.tar.gz" : HOSTS_DIR "/s2-vfio.tar.gz");

	s->make(h);
	return h;
}

static void check_scene(const struct scene *s)
{
	autohost *h = host_of(s);
	struct cause_query q = { .action = s->action,
		.code = -s->code,
		.bdf = at(s->it),
		.driver = s->driver,
		.wanted = s->wanted };
	autocause c = { 0 };

	print_message(
		"%s %s %s\n", cause_action_name(s->action), strerrorname_np(s->code), s->text);
	assert_int_equal(cause_find(h, &q, NULL, &c), 0);
	assert_non_null(strstr(c.text, s->text));
	assert_null(strchr(c.advice ? c.advice : "", '{'));
	assert_int_equal(c.kind, s->kind);
	if (!s->fact) {
		assert_null(c.fact.file);
		return;
	}
	assert_non_null(c.fact.file);
	assert_true(
		strstr(c.fact.file, s->fact) || strstr(c.fact.value ? c.fact.value : "", s->fact));
	assert_int_equal(fake_hangs(h), 0);
}

static void every_scene(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_SIZE(scenes); i++)
		check_scene(&scenes[i]);
}

static void every_row_has_a_scene(void **state UNUSED)
{
	const struct cause_row *r;

	for (size_t i = 0; (r = cause_row_at(i)); i++) {
		unsigned n = 0;

		for (size_t k = 0; k < ARRAY_SIZE(scenes); k++)
			n += is_row(r, &scenes[k]);
		if (n != 1)
			fail_msg("%s %s \"%s\": %u scenes", cause_action_name(r->action),
				strerrorname_np(r->code), r->cause, n);
	}
}

/* The fallback of an errno must stand behind the causes that can be confirmed. */
static void rows_can_be_reached(void **state UNUSED)
{
	const struct cause_row *a, *b;

	for (size_t i = 0; (a = cause_row_at(i)); i++)
		for (size_t k = i + 1; !a->confirm && (b = cause_row_at(k)); k++)
			assert_false(a->action == b->action && a->code == b->code);
}

static void advice_names_the_function(void **state UNUSED)
{
	autohost *h = fake_kernel_new(HOSTS_DIR "/s2-vfio.tar.gz");
	struct cause_query q = { CAUSE_BIND, -EBUSY, at(PF), "vfio-pci", 0 };
	autocause c = { 0 };

	assert_int_equal(cause_find(h, &q, NULL, &c), 0);
	assert_string_equal(c.advice, "vfctl destroy " PF);
}

static void an_errno_without_rows(void **state UNUSED)
{
	autohost *h = fake_kernel_new(HOSTS_DIR "/s2-vfio.tar.gz");
	struct cause_query q = { CAUSE_BIND, -EXDEV, at(VF), "igbvf", 0 };
	autoproblem *p = NULL;
	autocause c = { 0 };

	assert_int_equal(cause_find(h, &q, NULL, &c), -ENOENT);
	assert_null(c.text);
	assert_int_equal(cause_problem(h, &q, NULL, &p, "binding"), -EXDEV);
	assert_string_equal(p->what, "binding (Invalid cross-device link)");
	assert_string_equal(p->hint, "see the kernel log");
}

/* ---- The kernel's own words ---- */

static void the_log_is_quoted_from_the_mark_on(void **state UNUSED)
{
	autohost *h = fake_kernel_new(HOSTS_DIR "/s2-vfio.tar.gz");
	struct cause_query q = { CAUSE_BIND, -EIO, at(VF), "igbvf", 0 };
	autoproblem *p = NULL;

	fake_klog(h, 2, "igbvf " VF ": an old disaster");
	{
		autocausemark mark = cause_mark(h);

		fake_klog(h, 3, "igbvf 1" VF ": another function");
		fake_klog(h, 4, "igbvf " VF ": PF still resetting \x1b[2J");
		fake_klog(h, 3, "igbvf " VF ": probe with driver igbvf failed with error -5");
		fake_klog_raw(h, "11,9,9,-;" VF " says a program\n");
		fake_klog(h, 6, "igbvf " VF ": goodbye");
		assert_int_equal(cause_problem(h, &q, &mark, &p, "bind"), -EIO);
	}
	assert_string_equal(p->what,
		"bind (Input/output error): the driver could not talk to the device; "
		"kernel log: igbvf " VF ": PF still resetting \\x1b[2J");
}

static char *logged(struct host *h, const char *bdf, const struct cause_mark *mark)
{
	char *text = NULL;

	assert_int_equal(cause_log(h, at(bdf), mark, &text), 0);
	return text;
}

static void the_gravest_line_the_newest_of_equals(void **state UNUSED)
{
	autohost *h = fake_kernel_new(HOSTS_DIR "/s2-vfio.tar.gz");
	autofree char *none = NULL, *pf = NULL, *own = NULL, *device = NULL;
	autocausemark mark = cause_mark(h);

	fake_klog(h, 6, "igb " PF ": chatter");
	assert_null(none = logged(h, PF, NULL));
	fake_klog(h, 4, "igb " PF ": first");
	fake_klog(h, 4, "igb " PF ": second");
	fake_klog(h, 5, "igb " PF ": a notice");
	assert_string_equal(pf = logged(h, VF, &mark), "igb " PF ": second");
	fake_klog(h, 3, "igbvf: " VF " is lost \x1b[2J");
	assert_string_equal(own = logged(h, VF, NULL), "igbvf: " VF " is lost \\x1b[2J");
	fake_klog_raw(h, "2,99,99,-;no address in the text\n SUBSYSTEM=pci\n DEVICE=+pci:" PF "\n");
	assert_string_equal(device = logged(h, PF, NULL), "no address in the text");
}

static void explain(struct host *h, const char *bdf, int code, const char *expected)
{
	autocausemark mark = cause_mark(h);
	autofree char *text = NULL;
	autoproblem *p = NULL;

	problem(&p, code, PROBLEM_FAILED, NULL, "opening");
	fake_klog(h, 4, "vfio-pci %s: says the kernel", bdf);
	assert_int_equal(cause_explain_opening(h, at(bdf), code, &mark, &p), code);
	text = problem_text(p);
	assert_non_null(strstr(text, expected));
	assert_non_null(strstr(text, ": says the kernel"));
}

static void opening_through_vfio_is_explained(void **state UNUSED)
{
	autohost *h = fake_kernel_new(HOSTS_DIR "/s2-vfio.tar.gz");
	autoproblem *p = NULL;

	explain(h, VF_OFF, -EACCES, "opening: kernel log: vfio-pci");
	explain(h, E1000, -EPERM, "05:01.0/driver: e1000): kernel log");
	rmrr(h);
	explain(h, VF, -EPERM, "reserved_regions: 0x7e000000-0x7fffffff direct)");
	pf_to_vfio(h);
	explain(h, VF, -EACCES, "physfn/driver: vfio-pci)");
	assert_int_equal(cause_explain_opening(h, at(VF), -EACCES, NULL, &p), -EACCES);
	assert_null(p);
}

static void what_has_failed_is_explained(void **state UNUSED)
{
	autohost *h = fake_kernel_new(HOSTS_DIR "/s2-vfio.tar.gz");
	const struct cause_query q = { CAUSE_RESET, -EIO, at(VF), NULL, 0 };
	autocausemark mark = cause_mark(h);
	autofree char *before = NULL, *after = NULL;
	struct problem *p = NULL;

	assert_int_equal(cause_explain(h, &q, &mark, &p), -EIO);
	assert_null(p);
	problem(&p, -EIO, PROBLEM_IO, NULL, "reset it");
	/* The usual cause is no more than advice. */
	assert_int_equal(cause_explain(h, &q, &mark, &p), -EIO);
	before = problem_text(p);
	assert_string_equal(before, "reset it");
	assert_string_equal(problem_best_hint(p), "see the kernel log");
	problem_free(p);
	p = NULL;
	all_ones(h);
	fake_klog(h, 3, "vfio-pci " VF ": not ready 65535ms after FLR; giving up");
	problem(&p, -EIO, PROBLEM_IO, "better advice", "reset it");
	cause_explain(h, &q, &mark, &p);
	after = problem_text(p);
	assert_non_null(strstr(after, GONE_TEXT));
	assert_non_null(strstr(after, "kernel log: vfio-pci " VF ": not ready"));
	assert_string_equal(problem_best_hint(p), "better advice");
	problem_free(p);
}

/* As nvme does: one line says whose the others are. */
static void a_driver_with_a_name_of_its_own(void **state UNUSED)
{
	autohost *h = fake_kernel_new(HOSTS_DIR "/s4-nvme-vf.tar.gz");
	autofree char *text = NULL, *other = NULL;

	fake_klog(h, 3, "nvme nvme1: another's trouble");
	fake_klog(h, 6, "nvme nvme1: pci function 0000:03:00.1");
	fake_klog(h, 3, "nvme nvme1: Device not ready");
	fake_klog(h, 3, "nvme nvme10: not meant");
	assert_string_equal(text = logged(h, "0000:03:00.1", NULL), "nvme nvme1: Device not ready");
	assert_null(other = logged(h, "0000:03:00.2", NULL));
}

static void a_log_that_cannot_be_read(void **state UNUSED)
{
	autohost *h = fake_kernel_new(HOSTS_DIR "/s2-vfio.tar.gz"), *tar = machine("s2-vfio");
	struct cause_query q = { CAUSE_BIND, -EIO, at(VF), "igbvf", 0 };
	autoproblem *p = NULL;
	char *text = NULL;

	assert_int_equal(cause_log(tar, at(VF), NULL, &text), -EOPNOTSUPP);
	fake_fail_nth(h, FAKE_LOG, 1, -EPERM);
	{
		autocausemark mark = cause_mark(h);

		assert_int_equal(mark.fd, -1);
		assert_int_equal(cause_problem(h, &q, &mark, &p, "bind"), -EIO);
	}
	assert_string_equal(
		p->what, "bind (Input/output error): the driver could not talk to the device");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_scene),
		cmocka_unit_test(every_row_has_a_scene),
		cmocka_unit_test(rows_can_be_reached),
		cmocka_unit_test(advice_names_the_function),
		cmocka_unit_test(an_errno_without_rows),
		cmocka_unit_test(the_log_is_quoted_from_the_mark_on),
		cmocka_unit_test(the_gravest_line_the_newest_of_equals),
		cmocka_unit_test(opening_through_vfio_is_explained),
		cmocka_unit_test(what_has_failed_is_explained),
		cmocka_unit_test(a_driver_with_a_name_of_its_own),
		cmocka_unit_test(a_log_that_cannot_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
