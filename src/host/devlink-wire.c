// SPDX-License-Identifier: GPL-2.0-or-later
#include "devlink-wire.h"
#include "base/attr.h"
#include "base/str.h"

#include <linux/netlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

/* ---- Reading: a short or absent attribute is not told ---- */

static int64_t number(const struct nlattr *a)
{
	if (!a)
		return -1;
	switch (nla_len(a)) {
	case 1:
		return nla_get_u8(a);
	case 2:
		return nla_get_u16(a);
	case 4:
		return nla_get_u32(a);
	case 8:
		return (int64_t)MIN(nla_get_u64(a), (uint64_t)INT64_MAX);
	default:
		return -1;
	}
}

static int small(const struct nlattr *a)
{
	int64_t v = number(a);

	return v > INT32_MAX ? -1 : (int)v;
}

/* nla_strlcpy() reads up to the end of the attribute, and ends the copy. */
static void text(char *to, size_t size, const struct nlattr *a)
{
	*to = '\0';
	if (a)
		nla_strlcpy(to, a, size);
}

bool wire_is_of(struct nlattr *const *tb, const char *dev)
{
	char bus[DEVLINK_NAME_MAX], name[DEVLINK_NAME_MAX];
	size_t len;

	text(bus, sizeof(bus), tb[DEVLINK_ATTR_BUS_NAME]);
	text(name, sizeof(name), tb[DEVLINK_ATTR_DEV_NAME]);
	len = strlen(bus);
	return strncmp(dev, bus, len) == 0 && dev[len] == '/' && str_eq(dev + len + 1, name);
}

void wire_eswitch(struct nlattr *const *tb, struct devlink_eswitch *ret)
{
	ret->mode = small(tb[DEVLINK_ATTR_ESWITCH_MODE]);
	ret->inline_mode = small(tb[DEVLINK_ATTR_ESWITCH_INLINE_MODE]);
	ret->encap_mode = small(tb[DEVLINK_ATTR_ESWITCH_ENCAP_MODE]);
}

struct devlink_function devlink_function_none(void)
{
	return (struct devlink_function) { .state = -1, .opstate = -1, .max_io_eqs = -1 };
}

static void read_function(struct nlattr *nest, struct devlink_function *ret)
{
	struct devlink_function f = devlink_function_none();
	struct nlattr *tb[ATTR_FN_MAX + 1], *a;
	struct nla_bitfield32 caps;

	*ret = f;
	if (!nest || nla_parse_nested(tb, ATTR_FN_MAX, nest, NULL) < 0)
		return;
	a = tb[DEVLINK_PORT_FUNCTION_ATTR_HW_ADDR];
	if (a && nla_len(a) > 0 && nla_len(a) <= DEVLINK_ADDRESS_MAX) {
		f.address_len = (unsigned)nla_len(a);
		memcpy(f.address, nla_data(a), f.address_len);
	}
	f.state = small(tb[DEVLINK_PORT_FN_ATTR_STATE]);
	f.opstate = small(tb[DEVLINK_PORT_FN_ATTR_OPSTATE]);
	a = tb[ATTR_FN_CAPS];
	if (a && nla_len(a) == sizeof(caps)) {
		memcpy(&caps, nla_data(a), sizeof(caps));
		f.caps_known = caps.selector;
		f.caps = caps.value & caps.selector;
	}
	f.max_io_eqs = number(tb[ATTR_FN_MAX_IO_EQS]);
	*ret = f;
}

/* An index above what an int holds is no interface of ours. */
int wire_port(struct nlattr *const *tb, struct devlink_port *ret)
{
	struct devlink_port p = { .index = 0 };
	int64_t index = number(tb[DEVLINK_ATTR_PORT_INDEX]);

	if (index < 0 || index > UINT32_MAX)
		return -EIO;
	p.index = (unsigned)index;
	p.flavour = small(tb[DEVLINK_ATTR_PORT_FLAVOUR]);
	p.pf_number = small(tb[DEVLINK_ATTR_PORT_PCI_PF_NUMBER]);
	p.vf_number = small(tb[DEVLINK_ATTR_PORT_PCI_VF_NUMBER]);
	p.controller = small(tb[DEVLINK_ATTR_PORT_CONTROLLER_NUMBER]);
	p.external = small(tb[DEVLINK_ATTR_PORT_EXTERNAL]) > 0;
	p.ifindex = MAX(small(tb[DEVLINK_ATTR_PORT_NETDEV_IFINDEX]), 0);
	text(p.netdev, sizeof(p.netdev), tb[DEVLINK_ATTR_PORT_NETDEV_NAME]);
	read_function(tb[DEVLINK_ATTR_PORT_FUNCTION], &p.function);
	*ret = p;
	return 0;
}

void wire_rate(struct nlattr *const *tb, struct devlink_rate *ret)
{
	ret->tx_share = number(tb[DEVLINK_ATTR_RATE_TX_SHARE]);
	ret->tx_max = number(tb[DEVLINK_ATTR_RATE_TX_MAX]);
	ret->tx_priority = number(tb[ATTR_RATE_TX_PRIORITY]);
	ret->tx_weight = number(tb[ATTR_RATE_TX_WEIGHT]);
}

int wire_reporter(struct nlattr *const *tb, struct devlink_reporter *ret)
{
	struct nlattr *own[ATTR_MAX + 1];
	struct devlink_reporter r = { .error = false };

	if (!tb[DEVLINK_ATTR_HEALTH_REPORTER] ||
		nla_parse_nested(own, ATTR_MAX, tb[DEVLINK_ATTR_HEALTH_REPORTER], NULL) < 0)
		return -EIO;
	text(r.name, sizeof(r.name), own[DEVLINK_ATTR_HEALTH_REPORTER_NAME]);
	r.error = small(own[DEVLINK_ATTR_HEALTH_REPORTER_STATE]) > 0;
	r.errors = (uint64_t)MAX(number(own[DEVLINK_ATTR_HEALTH_REPORTER_ERR_COUNT]), 0);
	r.recoveries = (uint64_t)MAX(number(own[DEVLINK_ATTR_HEALTH_REPORTER_RECOVER_COUNT]), 0);
	*ret = r;
	return 0;
}

/* ---- Writing: only what is asked for ---- */

int wire_put_dev(struct nl_msg *msg, const char *dev)
{
	const char *slash = strchr(dev, '/');
	autofree char *bus = slash ? strndup(dev, (size_t)(slash - dev)) : NULL;

	if (!slash || slash == dev || !slash[1])
		return -EINVAL;
	if (!bus || nla_put_string(msg, DEVLINK_ATTR_BUS_NAME, bus) < 0 ||
		nla_put_string(msg, DEVLINK_ATTR_DEV_NAME, slash + 1) < 0)
		return -ENOMEM;
	return 0;
}

int wire_put_eswitch(struct nl_msg *msg, const struct devlink_eswitch *to)
{
	int e = 0;

	if (to->mode >= 0)
		e = nla_put_u16(msg, DEVLINK_ATTR_ESWITCH_MODE, (uint16_t)to->mode);
	if (e >= 0 && to->inline_mode >= 0)
		e = nla_put_u8(msg, DEVLINK_ATTR_ESWITCH_INLINE_MODE, (uint8_t)to->inline_mode);
	if (e >= 0 && to->encap_mode >= 0)
		e = nla_put_u8(msg, DEVLINK_ATTR_ESWITCH_ENCAP_MODE, (uint8_t)to->encap_mode);
	return e < 0 ? -ENOMEM : 0;
}

int wire_put_function(struct nl_msg *msg, const struct devlink_function *to)
{
	struct nlattr *nest = nla_nest_start(msg, DEVLINK_ATTR_PORT_FUNCTION);
	struct nla_bitfield32 caps = { .value = to->caps, .selector = to->caps_known };
	int e = nest ? 0 : -1;

	if (e >= 0 && to->address_len)
		e = nla_put(
			msg, DEVLINK_PORT_FUNCTION_ATTR_HW_ADDR, (int)to->address_len, to->address);
	if (e >= 0 && to->state >= 0)
		e = nla_put_u8(msg, DEVLINK_PORT_FN_ATTR_STATE, (uint8_t)to->state);
	if (e >= 0 && to->caps_known)
		e = nla_put(msg, ATTR_FN_CAPS, sizeof(caps), &caps);
	if (e >= 0 && to->max_io_eqs >= 0)
		e = nla_put_u32(msg, ATTR_FN_MAX_IO_EQS, (uint32_t)to->max_io_eqs);
	if (e < 0)
		return -ENOMEM;
	nla_nest_end(msg, nest);
	return 0;
}

int wire_put_rate(struct nl_msg *msg, const struct devlink_rate *to)
{
	int e = 0;

	if (to->tx_share >= 0)
		e = nla_put_u64(msg, DEVLINK_ATTR_RATE_TX_SHARE, (uint64_t)to->tx_share);
	if (e >= 0 && to->tx_max >= 0)
		e = nla_put_u64(msg, DEVLINK_ATTR_RATE_TX_MAX, (uint64_t)to->tx_max);
	if (e >= 0 && to->tx_priority >= 0)
		e = nla_put_u32(msg, ATTR_RATE_TX_PRIORITY, (uint32_t)to->tx_priority);
	if (e >= 0 && to->tx_weight >= 0)
		e = nla_put_u32(msg, ATTR_RATE_TX_WEIGHT, (uint32_t)to->tx_weight);
	return e < 0 ? -ENOMEM : 0;
}
