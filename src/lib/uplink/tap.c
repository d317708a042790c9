// SPDX-License-Identifier: GPL-2.0-or-later
#include "tap.h"
#include "inside.h"

#include "base/str.h"
#include "host/devnode.h"
#include "host/given.h"
#include "host/sysfs.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>

enum { KIND = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };

static int blame(const char *name, int code, struct problem **reterr)
{
	switch (code) {
	case -EBUSY:
		return problem(reterr, code, PROBLEM_IN_USE, "every guest needs a tap of its own",
			"tap %s is used by another guest", name);
	case -EPERM:
	case -EACCES:
		return problem(reterr, code, PROBLEM_PERMISSION,
			"run as root, or make the tap beforehand: ip tuntap add NAME mode tap "
			"user USER",
			"no permission to use tap %s", name);
	case -EINVAL:
		return problem(reterr, code, PROBLEM_USAGE,
			"ip tuntap add NAME mode tap makes one; for several queues: multi_queue",
			"%s is no tap, or one of another kind", name);
	case -ENOENT:
	case -ENODEV:
	case -ENXIO:
		return problem(reterr, code, PROBLEM_UNSUPPORTED, "modprobe tun",
			"the kernel offers no taps");
	case -E2BIG:
		return problem(reterr, code, PROBLEM_IN_USE, "fewer queues",
			"tap %s has no more queues free", name);
	default:
		return problem(reterr, code, problem_kind_from_errno(code), NULL, "tap %s: %s",
			name, strerror(-code));
	}
}

/* One queue of the tap. `name` is a pattern or a name, and in the end the tap's. */
static int attach_one(struct host *h, char name[IFNAMSIZ], unsigned flags)
{
	struct ifreq ifr = { .ifr_flags = (short)flags };
	int fd = devnode_open(h, O_RDWR | O_NONBLOCK, "net/tun"), r;

	if (fd < 0)
		return fd;
	memcpy(ifr.ifr_name, name, IFNAMSIZ);
	r = host_ioctl(h, fd, TUNSETIFF, &ifr);
	if (r < 0) {
		host_close(h, fd);
		return r;
	}
	memcpy(name, ifr.ifr_name, IFNAMSIZ);
	return fd;
}

static void close_all(struct host *h, const int *fds, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		host_close(h, fds[i]);
}

/* Queues `from` to `n` of a tap that has others already. */
static int attach_more(struct host *h, char name[IFNAMSIZ], unsigned from, unsigned n, int *fds)
{
	for (unsigned i = from; i < n; i++) {
		fds[i] = attach_one(h, name, KIND | IFF_MULTI_QUEUE);
		if (fds[i] < 0) {
			int r = fds[i];

			close_all(h, fds + from, i - from);
			return r;
		}
	}
	return 0;
}

/*
 * A tap has several queues, or it has not: whoever made it has decided that (TUNSETIFF refuses the
 * other kind, -EINVAL). For one queue either will do.
 */
static int attach_all(struct host *h, char name[IFNAMSIZ], unsigned n, int *fds)
{
	int r;

	fds[0] = attach_one(h, name, n > 1 ? KIND | IFF_MULTI_QUEUE : KIND);
	if (fds[0] == -EINVAL && n == 1)
		fds[0] = attach_one(h, name, KIND | IFF_MULTI_QUEUE);
	if (fds[0] < 0)
		return fds[0];
	r = attach_more(h, name, 1, n, fds);
	if (r < 0)
		host_close(h, fds[0]);
	return r;
}

/* An interface that was there keeps the state that its owner gave it. */
static int set_up(struct host *h, const char *name)
{
	int index, r = sysfs_read_int(h, &index, "class/net/%s/ifindex", name);

	return r < 0 ? r : host_link_set_up(h, index, true);
}

static int take_given(struct host *h, const char *given, char name[IFNAMSIZ], unsigned n, int *fds)
{
	int r = given ? host_take_given(h, given) : -ENOMEM;

	if (r < 0)
		return r;
	fds[0] = r;
	r = n > 1 ? tap_name_of(h, fds[0], name) : 0;
	if (r == 0)
		r = attach_more(h, name, 1, n, fds);
	if (r < 0)
		host_close(h, fds[0]);
	return r;
}

int tap_attach(struct host *h, const char *name, unsigned n, int *fds, struct problem **reterr)
{
	bool existed = sysfs_exists(h, "class/net/%s", name);
	autofree char *given = str_printf("tap:%s", name);
	char its[IFNAMSIZ] = { 0 };
	int r;

	strncpy(its, name, sizeof(its) - 1);
	r = take_given(h, given, its, n, fds);
	if (r != -ENOENT)
		return r < 0 ? blame(name, r, reterr) : 0;
	r = attach_all(h, its, n, fds);
	if (r < 0)
		return blame(name, r, reterr);
	r = existed ? 0 : set_up(h, name);
	if (r < 0) {
		close_all(h, fds, n);
		return blame(name, r, reterr);
	}
	return 0;
}

int tap_name_of(struct host *h, int fd, char buf[IFNAMSIZ])
{
	struct ifreq ifr = { 0 };
	int r = host_ioctl(h, fd, TUNGETIFF, &ifr);

	if (r < 0)
		return r;
	memcpy(buf, ifr.ifr_name, IFNAMSIZ);
	buf[IFNAMSIZ - 1] = '\0';
	return 0;
}

static bool is_in_group(int group)
{
	gid_t groups[256];
	int n = getgroups(ARRAY_SIZE(groups), groups);

	for (int i = 0; i < n; i++)
		if (groups[i] == (gid_t)group)
			return true;
	return getegid() == (gid_t)group;
}

/* Both have to hold where both are set; where none is, it is everybody's: tun_not_capable(). */
bool tap_is_own(struct host *h, const char *name)
{
	int owner = -1, group = -1;

	if (sysfs_read_int(h, &owner, "class/net/%s/owner", name) < 0 ||
		sysfs_read_int(h, &group, "class/net/%s/group", name) < 0)
		return false;
	return (owner < 0 || (uid_t)owner == geteuid()) && (group < 0 || is_in_group(group));
}

/* ---- As an uplink ---- */

static unsigned queues(const struct uplink_wish *w)
{
	return w->queues ? w->queues : 1;
}

static int open_tap(struct uplink *u, const struct uplink_wish *w, struct problem **reterr)
{
	int r = tap_attach(u->host, w->name, queues(w), u->fds, reterr);

	if (r < 0)
		return r;
	u->n = queues(w);
	strncpy(u->tap, w->name, sizeof(u->tap) - 1);
	u->mtu = w->mtu;
	return 0;
}

const struct uplink_ops uplink_tap_ops = { .name = "tap", .open = open_tap };

int uplink_take_lent(struct uplink *u, const struct uplink_wish *w, struct problem **reterr)
{
	autofree char *given = uplink_text(w);
	struct host_link link;
	int index, r = take_given(u->host, given, u->tap, queues(w), u->fds);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return blame(given ? given : w->name, r, reterr);
	u->n = queues(w);
	u->mtu = w->mtu;
	/* Who lent it has set what the bridge has. */
	if (!u->mtu && tap_name_of(u->host, u->fds[0], u->tap) == 0 &&
		host_link_index(u->host, u->tap, &index) == 0 &&
		host_link_get(u->host, index, &link) == 0 && link.mtu != 1500)
		u->mtu = link.mtu;
	return 1;
}

/*
 * A bridge that was given no address of its own takes the lowest of its ports': with the first byte
 * of libvirt's taps, 0xfe, ours never is, and the bridge does not change it when a guest comes or
 * goes.
 */
static int set_address(struct uplink *u, const struct uplink_wish *w)
{
	struct host_link_change c = { .attr = HOST_LINK_MAC, .mac = w->mac };
	struct host_link link;
	int r = mac_is_zero(w->mac) ? host_link_get(u->host, u->ifindex, &link) : 0;

	if (r < 0)
		return r;
	if (mac_is_zero(w->mac))
		c.mac = link.mac;
	c.mac.b[0] = 0xfe;
	return host_link_set(u->host, u->ifindex, &c);
}

static int set_mtu(struct uplink *u, unsigned mtu)
{
	const struct host_link_change c = { .attr = HOST_LINK_MTU, .number = mtu };

	return mtu ? host_link_set(u->host, u->ifindex, &c) : 0;
}

int uplink_make_tap(
	struct uplink *u, const struct uplink_wish *w, unsigned usual, struct problem **reterr)
{
	unsigned mtu = w->mtu ? w->mtu : usual;
	int r = uplink_new_name(u->tap, reterr);

	if (r < 0)
		return r;
	/* A user to whom it is lent attaches further queues himself. */
	r = u->fds[0] = attach_one(u->host, u->tap, KIND | IFF_MULTI_QUEUE | IFF_TUN_EXCL);
	if (r < 0)
		return blame(u->tap, r, reterr);
	u->n = 1;
	r = attach_more(u->host, u->tap, 1, queues(w), u->fds);
	if (r < 0)
		return blame(u->tap, r, reterr);
	u->n = queues(w);
	r = host_link_index(u->host, u->tap, &u->ifindex);
	if (r < 0)
		return blame(u->tap, r, reterr);
	r = set_address(u, w);
	if (r < 0)
		return uplink_blame(u->tap, r, "its address cannot be set", reterr);
	r = set_mtu(u, mtu);
	if (r < 0)
		return uplink_blame(u->tap, r, "its MTU cannot be set", reterr);
	u->mtu = mtu == 1500 ? w->mtu : mtu;
	return 0;
}
