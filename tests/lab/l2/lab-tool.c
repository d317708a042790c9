// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What guests of the lab have no program for, static.
 *
 *   lab-tool channels NETDEV [N]      so many pairs of queues are used; tells how many are
 *   lab-tool vsock-echo PORT          answers one caller with what he sends
 *   lab-tool vsock-call CID PORT      sends standard input there, prints what comes back
 *   lab-tool unix-call PATH BYTES     the same at a socket of this host, until so many have come
 */
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <linux/vm_sockets.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { CHUNK = 16384 };

static int fail(const char *what)
{
	fprintf(stderr, "lab-tool: %s: %s\n", what, strerror(errno));
	return 1;
}

static int channels(const char *netdev, const char *wanted)
{
	struct ethtool_channels c = { .cmd = ETHTOOL_GCHANNELS };
	struct ifreq ifr = { .ifr_data = (void *)&c };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	strncpy(ifr.ifr_name, netdev, sizeof(ifr.ifr_name) - 1);
	if (fd < 0 || ioctl(fd, SIOCETHTOOL, &ifr) < 0)
		return fail(netdev);
	if (wanted) {
		c.cmd = ETHTOOL_SCHANNELS;
		c.combined_count = (unsigned)strtoul(wanted, NULL, 10);
		if (ioctl(fd, SIOCETHTOOL, &ifr) < 0)
			return fail("ETHTOOL_SCHANNELS");
		c.cmd = ETHTOOL_GCHANNELS;
		if (ioctl(fd, SIOCETHTOOL, &ifr) < 0)
			return fail("ETHTOOL_GCHANNELS");
	}
	printf("%u of %u\n", c.combined_count, c.max_combined);
	return 0;
}

static int put(int fd, const char *data, size_t n)
{
	while (n) {
		ssize_t r = write(fd, data, n);

		if (r <= 0)
			return -1;
		data += r;
		n -= (size_t)r;
	}
	return 0;
}

static int echo(const char *port)
{
	struct sockaddr_vm a = { .svm_family = AF_VSOCK,
		.svm_cid = VMADDR_CID_ANY,
		.svm_port = (unsigned)strtoul(port, NULL, 10) };
	int s = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0), fd;
	static char data[CHUNK];
	ssize_t n;

	if (s < 0 || bind(s, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(s, 1) < 0)
		return fail("vsock");
	fd = accept(s, NULL, NULL);
	if (fd < 0)
		return fail("accept");
	while ((n = read(fd, data, sizeof(data))) > 0)
		if (put(fd, data, (size_t)n) < 0)
			return fail("write");
	return n < 0 ? fail("read") : 0;
}

/* Both directions at once, so that neither side waits for the other to read. */
static int converse(int fd)
{
	struct pollfd p[] = { { STDIN_FILENO, POLLIN, 0 }, { fd, POLLIN, 0 } };
	static char data[CHUNK];

	while (poll(p, 2, -1) > 0) {
		ssize_t n;

		if (p[1].revents) {
			n = read(fd, data, sizeof(data));
			if (n <= 0)
				return n < 0 ? fail("read") : 0;
			if (put(STDOUT_FILENO, data, (size_t)n) < 0)
				return fail("write");
		} else if (p[0].revents) {
			n = read(STDIN_FILENO, data, sizeof(data));
			if (n <= 0) {
				shutdown(fd, SHUT_WR);
				p[0].fd = -1;
			} else if (put(fd, data, (size_t)n) < 0) {
				return fail("send");
			}
		}
	}
	return fail("poll");
}

static int call(const char *cid, const char *port)
{
	struct sockaddr_vm a = { .svm_family = AF_VSOCK,
		.svm_cid = (unsigned)strtoul(cid, NULL, 10),
		.svm_port = (unsigned)strtoul(port, NULL, 10) };
	int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		return fail("vsock");
	return converse(fd);
}

/* Both directions at once; who listens there takes an end of ours for all of it. */
static int call_unix(const char *path, size_t wanted)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct pollfd p[] = { { STDIN_FILENO, POLLIN, 0 }, { -1, POLLIN, 0 } };
	static char data[CHUNK];
	size_t got = 0;

	strncpy(a.sun_path, path, sizeof(a.sun_path) - 1);
	p[1].fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (p[1].fd < 0 || connect(p[1].fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		return fail(path);
	while (got < wanted && poll(p, 2, -1) > 0) {
		ssize_t n;

		if (p[1].revents) {
			n = read(p[1].fd, data, sizeof(data));
			if (n <= 0 || put(STDOUT_FILENO, data, (size_t)n) < 0)
				return fail("read");
			got += (size_t)n;
		} else {
			n = read(STDIN_FILENO, data, sizeof(data));
			if (n <= 0)
				p[0].fd = -1;
			else if (put(p[1].fd, data, (size_t)n) < 0)
				return fail("send");
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 2 ? argv[1] : "";

	if (!strcmp(verb, "channels") && argc <= 4)
		return channels(argv[2], argc == 4 ? argv[3] : NULL);
	if (!strcmp(verb, "vsock-echo") && argc == 3)
		return echo(argv[2]);
	if (!strcmp(verb, "vsock-call") && argc == 4)
		return call(argv[2], argv[3]);
	if (!strcmp(verb, "unix-call") && argc == 4)
		return call_unix(argv[2], strtoul(argv[3], NULL, 10));
	fprintf(stderr, "lab-tool: see tests/lab/l2/lab-tool.c\n");
	return 2;
}
