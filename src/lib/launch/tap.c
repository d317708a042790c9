// SPDX-License-Identifier: GPL-2.0-or-later
#include "tap.h"

#include "base/str.h"
#include "host/devnode.h"
#include "host/given.h"
#include "host/sysfs.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>
#include <string.h>

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
		return problem(reterr, code, PROBLEM_USAGE, "ip tuntap add NAME mode tap makes one",
			"%s is no tap, or one of another kind", name);
	case -ENOENT:
	case -ENODEV:
	case -ENXIO:
		return problem(reterr, code, PROBLEM_UNSUPPORTED, "modprobe tun",
			"the kernel offers no taps");
	default:
		return problem(reterr, code, problem_kind_from_errno(code), NULL, "tap %s: %s",
			name, strerror(-code));
	}
}

/* An interface that was there keeps the state that its owner gave it. */
static int set_up(struct host *h, const char *name)
{
	int index, r = sysfs_read_int(h, &index, "class/net/%s/ifindex", name);

	return r < 0 ? r : host_link_set_up(h, index, true);
}

int tap_attach(struct host *h, const char *name, struct problem **reterr)
{
	bool existed = sysfs_exists(h, "class/net/%s", name);
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	autofree char *given = str_printf("tap:%s", name);
	int fd = given ? host_take_given(h, given) : -ENOMEM, r;

	if (fd != -ENOENT)
		return fd < 0 ? blame(name, fd, reterr) : fd;
	fd = devnode_open(h, O_RDWR | O_NONBLOCK, "net/tun");
	if (fd < 0)
		return blame(name, fd, reterr);
	strncpy(ifr.ifr_name, name, sizeof(ifr.ifr_name) - 1);
	r = host_ioctl(h, fd, TUNSETIFF, &ifr);
	if (r >= 0 && !existed)
		r = set_up(h, name);
	if (r < 0) {
		host_close(h, fd);
		return blame(name, r, reterr);
	}
	return fd;
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
