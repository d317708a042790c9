/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Talking to a running guest's VMM through the socket that it was passed. */
#include "control.h"

#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static void talk(pid_t vmm)
{
	int fd = caller(), other = caller();
	struct json_object *j = ask(fd, "{\"cmd\":\"status\"}\n"), *list;

	assert_true(is_ok(j));
	assert_string_equal(str(j, "name"), "test");
	assert_int_equal(json_object_get_int(json_object_object_get(j, "pid")), vmm);
	list = json_object_object_get(j, "devices");
	assert_int_equal(json_object_array_length(list), 1);
	assert_string_equal(str(json_object_array_get_idx(list, 0), "name"), "virtio-rng0");
	json_object_put(j);
	j = ask(other, "{\"cmd\":\"stats\"}\n");
	assert_string_equal(str(j, "reason"), "running");
	assert_null(str(j, "status"));
	assert_non_null(json_object_object_get(j, "cpus"));
	json_object_put(j);
	j = ask(fd, "{\"cmd\":\"container\"}\n");
	assert_true(is_ok(j));
	assert_false(json_object_get_boolean(json_object_object_get(j, "container")));
	json_object_put(j);
	expect_refusal(fd, "hello\n", "usage");
	expect_refusal(fd, "{\"cmd\":\"dance\"}\n", "usage");
	expect_refusal(fd, "{\"name\":\"x\"}\n", "usage");
	expect_refusal(fd, "{\"cmd\":\"detach\",\"name\":\"0000:01:00.0\"}\n", "not-found");
	expect_refusal(fd, "{\"cmd\":\"detach\",\"name\":\"virtio-rng0\"}\n", "not-found");
	expect_refusal(fd, "{\"cmd\":\"attach\",\"name\":\"0000:01:00.0\"}\n", "usage");
	expect_refusal(fd, "{\"cmd\":\"stop\",\"force\":7}\n", "usage");
	close(other);
}

static unsigned fds_of(pid_t vmm)
{
	char name[64];
	unsigned n = 0;

	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "/proc/%d/fd/%d", (int)vmm, i);
		n += access(name, F_OK) == 0;
	}
	return n;
}

/* It answers first and closes then. */
static bool has_fds_soon(pid_t vmm, unsigned n)
{
	const struct timespec step = { .tv_nsec = 10 * 1000000L };

	for (int i = 0; i < 500 && fds_of(vmm) != n; i++)
		nanosleep(&step, NULL);
	return fds_of(vmm) == n;
}

/* Descriptors that are nothing of the kind: refused, and closed. */
static void send_nonsense(pid_t vmm)
{
	int fd = caller(), many[16];
	unsigned before;

	expect_refusal(fd, "{}\n", "usage");
	before = fds_of(vmm);
	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (size_t n = 1; n <= ARRAY_SIZE(many); n++) {
		struct json_object *j;

		send_fds(fd, "{\"cmd\":\"attach\",\"name\":\"0000:01:00.0\"}\n", many, n);
		j = hear(fd);
		assert_false(is_ok(j));
		json_object_put(j);
		assert_true(has_fds_soon(vmm, before));
	}
	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		close(many[i]);
}

/* Who says too much, or hangs up in the middle. */
static void babble(void)
{
	char dots[8192];
	int fd = caller();
	char c;

	memset(dots, '.', sizeof(dots));
	assert_true(write(fd, dots, sizeof(dots)) > 0);
	while (read(fd, &c, 1) == 1)
		; /* told so, and cut off */
	close(fd);
	fd = caller();
	assert_true(write(fd, "{\"cmd\":", 7) == 7);
	close(fd);
}

static void interview(pid_t vmm)
{
	int fd;

	talk(vmm);
	send_nonsense(vmm);
	babble();
	talk(vmm);
	fd = caller();
	expect_ok(fd, "{\"cmd\":\"stop\"}\n");
	close(fd);
}

static void the_socket_answers_and_presses_the_button(void **state UNUSED)
{
	char control[16];
	struct vm_setup s = { .append = "test=button",
		.rng = true,
		.extra = { "--control", control },
		.when = "ok waiting",
		.then = interview };
	struct vm_result r;
	int fd = listener();

	snprintf(control, sizeof(control), "%d", fd);
	vm_run(&s, &r);
	vm_assert_good(&r);
	vm_result_done(&r);
	close(fd);
	unlink(path);
}

static bool become_nobody(void)
{
	return geteuid() != 0 || (setgroups(0, NULL) == 0 && setresgid(65534, 65534, 65534) == 0 &&
					 setresuid(65534, 65534, 65534) == 0);
}

/* In name spaces of its own a VMM knows nobody by his number, and answers all the same. */
static void a_plain_users_vmm_answers(void **state UNUSED)
{
	char control[16];
	struct vm_setup s = { .append = "test=button",
		.rng = true,
		.extra = { "--control", control, "-v" },
		.before_exec = become_nobody,
		.when = "ok waiting",
		.then = interview };
	struct json_object *sandbox;
	struct vm_result r;
	int fd = listener();

	snprintf(control, sizeof(control), "%d", fd);
	vm_run(&s, &r);
	vm_assert_good(&r);
	sandbox = json_object_object_get(r.report, "sandbox");
	if (!VM_RELAXED && !*str(sandbox, "without"))
		assert_string_equal(str(sandbox, "namespaces"), "user mount net ipc uts cgroup");
	vm_result_done(&r);
	close(fd);
	unlink(path);
}

static void stop_by_force(pid_t vmm UNUSED)
{
	int fd = caller();

	expect_ok(fd, "{\"cmd\":\"stop\",\"force\":true}\n");
	close(fd);
}

static void force_needs_no_guest(void **state UNUSED)
{
	char control[16];
	struct vm_setup s = { .append = "test=spin",
		.extra = { "--control", control },
		.when = "ok spinning",
		.then = stop_by_force };
	struct vm_result r;
	int fd = listener();

	snprintf(control, sizeof(control), "%d", fd);
	vm_run(&s, &r);
	vm_assert_ended(&r, 11, "stopped");
	vm_result_done(&r);
	close(fd);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_socket_answers_and_presses_the_button),
		cmocka_unit_test(force_needs_no_guest),
		cmocka_unit_test(a_plain_users_vmm_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
