// SPDX-License-Identifier: GPL-2.0-or-later
/* On a pseudo terminal: keys come one by one, and all is as before afterwards. */
#include "cm.h"

#include "base/attr.h"
#include "host/terminal.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>

struct pty {
	int master, slave;
};

static struct pty open_pty(void)
{
	struct pty p = { .master = posix_openpt(O_RDWR | O_NOCTTY) };

	assert_true(p.master >= 0);
	assert_int_equal(grantpt(p.master), 0);
	assert_int_equal(unlockpt(p.master), 0);
	p.slave = open(ptsname(p.master), O_RDWR | O_NOCTTY);
	assert_true(p.slave >= 0);
	return p;
}

static void close_pty(struct pty *p)
{
	close(p->slave);
	close(p->master);
}

static tcflag_t modes(const struct pty *p)
{
	struct termios t;

	assert_int_equal(tcgetattr(p->slave, &t), 0);
	return t.c_lflag;
}

static void keys_one_by_one(void **state UNUSED)
{
	struct pty p = open_pty();
	tcflag_t before = modes(&p);
	struct terminal *t;

	assert_int_equal(terminal_open(p.slave, p.slave, &t), 0);
	assert_false(modes(&p) & (ICANON | ECHO | ISIG));
	assert_int_equal(terminal_wait(t, 0), TERMINAL_NOTHING);
	assert_int_equal(write(p.master, "sq\003", 3), 3);
	assert_int_equal(terminal_wait(t, 1000), 's');
	assert_int_equal(terminal_wait(t, 1000), 'q');
	assert_int_equal(terminal_wait(t, 1000), TERMINAL_END);
	terminal_close(t);
	assert_int_equal(modes(&p), before);
	close_pty(&p);
}

static void size_as_told_or_usual(void **state UNUSED)
{
	const struct winsize w = { .ws_row = 7, .ws_col = 33 };
	struct pty p = open_pty();
	unsigned rows, columns;
	struct terminal *t;

	assert_int_equal(terminal_open(p.slave, p.slave, &t), 0);
	terminal_size(t, &rows, &columns);
	assert_int_equal(rows, 24);
	assert_int_equal(columns, 80);
	assert_int_equal(ioctl(p.master, TIOCSWINSZ, &w), 0);
	terminal_size(t, &rows, &columns);
	assert_int_equal(rows, 7);
	assert_int_equal(columns, 33);
	raise(SIGWINCH);
	assert_int_equal(terminal_wait(t, 1000), TERMINAL_RESIZED);
	raise(SIGTERM);
	assert_int_equal(terminal_wait(t, 1000), TERMINAL_END);
	terminal_close(t);
	close_pty(&p);
}

/* What was written comes out piece by piece, as the kernel has time for it. */
static void read_until(const struct pty *p, const char *end, char *buf, size_t size)
{
	struct pollfd fd = { .fd = p->master, .events = POLLIN };
	size_t n = 0;

	while (!strstr(buf, end) && n + 1 < size && poll(&fd, 1, 5000) == 1) {
		ssize_t r = read(p->master, buf + n, size - 1 - n);

		assert_true(r > 0);
		n += (size_t)r;
	}
}

/* The screen of before comes back, whatever was shown. */
static void shows_and_leaves(void **state UNUSED)
{
	char seen[512] = "";
	struct pty p = open_pty();
	struct terminal *t;

	assert_int_equal(terminal_open(p.slave, p.slave, &t), 0);
	assert_int_equal(terminal_show(t, "one\ntwo\n"), 0);
	terminal_close(t);
	read_until(&p, "\033[?1049l", seen, sizeof(seen));
	assert_string_equal(seen, "\033[?1049h\033[?25l\033[Hone\033[K\r\r\ntwo\033[K\033[J"
				  "\033[?25h\033[?1049l");
	close_pty(&p);
}

static void nobody_there(void **state UNUSED)
{
	struct pty p = open_pty();
	struct terminal *t;
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(terminal_open(fds[0], p.slave, &t), -ENOTTY);
	assert_int_equal(terminal_open(p.slave, fds[1], &t), -ENOTTY);
	assert_int_equal(terminal_open(p.slave, p.slave, &t), 0);
	close(p.master);
	assert_int_equal(terminal_wait(t, 1000), TERMINAL_END);
	terminal_close(t);
	close(p.slave);
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_one_by_one),
		cmocka_unit_test(size_as_told_or_usual),
		cmocka_unit_test(shows_and_leaves),
		cmocka_unit_test(nobody_there),
	};

	return cmocka_run_group_tests_name("terminal", tests, NULL, NULL);
}
