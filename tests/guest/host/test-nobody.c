/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The VMM as nobody, who has no capability and to whom no device node, no /sys and no /proc can be
 * seen: all that it works with was handed over. And what is not what it is handed over for is
 * refused.
 */
#include "vm.h"

#include "base/attr.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { NOBODY = 65534, DISK_BYTES = 1 << 20 };

/* The run time of a sanitizer wants to see what is mapped. clang tells of it otherwise than gcc. */
#ifdef __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED
#endif
#ifdef SANITIZED
enum { HIDES_PROC = 0 };
#else
enum { HIDES_PROC = 1 };
#endif

static bool hide(const char *folder)
{
	return mount("none", folder, "tmpfs", 0, "size=0,mode=755") == 0;
}

/*
 * In the child, before it becomes the VMM; libraries stay where they are. Of a plain user's run it
 * is as nobody already, see own_network(), and what he may do there goes with the exec.
 */
static bool become_nobody(void)
{
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return false;
	if (!hide("/dev") || !hide("/sys") || (HIDES_PROC && !hide("/proc")))
		return false;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return false;
	return geteuid() != 0 ||
	       (setgroups(0, NULL) == 0 && setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
		       setresuid(NOBODY, NOBODY, NOBODY) == 0);
}

static void assert_line(const char *status, const char *line)
{
	if (!strstr(status, line))
		fail_msg("\"%s\" is not in\n%s", line, status);
}

/* While the guest runs: what the kernel says of its VMM. */
static void look_at(pid_t vmm)
{
	char path[64], status[4096] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)vmm);
	f = fopen(path, "re");
	assert_non_null(f);
	assert_true(fread(status, 1, sizeof(status) - 1, f) > 0);
	fclose(f);
	assert_line(status, "Uid:\t65534\t65534\t65534\t65534\n");
	assert_line(status, "Gid:\t65534\t65534\t65534\t65534\n");
	assert_line(status, "CapPrm:\t0000000000000000\n");
	assert_line(status, "CapEff:\t0000000000000000\n");
	assert_line(status, "CapAmb:\t0000000000000000\n");
	assert_line(status, "NoNewPrivs:\t1\n");
	assert_line(status, VM_RELAXED ? "Seccomp:\t0\n" : "Seccomp:\t2\n");
}

static void look_and_end(pid_t vmm)
{
	look_at(vmm);
	kill(vmm, SIGTERM);
}

/* Where taps are ours. In a user namespace without a map everybody is nobody. */
static int own_network(void **state UNUSED)
{
	return unshare(CLONE_NEWNET) && unshare(CLONE_NEWUSER | CLONE_NEWNET);
}

static int new_tap(void)
{
	struct ifreq r = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	int fd = open("/dev/net/tun", O_RDWR);

	if (fd < 0 || ioctl(fd, TUNSETIFF, &r))
		fail_msg("no tap to be had: %s", strerror(errno));
	return fd;
}

static void nobody_runs_a_guest(void **state UNUSED)
{
	struct vm_setup s = { .append = "test=spin",
		.rng = true,
		.before_exec = become_nobody,
		.when = "ok spinning",
		.then = look_and_end };
	struct vm_result r;

	s.disks[0].fd = vm_file(NULL, DISK_BYTES);
	s.net = new_tap();
	vm_run(&s, &r);
	vm_assert_ended(&r, 11, "stopped");
	vm_result_done(&r);
	close(s.disks[0].fd);
	close(s.net);
}

/* All devices at work: the same guests that a privileged VMM serves. */
static void nobody_serves_all_devices(void **state UNUSED)
{
	static const char *const tests[] = { "test=boot", "test=pci", "test=rng", "test=blk_cost" };

	for (size_t i = 0; i < ARRAY_SIZE(tests); i++) {
		struct vm_setup s = {
			.append = tests[i], .rng = true, .before_exec = become_nobody
		};
		struct vm_result r;

		s.disks[0].fd = vm_file(NULL, DISK_BYTES);
		vm_run(&s, &r);
		vm_assert_good(&r);
		vm_result_done(&r);
		close(s.disks[0].fd);
	}
}

/* Refused with a reason, before the guest runs; `fd` is closed. */
static void refuses(const char *option, const char *fmt, int fd, const char *why)
{
	struct vm_setup s = { .append = "test=hello", .before_exec = become_nobody };
	char value[80];
	struct vm_result r;

	assert_true(fd >= 0);
	snprintf(value, sizeof(value), "%s", fmt);
	for (char *at; (at = strchr(value, '#'));)
		*at = (char)('0' + fd);
	assert_true(fd < 10);
	s.extra[0] = option;
	s.extra[1] = value;
	vm_run(&s, &r);
	if (r.status == 0 || r.timed_out || !strstr(r.errors, why) || strstr(r.console, "ok"))
		fail_msg("%s %s: status %d, \"%s\" does not say \"%s\"", option, value, r.status,
			r.errors, why);
	vm_result_done(&r);
	close(fd);
}

static int null_device(void)
{
	return open("/dev/null", O_RDWR);
}

/* Its other end stays open: a read would wait for ever. */
static int a_pipe(void)
{
	static int ends[2];

	if (ends[1])
		close(ends[1]);
	return pipe(ends) == 0 ? ends[0] : -1;
}

static void what_it_is_not_is_refused(void **state UNUSED)
{
	static char text[4096] = "no kernel";

	refuses("--kvm", "#", null_device(), "is not KVM");
	refuses("--kvm", "#", vm_file(text, sizeof(text)), "is not KVM");
	refuses("--kernel", "#", null_device(), "kernel");
	refuses("--kernel", "#", a_pipe(), "kernel");
	refuses("--kernel", "#", vm_file(text, sizeof(text)), "kernel");
	refuses("--initrd", "#", a_pipe(), "initrd");
	refuses("--disk", "fd=#", null_device(), "neither a file nor a block device");
	refuses("--disk", "fd=#", a_pipe(), "not open for writing");
	refuses("--disk", "fd=#", open("/", O_RDONLY | O_DIRECTORY), "not open for writing");
	refuses("--disk", "fd=#,ro", open("/", O_RDONLY | O_DIRECTORY), "a directory");
	refuses("--net", "fd=#", null_device(), "not a usable tap");
	refuses("--net", "fd=#", open("/dev/net/tun", O_RDWR), "not a usable tap");
	refuses("--vfio", "container=#,device=#,name=x", null_device(), "container");
	refuses("--vfio", "container=#,group=#,device=#,name=x", vm_file(text, sizeof(text)),
		"container");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_runs_a_guest),
		cmocka_unit_test(nobody_serves_all_devices),
		cmocka_unit_test(what_it_is_not_is_refused),
	};

	return cmocka_run_group_tests(tests, own_network, NULL);
}
