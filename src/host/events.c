// SPDX-License-Identifier: GPL-2.0-or-later
#include "events.h"
#include "host.h"
#include "base/str.h"

#include <libudev.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>

enum { SOURCES = EVENT_FDS_MAX, MAX_WAKE = 4, BUFFER_BYTES = 8 << 20, LINKS_MAX = 128 };

struct events {
	struct udev *udev;
	struct udev_monitor *kernel, *rules;
	int link; /* rtnetlink's socket */
	/* Interfaces of a message that had several, still to be told. */
	int links[LINKS_MAX];
	size_t n_links;
};

static void events_close(struct host *h UNUSED, struct events *e)
{
	if (!e)
		return;
	if (e->link >= 0)
		close(e->link);
	udev_monitor_unref(e->kernel);
	udev_monitor_unref(e->rules);
	udev_unref(e->udev);
	free(e);
}

static void events_closep(struct events **e)
{
	events_close(NULL, *e);
}

static struct udev_monitor *open_monitor(struct udev *udev, const char *source)
{
	static const char *const subsystems[] = { "pci", "net", "vfio", "vfio-dev", "nvme" };
	struct udev_monitor *m = udev_monitor_new_from_netlink(udev, source);

	for (size_t i = 0; m && i < ARRAY_SIZE(subsystems); i++)
		(void)udev_monitor_filter_add_match_subsystem_devtype(m, subsystems[i], NULL);
	/* Only root may have that much; without, more is lost, and said to be lost. */
	if (m)
		(void)udev_monitor_set_receive_buffer_size(m, BUFFER_BYTES);
	if (m && udev_monitor_enable_receiving(m) < 0) {
		udev_monitor_unref(m);
		return NULL;
	}
	return m;
}

static int open_link_socket(void)
{
	struct sockaddr_nl to = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };
	int size = BUFFER_BYTES;
	autoclose int fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (bind(fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
		return -errno;
	return TAKE_FD(fd);
}

static int events_open(struct host *h UNUSED, struct events **ret)
{
	CLEANUP(events_closep) struct events *e = calloc(1, sizeof(*e));

	if (!e)
		return -ENOMEM;
	e->link = -1;
	e->udev = udev_new();
	if (!e->udev)
		return -ENOMEM;
	errno = 0;
	e->kernel = open_monitor(e->udev, "kernel");
	e->rules = e->kernel ? open_monitor(e->udev, "udev") : NULL;
	if (!e->rules)
		return errno ? -errno : -EIO;
	e->link = open_link_socket();
	if (e->link < 0)
		return e->link;
	*ret = TAKE_PTR(e);
	return 0;
}

#define COPY(to, from) ((void)snprintf((to), sizeof(to), "%s", (from) ? (from) : ""))

static int take_uevent(
	struct udev_monitor *m, enum host_event_source source, struct host_event *ret)
{
	struct udev_device *d;
	const char *ifindex;
	uint32_t number;

	errno = 0;
	d = udev_monitor_receive_device(m);
	if (!d && errno != ENOBUFS)
		return 0; /* filtered, or broken: nothing for us */
	*ret = (struct host_event) { .source = d ? source : HOST_EVENT_LOST };
	if (!d)
		return 1;
	COPY(ret->action, udev_device_get_action(d));
	COPY(ret->subsystem, udev_device_get_subsystem(d));
	COPY(ret->path, udev_device_get_devpath(d));
	COPY(ret->driver, udev_device_get_property_value(d, "DRIVER"));
	COPY(ret->name, udev_device_get_sysname(d));
	COPY(ret->old_path, udev_device_get_property_value(d, "DEVPATH_OLD"));
	COPY(ret->error, udev_device_get_property_value(d, "ERROR_EVENT"));
	ifindex = udev_device_get_property_value(d, "IFINDEX");
	if (ifindex && parse_u32(ifindex, &number) == 0 && number <= INT32_MAX)
		ret->ifindex = (int)number;
	udev_device_unref(d);
	return 1;
}

/* One message may tell of several interfaces; of one it may do so several times. */
static void remember_link(struct events *e, int ifindex)
{
	for (size_t i = 0; i < e->n_links; i++)
		if (e->links[i] == ifindex)
			return;
	if (e->n_links < LINKS_MAX)
		e->links[e->n_links++] = ifindex;
}

static int take_link(struct events *e, struct host_event *ret)
{
	char buf[32768] __attribute__((aligned(NLMSG_ALIGNTO)));
	ssize_t n = recv(e->link, buf, sizeof(buf), MSG_DONTWAIT);
	size_t left = n > 0 ? (size_t)n : 0;

	if (n < 0 && errno == ENOBUFS) {
		*ret = (struct host_event) { .source = HOST_EVENT_LOST };
		return 1;
	}
	for (struct nlmsghdr *m = (struct nlmsghdr *)(void *)buf; NLMSG_OK(m, left);
		m = NLMSG_NEXT(m, left)) {
		const struct ifinfomsg *info = NLMSG_DATA(m);

		if ((m->nlmsg_type == RTM_NEWLINK || m->nlmsg_type == RTM_DELLINK) &&
			m->nlmsg_len >= NLMSG_LENGTH(sizeof(*info)) && info->ifi_index > 0)
			remember_link(e, info->ifi_index);
	}
	return 0;
}

static int tell_link(struct events *e, struct host_event *ret)
{
	if (!e->n_links)
		return 0;
	*ret = (struct host_event) { .source = HOST_EVENT_LINK, .ifindex = e->links[0] };
	memmove(e->links, e->links + 1, --e->n_links * sizeof(e->links[0]));
	return 1;
}

/* 1, 0 timeout, -ECANCELED, or -EINTR: nothing for us, poll again. */
static int wait_once(struct events *e, int timeout_ms, const struct pollfd *wake, size_t n,
	struct host_event *ret)
{
	struct pollfd fds[SOURCES + MAX_WAKE] = {
		{ .fd = udev_monitor_get_fd(e->kernel), .events = POLLIN },
		{ .fd = udev_monitor_get_fd(e->rules), .events = POLLIN },
		{ .fd = e->link, .events = POLLIN },
	};
	int r;

	n = MIN(n, (size_t)MAX_WAKE);
	for (size_t i = 0; i < n; i++)
		fds[SOURCES + i] = wake[i];
	r = poll(fds, SOURCES + n, timeout_ms);
	if (r <= 0)
		return r < 0 ? -errno : 0;
	if (fds[0].revents && take_uevent(e->kernel, HOST_EVENT_KERNEL, ret))
		return 1;
	if (fds[1].revents && take_uevent(e->rules, HOST_EVENT_UDEV, ret))
		return 1;
	if (fds[2].revents && (take_link(e, ret) || tell_link(e, ret)))
		return 1;
	for (size_t i = 0; i < n; i++)
		if (fds[SOURCES + i].revents)
			return -ECANCELED;
	return -EINTR;
}

static int events_next(struct host *h, struct events *e, int timeout_ms, const struct pollfd *wake,
	size_t n, struct host_event *ret)
{
	uint64_t end = host_now_ms(h) + (timeout_ms > 0 ? (uint64_t)timeout_ms : 0);
	int r;

	if (tell_link(e, ret))
		return 1;
	do {
		uint64_t now = host_now_ms(h);
		int left = timeout_ms < 0 ? -1 : now < end ? (int)(end - now) : 0;

		r = wait_once(e, left, wake, n, ret);
	} while (r == -EINTR);
	return r;
}

static size_t events_fds(const struct events *e, int ret[EVENT_FDS_MAX])
{
	ret[0] = udev_monitor_get_fd(e->kernel);
	ret[1] = udev_monitor_get_fd(e->rules);
	ret[2] = e->link;
	return SOURCES;
}

const struct events_ops events_live_ops = {
	.open = events_open,
	.next = events_next,
	.close = events_close,
	.fds = events_fds,
};
