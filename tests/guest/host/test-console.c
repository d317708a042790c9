/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virtio-console: what the guest writes comes out, what is typed comes in, and nobody waits for
 * ever. */
#include "vm.h"

#include "base/attr.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>

enum { LINE = 256, TYPED = 20000 };

static char input[8 + TYPED];

static void prepare_input(unsigned typed)
{
	strcpy(input, "hello\n");
	for (unsigned i = 0; i < typed; i++)
		input[6 + i] = (char)('a' + i % 26);
	input[6 + typed] = '\0';
}

static void assert_lines(const char *console, unsigned lines)
{
	char line[LINE + 1] = "";
	const char *at = console;

	for (unsigned i = 0; i < lines; i++) {
		for (unsigned n = 0; n < LINE - 1; n++)
			line[n] = (char)('a' + (i + n) % 26);
		line[LINE - 1] = '\n';
		at = strstr(at, line);
		if (!at)
			fail_msg("line %u did not come, or not whole", i);
		at += LINE;
	}
}

static void talk(const char *rings, unsigned lines, unsigned typed)
{
	char append[128];
	struct vm_setup s = { .append = append,
		.extra = { "--console", "virtio" },
		.when = "ready\n",
		.input = input };
	struct vm_result r;

	snprintf(append, sizeof(append), "test=console lines=%u typed=%u %s", lines, typed, rings);
	prepare_input(typed);
	vm_run(&s, &r);
	vm_assert_good(&r);
	assert_lines(r.console, lines);
	assert_int_equal(vm_report(&r, "devices/virtio-console0/queue1-requests"), lines + 1);
	/* One that comes while the one before still waits for the CPU is one with it. */
	assert_in_range(vm_count(&r, "interrupts"), 1,
		vm_report(&r, "devices/virtio-console0/queue1-injections"));
	assert_true(vm_report(&r, "devices/virtio-console0/queue0-bytes-in") >= 6 + typed);
	vm_result_done(&r);
}

static void both_ways(void **state UNUSED)
{
	talk("", 100, 0);
	talk("event_idx=1", 20, 100);
	talk("packed=1 event_idx=1 in_order=1", 20, 100);
}

/* More than the device keeps, more than a pipe holds: back pressure on either side. */
static void more_than_fits(void **state UNUSED)
{
	talk("", 2000, TYPED);
	talk("packed=1 event_idx=1", 2000, TYPED);
}

static int master, slave;

static bool on_a_terminal(void)
{
	return dup2(slave, STDIN_FILENO) == 0;
}

static void resize_and_type(pid_t vmm)
{
	struct winsize size = { .ws_col = 200, .ws_row = 60 };

	assert_int_equal(ioctl(master, TIOCSWINSZ, &size), 0);
	assert_int_equal(kill(vmm, SIGWINCH), 0);
	assert_int_equal(write(master, "hello\n", 6), 6);
}

static void knows_the_terminals_size(void **state UNUSED)
{
	struct winsize size = { .ws_col = 132, .ws_row = 43 };
	struct vm_setup s = { .append = "test=console lines=1 resized=200",
		.extra = { "--console", "virtio" },
		.when = "ready\n",
		.before_exec = on_a_terminal,
		.then = resize_and_type };
	struct vm_result r;

	master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(slave >= 0);
	assert_int_equal(ioctl(master, TIOCSWINSZ, &size), 0);
	vm_run(&s, &r);
	vm_assert_good(&r);
	assert_int_equal(vm_count(&r, "columns"), 132);
	assert_int_equal(vm_count(&r, "rows"), 43);
	vm_result_done(&r);
	close(slave);
	close(master);
}

/* Whoever read has gone: the guest goes on. */
static bool nobody_reads(void)
{
	int fds[2];

	return pipe2(fds, 0) == 0 && close(fds[0]) == 0 && dup2(fds[1], STDOUT_FILENO) == 1;
}

static void goes_on_when_nobody_reads(void **state UNUSED)
{
	struct vm_setup s = { .append = "test=console lines=2000 quit=1",
		.extra = { "--console", "virtio" },
		.before_exec = nobody_reads };
	struct vm_result r;

	vm_run(&s, &r);
	vm_assert_ended(&r, 0, "power-off");
	assert_int_equal(vm_report(&r, "devices/virtio-console0/queue1-requests"), 2001);
	vm_result_done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ways),
		cmocka_unit_test(more_than_fits),
		cmocka_unit_test(knows_the_terminals_size),
		cmocka_unit_test(goes_on_when_nobody_reads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
