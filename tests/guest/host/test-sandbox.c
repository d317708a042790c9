/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The VMM as it runs is locked up, all its threads, and says so; the other tests here run guests of
 * all kinds in that sandbox. What is denied is for the unit test of the room to try.
 */
#include "vm.h"

#include "base/attr.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { STRAY = 200, DISK_BYTES = 1 << 20 };

static void read_file(const char *path, char *buf, size_t size)
{
	FILE *f = fopen(path, "re");
	size_t n;

	assert_non_null(f);
	n = fread(buf, 1, size - 1, f);
	fclose(f);
	assert_true(n > 0);
	buf[n] = '\0';
}

static uint64_t number_in(const char *status, const char *key)
{
	const char *at = strstr(status, key);

	if (!at)
		fail_msg("no \"%s\" in\n%s", key, status);
	return strtoull(at + strlen(key), NULL, 10);
}

static void assert_in(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in\n%s", part, text);
}

static unsigned threads_seen;

/* The main thread's filter, and one of its own for each other. */
static void assert_thread_confined(pid_t vmm, const char *tid)
{
	char path[80], status[4096];
	bool main_thread = strtol(tid, NULL, 10) == vmm;

	snprintf(path, sizeof(path), "/proc/%d/task/%s/status", (int)vmm, tid);
	/* One that has only just begun has not come to its own filter yet. */
	for (unsigned tries = 0; tries < 200; tries++) {
		read_file(path, status, sizeof(status));
		/* The kernel has workers of its own among the threads: KVM's since Linux 6.14,
		 * io_uring's. */
		if (strstr(status, "Name:\tkvm-") || strstr(status, "Name:\tiou-"))
			return;
		if (main_thread || VM_RELAXED || number_in(status, "\nSeccomp_filters:\t") > 1)
			break;
		usleep(10000);
	}
	threads_seen++;
	assert_int_equal(number_in(status, "\nNoNewPrivs:\t"), 1);
	/* But to pin memory, CAP_IPC_LOCK, where the limit of it cannot be raised. */
	if (!strstr(status, "CapPrm:\t0000000000004000\n"))
		assert_in(status, "CapPrm:\t0000000000000000\n");
	assert_in(status, "CapBnd:\t0000000000000000\n");
	if (VM_RELAXED)
		return;
	assert_int_equal(number_in(status, "\nSeccomp:\t"), 2);
	assert_int_equal(number_in(status, "\nSeccomp_filters:\t"), main_thread ? 1 : 2);
	assert_in(status, main_thread ? "Name:\tvfctl-vmm" : "Name:\t");
	if (!main_thread && !strstr(status, "Name:\tcpu") && !strstr(status, "Name:\tvirtio-"))
		fail_msg("a thread of an unknown kind:\n%s", status);
}

static unsigned each_in(pid_t vmm, const char *folder, void (*check)(pid_t vmm, const char *name))
{
	char path[64];
	unsigned n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)vmm, folder);
	d = opendir(path);
	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d));) {
		if (e->d_name[0] == '.')
			continue;
		n++;
		if (check)
			check(vmm, e->d_name);
	}
	closedir(d);
	return n;
}

static void look_at(pid_t vmm)
{
	char path[64];

	threads_seen = 0;
	each_in(vmm, "task", assert_thread_confined);
	/* The thread sanitizer has one of its own. */
	assert_in_range(threads_seen, 1 + 2 + 2, 1 + 2 + 2 + VM_RELAXED);
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)vmm, STRAY);
	if (geteuid() == 0) {
		assert_int_equal(access(path, F_OK), -1);
		if (!VM_RELAXED)
			assert_int_equal(each_in(vmm, "root", NULL), 0);
	} else if (!VM_RELAXED) {
		/* Of the same user, and yet not his to look into. */
		assert_int_equal(open(path, O_RDONLY), -1);
	}
	kill(vmm, SIGTERM);
}

static void every_thread_is_confined(void **state UNUSED)
{
	struct vm_setup s = { .append = "test=spin",
		.cpus = 2,
		.rng = true,
		.when = "ok spinning",
		.then = look_at };
	int stray = open("/", O_RDONLY | O_DIRECTORY);
	struct vm_result r;

	/* Nobody said that it is the VMM's. */
	assert_int_equal(dup2(stray, STRAY), STRAY);
	s.disks[0].fd = vm_file(NULL, DISK_BYTES);
	vm_run(&s, &r);
	vm_assert_ended(&r, 11, "stopped");
	vm_result_done(&r);
	close(s.disks[0].fd);
	close(stray);
	close(STRAY);
}

static struct json_object *member(struct json_object *o, const char *key)
{
	struct json_object *v = NULL;

	if (!json_object_object_get_ex(o, key, &v))
		fail_msg("the report has no %s", key);
	return v;
}

static void runs(const char *option, const char *mode, bool confined, const char *word)
{
	struct vm_setup s = { .append = "test=hello", .extra = { "-v", "--sandbox", option } };
	struct json_object *sandbox;
	struct vm_result r;

	vm_run(&s, &r);
	vm_assert_good(&r);
	assert_in(r.errors, word);
	sandbox = member(r.report, "sandbox");
	assert_string_equal(json_object_get_string(member(sandbox, "mode")), mode);
	assert_int_equal(
		json_object_get_int(member(member(sandbox, "seccomp"), "cpu")) > 0, confined);
	vm_result_done(&r);
}

static void what_was_applied_is_told(void **state UNUSED)
{
	runs("on", "on", !VM_RELAXED, "no capabilities");
	runs("log", "log", !VM_RELAXED, "the sandbox only logs");
	runs("off", "off", false, "the sandbox is off");
}

/* Also when nobody asked for details; but of the usual nothing is said. */
static void to_go_without_is_loud(void **state UNUSED)
{
	struct vm_setup s = { .append = "test=hello", .extra = { "--sandbox=off" } };
	struct vm_result r;

	vm_run(&s, &r);
	assert_in(r.errors, "the sandbox is off");
	vm_result_done(&r);
	s.extra[0] = NULL;
	vm_run(&s, &r);
	assert_string_equal(r.errors, "");
	vm_result_done(&r);
	s.extra[0] = "--sandbox=perhaps";
	vm_run(&s, &r);
	assert_int_equal(r.status, 2);
	assert_in(r.errors, "on, log or off");
	vm_result_done(&r);
}

/* Where the CPU does the device's work it needs the device's calls, at each life anew. */
static void cpus_may_work_for_devices(void **state UNUSED)
{
	struct vm_setup s = { .append = "test=reboot boots=3" };
	struct vm_result r;

	s.disks[0] = (struct vm_disk) { vm_file(NULL, DISK_BYTES), ",ioeventfd=off" };
	vm_run(&s, &r);
	vm_assert_good(&r);
	assert_int_equal(vm_report(&r, "reboots"), 2);
	vm_result_done(&r);
	close(s.disks[0].fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_thread_is_confined),
		cmocka_unit_test(what_was_applied_is_told),
		cmocka_unit_test(to_go_without_is_loud),
		cmocka_unit_test(cpus_may_work_for_devices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
