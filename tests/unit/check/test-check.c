// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every check of the table on a machine on which it finds something wrong, and on one on which it
 * passes. The machines are captured ones on the fake kernel, with one thing made different; a check
 * without both scenes fails the test.
 */
#include "cm.h"
#include "machine.h"
#include "check/check.h"
#include "fake/fake.h"
#include "nvme/secctrl.h"

#define PF	 "0000:01:00.0" /* igb, four VFs on igbvf */
#define VF	 "0000:01:10.0"
#define VFIO	 "0000:02:10.0" /* of a PF without autoprobe, on vfio-pci */
#define E1000	 "0000:05:02.0"
#define BRIDGE	 "0000:00:01.0"
#define NVME	 "0000:03:00.0"
#define NVMEVF	 "0000:03:00.1"
#define DEV	 "/sys/bus/pci/devices/"
#define LOST	 "0x0000000000000000 0x0000000000003fff 0x000000002014220c\n"
#define NO_BAR	 "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
#define TYPE1	 "/sys/module/vfio_iommu_type1/parameters/"
#define NODE0	 "/sys/devices/system/node/node0/hugepages/hugepages-2048kB/"
#define SECURE	 "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define RESERVED DEV VF "/iommu_group/reserved_regions"

/* ---- What makes the machines different ---- */

static void nothing(struct host *h UNUSED)
{
}

#define PUTS(name, text, path)                                                                     \
	static void name(struct host *h)                                                           \
	{                                                                                          \
		fake_put(h, text, path);                                                           \
	}

static void all_ones(struct host *h)
{
	char ones[65];

	memset(ones, 0xff, 64);
	ones[64] = '\0';
	fake_put(h, ones, DEV VF "/config");
}

static void off_on_cmdline(struct host *h)
{
	fake_iommu_off(h);
	fake_put(h, "BOOT_IMAGE=/vmlinuz intel_iommu=on intel_iommu=off\n", "/proc/cmdline");
}

static void off_in_firmware(struct host *h)
{
	fake_iommu_off(h);
	fake_put(h, "", "/sys/firmware/acpi/tables/FACP");
}

static void not_asked_for(struct host *h)
{
	fake_iommu_off(h);
	fake_put(h, "quiet\n", "/proc/cmdline");
	fake_put(h, "", "/sys/firmware/acpi/tables/DMAR");
}

PUTS(passthrough, "quiet iommu=pt\n", "/proc/cmdline")
PUTS(not_remapped, " 24: 1 PCI-MSIX-0000:01:00.0 0-edge eth0\n", "/proc/interrupts")
PUTS(remapped, " 24: 1 IR-PCI-MSIX-0000:01:00.0 0-edge eth0\n", "/proc/interrupts")
PUTS(unsafe, "Y\n", TYPE1 "allow_unsafe_interrupts")
PUTS(noiommu, "Y\n", "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode")
PUTS(no_noiommu, "N\n", "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode")
PUTS(rmrr, "0x000000007e000000 0x000000007fffffff direct\n", RESERVED)
PUTS(relaxable, "0x0000000000000000 0x0000000000ffffff direct-relaxable\n", RESERVED)
PUTS(hole_in_memory, "0x0000000010000000 0x000000001fffffff reserved\n", RESERVED)
PUTS(hole_above, "0x0000000140000000 0x000000014fffffff reserved\n", RESERVED)

static void remapped_not_minded(struct host *h)
{
	not_remapped(h);
	unsafe(h);
}

static void held(struct host *h)
{
	static const char *const fds[] = { "/dev/vfio/vfio", "/dev/vfio/15", NULL };

	fake_process(h, 4711, "qemu-system-x86_64 -name guest=web1", fds);
	fake_hold(h, VFIO);
}

static void nobody(struct host *h)
{
	static const char *const fds[] = { NULL };

	fake_process(h, 1, "init", fds);
}

static void boot_display(struct host *h)
{
	fake_put(h, "pci:v00008086d0000100Esv00001AF4sd00001100bc03sc00i00\n",
		DEV E1000 "/modalias");
	fake_put(h, "1\n", DEV E1000 "/boot_vga");
}

/* Linux 6.5 put a port's own devices in between. */
static void serial_port(struct host *h)
{
	fake_link(h,
		"../../devices/pci0000:00/0000:00:04.0/0000:04:00.0/" E1000 "/" E1000 ":0/" E1000
		":0.0/tty/ttyS4",
		"/sys/class/tty/ttyS4");
}

static void serial_console(struct host *h)
{
	serial_port(h);
	fake_put(h, "tty0 ttyS4\n", "/sys/class/tty/console/active");
}

static void serial_elsewhere(struct host *h)
{
	serial_port(h);
	fake_put(h, "tty0 ttyS40\n", "/sys/class/tty/console/active");
}

static void no_vfio(struct host *h)
{
	fake_vanish(h, "/sys/bus/pci/drivers/vfio-pci");
	fake_put(h, "6.12.95\n", "/proc/sys/kernel/osrelease");
	fake_put(h, "kernel/drivers/net/tun.ko:\n", "/lib/modules/6.12.95/modules.dep");
}

static void vfio_to_load(struct host *h)
{
	no_vfio(h);
	fake_put(h, "kernel/drivers/vfio/pci/vfio-pci.ko.xz: kernel/x.ko\n",
		"/lib/modules/6.12.95/modules.dep");
}

static void vfio_forbidden(struct host *h)
{
	vfio_to_load(h);
	fake_put(h, "quiet module_blacklist=nouveau,vfio_pci\n", "/proc/cmdline");
}

static void vfio_replaced(struct host *h)
{
	vfio_to_load(h);
	fake_put(h, "# none\ninstall vfio-pcifoo /bin/true\ninstall vfio_pci /bin/false\n",
		"/etc/modprobe.d/lock.conf");
}

static void vfio_blacklisted(struct host *h)
{
	vfio_to_load(h);
	fake_put(h, "  blacklist vfio-pci\n", "/usr/lib/modprobe.d/lock.conf");
}

static void blacklist_masked(struct host *h)
{
	vfio_blacklisted(h);
	fake_put(h, "# nothing\n", "/etc/modprobe.d/lock.conf");
}

static void not_loaded(struct host *h)
{
	fake_vanish(h, "/dev/vfio/vfio");
}

static void no_nodes(struct host *h)
{
	not_loaded(h);
	fake_put(h, "", "/sys/module/vfio/refcnt");
}

PUTS(other_override, "pci-stub\n", DEV VF "/driver_override")

static void orphan_without_autoprobe(struct host *h)
{
	fake_put(h, "(null)\n", DEV VFIO "/driver_override");
	fake_vanish(h, "/sys/devices/pci0000:00/0000:00:02.0/" VFIO "/driver");
}

static void pf_to_vfio(struct host *h)
{
	fake_link(h, "../../../../bus/pci/drivers/vfio-pci", DEV PF "/driver");
}

#define STATUS(uid, caps)                                                                          \
	"Name:\tvfctl\nUid:\t" uid "\t" uid "\t0\t0\nGroups:\t4 1000 \nCapEff:\t" caps "\n"
#define LIMITS(n)                                                                                  \
	"Limit                     Soft Limit           Hard Limit           Units     \n"         \
	"Max locked memory         65536                " n " bytes     \n"

PUTS(as_root, STATUS("0", "000001ffffffffff"), "/proc/self/status")
PUTS(as_user, STATUS("1000", "0000000000000000"), "/proc/self/status")

static void small_limit(struct host *h)
{
	as_user(h);
	fake_put(h, LIMITS("8388608"), "/proc/self/limits");
}

static void no_limit(struct host *h)
{
	as_user(h);
	fake_put(h, LIMITS("unlimited"), "/proc/self/limits");
}

static void exempt(struct host *h)
{
	as_root(h);
	fake_put(h, LIMITS("8388608"), "/proc/self/limits");
}

static void node_gone(struct host *h)
{
	fake_vanish(h, "/dev/vfio/15");
}

PUTS(bar_lost, LOST, DEV VF "/resource")
PUTS(vf_bar_lost, NO_BAR NO_BAR NO_BAR NO_BAR NO_BAR NO_BAR NO_BAR LOST, DEV PF "/resource")
PUTS(few_mappings, "1024\n", TYPE1 "dma_entry_limit")
PUTS(no_mappings, "8\n", TYPE1 "dma_entry_limit")
PUTS(override_acs, "pcie_acs_override=downstream,multifunction\n", "/proc/cmdline")
PUTS(plain_cmdline, "quiet pci=nomsi,noaer\n", "/proc/cmdline")
PUTS(no_acs, "pci=nomsi,noacs quiet\n", "/proc/cmdline")
PUTS(redirect, "pci=disable_acs_redir=0000:00:01.0\n", "/proc/cmdline")
PUTS(no_reset, "\n", DEV VF "/reset_method")

static void only_reset_file(struct host *h)
{
	fake_vanish(h, "/sys/devices/pci0000:00/0000:00:01.0/" VF "/reset_method");
}

/* Configuration space with one capability; 01h stands for bytes that do not matter. */
static void put_capability(struct host *h, char id)
{
	char c[257];

	memset(c, 1, 256);
	c[256] = '\0';
	c[0x06] = 0x10; /* it has capabilities */
	c[0x34] = 0x40;
	c[0x40] = id;
	c[0x41] = 0x01; /* below 40h: the end */
	fake_put(h, c, DEV VF "/config");
}

static void msi_only(struct host *h)
{
	put_capability(h, 0x05);
}

static void no_interrupts(struct host *h)
{
	put_capability(h, 0x01); /* power management */
}

static void variant_there(struct host *h)
{
	fake_put(h, "6.12.95\n", "/proc/sys/kernel/osrelease");
	fake_put(h, "alias vfio_pci:v00008086d000010CAsv*sd*bc*sc*i* igbvf_vfio_pci\n",
		"/lib/modules/6.12.95/modules.alias");
}

static void secondary_online(struct host *h)
{
	autonvmepf *pf = NULL;

	assert_int_equal(nvmepf_open(h, at(NVME), &pf, NULL), 0);
	assert_int_equal(nvmepf_set_resources(pf, 0, 2, 1, NULL), 1);
	assert_int_equal(nvmepf_set_online(pf, 0, true, NULL), 1);
}

PUTS(up, "0x1003\n", "/sys/class/net/eth0/flags")
PUTS(down, "0x1002\n", "/sys/class/net/eth0/flags")

static void set_mac(struct host *h, unsigned vf, struct mac mac)
{
	struct host_vf_change c = { .attr = HOST_VF_MAC, .to = { .vf = vf, .mac = mac } };
	int ifindex = 0;

	assert_int_equal(host_link_index(h, "eth0", &ifindex), 0);
	assert_int_equal(host_link_set_vf(h, ifindex, &c), 0);
}

static void macs_set(struct host *h)
{
	for (unsigned i = 0; i < 4; i++)
		set_mac(h, i, (struct mac) { { 2, 0, 0, 0, 0, (uint8_t)i } });
}

static void first_mac_unset(struct host *h)
{
	macs_set(h);
	set_mac(h, 0, (struct mac) { 0 });
}

PUTS(d3cold, "D3cold\n", DEV VF "/power_state")
PUTS(power_error, "error\n", DEV VF "/power_state")
PUTS(locked_down, "none [integrity] confidentiality\n", "/sys/kernel/security/lockdown")
PUTS(not_locked_down, "[none] integrity confidentiality\n", "/sys/kernel/security/lockdown")
PUTS(secure, "\x06\x01\x01\x01\x01", SECURE)
PUTS(old_kernel, "5.10.0-30-amd64\n", "/proc/sys/kernel/osrelease")
PUTS(new_kernel, "6.12.95\n", "/proc/sys/kernel/osrelease")
PUTS(no_total, "0\n", DEV E1000 "/sriov_totalvfs")
PUTS(absurd, "4294967033\n", DEV PF "/sriov_vf_total_msix")
PUTS(errors, "RxErr 0\nTOTAL_ERR_FATAL 3\n", DEV VF "/aer_dev_fatal")
PUTS(nonfatal, "Undefined 0\nTOTAL_ERR_NONFATAL 12\n", DEV PF "/aer_dev_nonfatal")
PUTS(no_pages, "0\n", NODE0 "nr_hugepages")
PUTS(pages, "512\n", NODE0 "nr_hugepages")

static void kvm_nested(struct host *h)
{
	fake_put(h, "", "/dev/kvm");
	fake_put(h, "Y\n", "/sys/module/kvm_intel/parameters/nested");
}

static void short_of_memory(struct host *h)
{
	fake_klog(h, 4, "pci " PF ": not enough MMIO resources for SR-IOV");
}

static void fault(struct host *h)
{
	fake_klog(h, 3,
		"DMAR: [DMA Write NO_PASID] Request device [01:10.0] fault addr 0xdead000 "
		"[fault reason 0x05] PTE Write access is not set");
}

static void complaint(struct host *h)
{
	fake_klog(h, 4, "igbvf " VF ": PF still resetting");
}

static void a_program_says(struct host *h)
{
	fake_klog_raw(h, "11,1,1,-;" VF ": DMAR: [DMA Write] fault addr; no space for [mem \n");
}

/* ---- The scenes ---- */

static const struct check_claim conflict = { "systemd", "/etc/systemd/network/10-pf.link", PF,
	"8 VFs", true };
static const struct check_claim harmless = { "modprobe", "/etc/modprobe.d/igb.conf", PF, "4 VFs",
	false };
static const struct check_opts one_gib = { .memory_bytes = 1ULL << 30 };
static const struct check_opts six_gib = { .memory_bytes = 6ULL << 30 };
static const struct check_opts conflicting = { .claims = &conflict, .n_claims = 1 };
static const struct check_opts coexisting = { .claims = &harmless, .n_claims = 1 };
static const struct check_opts alone = { .claims = &harmless, .n_claims = 0 };

#define FAIL	  CHECK_FAIL
#define WARN	  CHECK_WARN
#define OK	  CHECK_OK
#define WHO_KNOWS CHECK_UNKNOWN
#define NOT_HERE  CHECK_NOT_APPLICABLE

static const struct scene {
	const char *check;
	const char *it; /* NULL: the host */
	void (*make)(struct host *h);
	enum check_verdict verdict;
	const char *words; /* in text, file, value or fix */
	const struct check_opts *opts;
	const char *machine; /* NULL: s2-vfio */
} scenes[] = {
	{ "device-gone", VF, all_ones, FAIL, "all ones" },
	{ "device-gone", VF, nothing, OK, "answers" },
	{ "bridge", BRIDGE, nothing, FAIL, "0x0604" },
	{ "bridge", VF, nothing, NOT_HERE, "" },
	{ "iommu", VF, off_on_cmdline, FAIL, "remove intel_iommu=off" },
	{ "iommu", NULL, off_in_firmware, FAIL, "VT-d" },
	{ "iommu", NULL, not_asked_for, FAIL, "add intel_iommu=on" },
	{ "iommu", NULL, fake_iommu_off, FAIL, "off or missing" },
	{ "iommu", NULL, nothing, OK, "groups" },
	{ "iommu", VF, nothing, OK, "IOMMU group 11" },
	{ "iommu-mode", NULL, fake_iommu_off, NOT_HERE, "" },
	{ "iommu-mode", NULL, passthrough, OK, "iommu=pt" },
	{ "interrupt-remapping", VF, not_remapped, FAIL, "EPERM" },
	{ "interrupt-remapping", NULL, remapped_not_minded, WARN, "UNSAFE" },
	{ "interrupt-remapping", NULL, remapped, OK, "IR-" },
	{ "interrupt-remapping", NULL, nothing, WHO_KNOWS, "" },
	{ "firmware-memory", VF, rmrr, FAIL, "direct" },
	{ "firmware-memory", VF, relaxable, OK, "" },
	{ "group", "0000:05:01.0", nothing, FAIL, "vfctl bind " E1000, .machine = "s3-nonviable" },
	{ "group", VF, nothing, OK, "group 11" },
	{ "pf-with-vfs", PF, nothing, FAIL, "vfctl destroy " PF },
	{ "pf-with-vfs", NVME, nothing, OK, "no VFs" },
	{ "holder", VFIO, held, FAIL, "4711" },
	{ "holder", VFIO, nobody, OK, "nobody" },
	{ "console", E1000, boot_display, FAIL, "boot_vga" },
	{ "console", E1000, serial_console, FAIL, "console" },
	{ "console", E1000, serial_elsewhere, OK, "elsewhere" },
	{ "vfio-modules", VF, no_vfio, FAIL, "no vfio-pci" },
	{ "vfio-modules", NULL, vfio_forbidden, FAIL, "module_blacklist" },
	{ "vfio-modules", NULL, vfio_replaced, FAIL, "/bin/false" },
	{ "vfio-modules", NULL, vfio_blacklisted, WARN, "lock.conf" },
	{ "vfio-modules", NULL, blacklist_masked, OK, "not loaded yet" },
	{ "vfio-modules", NULL, nothing, OK, "loaded" },
	{ "vfio-interface", NULL, no_nodes, FAIL, "missing" },
	{ "vfio-interface", NULL, not_loaded, WARN, "modprobe vfio-pci" },
	{ "vfio-interface", NULL, nothing, OK, "groups yes" },
	{ "driver", VF, nothing, FAIL, "vfctl bind " VF },
	{ "driver", VFIO, nothing, OK, "vfio-pci" },
	{ "driver-override", VF, other_override, WARN, "pci-stub" },
	{ "driver-override", VFIO, nothing, OK, "vfio-pci" },
	{ "driver-override", VF, nothing, OK, "not set" },
	{ "autoprobe", VFIO, orphan_without_autoprobe, WARN, "ENODEV" },
	{ "autoprobe", VF, nothing, OK, "sriov_drivers_autoprobe" },
	{ "vf-token", VF, pf_to_vfio, FAIL, "vf-token=UUID" },
	{ "vf-token", VF, nothing, OK, "no token" },
	{ "device-node", VFIO, as_user, FAIL, "mode 0600, owner 0:0" },
	{ "device-node", VFIO, node_gone, FAIL, "missing" },
	{ "device-node", VFIO, as_root, OK, "may open" },
	{ "registers", VF, bar_lost, FAIL, "pci=realloc" },
	{ "registers", PF, vf_bar_lost, WARN, "region 7" },
	{ "registers", NULL, vf_bar_lost, WARN, PF },
	{ "registers", NULL, nothing, OK, "" },
	{ "nvme-online", NVMEVF, nothing, FAIL, "online=yes", .machine = "s4-nvme-vf" },
	{ "nvme-online", NVMEVF, secondary_online, OK, "2 queues", .machine = "s4-nvme-vf" },
	{ "memlock", VF, small_limit, FAIL, "ulimit -l 1048576", &one_gib },
	{ "memlock", NULL, small_limit, WARN, "8388608" },
	{ "memlock", VF, no_limit, OK, "unlimited", &one_gib },
	{ "memlock", VF, exempt, OK, "CAP_IPC_LOCK", &one_gib },
	{ "memlock", VF, nothing, WHO_KNOWS, "" },
	{ "dma-entry-limit", NULL, few_mappings, WARN, "1024" },
	{ "dma-entry-limit", VF, no_mappings, FAIL, "ENOSPC" },
	{ "dma-entry-limit", NULL, nothing, OK, "65535" },
	{ "reserved-regions", VF, hole_in_memory, FAIL, "0x10000000", &one_gib },
	{ "reserved-regions", VF, hole_above, FAIL, "0x140000000", &six_gib },
	{ "reserved-regions", VF, hole_above, OK, "", &one_gib },
	{ "reserved-regions", VF, relaxable, OK, "", &one_gib },
	{ "reserved-regions", VF, hole_in_memory, NOT_HERE, "" },
	{ "acs", "0000:05:01.0", nothing, WARN, "cannot have ACS", .machine = "s3-nonviable" },
	{ "acs", VF, nothing, OK, "alone" },
	{ "acs-override", NULL, override_acs, WARN, "UNSAFE" },
	{ "acs-override", NULL, plain_cmdline, OK, "no ACS override" },
	{ "acs-override", NULL, nothing, WHO_KNOWS, "" },
	{ "acs-off", NULL, no_acs, WARN, "pci=noacs" },
	{ "acs-off", NULL, redirect, WARN, "disable_acs_redir" },
	{ "acs-off", NULL, plain_cmdline, OK, "" },
	{ "reset", VF, no_reset, WARN, "next guest" },
	{ "reset", VF, only_reset_file, OK, "/reset" },
	{ "interrupts", VF, no_interrupts, WARN, "without MSI-X" },
	{ "interrupts", VF, msi_only, OK, "no MSI-X" },
	{ "interrupts", VF, nothing, OK, "3 vectors" },
	{ "variant-driver", VFIO, variant_there, WARN, "made for this device" },
	{ "variant-driver", VFIO, nothing, OK, "no better" },
	{ "pf-link", VF, down, WARN, "ip link set eth0 up" },
	{ "pf-link", VF, up, OK, "eth0 is up" },
	{ "vf-mac", VF, first_mac_unset, WARN, "vfctl set eth0/vf0" },
	{ "vf-mac", VF, macs_set, OK, "" },
	{ "power", VF, d3cold, WARN, "D3cold" },
	{ "power", VF, power_error, WARN, "error" },
	{ "power", VF, nothing, OK, "D0" },
	{ "kvm", NULL, nothing, WARN, "modprobe kvm_intel" },
	{ "kvm", NULL, kvm_nested, OK, "may have guests" },
	{ "unsafe-interrupts", NULL, unsafe, WARN, "forge" },
	{ "unsafe-interrupts", NULL, nothing, OK, "" },
	{ "no-iommu-mode", NULL, noiommu, WARN, "UNSAFE" },
	{ "no-iommu-mode", NULL, no_noiommu, OK, "" },
	{ "huge-pages", NULL, no_pages, WARN, "node0" },
	{ "huge-pages", NULL, pages, OK, "512" },
	{ "lockdown", NULL, locked_down, WARN, "[integrity]" },
	{ "lockdown", VF, not_locked_down, OK, "" },
	{ "secure-boot", NULL, secure, OK, "is on" },
	{ "secure-boot", NULL, nothing, NOT_HERE, "" },
	{ "kernel-version", NULL, old_kernel, WARN, "reset_method" },
	{ "kernel-version", NULL, new_kernel, OK, "" },
	{ "vf-drivers", NULL, nothing, WARN, NVMEVF, .machine = "s4-nvme-vf" },
	{ "vf-drivers", NULL, nothing, OK, "6 VFs" },
	{ "vf-macs", NULL, first_mac_unset, WARN, "1 of 4", .machine = "s1-igb4-igbvf" },
	{ "vf-macs", NULL, macs_set, OK, "", .machine = "s1-igb4-igbvf" },
	{ "firmware-vfs", NULL, no_total, WARN, E1000 },
	{ "firmware-vfs", PF, nothing, OK, "" },
	{ "vf-total-msix", NULL, absurd, WARN, "4294967033" },
	{ "vf-total-msix", NULL, nothing, OK, "" },
	{ "health", VF, errors, FAIL, "3 fatal" },
	{ "health", VF, errors, FAIL, "vfctl recover" },
	{ "health", NULL, nonfatal, WARN, "12 non-fatal" },
	{ "health", NULL, nothing, OK, "all functions are healthy" },
	{ "health", VF, nonfatal, WARN, "its PF" },
	{ "health", VF, nothing, OK, "healthy" },
	{ "resources", NULL, short_of_memory, WARN, "not enough MMIO" },
	{ "resources", NULL, a_program_says, OK, "" },
	{ "dma-faults", NULL, fault, WARN, "0xdead000" },
	{ "dma-faults", NULL, a_program_says, OK, "" },
	{ "other-managers", NULL, nothing, FAIL, "10-pf.link", &conflicting },
	{ "other-managers", NULL, nothing, OK, "modprobe", &coexisting },
	{ "other-managers", NULL, nothing, OK, "nobody", &alone },
	{ "other-managers", NULL, nothing, WHO_KNOWS, "" },
	{ "kernel-log", VF, complaint, WARN, "PF still resetting" },
	{ "kernel-log", VF, a_program_says, OK, "" },
};

/* ---- Running them ---- */

static int examine(
	struct host *h, const char *it, const struct check_opts *opts, struct check_report *ret)
{
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	autochecker *c = NULL;
	struct function *f;
	int r = inventory_load(h, INVENTORY_ALL, &inv, NULL);

	if (r == 0)
		r = checker_new(h, inv, opts, &c, NULL);
	if (r < 0)
		return r;
	if (!it)
		return checker_host(c, ret, NULL);
	f = inventory_find_bdf(inv, at(it));
	assert_non_null(f);
	return checker_function(c, f, ret, NULL);
}

static struct host *host_of(const struct scene *s)
{
	autofree char *path =
		str_printf(HOSTS_DIR "/%s.tar.gz", s->machine ? s->machine : "s2-vfio");
	struct host *h = fake_kernel_new(path);

	s->make(h);
	fake_log_clear(h);
	return h;
}

static bool says(const struct check_result *c, const char *words)
{
	const char *const texts[] = { c->text, c->fact.file, c->fact.value, c->fix };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (texts[i] && strstr(texts[i], words))
			return true;
	return false;
}

static void told(const struct check_report *r, const char *check)
{
	for (size_t i = 0; i < r->n; i++)
		if (str_eq(r->v[i].check->name, check))
			print_error("  it says %s: %s (%s: %s) fix: %s\n",
				check_verdict_name(r->v[i].verdict), r->v[i].text,
				r->v[i].fact.file, r->v[i].fact.value, r->v[i].fix);
}

static void run_scene(const struct scene *s)
{
	autohost *h = host_of(s);
	autoreport report = { 0 };
	bool ok = false;

	assert_int_equal(examine(h, s->it, s->opts, &report), 0);
	for (size_t i = 0; i < report.n; i++)
		ok |= str_eq(report.v[i].check->name, s->check) &&
		      report.v[i].verdict == s->verdict && says(&report.v[i], s->words);
	if (!ok) {
		told(&report, s->check);
		fail_msg("%s: not %s with \"%s\"", s->check, check_verdict_name(s->verdict),
			s->words);
	}
	assert_int_equal(fake_hangs(h), 0);
	/* Looking changes nothing; to identify (06h) is to look. */
	for (const char *l = fake_log(h); *l; l += strcspn(l, "\n") + 1)
		assert_true(str_starts(l, "nvme 0x06 "));
}

static void every_scene(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_SIZE(scenes); i++)
		run_scene(&scenes[i]);
}

static void every_check_has_both_scenes(void **state UNUSED)
{
	for (size_t i = 0; i < n_checks; i++) {
		/* These two only tell. */
		bool bad = str_eq(checks[i].name, "secure-boot") ||
			   str_eq(checks[i].name, "iommu-mode");
		bool good = false;

		for (size_t k = 0; k < ARRAY_SIZE(scenes); k++) {
			if (!str_eq(scenes[k].check, checks[i].name))
				continue;
			bad |= scenes[k].verdict == CHECK_FAIL || scenes[k].verdict == CHECK_WARN;
			good |= scenes[k].verdict == CHECK_OK ||
				scenes[k].verdict == CHECK_NOT_APPLICABLE;
		}
		if (!good || !bad)
			fail_msg("%s: no scene in which it %s", checks[i].name,
				good ? "fails" : "passes");
	}
}

static void failures_come_first_in_the_order_of_the_table(void **state UNUSED)
{
	autohost *h = fake_kernel_new(HOSTS_DIR "/s2-vfio.tar.gz");
	autoreport report = { 0 };

	off_on_cmdline(h);
	down(h);
	assert_int_equal(examine(h, PF, NULL, &report), 0);
	assert_string_equal(report.v[0].check->name, "iommu");
	assert_string_equal(report.v[1].check->name, "pf-with-vfs");
	assert_string_equal(report.v[2].check->name, "driver");
	assert_int_equal(check_report_count(&report, CHECK_FAIL), 3);
	for (size_t i = 1; i < report.n; i++) {
		assert_true(report.v[i - 1].verdict <= report.v[i].verdict);
		if (report.v[i - 1].verdict == report.v[i].verdict)
			assert_true(report.v[i - 1].check <= report.v[i].check);
	}
}

/* Group 10 of the captured machine: all are asked about, one walk, each its own answer. */
static void holders_of_many_in_one_walk(void **state UNUSED)
{
	autohost *h = fake_kernel_new(HOSTS_DIR "/s2-vfio.tar.gz");
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	autoreport a = { 0 }, b = { 0 };
	autochecker *c = NULL;
	struct function *f[2];
	unsigned lists;

	held(h);
	assert_int_equal(inventory_load(h, INVENTORY_ALL, &inv, NULL), 0);
	assert_int_equal(checker_new(h, inv, NULL, &c, NULL), 0);
	f[0] = inventory_find_bdf(inv, at(VFIO));
	f[1] = inventory_find_bdf(inv, at(VF));
	assert_int_equal(checker_look_for_holders(c, f, 2, NULL), 0);
	fake_fail_path(h, FAKE_LIST, "/proc/4711/fd", -EIO);
	lists = fake_calls(h, FAKE_LIST);
	assert_int_equal(checker_function(c, f[0], &a, NULL), 0);
	assert_int_equal(checker_function(c, f[1], &b, NULL), 0);
	assert_true(fake_calls(h, FAKE_LIST) - lists < 40);
	assert_string_equal(a.v[0].check->name, "holder");
	assert_string_equal(b.v[0].check->name, "driver");
}

/* While a VF's removal waits for its user, nothing here may wait with it. */
static void a_stuck_machine_is_looked_at(void **state UNUSED)
{
	autohost *h = fake_kernel_new(HOSTS_DIR "/s2-vfio.tar.gz");
	struct host_wait wait = { .deadline_ms = 1000 };
	autoreport pf = { 0 }, vf = { 0 }, all = { 0 };

	held(h);
	assert_int_equal(
		h->ops->write_file_within(h, DEV "0000:02:00.0/sriov_numvfs", "0", 1, &wait),
		-ETIMEDOUT);
	assert_int_equal(examine(h, "0000:02:00.0", NULL, &pf), 0);
	assert_int_equal(examine(h, VFIO, NULL, &vf), 0);
	assert_int_equal(examine(h, NULL, NULL, &all), 0);
	assert_int_equal(fake_hangs(h), 0);
	assert_string_equal(vf.v[0].check->name, "holder");
}

/* Each file unreadable in turn must not make a check claim anything grave out of nothing. */
static void unreadable_files_are_no_failures(void **state UNUSED)
{
	static const char *const parts[] = { "resource", "config", "reset_method", "power_state",
		"aer_dev", "driver_override", "parameters", "/proc/", "flags", "autoprobe" };
	struct scene s = { "", VFIO, as_root, OK, "" };

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		autohost *h = host_of(&s);
		autoreport report = { 0 };

		fake_fail_path(h, FAKE_READ, parts[i], -EACCES);
		assert_int_equal(examine(h, VFIO, &one_gib, &report), 0);
		assert_int_equal(check_report_count(&report, CHECK_FAIL), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_scene),
		cmocka_unit_test(every_check_has_both_scenes),
		cmocka_unit_test(failures_come_first_in_the_order_of_the_table),
		cmocka_unit_test(holders_of_many_in_one_walk),
		cmocka_unit_test(a_stuck_machine_is_looked_at),
		cmocka_unit_test(unreadable_files_are_no_failures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
