// SPDX-License-Identifier: GPL-2.0-or-later
/* Devlink by generic netlink. The family's number is asked for each time: it is no constant. */
#include "blocking_talk.h"
#include "devlink-wire.h"
#include "host.h"

#include <linux/genetlink.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>

/* Looking is quick, or somebody holds the device; a change of the eswitch makes interfaces. */
enum { LOOK_MS = 2000, CHANGE_MS = 60000 };

static inline void msgp(struct nl_msg **m)
{
	nlmsg_free(*m);
}

static int take_family(struct nlmsghdr *hdr, void *arg)
{
	struct nlattr *tb[CTRL_ATTR_MAX + 1];

	if (genlmsg_parse(hdr, 0, tb, CTRL_ATTR_MAX, NULL) < 0 || !tb[CTRL_ATTR_FAMILY_ID] ||
		nla_len(tb[CTRL_ATTR_FAMILY_ID]) < 2)
		return -EIO;
	*(int *)arg = nla_get_u16(tb[CTRL_ATTR_FAMILY_ID]);
	return 0;
}

static int find_family(void)
{
	CLEANUP(msgp) struct nl_msg *msg = nlmsg_alloc();
	int family = -ENOSYS, r;

	if (!msg || !genlmsg_put(msg, 0, 0, GENL_ID_CTRL, 0, 0, CTRL_CMD_GETFAMILY, 1) ||
		nla_put_string(msg, CTRL_ATTR_FAMILY_NAME, DEVLINK_GENL_NAME) < 0)
		return -ENOMEM;
	r = blocking_talk(NETLINK_GENERIC, msg, LOOK_MS, take_family, &family, NULL, 0);
	return r == -ENOENT ? -ENOSYS : r < 0 ? r : family;
}

/* `dev` NULL: a dump of all devices. */
static int new_request(int command, const char *dev, struct nl_msg **ret)
{
	CLEANUP(msgp) struct nl_msg *msg = nlmsg_alloc();
	int r = find_family();

	if (r < 0)
		return r;
	if (!msg || !genlmsg_put(msg, 0, 0, r, 0, dev ? 0 : NLM_F_DUMP, (uint8_t)command,
			    DEVLINK_GENL_VERSION))
		return -ENOMEM;
	r = dev ? wire_put_dev(msg, dev) : 0;
	if (r == 0)
		*ret = TAKE_PTR(msg);
	return r;
}

static int parse(struct nlmsghdr *hdr, struct nlattr *tb[ATTR_MAX + 1])
{
	return genlmsg_parse(hdr, 0, tb, ATTR_MAX, NULL) < 0 ? -EIO : 0;
}

static int look(struct nl_msg *msg, int (*got)(struct nlmsghdr *hdr, void *arg), void *arg)
{
	return blocking_talk(NETLINK_GENERIC, msg, LOOK_MS, got, arg, NULL, 0);
}

static int change(struct nl_msg *msg, struct devlink_says *says)
{
	return blocking_talk(NETLINK_GENERIC, msg, CHANGE_MS, NULL, NULL, says ? says->text : NULL,
		sizeof(says->text));
}

/* ---- The eswitch ---- */

static int take_eswitch(struct nlmsghdr *hdr, void *arg)
{
	struct nlattr *tb[ATTR_MAX + 1];
	int r = parse(hdr, tb);

	if (r == 0)
		wire_eswitch(tb, arg);
	return r;
}

static int eswitch_get(struct host *h UNUSED, const char *dev, struct devlink_eswitch *ret)
{
	CLEANUP(msgp) struct nl_msg *msg = NULL;
	struct devlink_eswitch got = { -1, -1, -1 };
	int r = new_request(DEVLINK_CMD_ESWITCH_GET, dev, &msg);

	if (r == 0)
		r = look(msg, take_eswitch, &got);
	if (r == 0)
		*ret = got;
	return r;
}

static int eswitch_set(struct host *h UNUSED, const char *dev, const struct devlink_eswitch *to,
	struct devlink_says *says)
{
	CLEANUP(msgp) struct nl_msg *msg = NULL;
	int r = new_request(DEVLINK_CMD_ESWITCH_SET, dev, &msg);

	if (r == 0)
		r = wire_put_eswitch(msg, to);
	return r < 0 ? r : change(msg, says);
}

/* ---- Lists: dumps of all devices, since only Linux 6.5 dumps those of one ---- */

struct list {
	const char *dev;
	char *v; /* of `size` bytes each */
	size_t n, size;
	int (*read)(struct nlattr *const *tb, void *to);
};

static int take_item(struct nlmsghdr *hdr, void *arg)
{
	struct nlattr *tb[ATTR_MAX + 1];
	struct list *l = arg;
	char *grown;
	int r = parse(hdr, tb);

	if (r < 0 || !wire_is_of(tb, l->dev))
		return r;
	grown = reallocarray(l->v, l->n + 1, l->size);
	if (!grown)
		return -ENOMEM;
	l->v = grown;
	r = l->read(tb, l->v + l->n * l->size);
	l->n += r == 0;
	return r;
}

static int dump(int command, struct list *l)
{
	CLEANUP(msgp) struct nl_msg *msg = NULL;
	int r = new_request(command, NULL, &msg);

	if (r == 0)
		r = look(msg, take_item, l);
	if (r == 0 && !l->v && !(l->v = calloc(1, l->size)))
		r = -ENOMEM;
	if (r < 0)
		free(l->v);
	return r;
}

static int read_port(struct nlattr *const *tb, void *to)
{
	return wire_port(tb, to);
}

static int read_reporter(struct nlattr *const *tb, void *to)
{
	return wire_reporter(tb, to);
}

static int ports(struct host *h UNUSED, const char *dev, struct devlink_port **ret, size_t *ret_n)
{
	struct list l = { .dev = dev, .size = sizeof(**ret), .read = read_port };
	int r = dump(DEVLINK_CMD_PORT_GET, &l);

	if (r < 0)
		return r;
	*ret = (struct devlink_port *)(void *)l.v;
	*ret_n = l.n;
	return 0;
}

static int reporters(
	struct host *h UNUSED, const char *dev, struct devlink_reporter **ret, size_t *ret_n)
{
	struct list l = { .dev = dev, .size = sizeof(**ret), .read = read_reporter };
	int r = dump(DEVLINK_CMD_HEALTH_REPORTER_GET, &l);

	if (r < 0)
		return r;
	*ret = (struct devlink_reporter *)(void *)l.v;
	*ret_n = l.n;
	return 0;
}

/* ---- Ports ---- */

static int new_port_request(int command, const char *dev, unsigned port, struct nl_msg **ret)
{
	CLEANUP(msgp) struct nl_msg *msg = NULL;
	int r = new_request(command, dev, &msg);

	if (r == 0 && nla_put_u32(msg, DEVLINK_ATTR_PORT_INDEX, port) < 0)
		r = -ENOMEM;
	if (r == 0)
		*ret = TAKE_PTR(msg);
	return r;
}

static int function_set(struct host *h UNUSED, const char *dev, unsigned port,
	const struct devlink_function *to, struct devlink_says *says)
{
	CLEANUP(msgp) struct nl_msg *msg = NULL;
	int r = new_port_request(DEVLINK_CMD_PORT_SET, dev, port, &msg);

	if (r == 0)
		r = wire_put_function(msg, to);
	return r < 0 ? r : change(msg, says);
}

static int take_rate(struct nlmsghdr *hdr, void *arg)
{
	struct nlattr *tb[ATTR_MAX + 1];
	int r = parse(hdr, tb);

	if (r == 0)
		wire_rate(tb, arg);
	return r;
}

static int rate_get(struct host *h UNUSED, const char *dev, unsigned port, struct devlink_rate *ret)
{
	CLEANUP(msgp) struct nl_msg *msg = NULL;
	struct devlink_rate got = { -1, -1, -1, -1 };
	int r = new_port_request(DEVLINK_CMD_RATE_GET, dev, port, &msg);

	if (r == 0)
		r = look(msg, take_rate, &got);
	if (r == 0)
		*ret = got;
	return r;
}

static int rate_set(struct host *h UNUSED, const char *dev, unsigned port,
	const struct devlink_rate *to, struct devlink_says *says)
{
	CLEANUP(msgp) struct nl_msg *msg = NULL;
	int r = new_port_request(DEVLINK_CMD_RATE_SET, dev, port, &msg);

	if (r == 0)
		r = wire_put_rate(msg, to);
	return r < 0 ? r : change(msg, says);
}

const struct devlink_ops devlink_live_ops = {
	.eswitch_get = eswitch_get,
	.eswitch_set = eswitch_set,
	.ports = ports,
	.function_set = function_set,
	.rate_get = rate_get,
	.rate_set = rate_set,
	.reporters = reporters,
};
