// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Taps for users. Whoever has one sends any frame into whatever it is connected to, so only names
 * are opened that the administrator lists. What a tap is connected to is his network
 * configuration's affair; for ports of bridges he lists the bridges.
 */
#include "inside.h"

#include "base/str.h"
#include "host/sysfs.h"
#include "uplink/tap.h"
#include "uplink/uplink.h"

#include <fnmatch.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>

enum { NOBODY = -1 };

static bool is_allowed(char *const *patterns, const char *name)
{
	STRV_FOREACH (pattern, patterns)
		if (fnmatch(*pattern, name, 0) == 0)
			return true;
	return false;
}

/* One that was made for somebody is his; for nobody, anybody's whom the list allows it. */
static int check_owner(struct host *h, const char *name, uint32_t uid, struct problem **reterr)
{
	int owner = NOBODY, group = NOBODY;

	if (sysfs_read_int(h, &owner, "class/net/%s/owner", name) < 0 ||
		sysfs_read_int(h, &group, "class/net/%s/group", name) < 0)
		return problem(reterr, -EINVAL, PROBLEM_USAGE,
			"ip tuntap lists those that there are", "%s is no tap", name);
	if (owner == (int)uid || (owner == NOBODY && group == NOBODY))
		return 0;
	return problem(reterr, -EACCES, PROBLEM_PERMISSION, NULL,
		"tap %s is for another user or a group", name);
}

int handover_tap(struct host *h, const char *name, uint32_t uid,
	const struct handover_limits *limits, struct problem **reterr)
{
	bool existed;
	int fd, r = 0;

	if (!uplink_is_name(name))
		return problem(reterr, -EINVAL, PROBLEM_USAGE,
			"an interface's name has 1 to 15 letters and digits", "no name for a tap");
	if (uid && !is_allowed(limits->taps, name)) {
		problem(reterr, -EACCES, PROBLEM_PERMISSION, NULL,
			"tap %s is none that users may have", name);
		problem_hint(reterr, "ip tuntap add %s mode tap user %u, or Taps= in %s", name, uid,
			CONF_FILE);
		return -EACCES;
	}
	existed = sysfs_exists(h, "class/net/%s", name);
	if (existed && uid)
		r = check_owner(h, name, uid, reterr);
	if (r < 0)
		return r;
	r = tap_attach(h, name, 1, &fd, reterr);
	if (r < 0)
		return r;
	/* It may have come since we looked, for somebody else. */
	r = uid ? check_owner(h, name, uid, reterr) : 0;
	if (r == 0 && !existed) {
		r = host_ioctl(h, fd, TUNSETOWNER, (void *)(uintptr_t)uid);
		if (r < 0)
			problem(reterr, r, problem_kind_from_errno(r), NULL, "tap %s: %s", name,
				strerror(-r));
	}
	if (r >= 0)
		return fd;
	host_close(h, fd);
	return r;
}

/* His from now on: he may attach further queues, and it ends with the last of them. */
static int give_port(
	struct host *h, const struct uplink_wish *w, uint32_t uid, struct problem **reterr)
{
	CLEANUP(uplink_freep) struct uplink *u = NULL;
	int r = uplink_open(h, w, &u, reterr);

	if (r < 0)
		return r;
	r = host_ioctl(h, u->fds[0], TUNSETOWNER, (void *)(uintptr_t)uid);
	if (r < 0)
		return problem(reterr, r, problem_kind_from_errno(r), NULL, "tap %s: %s", u->tap,
			strerror(-r));
	u->n = 0;
	return u->fds[0];
}

int handover_port(struct host *h, const char *what, uint32_t uid,
	const struct handover_limits *limits, struct problem **reterr)
{
	struct uplink_wish w = { .kind = UPLINK_BRIDGE };
	autofree char *name = strdup(what);
	char *number = name ? strchr(name, '#') : NULL;

	if (!name)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	if (number)
		*number++ = '\0';
	if (!uplink_is_name(name) || (number && parse_u32(number, &w.number) < 0))
		return problem(reterr, -EINVAL, PROBLEM_USAGE,
			"an interface's name has 1 to 15 letters and digits",
			"no name for a bridge");
	if (uid && !is_allowed(limits->bridges, name)) {
		problem(reterr, -EACCES, PROBLEM_PERMISSION, NULL,
			"bridge %s is none of which users may have a port", name);
		problem_hint(reterr, "Bridges=%s in %s", name, CONF_FILE);
		return -EACCES;
	}
	w.name = name;
	return give_port(h, &w, uid, reterr);
}
