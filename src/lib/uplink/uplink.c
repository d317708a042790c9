// SPDX-License-Identifier: GPL-2.0-or-later
#include "inside.h"

#include "base/str.h"
#include "host/procfs.h"
#include "host/sysfs.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

static const struct uplink_ops *const kinds[UPLINK_KINDS] = {
	[UPLINK_TAP] = &uplink_tap_ops,
	[UPLINK_BRIDGE] = &uplink_bridge_ops,
	[UPLINK_OVS] = &uplink_ovs_ops,
	[UPLINK_MACVTAP] = &uplink_macvtap_ops,
};

const char *uplink_kind_name(enum uplink_kind k)
{
	return kinds[k]->name;
}

int uplink_kind_parse(const char *word, enum uplink_kind *ret)
{
	for (size_t i = 0; i < UPLINK_KINDS; i++)
		if (str_eq(word, kinds[i]->name)) {
			*ret = (enum uplink_kind)i;
			return 0;
		}
	return -EINVAL;
}

int uplink_mode_parse(const char *word, int *ret)
{
	static const struct {
		const char *word;
		enum host_macvtap_mode mode;
	} modes[] = {
		{ "private", HOST_MACVTAP_PRIVATE },
		{ "vepa", HOST_MACVTAP_VEPA },
		{ "bridge", HOST_MACVTAP_BRIDGE },
		{ "passthru", HOST_MACVTAP_PASSTHRU },
	};

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
		if (str_eq(word, modes[i].word)) {
			*ret = (int)modes[i].mode;
			return 0;
		}
	return -EINVAL;
}

/* The kernel takes "%d" for a number of its own choice, a program "-x" for an option. */
bool uplink_is_name(const char *s)
{
	size_t n = strlen(s);

	if (n < 1 || n > UPLINK_NAME_MAX || *s == '.' || *s == '-')
		return false;
	for (; *s; s++)
		if (!isascii(*s) || (!isalnum((unsigned char)*s) && !strchr("-_.", *s)))
			return false;
	return true;
}

char *uplink_text(const struct uplink_wish *w)
{
	return w->number ? str_printf("%s:%s#%u", kinds[w->kind]->name, w->name, w->number)
			 : str_printf("%s:%s", kinds[w->kind]->name, w->name);
}

int uplink_new_name(char buf[UPLINK_NAME_MAX + 1], struct problem **reterr)
{
	uint32_t n;

	if (getrandom(&n, sizeof(n), 0) != sizeof(n))
		return problem(reterr, -errno, PROBLEM_FAILED, NULL, "random numbers: %s",
			strerror(errno));
	snprintf(buf, UPLINK_NAME_MAX + 1, UPLINK_OUR_NAMES "%08" PRIx32, n);
	return 0;
}

int uplink_blame(const char *name, int code, const char *what, struct problem **reterr)
{
	const char *hint = NULL;

	if (code == -EPERM || code == -EACCES)
		hint = "run as root; users are lent taps and ports of bridges by vfctld(8), as vfctl.conf(5) allows";
	return problem(reterr, code, problem_kind_from_errno(code), hint, "%s: %s: %s", name, what,
		strerror(-code));
}

/* ---- Whose it is ---- */

/* In clock ticks since the boot; the name before it may hold anything. */
static int start_of(struct host *h, int pid, unsigned long long *ret)
{
	autofree char *stat = NULL;
	const char *p;
	int r = procfs_read(h, &stat, "%d/stat", pid);

	if (r < 0)
		return r;
	p = strrchr(stat, ')');
	for (unsigned i = 0; p && i < 20; i++)
		p = strchr(p + 1, ' ');
	return p && sscanf(p, " %llu", ret) == 1 ? 0 : -EBADMSG;
}

int uplink_mark(struct host *h, int ifindex)
{
	struct host_link_change c = { .attr = HOST_LINK_ALIAS };
	autofree char *text = NULL;
	unsigned long long start = 0;
	int r = start_of(h, (int)getpid(), &start);

	if (r < 0)
		return r;
	c.text = text = str_printf("vfctl %d %llu", (int)getpid(), start);
	return text ? host_link_set(h, ifindex, &c) : -ENOMEM;
}

bool uplink_is_left(struct host *h, const char *name)
{
	autofree char *alias = NULL;
	unsigned long long then, now;
	int pid;

	if (!str_starts(name, UPLINK_OUR_NAMES) ||
		sysfs_read(h, &alias, "class/net/%s/ifalias", name) < 0 ||
		sscanf(alias, "vfctl %d %llu", &pid, &then) != 2)
		return false;
	return start_of(h, pid, &now) < 0 || now != then;
}

/* ---- Open and close ---- */

int uplink_open(
	struct host *h, const struct uplink_wish *w, struct uplink **ret, struct problem **reterr)
{
	CLEANUP(uplink_freep) struct uplink *u = calloc(1, sizeof(*u));
	int r = 0;

	if (!u)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	u->host = h;
	u->mac = w->mac;
	if (w->kind != UPLINK_TAP)
		r = uplink_take_lent(u, w, reterr);
	if (r == 0) {
		u->ops = kinds[w->kind];
		if (w->kind != UPLINK_TAP)
			snprintf(u->to, sizeof(u->to), "%s", w->name);
		r = u->ops->open(u, w, reterr);
	}
	if (r < 0)
		return r;
	*ret = TAKE_PTR(u);
	return 0;
}

void uplink_close_fds(struct uplink *u)
{
	for (unsigned i = 0; i < u->n; i++)
		host_close(u->host, u->fds[i]);
	u->n = 0;
}

void uplink_free(struct uplink *u)
{
	if (!u)
		return;
	uplink_close_fds(u);
	if (u->ops && u->ops->undo)
		u->ops->undo(u);
	free(u);
}
