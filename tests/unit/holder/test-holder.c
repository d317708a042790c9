// SPDX-License-Identifier: GPL-2.0-or-later
/* Who uses a function: guests, routes, bridges, file systems. */
#include "cm.h"
#include "machine.h"
#include "holder/holder.h"
#include "fake/fake.h"
#include "base/str.h"
#include "host/sysfs.h"

#define ON_VFIO "0000:02:10.0" /* group 15 */
#define OTHER	"0000:02:10.2" /* group 16 */
#define PF	"0000:01:00.0" /* eth0 */
#define NVME	"0000:03:00.0" /* nvme0 */

static int setup(void **state)
{
	*state = fake_kernel_new(HOSTS_DIR "/s2-vfio.tar.gz");
	return 0;
}

static int teardown(void **state)
{
	host_free(*state);
	return 0;
}

static void assert_held(struct host *h, const char *bdf, const char *expected)
{
	autoholders u = { 0 };
	autofree char *text = NULL;
	struct bdf a = at(bdf);

	assert_int_equal(holders_find(h, &a, 1, &u), 0);
	text = holders_text(&u, HOLD_USED);
	if (expected)
		assert_string_equal(text, expected);
	else
		assert_null(text);
}

#define FDS(...) ((const char *const[]) { __VA_ARGS__, NULL })

static void an_idle_machine(void **state)
{
	struct host *h = *state;

	assert_held(h, ON_VFIO, NULL);
	assert_held(h, PF, NULL);
	assert_held(h, NVME, NULL);
	assert_held(h, "0000:00:01.0", NULL);
}

static void the_group_is_open(void **state)
{
	struct host *h = *state;

	fake_process(h, 12, "bash", FDS("/dev/pts/0", "pipe:[77]"));
	fake_process(h, 4711, "qemu-system-x86_64 -m 1G -name guest=web1,debug-threads=on",
		FDS("/dev/vfio/vfio", "/dev/vfio/15", "anon_inode:[vfio-device]"));
	fake_process(h, 4712, "vfctl-vmm --name db", FDS("/dev/vfio/15"));
	assert_held(h, ON_VFIO,
		ON_VFIO ": pid 4711 (qemu-system-x86 web1); " ON_VFIO ": pid 4712 (vfctl-vmm db)");
	assert_held(h, OTHER, NULL);
	fake_process_ends(h, 4711);
	fake_process_ends(h, 4712);
	assert_held(h, ON_VFIO, NULL);
}

/* Group 1 is not group 15, and a device that is on its host driver is held by no guest. */
static void names_are_compared_whole(void **state)
{
	struct host *h = *state;

	fake_process(h, 1, "a", FDS("/dev/vfio/1", "/dev/vfio/150", "/tmp/vfio/15", "/dev/vfio/7"));
	assert_held(h, ON_VFIO, NULL);
	assert_held(h, PF, NULL);
}

/* As a VMM has it that a service opened it for: of the group's node, and of no other. */
static void opened_in_another_mount_name_space(void **state)
{
	struct host *h = *state;

	fake_process(h, 6, "vfctl-vmm --name lent",
		FDS("/vfio/vfio", "/vfio/15", "/kvm", "anon_inode:[vfio-device]"));
	assert_held(h, ON_VFIO, ON_VFIO ": pid 6 (vfctl-vmm lent)");
	assert_held(h, OTHER, NULL);
}

/* The captured machine calls it vfio1. */
static void the_functions_own_node(void **state)
{
	struct host *h = *state;

	fake_process(h, 5, "ch --name \x1b[31mx", FDS("/dev/vfio/devices/vfio1"));
	assert_held(h, OTHER, OTHER ": pid 5 (ch \\x1b[31mx)");
	assert_held(h, ON_VFIO, NULL);
}

static void put_keyboard(struct host *h, const char *input, const char *below, const char *keys)
{
	autofree char *target = str_printf("../../devices/%s/input/%s", below, input);

	fake_put(h, keys, "/sys/devices/%s/input/%s/capabilities/key", below, input);
	fake_link(h, target, "/sys/class/input/%s", input);
}

/* Taking these away leaves a machine that shows nothing, or that nobody can type at. */
static void the_console(void **state)
{
	static const char usb[] = "pci0000:00/0000:00:03.0/" NVME "/usb1/1-2/1-2:1.0";
	static const char all_keys[] =
		"10000 7 ff9f207ac14057ff febeffdfffefffff fffffffffffffffe\n";
	struct host *h = *state;

	fake_put(h, "1\n", "/sys/bus/pci/devices/" PF "/boot_vga");
	assert_held(h, PF, PF ": the host's boot display");
	fake_put(h, "1\n", "/sys/bus/pci/devices/" ON_VFIO "/boot_vga");
	assert_held(h, ON_VFIO, NULL); /* no host driver draws there any more */
	fake_put(h, "tty0 ttyS4\n", "/sys/class/tty/console/active");
	fake_link(h, "../../devices/pci0000:00/" OTHER "/" OTHER ":0/" OTHER ":0.0/tty/ttyS4",
		"/sys/class/tty/ttyS4");
	assert_held(h, OTHER, OTHER ": the kernel's console ttyS4");

	put_keyboard(h, "input1", "platform/button", "c0000\n");
	assert_held(h, NVME, NULL);
	put_keyboard(h, "input3", usb, all_keys);
	assert_held(h, NVME, NVME ": the host's only keyboard");
	put_keyboard(h, "input4", "platform/i8042/serio0", all_keys);
	assert_held(h, NVME, NULL);
}

/* Nobody can say which device it is: every one asked about may be held. */
static void a_device_that_was_handed_over(void **state)
{
	struct host *h = *state;
	struct bdf both[] = { at(ON_VFIO), at(PF), at(OTHER) };
	autoholders u = { 0 };

	fake_process(h, 9, "vmm", FDS("anon_inode:[vfio-device]"));
	assert_int_equal(holders_find_vfio(h, both, 3, &u), 0);
	assert_int_equal(u.n, 2);
	assert_int_equal(u.v[0].pid, 9);
	assert_string_equal(BDF_TEXT(u.v[1].bdf), OTHER);
}

static void processes_that_cannot_be_seen(void **state)
{
	struct host *h = *state;
	autoproblem *p = NULL;
	struct bdf a = at(ON_VFIO);
	autoholders u = { 0 };

	fake_process(h, 9, "vmm", FDS("/dev/vfio/15"));
	fake_fail_path(h, FAKE_LIST, "/proc/9/fd", -EACCES);
	assert_held(h, ON_VFIO, NULL);
	fake_fail_path(h, FAKE_LIST, NULL, 0);
	fake_fail_path(h, FAKE_READ, "/proc/9", -ESRCH);
	assert_held(h, ON_VFIO, ON_VFIO ": pid 9 (?)");
	assert_int_equal(holders_find(h, &a, 1, &u), 0);
	assert_int_equal(holders_refuse(&u, "unbind it", &p), -EBUSY);
	assert_int_equal(p->kind, PROBLEM_IN_USE);
	assert_string_equal(problem_best_hint(p), "end the process that holds it");
}

#define ROUTE(iface, dest, mask)                                                                   \
	"Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n" iface \
	"\t" dest "\t0102A8C0\t0003\t0\t0\t100\t" mask "\t0\t0\t0\n"

static void routes(void **state)
{
	struct host *h = *state;

	fake_put(h, ROUTE("eth0", "00000000", "00000000"), "/proc/self/net/route");
	assert_held(h, PF, PF ": eth0 carries the default route");
	fake_put(h, ROUTE("eth0", "0002A8C0", "00FFFFFF"), "/proc/self/net/route");
	assert_held(h, PF, PF ": eth0 has addresses");
	fake_put(h, ROUTE("eth00", "00000000", "00000000"), "/proc/self/net/route");
	assert_held(h, PF, NULL);
	fake_put(h, "nonsense\neth0\neth0 x y z\n", "/proc/self/net/route");
	assert_held(h, PF, NULL);
}

#define ZEROS "00000000000000000000000000000000"

static void routes_and_addresses_6(void **state)
{
	struct host *h = *state;

	fake_put(h, "fe80000000000000505400fffeaa0001 02 40 20 80     eth0\n",
		"/proc/self/net/if_inet6");
	assert_held(h, PF, NULL); /* everybody who is up has one */
	fake_put(h, "20010db8000000000000000000000001 02 40 00 80     eth0\n",
		"/proc/self/net/if_inet6");
	assert_held(h, PF, PF ": eth0 has addresses");
	fake_put(h,
		ZEROS " 00 " ZEROS " 00 fe800000000000000000000000000001 00000400 00000001 "
		      "00000000 00000003     eth0\n",
		"/proc/self/net/ipv6_route");
	assert_held(h, PF, PF ": eth0 carries the default route");
}

static void a_port_of_a_bridge(void **state)
{
	struct host *h = *state;

	fake_link(h, "../br0", "/sys/class/net/eth0/master");
	assert_held(h, PF, PF ": eth0 is a port of br0");
}

static void a_container_has_it(void **state)
{
	struct host *h = *state;

	fake_vanish(h, "/sys/class/net/eth4");
	fake_vanish(h, "/sys/devices/pci0000:00/0000:00:01.0/0000:01:10.0/net/eth4");
	assert_held(
		h, "0000:01:10.0", "0000:01:10.0: its interface is in another network namespace");
}

static void file_systems(void **state)
{
	struct host *h = *state;

	fake_put(h, "259:0\n", "/sys/class/block/nvme0n1/dev");
	fake_put(h, "259:2\n", "/sys/class/block/nvme0n1/nvme0n1p2/dev");
	fake_put(h,
		"36 35 259:20 / /other rw - ext4 x rw\n36 35 259:2 /sub /srv\\040x rw - ext4 x rw\n",
		"/proc/self/mountinfo");
	assert_held(h, NVME, NVME ": nvme0n1p2 is mounted on /srv\\040x");
	fake_put(h, "Filename Type Size Used Priority\n/dev/nvme0n1 partition 1 0 -2\n",
		"/proc/swaps");
	fake_put(h, "", "/sys/class/block/nvme0n1/holders/dm-0/uevent");
	assert_held(h, NVME,
		NVME ": nvme0n1p2 is mounted on /srv\\040x; " NVME ": nvme0n1 is swap; " NVME
		     ": nvme0n1 is part of dm-0");
}

#define TCP_HEAD "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt uid\n"

/* The session is found by the route to its other end, also from an IPv6 socket. */
static void an_ssh_session(void **state)
{
	struct host *h = *state;

	fake_put(h,
		ROUTE("eth1", "00000000",
			"00000000") "eth0\t0002A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n",
		"/proc/self/net/route");
	fake_put(h, TCP_HEAD "   0: 0102A8C0:0016 0902A8C0:D431 01 00000000:00000000\n",
		"/proc/self/net/tcp");
	assert_held(h, PF,
		PF ": an ssh session from 192.168.2.9 comes in through eth0; " PF
		   ": eth0 has addresses");
	fake_put(h, TCP_HEAD "   0: 0102A8C0:0016 00000000:0000 0A 00000000:00000000\n",
		"/proc/self/net/tcp");
	assert_held(h, PF, PF ": eth0 has addresses");
	fake_put(h,
		TCP_HEAD "   0: 0000000000000000FFFF00000102A8C0:0016 "
			 "0000000000000000FFFF00000902A8C0:D431 01 00000000:00000000\n",
		"/proc/self/net/tcp6");
	assert_held(h, PF,
		PF ": an ssh session from 192.168.2.9 comes in through eth0; " PF
		   ": eth0 has addresses");
}

/* The address is not on the port but at the top; a ring, which the kernel forbids, ends. */
static void what_is_stacked_on_an_interface(void **state)
{
	struct host *h = *state;

	fake_link(h, "../bond0", "/sys/class/net/eth0/master");
	fake_link(h, "../bond0", "/sys/class/net/eth0/upper_bond0");
	fake_link(h, "../eth0.5", "/sys/class/net/eth0/upper_eth0.5");
	fake_put(h, "INTERFACE=bond0\nDEVTYPE=bond\n", "/sys/class/net/bond0/uevent");
	fake_put(h, "DEVTYPE=vlan\n", "/sys/class/net/eth0.5/uevent");
	fake_link(h, "../br0", "/sys/class/net/bond0/upper_br0");
	fake_link(h, "../br0", "/sys/class/net/bond0/master");
	fake_link(h, "../eth0", "/sys/class/net/br0/upper_eth0");
	fake_put(h, ROUTE("br0", "00000000", "00000000"), "/proc/self/net/route");
	assert_held(h, PF,
		PF ": eth0 → bond0 → br0 carries the default route; " PF
		   ": eth0 is a port of bond0 (bond); " PF ": eth0 → bond0 is a port of br0; " PF
		   ": eth0.5 (vlan) is on eth0");
}

static void what_is_stacked_on_a_disk(void **state)
{
	struct host *h = *state;

	fake_put(h, "259:0\n", "/sys/class/block/nvme0n1/dev");
	fake_put(h, "", "/sys/class/block/nvme0n1/holders/md0/uevent");
	fake_put(h, "raid1\n", "/sys/class/block/md0/md/level");
	fake_put(h, "9:0\n", "/sys/class/block/md0/dev");
	fake_put(h, "", "/sys/class/block/md0/holders/dm-0/uevent");
	fake_put(h, "253:0\n", "/sys/class/block/dm-0/dev");
	fake_put(h, "vg-root\n", "/sys/class/block/dm-0/dm/name");
	fake_put(h, "LVM-x\n", "/sys/class/block/dm-0/dm/uuid");
	fake_put(h, "36 35 253:0 / / rw - ext4 /dev/mapper/vg-root rw\n", "/proc/self/mountinfo");
	assert_held(h, NVME,
		NVME ": nvme0n1 → md0 → vg-root is mounted on /; " NVME
		     ": nvme0n1 is part of md0 (md); " NVME
		     ": nvme0n1 → md0 is part of vg-root (LVM)");
	/* Mounted no more, but still promised. */
	fake_put(h, "", "/proc/self/mountinfo");
	fake_put(h, "# x\n/dev/mapper/vg-root / ext4 defaults 0 1\n", "/etc/fstab");
	fake_vanish(h, "/sys/class/block/nvme0n1/holders/md0");
	assert_held(h, NVME, NULL);
	fake_put(h, "UUID=\"ab-cd\" /data xfs noauto,ro 0 0\nLABEL=x /x ext4 ro 0 0\n",
		"/etc/fstab");
	fake_put(h, "S:disk/by-uuid/ab-cd\nE:ID_FS_UUID=ab-cd\n", "/run/udev/data/b259:0");
	assert_held(h, NVME, NULL); /* only when somebody asks for it */
	fake_put(h, "/dev/disk/by-uuid/ab-cd /data xfs ro 0 0\n", "/etc/fstab");
	assert_held(h, NVME, NVME ": fstab mounts nvme0n1 on /data");
	fake_put(h, "LABEL=x /x ext4 ro 0 0\n", "/etc/fstab");
	assert_held(h, NVME, NULL);
}

/* mountinfo names one device of several, and none by its number. */
static void a_btrfs(void **state)
{
	struct host *h = *state;

	fake_put(h, "259:0\n", "/sys/class/block/nvme0n1/dev");
	fake_put(h, "36 35 0:31 / /b rw - btrfs /dev/nvme0n1 rw\n", "/proc/self/mountinfo");
	assert_held(h, NVME, NVME ": nvme0n1 is mounted on /b");
	fake_put(h, "36 35 0:31 / /b rw - btrfs /dev/sda rw\n", "/proc/self/mountinfo");
	assert_held(h, NVME, NULL);
	fake_put(h, "", "/sys/fs/btrfs/ab-cd/devices/nvme0n1");
	assert_held(h, NVME, NVME ": nvme0n1 is mounted on a btrfs of several devices");
}

static void a_disk_that_a_guest_has_open(void **state)
{
	struct host *h = *state;

	fake_put(h, "259:0\n", "/sys/class/block/nvme0n1/dev");
	fake_process(h, 7, "qemu-system-x86_64 -name debug-threads=on,guest=db,,1",
		FDS("/dev/nvme0n1", "/dev/nvme0n1"));
	assert_held(h, NVME, NVME ": pid 7 (qemu-system-x86 db,1) has nvme0n1 open");
	/* We ourselves do not count. */
	fake_link(h, "7", "/proc/self");
	assert_held(h, NVME, NULL);
}

#define DOMAIN(name)                                                                               \
	"<domain type='kvm'><name>" name "</name><devices>"                                        \
	"<hostdev mode='subsystem' type='usb'><source><address bus='2' device='16'/></source>"     \
	"</hostdev><hostdev mode='subsystem' type='pci' managed='yes'><source>"                    \
	"<address domain='0x0000' bus='0x02' slot='0x10' function='0x0'/></source>"                \
	"<address type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x0'/></hostdev>"    \
	"</devices></domain>"

static void domains(void **state)
{
	const struct bdf a[] = { at(ON_VFIO), at(PF) };
	struct host *h = *state;
	autoholders u = { 0 };

	fake_process(h, 1, "init", FDS("/dev/null"));
	fake_put(h, DOMAIN("web1"), "/etc/libvirt/qemu/web1.xml");
	fake_put(h, DOMAIN("db"), "/etc/libvirt/qemu/db.xml");
	fake_put(h, "<domstatus state='running' pid='4711'>" DOMAIN("web1") "</domstatus>",
		"/run/libvirt/qemu/web1.xml");
	fake_put(h,
		"<network><name>pool</name><forward mode='hostdev'><pf dev='eth0'/></forward>"
		"</network>",
		"/etc/libvirt/qemu/networks/pool.xml");
	fake_put(h, "<domain><name>oops", "/etc/libvirt/qemu/oops.xml");
	assert_int_equal(holders_find(h, a, 2, &u), 0);
	assert_int_equal(u.n, 4);
	assert_string_equal(u.v[0].text, "libvirt's domain web1");
	assert_int_equal(u.v[0].pid, 4711);
	assert_string_equal(u.v[0].vm_name, "web1");
	assert_int_equal(u.v[0].strength, HOLD_USED);
	assert_string_equal(u.v[1].text, "libvirt's domain db, which is not running");
	assert_int_equal(u.v[1].strength, HOLD_BOUND);
	assert_string_equal(u.v[2].text, "libvirt's network pool hands it out");
	assert_int_equal(u.v[3].kind, HOLDER_DRIVER);
	assert_int_equal(strv_len(u.unknown), 1);
	assert_string_equal(u.unknown[0], "libvirt's domains: Bad message");
}

static void libvirt_lets_nobody_in(void **state)
{
	const struct bdf a = at(ON_VFIO);
	struct host *h = *state;
	autoholders u = { 0 };

	fake_put(h, DOMAIN("web1"), "/etc/libvirt/qemu/web1.xml");
	fake_process(h, 9, "vmm", FDS("/dev/vfio/15"));
	fake_fail_path(h, FAKE_LIST, "/etc/libvirt", -EACCES);
	assert_int_equal(holders_find(h, &a, 1, &u), 0);
	assert_int_equal(strv_len(u.unknown), 2);
	assert_string_equal(u.unknown[0], "libvirt's domains: Permission denied");
	assert_string_equal(u.unknown[1], "libvirt's networks: Permission denied");
	holders_done(&u);
	fake_fail_path(h, FAKE_LIST, "/proc/9/fd", -EACCES);
	assert_int_equal(holders_find(h, &a, 1, &u), 0);
	assert_string_equal(u.unknown[0], "the open files of 1 process: Permission denied");
}

/* However many functions: as many links are read in /proc as there are open files. */
static void one_walk_for_all(void **state)
{
	struct bdf all[64];
	struct host *h = *state;
	unsigned one, many, before;

	for (int i = 0; i < 20; i++)
		fake_process(h, 100 + i, "x", FDS("/dev/null", "/dev/vfio/77", "pipe:[1]"));
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		all[i] = i % 2 ? at(ON_VFIO) : at(OTHER);
	before = fake_calls(h, FAKE_READ_LINK) + fake_calls(h, FAKE_LIST);
	for (size_t n = 1; n <= ARRAY_SIZE(all); n += ARRAY_SIZE(all) - 1) {
		autoholders u = { 0 };

		assert_int_equal(holders_find_vfio(h, all, n, &u), 0);
		if (n == 1)
			one = fake_calls(h, FAKE_READ_LINK) + fake_calls(h, FAKE_LIST) - before;
	}
	many = fake_calls(h, FAKE_READ_LINK) + fake_calls(h, FAKE_LIST) - before - one;
	assert_true(one >= 20 * 4);
	/* Driver, group and own node of each function; the walk's own calls do not multiply. */
	assert_in_range(many, one, one + 3 * ARRAY_SIZE(all));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(an_idle_machine),
		T(the_group_is_open),
		T(names_are_compared_whole),
		T(opened_in_another_mount_name_space),
		T(the_functions_own_node),
		T(the_console),
		T(a_device_that_was_handed_over),
		T(processes_that_cannot_be_seen),
		T(routes),
		T(routes_and_addresses_6),
		T(a_port_of_a_bridge),
		T(a_container_has_it),
		T(file_systems),
		T(an_ssh_session),
		T(what_is_stacked_on_an_interface),
		T(what_is_stacked_on_a_disk),
		T(a_btrfs),
		T(a_disk_that_a_guest_has_open),
		T(domains),
		T(libvirt_lets_nobody_in),
		T(one_walk_for_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
