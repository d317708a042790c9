/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every way in which a guest ends has an exit status and a reason of its own. */
#include "vm.h"

#include "base/attr.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void ends(const char *append, const char *extra, int status, const char *reason)
{
	struct vm_setup s = { .append = append, .extra = { extra } };
	struct vm_result r;

	vm_run(&s, &r);
	vm_assert_ended(&r, status, reason);
	assert_null(strstr(r.console, "not ok"));
	vm_result_done(&r);
}

static void power_off(void **state UNUSED)
{
	ends("test=hello", NULL, 0, "power-off");
}

static void reset(void **state UNUSED)
{
	ends("test=reset", "--no-reboot", 10, "reboot");
}

static void keyboard_reset(void **state UNUSED)
{
	ends("test=keyboard_reset", "--no-reboot", 10, "reboot");
}

static void triple_fault(void **state UNUSED)
{
	ends("test=triple_fault", NULL, 20, "crashed");
}

static void internal_error(void **state UNUSED)
{
	struct vm_setup s = { .append = "test=internal_error" };
	struct vm_result r;

	vm_run(&s, &r);
	vm_assert_ended(&r, 21, "internal-error");
	/* Whoever has to find out why needs the place. */
	assert_non_null(strstr(r.errors, "fed50000"));
	vm_result_done(&r);
}

static void terminate(pid_t vmm)
{
	kill(vmm, SIGTERM);
}

static void stopped_while_running(void **state UNUSED)
{
	struct vm_setup s = { .append = "test=spin", .when = "ok spinning", .then = terminate };
	struct vm_result r;

	vm_run(&s, &r);
	vm_assert_ended(&r, 11, "stopped");
	vm_result_done(&r);
}

static void stopped_while_halted(void **state UNUSED)
{
	struct vm_setup s = { .append = "test=halt", .when = "ok halting", .then = terminate };
	struct vm_result r;

	vm_run(&s, &r);
	vm_assert_ended(&r, 11, "stopped");
	vm_result_done(&r);
}

static int listener = -1;

static void desert(pid_t vmm UNUSED)
{
	close(listener);
}

/* However the one died who wanted to know how it ends: killed, too, or with no death signal. */
static void deserted(void **state UNUSED)
{
	struct vm_setup s = { .append = "test=halt", .when = "ok halting", .then = desert };
	char status[16];
	struct vm_result r;
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	listener = fds[0];
	assert_int_equal(fcntl(listener, F_SETFD, FD_CLOEXEC), 0);
	snprintf(status, sizeof(status), "%d", fds[1]);
	s.extra[0] = "--status";
	s.extra[1] = status;
	vm_run(&s, &r);
	assert_false(r.timed_out);
	assert_int_equal(r.status, 11);
	vm_result_done(&r);
	close(fds[1]);
}

/* The number of starts is on the disk: five, by both kinds of reset. */
static void reboots_in_place(void **state UNUSED)
{
	struct vm_setup s = { .append = "test=reboot boots=5" };
	struct vm_result r;
	uint64_t starts = 0;

	s.disks[0].fd = vm_file(NULL, 1 << 20);
	vm_run(&s, &r);
	vm_assert_good(&r);
	assert_int_equal(pread(s.disks[0].fd, &starts, 8, (1 << 20) - 512), 8);
	assert_int_equal(starts, 5);
	assert_true(vm_says(&r, "count boot 1"));
	assert_true(vm_says(&r, "count boot 4"));
	vm_result_done(&r);
	close(s.disks[0].fd);
}

/* Refused before anything runs: one line that says why, nothing on the console. */
static void refused(struct vm_setup *s, int status, const char *reason, const char *word)
{
	struct vm_result r;

	s->append = "test=hello";
	vm_run(s, &r);
	vm_assert_ended(&r, status, reason);
	assert_string_equal(r.console, "");
	if (!strcasestr(r.errors, word))
		fail_msg("'%s' does not speak of %s", r.errors, word);
	vm_result_done(&r);
}

static void not_a_kernel(void **state UNUSED)
{
	static const char text[8192] = "This is a text of some length, no kernel.";
	struct vm_setup s = { .kernel = vm_file(text, sizeof(text)) };

	refused(&s, 1, "failed", "kernel");
	close(s.kernel);
}

static void half_a_kernel(void **state UNUSED)
{
	static uint8_t start[4096];
	struct vm_setup s = { 0 };
	FILE *f = fopen(GUEST_IMAGE, "rb");

	assert_non_null(f);
	assert_int_equal(fread(start, 1, sizeof(start), f), sizeof(start));
	fclose(f);
	s.kernel = vm_file(start, sizeof(start));
	refused(&s, 1, "failed", "kernel");
	close(s.kernel);
}

static void empty_kernel(void **state UNUSED)
{
	struct vm_setup s = { .kernel = vm_file("", 0) };

	refused(&s, 1, "failed", "kernel");
	close(s.kernel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(power_off),
		cmocka_unit_test(reset),
		cmocka_unit_test(keyboard_reset),
		cmocka_unit_test(triple_fault),
		cmocka_unit_test(internal_error),
		cmocka_unit_test(stopped_while_running),
		cmocka_unit_test(stopped_while_halted),
		cmocka_unit_test(deserted),
		cmocka_unit_test(reboots_in_place),
		cmocka_unit_test(not_a_kernel),
		cmocka_unit_test(half_a_kernel),
		cmocka_unit_test(empty_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
