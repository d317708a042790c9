// SPDX-License-Identifier: GPL-2.0-or-later
/* The netlink form of VFs: requests are laid out as the kernel reads them, answers are not trusted.
 */
#include "cm.h"
#include "base/attr.h"
#include "host/netlink.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <string.h>

static const struct nlattr *first(struct nl_msg *m)
{
	return nlmsg_attrdata(nlmsg_hdr(m), 0);
}

static void change_and_back(const struct host_vf_change *change, struct host_vf *ret)
{
	struct ifla_vf_mac mac = { .vf = change->to.vf };
	struct nl_msg *asked = nlmsg_alloc_simple(16, 0), *answer = nlmsg_alloc_simple(16, 0);
	struct nlattr *list, *info;
	struct host_vf *vfs;
	size_t n;

	assert_int_equal(vfinfo_put(asked, change), 0);
	/* An answer always has the MAC, a request has the one attribute that changes. */
	list = nla_nest_start(answer, IFLA_VFINFO_LIST);
	info = nla_nest_start(answer, IFLA_VF_INFO);
	nla_put(answer, IFLA_VF_MAC, sizeof(mac), &mac);
	const struct nlattr *in = nla_data(nla_data(first(asked)));
	nla_put(answer, nla_type(in), nla_len(in), nla_data(in));
	nla_nest_end(answer, info);
	nla_nest_end(answer, list);
	assert_int_equal(vfinfo_parse(first(answer), &vfs, &n), 0);
	assert_int_equal(n, 1);
	*ret = vfs[0];
	free(vfs);
	nlmsg_free(asked);
	nlmsg_free(answer);
}

static void round_trips(void **state UNUSED)
{
	struct host_vf v;

	change_and_back(&(struct host_vf_change) { HOST_VF_MAC,
				{ .vf = 3, .mac = { { 2, 0, 0, 0, 0, 9 } } } },
		&v);
	assert_int_equal(v.vf, 3);
	change_and_back(&(struct host_vf_change) { HOST_VF_VLAN,
				{ .vf = 1, .vlan = 100, .qos = 3, .vlan_proto = ETH_P_8021Q } },
		&v);
	assert_int_equal(v.vlan, 100);
	assert_int_equal(v.qos, 3);
	assert_int_equal(v.vlan_proto, ETH_P_8021Q);
	assert_int_equal(v.spoofchk, -1);
	assert_int_equal(v.trust, -1);
	assert_int_equal(v.link_state, -1);
	change_and_back(&(struct host_vf_change) { HOST_VF_VLAN,
				{ .vf = 1, .vlan = 200, .vlan_proto = ETH_P_8021AD } },
		&v);
	assert_int_equal(v.vlan, 200);
	assert_int_equal(v.vlan_proto, ETH_P_8021AD);
	change_and_back(&(struct host_vf_change) { HOST_VF_RATE,
				{ .vf = 1, .min_tx_rate = 50, .max_tx_rate = 100 } },
		&v);
	assert_int_equal(v.min_tx_rate, 50);
	assert_int_equal(v.max_tx_rate, 100);
	change_and_back(&(struct host_vf_change) { HOST_VF_SPOOFCHK, { .spoofchk = 1 } }, &v);
	assert_int_equal(v.spoofchk, 1);
	change_and_back(&(struct host_vf_change) { HOST_VF_TRUST, { .trust = 0 } }, &v);
	assert_int_equal(v.trust, 0);
	change_and_back(&(struct host_vf_change) { HOST_VF_QUERY_RSS, { .query_rss = 1 } }, &v);
	assert_int_equal(v.query_rss, 1);
	change_and_back(&(struct host_vf_change) { HOST_VF_LINK_STATE,
				{ .link_state = IFLA_VF_LINK_STATE_DISABLE } },
		&v);
	assert_int_equal(v.link_state, IFLA_VF_LINK_STATE_DISABLE);
}

/* One attribute of one VF and nothing else: each has its own errno. */
static void one_attribute_per_request(void **state UNUSED)
{
	struct host_vf_change c = { HOST_VF_PORT_GUID,
		{ .vf = 2, .port_guid = 0x0011223344556677 } };
	struct nl_msg *m = nlmsg_alloc_simple(16, 0);
	const struct nlattr *list, *info, *attr;
	struct ifla_vf_guid g;

	assert_int_equal(vfinfo_put(m, &c), 0);
	list = first(m);
	assert_int_equal(nla_type(list), IFLA_VFINFO_LIST);
	info = nla_data(list);
	assert_int_equal(nla_type(info), IFLA_VF_INFO);
	assert_int_equal(nla_total_size(nla_len(info)), nla_len(list));
	attr = nla_data(info);
	assert_int_equal(nla_type(attr), IFLA_VF_IB_PORT_GUID);
	assert_int_equal(nla_total_size(nla_len(attr)), nla_len(info));
	assert_int_equal(nla_len(attr), sizeof(g));
	memcpy(&g, nla_data(attr), sizeof(g));
	assert_int_equal(g.vf, 2);
	assert_true(g.guid == 0x0011223344556677);
	nlmsg_free(m);
}

static void bad_answers(void **state UNUSED)
{
	struct ifla_vf_spoofchk unknown = { .setting = UINT32_MAX };
	struct ifla_vf_mac mac = { .vf = 1 };
	struct host_vf *vfs = NULL;
	struct nl_msg *m = nlmsg_alloc_simple(16, 0);
	struct nlattr *list, *info;
	size_t n = 7;

	assert_int_equal(vfinfo_parse(NULL, &vfs, &n), 0);
	assert_int_equal(n, 0);
	free(TAKE_PTR(vfs));

	list = nla_nest_start(m, IFLA_VFINFO_LIST);
	info = nla_nest_start(m, IFLA_VF_INFO);
	nla_put(m, IFLA_VF_MAC, sizeof(mac), &mac);
	nla_put(m, IFLA_VF_SPOOFCHK, sizeof(unknown), &unknown);
	nla_put(m, IFLA_VF_TRUST, 3, &unknown); /* cut short */
	nla_put(m, IFLA_VF_LINK_STATE, 8, (uint32_t[]) { 0, 77 });
	nla_nest_end(m, info);
	nla_nest_end(m, list);
	assert_int_equal(vfinfo_parse(first(m), &vfs, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(vfs->spoofchk, -1);
	assert_int_equal(vfs->trust, -1);
	assert_int_equal(vfs->link_state, -1);
	free(TAKE_PTR(vfs));
	nlmsg_free(m);

	m = nlmsg_alloc_simple(16, 0);
	list = nla_nest_start(m, IFLA_VFINFO_LIST);
	info = nla_nest_start(m, IFLA_VF_INFO);
	nla_put(m, IFLA_VF_SPOOFCHK, sizeof(unknown), &unknown);
	nla_nest_end(m, info);
	nla_nest_end(m, list);
	assert_int_equal(vfinfo_parse(first(m), &vfs, &n), -EIO); /* which VF is it? */
	assert_null(vfs);
	nlmsg_free(m);
}

/* What is only told: the broadcast address, and counters of which a driver leaves some out. */
static void told_only(void **state UNUSED)
{
	struct ifla_vf_broadcast b = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };
	struct nl_msg *m = nlmsg_alloc_simple(16, 0);
	struct nlattr *list, *info, *stats;
	struct ifla_vf_guid node = { .guid = 7 }, port = { .guid = 8 };
	struct ifla_vf_mac mac = { .vf = 0 };
	struct host_vf *vfs;
	size_t n;

	list = nla_nest_start(m, IFLA_VFINFO_LIST);
	info = nla_nest_start(m, IFLA_VF_INFO);
	nla_put(m, IFLA_VF_MAC, sizeof(mac), &mac);
	nla_put(m, IFLA_VF_BROADCAST, sizeof(b), &b);
	nla_put(m, IFLA_VF_IB_NODE_GUID, sizeof(node), &node);
	nla_put(m, IFLA_VF_IB_PORT_GUID, sizeof(port), &port);
	stats = nla_nest_start(m, IFLA_VF_STATS);
	nla_put_u64(m, IFLA_VF_STATS_RX_BYTES, UINT64_MAX);
	nla_put_u32(m, IFLA_VF_STATS_TX_BYTES, 7); /* too short: not told */
	nla_put_u64(m, IFLA_VF_STATS_TX_DROPPED, 5);
	nla_nest_end(m, stats);
	nla_nest_end(m, info);
	nla_nest_end(m, list);
	assert_int_equal(vfinfo_parse(first(m), &vfs, &n), 0);
	assert_int_equal(vfs[0].broadcast.b[5], 0xff);
	assert_true(vfs[0].has_guids);
	assert_int_equal(vfs[0].node_guid, 7);
	assert_int_equal(vfs[0].port_guid, 8);
	assert_true(vfs[0].has_stats);
	assert_true(vfs[0].stats.rx_bytes == UINT64_MAX);
	assert_int_equal(vfs[0].stats.tx_bytes, 0);
	assert_int_equal(vfs[0].stats.tx_dropped, 5);
	free(vfs);
	nlmsg_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trips),
		cmocka_unit_test(told_only),
		cmocka_unit_test(one_attribute_per_request),
		cmocka_unit_test(bad_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
