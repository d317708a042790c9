/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virtio-net over a tap, the host's IP stack at its other end, in a network namespace of our own.
 */
#include "vm.h"

#include "base/attr.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static void own_network(void)
{
	if (unshare(CLONE_NEWNET) && unshare(CLONE_NEWUSER | CLONE_NEWNET))
		fail_msg("no network namespace to be had: %s", strerror(errno));
}

static void set_address(int sock, const char *name, unsigned long request, const char *ip)
{
	struct ifreq r = { 0 };
	struct sockaddr_in *in = (void *)&r.ifr_addr;

	strcpy(r.ifr_name, name);
	in->sin_family = AF_INET;
	assert_int_equal(inet_pton(AF_INET, ip, &in->sin_addr), 1);
	assert_int_equal(ioctl(sock, request, &r), 0);
}

static void bring_up(const char *name)
{
	autoclose int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq r = { 0 };

	assert_true(sock >= 0);
	set_address(sock, name, SIOCSIFADDR, "192.168.77.1");
	set_address(sock, name, SIOCSIFNETMASK, "255.255.255.0");
	strcpy(r.ifr_name, name);
	assert_int_equal(ioctl(sock, SIOCGIFFLAGS, &r), 0);
	r.ifr_flags |= IFF_UP;
	assert_int_equal(ioctl(sock, SIOCSIFFLAGS, &r), 0);
}

static int new_tap(void)
{
	struct ifreq r = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	int fd = open("/dev/net/tun", O_RDWR);

	if (fd < 0)
		fail_msg("cannot open /dev/net/tun: %s", strerror(errno));
	strcpy(r.ifr_name, "test%d");
	if (ioctl(fd, TUNSETIFF, &r))
		fail_msg("TUNSETIFF: %s", strerror(errno));
	bring_up(r.ifr_name);
	return fd;
}

static void pings(const char *append, struct vm_result *r)
{
	struct vm_setup s = {
		.append = append,
		.net_options = ",mac=02:00:00:12:34:56",
		.limit_s = 90,
	};

	s.net = new_tap();
	vm_run(&s, r);
	vm_assert_good(r);
	close(s.net);
}

/* What was sent is counted on both sides of the ring. */
static void answers_pings(void **state UNUSED)
{
	struct vm_result r;

	pings("test=net mac=020000123456 pings=200", &r);
	assert_int_equal(
		vm_report(&r, "devices/virtio-net0/queue1-requests"), vm_count(&r, "frames_sent"));
	assert_int_equal(vm_report(&r, "devices/virtio-net0/queue1-injections"),
		vm_count(&r, "tx_interrupts"));
	vm_result_done(&r);
}

static void answers_pings_with_event_idx(void **state UNUSED)
{
	struct vm_result r;

	pings("test=net mac=020000123456 pings=200 event_idx=1", &r);
	vm_result_done(&r);
}

static void answers_pings_on_packed_rings(void **state UNUSED)
{
	struct vm_result r;

	pings("test=net mac=020000123456 pings=200 packed=1", &r);
	assert_int_equal(
		vm_report(&r, "devices/virtio-net0/queue1-requests"), vm_count(&r, "frames_sent"));
	vm_result_done(&r);
	pings("test=net mac=020000123456 pings=200 packed=1 event_idx=1 in_order=1", &r);
	assert_int_equal(vm_report(&r, "devices/virtio-net0/queue1-injections"),
		vm_count(&r, "tx_interrupts"));
	vm_result_done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_pings),
		cmocka_unit_test(answers_pings_with_event_idx),
		cmocka_unit_test(answers_pings_on_packed_rings),
	};

	own_network();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
