// SPDX-License-Identifier: GPL-2.0-or-later
/* VF attributes: igb's yes and no, errno by errno. */
#include "cm.h"
#include "base/attr.h"
#include "fake/fake.h"
#include "host/sysfs.h"

#include <linux/if_ether.h>
#include <linux/if_link.h>

enum { ETH0 = 2 };

static int setup(void **state)
{
	struct host *h = fake_kernel_new(HOSTS_DIR "/s0-pf-only.tar.gz");

	*state = h;
	return sysfs_write(h, "3", "bus/pci/devices/0000:01:00.0/sriov_numvfs");
}

static int teardown(void **state)
{
	host_free(*state);
	return 0;
}

static int set(struct host *h, enum host_vf_attr attr, struct host_vf to)
{
	return host_link_set_vf(h, ETH0, &((struct host_vf_change) { .attr = attr, .to = to }));
}

static void attributes(void **state)
{
	struct host *h = *state;
	struct mac mac = { { 2, 0, 0, 0, 0, 0x10 } }, group = { { 1, 0, 0x5e, 0, 0, 1 } };
	struct host_vf *vfs;
	size_t n;

	assert_int_equal(set(h, HOST_VF_MAC, (struct host_vf) { .mac = mac }), 0);
	assert_int_equal(set(h, HOST_VF_MAC, (struct host_vf) { .mac = group }), -EINVAL);
	assert_int_equal(set(h, HOST_VF_MAC, (struct host_vf) { .vf = 3, .mac = mac }), -EINVAL);
	assert_int_equal(set(h, HOST_VF_VLAN, (struct host_vf) { .vlan = 100, .qos = 3 }), 0);
	assert_int_equal(
		set(h, HOST_VF_VLAN, (struct host_vf) { .vlan = 1, .vlan_proto = ETH_P_8021AD }),
		-EPROTONOSUPPORT);
	assert_int_equal(set(h, HOST_VF_VLAN, (struct host_vf) { .vlan = 4096 }), -EINVAL);
	assert_int_equal(set(h, HOST_VF_SPOOFCHK, (struct host_vf) { .spoofchk = 0 }), 0);
	assert_int_equal(set(h, HOST_VF_TRUST, (struct host_vf) { .trust = 1 }), 0);
	assert_int_equal(set(h, HOST_VF_LINK_STATE, (struct host_vf) { 0 }), -EOPNOTSUPP);
	assert_int_equal(set(h, HOST_VF_QUERY_RSS, (struct host_vf) { 0 }), -EOPNOTSUPP);
	assert_int_equal(set(h, HOST_VF_NODE_GUID, (struct host_vf) { 0 }), -EOPNOTSUPP);
	assert_int_equal(set(h, HOST_VF_RATE, (struct host_vf) { .max_tx_rate = 100 }), -EINVAL);
	assert_int_equal(host_link_set_up(h, ETH0, true), 0);
	assert_int_equal(set(h, HOST_VF_RATE, (struct host_vf) { .max_tx_rate = 100 }), 0);
	assert_int_equal(
		set(h, HOST_VF_RATE, (struct host_vf) { .min_tx_rate = 50, .max_tx_rate = 100 }),
		-EINVAL);
	assert_int_equal(host_link_vfs(h, ETH0, &vfs, &n), 0);
	assert_int_equal(n, 3);
	assert_memory_equal(&vfs[0].mac, &mac, sizeof(mac));
	assert_int_equal(vfs[0].vlan, 100);
	assert_int_equal(vfs[0].qos, 3);
	assert_int_equal(vfs[0].spoofchk, 0);
	assert_int_equal(vfs[0].trust, 1);
	assert_int_equal(vfs[0].max_tx_rate, 100);
	assert_int_equal(vfs[2].spoofchk, 1);
	assert_int_equal(vfs[2].query_rss, -1);
	free(vfs);
}

static void a_vf_driver_takes_the_mac(void **state)
{
	struct host *h = *state;
	struct mac mac = { { 2, 0, 0, 0, 0, 0x77 } };
	autofree char *text = NULL;

	/* The netdev comes with the driver, some 50 ms after numvfs. */
	assert_int_equal(set(h, HOST_VF_MAC, (struct host_vf) { .vf = 1, .mac = mac }), 0);
	host_sleep_ms(h, 200);
	text = fake_text(h, "/sys/bus/pci/devices/0000:01:10.2/net/eth5/address");
	assert_string_equal(text, "02:00:00:00:00:77");
}

static void links(void **state)
{
	struct host *h = *state;
	struct host_link l;
	struct host_vf *vfs;
	size_t n;
	int e1000 = 0;

	assert_int_equal(host_link_get(h, ETH0, &l), 0);
	assert_string_equal(l.name, "eth0");
	assert_int_equal(l.mac.b[5], 1);
	assert_int_equal(host_link_set_up(h, ETH0, false), 0);
	assert_int_equal(host_link_get(h, ETH0, &l), 0);
	assert_false(l.up);
	assert_false(l.carrier);
	assert_int_equal(host_link_set_up(h, ETH0, true), 0);
	assert_int_equal(host_link_get(h, ETH0, &l), 0);
	assert_true(l.up);
	assert_int_equal(host_link_get(h, 99, &l), -ENOENT);
	assert_int_equal(host_link_index(h, "eth0", &e1000), 0);
	assert_int_equal(e1000, ETH0);
	assert_int_equal(host_link_index(h, "eth99", &e1000), -ENOENT);
	assert_int_equal(host_link_index(h, "../..", &e1000), -ENOENT);
	assert_int_equal(host_link_index(h, "storage-port", &e1000), -ENOENT);
	fake_altname(h, ETH0, "storage-port");
	assert_int_equal(host_link_index(h, "storage-port", &e1000), 0);
	assert_int_equal(e1000, ETH0);
	assert_int_equal(sysfs_read_int(h, &e1000, "class/net/eth2/ifindex"), 0);
	assert_int_equal(host_link_vfs(h, e1000, &vfs, &n), 0);
	assert_int_equal(n, 0);
	free(vfs);
	assert_int_equal(host_link_set_vf(h, e1000, &(struct host_vf_change) { 0 }), -EOPNOTSUPP);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(attributes),
		T(a_vf_driver_takes_the_mac),
		T(links),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
