// SPDX-License-Identifier: GPL-2.0-or-later
#include "cm.h"

#include "base/attr.h"
#include "ipc/fds.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

struct ends {
	int from, to;
	int got[FDS_MAX];
	size_t n;
};

static void open_ends(struct ends *e)
{
	int s[2];

	*e = (struct ends) { 0 };
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s), 0);
	e->from = s[0];
	e->to = s[1];
}

static void close_ends(struct ends *e)
{
	for (size_t i = 0; i < e->n; i++)
		close(e->got[i]);
	close(e->from);
	if (e->to >= 0)
		close(e->to);
}

static bool same_file(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_ino == y.st_ino &&
	       x.st_dev == y.st_dev;
}

/* With the line, whatever is before and after it, and in pieces. */
static void they_come_with_their_line(void **state UNUSED)
{
	static const char line[] = "these\n";
	char buf[64] = "";
	struct ends e;
	int p[2];

	open_ends(&e);
	assert_int_equal(pipe(p), 0);
	assert_int_equal(write(e.to, "news\n", 5), 5);
	assert_int_equal(fds_send(e.to, line, strlen(line), p, 2), 0);
	assert_int_equal(write(e.to, "more\n", 5), 5);
	assert_int_equal(fds_receive(e.from, buf, 3, e.got, &e.n), 3);
	assert_int_equal(e.n, 0);
	for (size_t n = 3; n < 16;) {
		ssize_t r = fds_receive(e.from, buf + n, sizeof(buf) - n, e.got, &e.n);

		assert_true(r > 0);
		n += (size_t)r;
		/* Whoever has the end of the line has them all. */
		if (n >= 11)
			assert_int_equal(e.n, 2);
	}
	assert_string_equal(buf, "news\nthese\nmore\n");
	assert_true(same_file(e.got[0], p[0]) && same_file(e.got[1], p[1]));
	assert_int_equal(fcntl(e.got[0], F_GETFD), FD_CLOEXEC);
	assert_int_equal(fds_receive(e.from, buf, sizeof(buf), e.got, &e.n), -EAGAIN);
	close(p[0]);
	close(p[1]);
	close_ends(&e);
}

/* More than there is room for: none is left open. */
static void too_many(void **state UNUSED)
{
	int many[FDS_MAX + 1], next;
	struct ends e;
	char buf[8];

	open_ends(&e);
	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = e.to;
	assert_int_equal(fds_send(e.to, "x", 1, many, FDS_MAX + 1), -E2BIG);
	next = dup(e.to);
	close(next);
	assert_int_equal(fds_send(e.to, "x", 1, many, 3), 0);
	e.n = FDS_MAX - 2;
	assert_int_equal(fds_receive(e.from, buf, sizeof(buf), e.got, &e.n), -ENOSPC);
	assert_int_equal(e.n, FDS_MAX - 2);
	e.n = 0;
	many[0] = dup(e.to);
	assert_int_equal(many[0], next);
	close(many[0]);
	close_ends(&e);
}

/* Whoever was to have them has gone: they are nobody's. */
static void nobody_listens(void **state UNUSED)
{
	struct ends e;
	char c;
	int p[2];

	open_ends(&e);
	assert_int_equal(pipe(p), 0);
	assert_int_equal(fds_send(e.to, "x", 1, &p[1], 1), 0);
	close(p[1]);
	close(e.from);
	assert_int_equal(read(p[0], &c, 1), 0); /* the end: no writer is left */
	assert_int_equal(fds_send(e.to, "x", 1, p, 1), -EPIPE);
	e.from = p[0];
	close_ends(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(they_come_with_their_line),
		cmocka_unit_test(too_many),
		cmocka_unit_test(nobody_listens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
