// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-net.h"

#include "base/str.h"
#include "host/devnode.h"
#include "host/given.h"

#include <fcntl.h>
#include <string.h>

#define NODE "vhost-net"

const char *launch_set_vhost(struct launch_net *n, const char *value)
{
	static const char *const words[] = {
		[LAUNCH_VHOST_USUAL] = "",
		[LAUNCH_VHOST_AUTO] = "auto",
		[LAUNCH_VHOST_ON] = "on",
		[LAUNCH_VHOST_OFF] = "off",
	};

	for (size_t i = LAUNCH_VHOST_AUTO; i < ARRAY_SIZE(words); i++)
		if (str_eq(words[i], value)) {
			n->vhost = (enum launch_vhost_wish)i;
			return NULL;
		}
	return "vhost= is auto, on or off";
}

/* The kernel's rings are split, and what it does with them is its own affair. */
static const char *only_here(const struct launch_net *n)
{
	const struct launch_serve *s = &n->serve;

	if (n->e1000)
		return "vhost=on is of virtio: the kernel knows no model=e1000";
	if (s->poll || s->pin || s->threads)
		return "vhost=on goes without threads=, poll= and pin=: a thread of the kernel "
		       "moves the packets, which sleeps until the guest rings";
	if (s->packed && str_eq(s->packed, "on"))
		return "vhost=on goes without packed=on: the kernel knows split rings only";
	if (s->in_order && str_eq(s->in_order, "on"))
		return "vhost=on goes without in-order=on: the kernel does not promise it";
	return NULL;
}

const char *launch_check_vhost(const struct launch_net *n)
{
	return n->vhost == LAUNCH_VHOST_ON ? only_here(n) : NULL;
}

bool launch_wants_vhost(const struct launch_net *n)
{
	return n->vhost != LAUNCH_VHOST_OFF && !only_here(n);
}

char *launch_vhost_name(unsigned number)
{
	return number ? str_printf(NODE "#%u", number) : strdup(NODE);
}

bool launch_vhost_is_denied(struct host *h)
{
	int fd = devnode_open(h, O_RDWR, NODE);

	if (fd >= 0)
		host_close(h, fd);
	return fd == -EACCES || fd == -EPERM;
}

void launch_kernel_net_done(struct host *h, struct launch_kernel_net *k)
{
	while (k->n)
		host_close(h, k->fds[--k->n]);
	problem_free(TAKE_PTR(k->why));
}

static int blame(int code, struct problem **reterr)
{
	if (code == -EACCES || code == -EPERM)
		return problem(reterr, code, PROBLEM_PERMISSION,
			"run as root, join the group kvm, or let vfctld(8) lend it",
			"no permission to use " NODE);
	if (code == -ENOENT || code == -ENODEV || code == -ENXIO)
		return problem(reterr, code, PROBLEM_UNSUPPORTED, "modprobe vhost_net",
			"the kernel serves no interfaces: there is no " NODE);
	return problem(
		reterr, code, problem_kind_from_errno(code), NULL, NODE ": %s", strerror(-code));
}

/* What was lent, else as everybody opens it. Each descriptor is a worker of the kernel's. */
static int open_one(struct host *h, unsigned number)
{
	autofree char *name = launch_vhost_name(number), *given = NULL;
	int r;

	given = name ? devnode_path("%s", name) : NULL;
	if (!given)
		return -ENOMEM;
	r = host_take_given(h, given);
	return r == -ENOENT ? devnode_open(h, O_RDWR, NODE) : r;
}

int launch_open_vhost(struct host *h, const struct launch_net *n, unsigned pairs, unsigned *used,
	struct launch_kernel_net *ret, struct problem **reterr)
{
	struct problem *why = NULL;
	int r = 0;

	*ret = (struct launch_kernel_net) { 0 };
	if (!launch_wants_vhost(n))
		return 0;
	while (ret->n < pairs) {
		r = open_one(h, (*used)++);
		if (r < 0)
			break;
		ret->fds[ret->n++] = r;
	}
	if (r >= 0)
		return 0;
	blame(r, &why);
	launch_kernel_net_done(h, ret);
	if (n->vhost != LAUNCH_VHOST_ON) {
		ret->why = why;
		return 0;
	}
	if (reterr)
		*reterr = why;
	else
		problem_free(why);
	return r;
}
