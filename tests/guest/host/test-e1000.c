/* SPDX-License-Identifier: GPL-2.0-or-later */
/* e1000 over a tap, the host's IP stack at its other end, in a network namespace of our own. */
#include "vm.h"

#include "base/attr.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
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

static int new_tap(void)
{
	struct ifreq r = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	autoclose int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int fd = open("/dev/net/tun", O_RDWR);

	strcpy(r.ifr_name, "test%d");
	if (fd < 0 || ioctl(fd, TUNSETIFF, &r))
		fail_msg("no tap: %s", strerror(errno));
	set_address(sock, r.ifr_name, SIOCSIFADDR, "192.168.77.1");
	set_address(sock, r.ifr_name, SIOCSIFNETMASK, "255.255.255.0");
	assert_int_equal(ioctl(sock, SIOCGIFFLAGS, &r), 0);
	r.ifr_flags |= IFF_UP;
	assert_int_equal(ioctl(sock, SIOCSIFFLAGS, &r), 0);
	return fd;
}

static void run(const char *append, const char *options, unsigned cpus, struct vm_result *r)
{
	char text[80];
	struct vm_setup s = { .append = append, .cpus = cpus, .net_options = text };

	snprintf(text, sizeof(text), ",model=e1000,mac=02:00:00:12:34:56%s", options);
	s.net = new_tap();
	vm_run(&s, r);
	vm_assert_good(r);
	close(s.net);
}

static void talks(const char *options)
{
	struct vm_result r;

	run("test=e1000 mac=020000123456", options, 1, &r);
	assert_int_equal(
		vm_report(&r, "devices/e1000-0/queue1-requests"), vm_count(&r, "frames_sent"));
	assert_int_equal(vm_report(&r, "devices/e1000-0/tx-dropped"), 0);
	vm_result_done(&r);
}

static void answers(void **state UNUSED)
{
	talks("");
}

static void answers_by_the_cpu(void **state UNUSED)
{
	talks(",ioeventfd=off");
}

static void interrupts_with(const char *append)
{
	struct vm_result r;

	run(append, "", 1, &r);
	assert_true(vm_report(&r, "devices/e1000-0/queue0-injections") >= 50);
	vm_result_done(&r);
}

static void interrupts(void **state UNUSED)
{
	interrupts_with("test=e1000_interrupt mac=020000123456");
}

/* Not more often than every 5 ms: none is lost. */
static void throttled(void **state UNUSED)
{
	interrupts_with("test=e1000_interrupt mac=020000123456 itr=20000");
}

static uint64_t exits(unsigned frames)
{
	char append[80];
	struct vm_result r;
	uint64_t n;

	snprintf(append, sizeof(append), "test=e1000_cost frames=%u", frames);
	run(append, "", 1, &r);
	n = vm_report(&r, "devices/e1000-0/bar_reads") +
	    vm_report(&r, "devices/e1000-0/bar_writes");
	assert_int_equal(vm_report(&r, "devices/e1000-0/queue1-doorbells"), frames + 1);
	vm_result_done(&r);
	return n;
}

static void one_exit_per_frame(void **state UNUSED)
{
	assert_int_equal(exits(1100), exits(100) + 1000);
}

static void survives_noise(void **state UNUSED)
{
	struct vm_result r;

	run("test=e1000_hostile mac=020000123456", "", 2, &r);
	vm_result_done(&r);
	run("test=e1000_hostile mac=020000123456", ",ioeventfd=off", 2, &r);
	vm_result_done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers),
		cmocka_unit_test(answers_by_the_cpu),
		cmocka_unit_test(interrupts),
		cmocka_unit_test(throttled),
		cmocka_unit_test(one_exit_per_frame),
		cmocka_unit_test(survives_noise),
	};

	own_network();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
