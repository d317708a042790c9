// SPDX-License-Identifier: GPL-2.0-or-later
/* Each call has a socket of its own, so that a host can be used from several threads. */
#include "netlink.h"
#include "base/str.h"

#include <linux/if.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <string.h>

static inline void socketp(struct nl_sock **s)
{
	if (*s)
		nl_socket_free(*s);
}

static inline void msgp(struct nl_msg **m)
{
	nlmsg_free(*m);
}

static inline void cbp(struct nl_cb **c)
{
	nl_cb_put(*c);
}

/* What a request brings back: the kernel's own errno, and the answer if one is wanted. */
struct reply {
	int error;
	bool done;
	int (*parse)(struct nlmsghdr *hdr, void *arg);
	void *arg;
};

static int on_error(struct sockaddr_nl *from UNUSED, struct nlmsgerr *err, void *arg)
{
	struct reply *r = arg;

	r->error = err->error ? err->error : -EIO;
	r->done = true;
	return NL_STOP;
}

static int on_ack(struct nl_msg *msg UNUSED, void *arg)
{
	struct reply *r = arg;

	r->done = true;
	return NL_STOP;
}

static int on_valid(struct nl_msg *msg, void *arg)
{
	struct reply *r = arg;

	r->done = true;
	r->error = r->parse ? r->parse(nlmsg_hdr(msg), r->arg) : 0;
	return NL_STOP;
}

static int open_socket(struct nl_sock **ret)
{
	CLEANUP(socketp) struct nl_sock *s = nl_socket_alloc();
	int e;

	if (!s)
		return -ENOMEM;
	e = nl_connect(s, NETLINK_ROUTE);
	if (e < 0)
		return e == -NLE_NOMEM ? -ENOMEM : -EIO;
	/* A PF with hundreds of VFs answers with more than the default buffer. */
	nl_socket_enable_msg_peek(s);
	*ret = TAKE_PTR(s);
	return 0;
}

static int talk(struct nl_msg *msg, struct reply *r)
{
	CLEANUP(socketp) struct nl_sock *s = NULL;
	CLEANUP(cbp) struct nl_cb *cb = NULL;
	int e = open_socket(&s);

	if (e < 0)
		return e;
	cb = nl_cb_alloc(NL_CB_DEFAULT);
	if (!cb)
		return -ENOMEM;
	nl_cb_err(cb, NL_CB_CUSTOM, on_error, r);
	nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, on_ack, r);
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_valid, r);
	if (r->parse) /* the answer is the acknowledgement */
		nl_socket_disable_auto_ack(s);
	if (nl_send_auto(s, msg) < 0)
		return -EIO;
	while (!r->done)
		if (nl_recvmsgs(s, cb) < 0 && !r->done)
			return -EIO;
	return r->error;
}

static struct nl_msg *new_request(int type, const struct ifinfomsg *info)
{
	struct nl_msg *msg = nlmsg_alloc_simple(type, NLM_F_REQUEST);

	if (msg && nlmsg_append(msg, (void *)(uintptr_t)info, sizeof(*info), NLMSG_ALIGNTO) < 0) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

static int get(int ifindex, uint32_t mask, int (*parse)(struct nlmsghdr *, void *), void *arg)
{
	struct ifinfomsg info = { .ifi_index = ifindex };
	CLEANUP(msgp) struct nl_msg *msg = new_request(RTM_GETLINK, &info);
	struct reply r = { .parse = parse, .arg = arg };
	int e;

	if (ifindex <= 0)
		return -ENOENT;
	if (!msg || (mask && nla_put_u32(msg, IFLA_EXT_MASK, mask) < 0))
		return -ENOMEM;
	e = talk(msg, &r);
	return e == -ENODEV ? -ENOENT : e;
}

static void copy_mac(const struct nlattr *a, struct mac *ret)
{
	if (a && nla_len(a) == sizeof(ret->b))
		memcpy(ret->b, nla_data(a), sizeof(ret->b));
}

static int parse_attrs(struct nlmsghdr *hdr, struct nlattr *tb[IFLA_MAX + 1])
{
	if (hdr->nlmsg_type != RTM_NEWLINK ||
		nlmsg_parse(hdr, sizeof(struct ifinfomsg), tb, IFLA_MAX, NULL) < 0)
		return -EIO;
	return 0;
}

static int parse_link(struct nlmsghdr *hdr, void *arg)
{
	struct nlattr *tb[IFLA_MAX + 1];
	const struct ifinfomsg *info = nlmsg_data(hdr);
	struct host_link l = { 0 };
	int e = parse_attrs(hdr, tb);

	if (e < 0)
		return e;
	l.ifindex = info->ifi_index;
	l.up = info->ifi_flags & IFF_UP;
	if (tb[IFLA_IFNAME])
		nla_strlcpy(l.name, tb[IFLA_IFNAME], sizeof(l.name));
	copy_mac(tb[IFLA_ADDRESS], &l.mac);
	copy_mac(tb[IFLA_PERM_ADDRESS], &l.permanent_mac);
	if (tb[IFLA_MTU] && nla_len(tb[IFLA_MTU]) >= 4)
		l.mtu = nla_get_u32(tb[IFLA_MTU]);
	if (tb[IFLA_CARRIER] && nla_len(tb[IFLA_CARRIER]) >= 1)
		l.carrier = nla_get_u8(tb[IFLA_CARRIER]);
	*(struct host_link *)arg = l;
	return 0;
}

int netlink_link_get(struct host *h UNUSED, int ifindex, struct host_link *ret)
{
	return get(ifindex, 0, parse_link, ret);
}

/* IFLA_ALT_IFNAME as a request (Linux 5.5) finds the interface by any of its names. */
int netlink_link_index(struct host *h UNUSED, const char *name, int *ret)
{
	struct ifinfomsg info = { 0 };
	CLEANUP(msgp) struct nl_msg *msg = NULL;
	struct host_link link;
	struct reply r = { .parse = parse_link, .arg = &link };
	int e;

	if (!*name || strlen(name) >= ALTIFNAMSIZ)
		return -ENOENT;
	msg = new_request(RTM_GETLINK, &info);
	if (!msg || nla_put_string(msg, IFLA_ALT_IFNAME, name) < 0)
		return -ENOMEM;
	e = talk(msg, &r);
	if (e < 0)
		return e == -ENODEV ? -ENOENT : e;
	*ret = link.ifindex;
	return 0;
}

/* IFLA_PROP_LIST: so far its only properties are names (Linux 5.5). */
static int parse_altnames(struct nlmsghdr *hdr, void *arg)
{
	struct nlattr *tb[IFLA_MAX + 1], *a;
	autostrv char **names = NULL;
	int rest, e = parse_attrs(hdr, tb);

	if (e < 0)
		return e;
	names = calloc(1, sizeof(*names));
	if (!names)
		return -ENOMEM;
	if (tb[IFLA_PROP_LIST])
		nla_for_each_nested(a, tb[IFLA_PROP_LIST], rest)
		{
			autofree char *name = NULL;

			if (nla_type(a) != IFLA_ALT_IFNAME)
				continue;
			name = strndup(nla_data(a), (size_t)nla_len(a));
			if (!name || strv_add(&names, name) < 0)
				return -ENOMEM;
		}
	*(char ***)arg = TAKE_PTR(names);
	return 0;
}

int netlink_link_altnames(struct host *h UNUSED, int ifindex, char ***ret)
{
	return get(ifindex, 0, parse_altnames, ret);
}

struct vfs {
	struct host_vf *v;
	size_t n;
};

static int parse_vfs(struct nlmsghdr *hdr, void *arg)
{
	struct nlattr *tb[IFLA_MAX + 1];
	struct vfs *vfs = arg;
	int e = parse_attrs(hdr, tb);

	if (e < 0)
		return e;
	return vfinfo_parse(tb[IFLA_VFINFO_LIST], &vfs->v, &vfs->n);
}

static int list_vfs(int ifindex, uint32_t mask, struct host_vf **ret, size_t *ret_n)
{
	struct vfs vfs = { 0 };
	int e = get(ifindex, mask, parse_vfs, &vfs);

	if (e < 0)
		return e;
	*ret = vfs.v;
	*ret_n = vfs.n;
	return 0;
}

int netlink_link_vfs(struct host *h UNUSED, int ifindex, struct host_vf **ret, size_t *ret_n)
{
	/* Statistics would push a PF with many VFs over the 64 KiB that an attribute holds. */
	return list_vfs(ifindex, RTEXT_FILTER_VF | RTEXT_FILTER_SKIP_STATS, ret, ret_n);
}

int netlink_link_vfs_stats(struct host *h UNUSED, int ifindex, struct host_vf **ret, size_t *ret_n)
{
	return list_vfs(ifindex, RTEXT_FILTER_VF, ret, ret_n);
}

static int set(struct nl_msg *msg)
{
	struct reply r = { 0 };
	int e = talk(msg, &r);

	return e == -ENODEV ? -ENOENT : e;
}

int netlink_link_set_up(struct host *h UNUSED, int ifindex, bool up)
{
	struct ifinfomsg info = {
		.ifi_index = ifindex,
		.ifi_flags = up ? IFF_UP : 0,
		.ifi_change = IFF_UP,
	};
	CLEANUP(msgp) struct nl_msg *msg = new_request(RTM_SETLINK, &info);

	if (ifindex <= 0)
		return -ENOENT;
	return msg ? set(msg) : -ENOMEM;
}

int netlink_link_set_vf(struct host *h UNUSED, int ifindex, const struct host_vf_change *change)
{
	struct ifinfomsg info = { .ifi_index = ifindex };
	CLEANUP(msgp) struct nl_msg *msg = new_request(RTM_SETLINK, &info);
	int e;

	if (ifindex <= 0)
		return -ENOENT;
	if (!msg)
		return -ENOMEM;
	e = vfinfo_put(msg, change);
	return e < 0 ? e : set(msg);
}

static int put_change(struct nl_msg *msg, const struct host_link_change *c)
{
	switch (c->attr) {
	case HOST_LINK_MASTER:
		return nla_put_u32(msg, IFLA_MASTER, c->number);
	case HOST_LINK_MTU:
		return nla_put_u32(msg, IFLA_MTU, c->number);
	case HOST_LINK_MAC:
		return nla_put(msg, IFLA_ADDRESS, sizeof(c->mac.b), c->mac.b);
	case HOST_LINK_ALIAS:
		return nla_put_string(msg, IFLA_IFALIAS, c->text);
	case HOST_LINK_ALLMULTI:
		return 0;
	}
	return -EINVAL;
}

int netlink_link_set(struct host *h UNUSED, int ifindex, const struct host_link_change *change)
{
	bool flag = change->attr == HOST_LINK_ALLMULTI;
	struct ifinfomsg info = {
		.ifi_index = ifindex,
		.ifi_flags = flag && change->number ? IFF_ALLMULTI : 0,
		.ifi_change = flag ? IFF_ALLMULTI : 0,
	};
	CLEANUP(msgp) struct nl_msg *msg = new_request(RTM_SETLINK, &info);

	if (ifindex <= 0)
		return -ENOENT;
	if (!msg || put_change(msg, change) < 0)
		return -ENOMEM;
	return set(msg);
}

int netlink_link_remove(struct host *h UNUSED, int ifindex)
{
	struct ifinfomsg info = { .ifi_index = ifindex };
	CLEANUP(msgp) struct nl_msg *msg = new_request(RTM_DELLINK, &info);

	if (ifindex <= 0)
		return -ENOENT;
	return msg ? set(msg) : -ENOMEM;
}

static int put_macvtap(struct nl_msg *msg, const struct host_macvtap *w)
{
	struct nlattr *info, *data;

	if (nla_put_u32(msg, IFLA_LINK, (uint32_t)w->lower) < 0 ||
		nla_put_string(msg, IFLA_IFNAME, w->name) < 0 ||
		(!mac_is_zero(w->mac) &&
			nla_put(msg, IFLA_ADDRESS, sizeof(w->mac.b), w->mac.b) < 0))
		return -ENOMEM;
	info = nla_nest_start(msg, IFLA_LINKINFO);
	if (!info || nla_put_string(msg, IFLA_INFO_KIND, "macvtap") < 0)
		return -ENOMEM;
	data = nla_nest_start(msg, IFLA_INFO_DATA);
	if (!data || nla_put_u32(msg, IFLA_MACVLAN_MODE, (uint32_t)w->mode) < 0)
		return -ENOMEM;
	nla_nest_end(msg, data);
	nla_nest_end(msg, info);
	return 0;
}

int netlink_link_add_macvtap(struct host *h, const struct host_macvtap *what, int *ret)
{
	struct ifinfomsg info = { 0 };
	CLEANUP(msgp) struct nl_msg *msg = new_request(RTM_NEWLINK, &info);
	int e;

	if (!msg || put_macvtap(msg, what) < 0)
		return -ENOMEM;
	nlmsg_hdr(msg)->nlmsg_flags |= NLM_F_CREATE | NLM_F_EXCL;
	e = set(msg);
	return e < 0 ? e : netlink_link_index(h, what->name, ret);
}
