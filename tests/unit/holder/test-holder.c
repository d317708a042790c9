// SPDX-License-Identifier: GPL-2.0-or-later
/* Who uses a function: guests, routes, bridges, file systems. */
#include "cm.h"
#include "machine.h"
#include "holder/holder.h"
#include "fake/fake.h"
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

/* The captured machine calls it vfio1. */
static void the_functions_own_node(void **state)
{
	struct host *h = *state;

	fake_process(h, 5, "ch --name \x1b[31mx", FDS("/dev/vfio/devices/vfio1"));
	assert_held(h, OTHER, OTHER ": pid 5 (ch \\x1b[31mx)");
	assert_held(h, ON_VFIO, NULL);
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

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(an_idle_machine),
		T(the_group_is_open),
		T(names_are_compared_whole),
		T(the_functions_own_node),
		T(a_device_that_was_handed_over),
		T(processes_that_cannot_be_seen),
		T(routes),
		T(routes_and_addresses_6),
		T(a_port_of_a_bridge),
		T(a_container_has_it),
		T(file_systems),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
