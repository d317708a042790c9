// SPDX-License-Identifier: GPL-2.0-or-later
/* Devlink's messages there and back, answers that are not to be trusted, and the real kernel's. */
#include "cm.h"
#include "base/str.h"
#include "host/blocking_talk.h"
#include "host/devlink-wire.h"
#include "host/host.h"

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>

static struct nl_msg *new_message(void)
{
	struct nl_msg *m = nlmsg_alloc_simple(16, 0);

	assert_non_null(m);
	return m;
}

static void attributes(struct nl_msg *m, struct nlattr *tb[ATTR_MAX + 1])
{
	assert_int_equal(nlmsg_parse(nlmsg_hdr(m), 0, tb, ATTR_MAX, NULL), 0);
}

static void an_eswitch_there_and_back(void **state UNUSED)
{
	struct devlink_eswitch to = { DEVLINK_ESWITCH_MODE_SWITCHDEV, -1, 1 }, back;
	struct nlattr *tb[ATTR_MAX + 1];
	struct nl_msg *m = new_message();

	assert_int_equal(wire_put_eswitch(m, &to), 0);
	attributes(m, tb);
	wire_eswitch(tb, &back);
	assert_memory_equal(&to, &back, sizeof(to));
	nlmsg_free(m);
}

static void a_function_there_and_back(void **state UNUSED)
{
	struct devlink_function to = devlink_function_none();
	struct nlattr *tb[ATTR_MAX + 1];
	struct nl_msg *m = new_message();
	struct devlink_port back;

	to.address_len = 6;
	memcpy(to.address, "\x02\0\0\0\0\x07", 6);
	to.caps_known = 1U << DEVLINK_CAP_ROCE | 1U << DEVLINK_CAP_MIGRATABLE;
	to.caps = 1U << DEVLINK_CAP_MIGRATABLE;
	to.max_io_eqs = 12;
	assert_int_equal(wire_put_function(m, &to), 0);
	nla_put_u32(m, DEVLINK_ATTR_PORT_INDEX, 7);
	nla_put_u16(m, DEVLINK_ATTR_PORT_FLAVOUR, DEVLINK_PORT_FLAVOUR_PCI_VF);
	nla_put_u16(m, DEVLINK_ATTR_PORT_PCI_VF_NUMBER, 3);
	nla_put_u8(m, DEVLINK_ATTR_PORT_EXTERNAL, 1);
	nla_put_string(m, DEVLINK_ATTR_PORT_NETDEV_NAME, "a-name-longer-than-an-interface-has");
	attributes(m, tb);
	assert_int_equal(wire_port(tb, &back), 0);
	assert_memory_equal(&back.function, &to, sizeof(to));
	assert_int_equal(back.vf_number, 3);
	assert_int_equal(back.pf_number, -1);
	assert_int_equal(back.ifindex, 0);
	assert_true(back.external);
	assert_int_equal(strlen(back.netdev), sizeof(back.netdev) - 1);
	nlmsg_free(m);
}

static void a_rate_there_and_back(void **state UNUSED)
{
	struct devlink_rate to = { 125000, INT64_C(12500000000), 7, -1 }, back;
	struct nlattr *tb[ATTR_MAX + 1];
	struct nl_msg *m = new_message();

	assert_int_equal(wire_put_rate(m, &to), 0);
	attributes(m, tb);
	wire_rate(tb, &back);
	assert_memory_equal(&to, &back, sizeof(to));
	nlmsg_free(m);
}

/* Lengths that no attribute has, nests of nothing, a port without number. */
static void answers_are_not_trusted(void **state UNUSED)
{
	struct nlattr *tb[ATTR_MAX + 1], *nest;
	struct nl_msg *m = new_message();
	struct devlink_reporter reporter;
	struct devlink_eswitch sw;
	struct devlink_port port;

	nla_put(m, DEVLINK_ATTR_ESWITCH_MODE, 3, "abc");
	nla_put(m, DEVLINK_ATTR_PORT_FUNCTION, 2, "ab");
	nest = nla_nest_start(m, DEVLINK_ATTR_HEALTH_REPORTER);
	nla_put(m, DEVLINK_ATTR_HEALTH_REPORTER_NAME, 3, "fw!");
	nla_nest_end(m, nest);
	attributes(m, tb);
	wire_eswitch(tb, &sw);
	assert_int_equal(sw.mode, -1);
	assert_int_equal(wire_port(tb, &port), -EIO);
	assert_int_equal(wire_reporter(tb, &reporter), 0);
	assert_string_equal(reporter.name, "fw!");
	nla_put_u32(m, DEVLINK_ATTR_PORT_INDEX, 1);
	nla_put_u32(m, DEVLINK_ATTR_PORT_NETDEV_IFINDEX, UINT32_MAX);
	attributes(m, tb);
	assert_int_equal(wire_port(tb, &port), 0);
	assert_int_equal(port.ifindex, 0);
	assert_int_equal(port.function.address_len, 0);
	assert_int_equal(port.function.max_io_eqs, -1);
	nlmsg_free(m);
}

static void names_of_devices(void **state UNUSED)
{
	struct nlattr *tb[ATTR_MAX + 1];
	struct nl_msg *m = new_message();

	assert_int_equal(wire_put_dev(m, "nothing"), -EINVAL);
	assert_int_equal(wire_put_dev(m, "/x"), -EINVAL);
	assert_int_equal(wire_put_dev(m, "pci/"), -EINVAL);
	assert_int_equal(wire_put_dev(m, "pci/0000:01:00.0"), 0);
	attributes(m, tb);
	assert_true(wire_is_of(tb, "pci/0000:01:00.0"));
	assert_false(wire_is_of(tb, "pci/0000:01:00.1"));
	assert_false(wire_is_of(tb, "pci"));
	assert_false(wire_is_of(tb, "auxiliary/0000:01:00.0"));
	nlmsg_free(m);
}

/* ---- The kernel that runs this test ---- */

static int count(struct nlmsghdr *hdr, void *arg)
{
	struct nlattr *tb[CTRL_ATTR_MAX + 1];

	assert_int_equal(genlmsg_parse(hdr, 0, tb, CTRL_ATTR_MAX, NULL), 0);
	assert_non_null(tb[CTRL_ATTR_FAMILY_NAME]);
	++*(unsigned *)arg;
	return 0;
}

static struct nl_msg *new_control(int flags)
{
	struct nl_msg *m = nlmsg_alloc();

	assert_non_null(genlmsg_put(m, 0, 0, GENL_ID_CTRL, 0, flags, CTRL_CMD_GETFAMILY, 1));
	return m;
}

static void one_answer_and_many(void **state UNUSED)
{
	struct nl_msg *one = new_control(0), *all = new_control(NLM_F_DUMP);
	unsigned n = 0;

	nla_put_string(one, CTRL_ATTR_FAMILY_NAME, "nlctrl");
	assert_int_equal(blocking_talk(NETLINK_GENERIC, one, 10000, count, &n, NULL, 0), 0);
	assert_int_equal(n, 1);
	n = 0;
	assert_int_equal(blocking_talk(NETLINK_GENERIC, all, 10000, count, &n, NULL, 0), 0);
	assert_true(n >= 1);
	nlmsg_free(one);
	nlmsg_free(all);
}

static void the_kernels_errno(void **state UNUSED)
{
	struct nl_msg *m = new_control(0);
	char says[80] = "before";
	unsigned n = 0;

	nla_put_string(m, CTRL_ATTR_FAMILY_NAME, "no-such-family");
	assert_int_equal(
		blocking_talk(NETLINK_GENERIC, m, 10000, count, &n, says, sizeof(says)), -ENOENT);
	assert_int_equal(n, 0);
	assert_string_not_equal(says, "before");
	nlmsg_free(m);
}

/* The kernel tells in a sentence what it does not like, where it knows how to. */
static void the_kernels_sentence(void **state UNUSED)
{
	struct nl_msg *m = new_control(0);
	char says[80];
	int r;

	nla_put(m, CTRL_ATTR_FAMILY_ID, 1, "x"); /* two bytes are wanted */
	r = blocking_talk(NETLINK_GENERIC, m, 10000, NULL, NULL, says, sizeof(says));
	assert_true(r == -ERANGE || r == -EINVAL);
	assert_true(strlen(says) > 5);
	nlmsg_free(m);
}

/* The kernel drops what is shorter than a header without a word. */
static void nobody_waits_past_the_deadline(void **state UNUSED)
{
	struct nl_msg *m = new_control(0);
	int r;

	nlmsg_hdr(m)->nlmsg_len = 8;
	r = blocking_talk(NETLINK_GENERIC, m, 100, NULL, NULL, NULL, 0);
	nlmsg_free(m);
	assert_int_equal(r, -ETIMEDOUT);
}

/* A machine with too much to do may miss the deadline of a look now and then. */
static void no_such_device(void **state UNUSED)
{
	enum { SLOW_MAX = 10 };
	unsigned slow = 0;
	struct devlink_port *ports = NULL;
	struct devlink_eswitch sw;
	struct host *h;
	size_t n = 9;
	int r;

	assert_int_equal(host_new_live(&h, NULL), 0);
	do
		r = h->ops->devlink->eswitch_get(h, "pci/ffff:ff:1f.7", &sw);
	while (r == -ETIMEDOUT && ++slow < SLOW_MAX);
	assert_true(r == -ENODEV || r == -ENOSYS || r == -EPERM);
	do
		r = h->ops->devlink->ports(h, "pci/ffff:ff:1f.7", &ports, &n);
	while (r == -ETIMEDOUT && ++slow < SLOW_MAX);
	assert_true(r == -ENOSYS || r == -EPERM || (r == 0 && n == 0));
	free(ports);
	host_free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_eswitch_there_and_back),
		cmocka_unit_test(a_function_there_and_back),
		cmocka_unit_test(a_rate_there_and_back),
		cmocka_unit_test(answers_are_not_trusted),
		cmocka_unit_test(names_of_devices),
		cmocka_unit_test(one_answer_and_many),
		cmocka_unit_test(the_kernels_errno),
		cmocka_unit_test(the_kernels_sentence),
		cmocka_unit_test(nobody_waits_past_the_deadline),
		cmocka_unit_test(no_such_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
