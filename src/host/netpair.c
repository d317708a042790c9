// SPDX-License-Identifier: GPL-2.0-or-later
#include "netpair.h"

#include "base/attr.h"
#include "base/thread.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static const char name[] = "bench0";

/* IPv6 would greet its neighbours; an older kernel's own will is no reason to fail. */
static void be_quiet(void)
{
	autoclose int fd =
		open("/proc/sys/net/ipv6/conf/default/disable_ipv6", O_WRONLY | O_CLOEXEC);

	if (fd >= 0)
		(void)!write(fd, "1", 1);
}

static int open_tap(void)
{
	struct ifreq r = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	autoclose int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	memcpy(r.ifr_name, name, sizeof(name));
	if (fd < 0 || ioctl(fd, TUNSETIFF, &r) < 0)
		return -errno;
	return TAKE_FD(fd);
}

static int set_up(void)
{
	autoclose int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq r = { 0 };

	memcpy(r.ifr_name, name, sizeof(name));
	if (sock < 0 || ioctl(sock, SIOCGIFFLAGS, &r) < 0)
		return -errno;
	r.ifr_flags = (short)(r.ifr_flags | IFF_UP);
	return ioctl(sock, SIOCSIFFLAGS, &r) < 0 ? -errno : 0;
}

int netpair_open_peer(uint16_t ethertype, const char *interface)
{
	autoclose int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	struct sockaddr_ll at = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ethertype),
		.sll_ifindex = (int)if_nametoindex(interface),
	};
	int size = 16 << 20;

	if (fd < 0 || !at.sll_ifindex)
		return -errno;
	/* Only root may have that much; what is lost for want of it is counted (tp_drops). */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (bind(fd, (const void *)&at, sizeof(at)) < 0)
		return -errno;
	return TAKE_FD(fd);
}

static int open_own(void)
{
	int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

struct job {
	uint16_t ethertype;
	struct netpair pair;
	int r;
};

/* The name space is this thread's, and ends with it but for what was opened in it. */
static void *make(void *arg)
{
	struct job *j = arg;

	j->r = unshare(CLONE_NEWNET) < 0 ? -errno : 0;
	if (j->r == 0) {
		be_quiet();
		j->r = j->pair.tap = open_tap();
	}
	if (j->r >= 0)
		j->r = set_up();
	if (j->r >= 0)
		j->r = j->pair.ns = open_own();
	if (j->r >= 0)
		j->r = j->pair.peer = netpair_open_peer(j->ethertype, name);
	return NULL;
}

int netpair_new(uint16_t ethertype, struct netpair *ret)
{
	struct job j = { .ethertype = ethertype, .pair = NETPAIR_NONE };
	pthread_t t;
	int r = thread_start(&t, "netpair", make, &j);

	if (r < 0)
		return r;
	pthread_join(t, NULL);
	if (j.r < 0) {
		netpair_done(&j.pair);
		return j.r;
	}
	*ret = j.pair;
	return 0;
}

int netpair_enter(const struct netpair *p)
{
	return setns(p->ns, CLONE_NEWNET) < 0 ? -errno : 0;
}

void netpair_done(struct netpair *p)
{
	closep_(&p->tap);
	closep_(&p->ns);
	closep_(&p->peer);
	*p = NETPAIR_NONE;
}
