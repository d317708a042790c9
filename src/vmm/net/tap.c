// SPDX-License-Identifier: GPL-2.0-or-later
#include "tap.h"
#include "host/host.h"
#include "vmm/count/syscalls.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_ether.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>

struct tap {
	struct host *host;
	int fd;
	char name[IFNAMSIZ];
};

static int no_tap(struct problem **reterr, int code, const char *why)
{
	return problem(reterr, code, PROBLEM_USAGE,
		"open /dev/net/tun and attach with IFF_TAP | IFF_NO_PI | IFF_VNET_HDR",
		"the network descriptor is not a usable tap: %s", why);
}

static int check_kind(struct tap *t, struct problem **reterr)
{
	struct ifreq ifr = { 0 };
	int r = host_ioctl(t->host, t->fd, TUNGETIFF, &ifr);

	if (r < 0)
		return no_tap(reterr, r, strerror(-r));
	if (!(ifr.ifr_flags & IFF_TAP))
		return no_tap(reterr, -EINVAL, "it is a tun, without Ethernet headers");
	if (!(ifr.ifr_flags & IFF_NO_PI))
		return no_tap(reterr, -EINVAL, "it adds packet information (no IFF_NO_PI)");
	if (!(ifr.ifr_flags & IFF_VNET_HDR))
		return no_tap(reterr, -EINVAL, "it has no virtio-net header (no IFF_VNET_HDR)");
	memcpy(t->name, ifr.ifr_name, sizeof(t->name) - 1);
	return 0;
}

static int prepare(struct tap *t, struct problem **reterr)
{
	int flags = fcntl(t->fd, F_GETFL), size = TAP_HEADER_BYTES, r;

	if (flags < 0 || fcntl(t->fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return no_tap(reterr, -errno, strerror(errno));
	r = check_kind(t, reterr);
	if (r < 0)
		return r;
	r = host_ioctl(t->host, t->fd, TUNSETVNETHDRSZ, &size);
	if (r < 0)
		return no_tap(reterr, r, "it refuses a 12-byte virtio-net header");
	/* A guest that was here before may have left offloads that the next one cannot take. */
	tap_set_offload(t, 0);
	return 0;
}

int tap_new(struct host *h, int fd, struct tap **ret, struct problem **reterr)
{
	struct tap *t = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "no memory for a tap");
	t->host = h;
	t->fd = fd;
	r = prepare(t, reterr);
	if (r < 0) {
		free(t);
		return r;
	}
	*ret = t;
	return 0;
}

void tap_free(struct tap *t)
{
	if (!t)
		return;
	tap_set_offload(t, 0);
	free(t);
}

int tap_fd(const struct tap *t)
{
	return t->fd;
}

const char *tap_name(const struct tap *t)
{
	return t->name;
}

int tap_set_offload(struct tap *t, unsigned flags)
{
	/* TUNSETOFFLOAD takes its argument by value. */
	int r = host_ioctl(t->host, t->fd, TUNSETOFFLOAD, (void *)(uintptr_t)flags);

	return r < 0 ? r : 0;
}

int tap_set_queue(struct tap *t, bool on)
{
	struct ifreq ifr = { .ifr_flags = on ? IFF_ATTACH_QUEUE : IFF_DETACH_QUEUE };
	int r = host_ioctl(t->host, t->fd, TUNSETQUEUE, &ifr);

	return r < 0 ? r : 0;
}

int tap_set_filter(struct tap *t, const struct mac *v, unsigned n, bool allmulti)
{
	_Alignas(struct tun_filter)
		uint8_t space[sizeof(struct tun_filter) + TAP_FILTER_MAX * ETH_ALEN] = { 0 };
	struct tun_filter *filter = (void *)space;
	int r;

	if (n > TAP_FILTER_MAX)
		return -E2BIG;
	filter->flags = allmulti ? TUN_FLT_ALLMULTI : 0;
	filter->count = (uint16_t)n;
	for (unsigned i = 0; i < n; i++)
		memcpy(space + sizeof(*filter) + (size_t)i * ETH_ALEN, v[i].b, ETH_ALEN);
	r = host_ioctl(t->host, t->fd, TUNSETTXFILTER, filter);
	return r < 0 ? r : 0;
}

ssize_t tap_read(struct tap *t, const struct iovec *v, unsigned n)
{
	ssize_t r;

	do {
		syscalls_count(1);
		r = readv(t->fd, v, (int)n);
	} while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r;
}

ssize_t tap_write(struct tap *t, const struct iovec *v, unsigned n)
{
	ssize_t r;

	do {
		syscalls_count(1);
		r = writev(t->fd, v, (int)n);
	} while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r;
}
