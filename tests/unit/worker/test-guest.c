// SPDX-License-Identifier: GPL-2.0-or-later
/* What is opened for a guest leaves with the answer, or nothing does. */
#include "fixture.h"

#include "ipc/fds.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <signal.h>

#define VF "0000:02:10.0"

enum { ALICE = 1000, PID = 4711 };

struct guest {
	struct fixture f;
	int socket; /* where its news come */
	int fds[FDS_MAX];
	size_t n;
	char text[4096];
};

static void put_process(struct host *h, int pid, unsigned uid)
{
	autofree char *stat =
		str_printf("%d (a) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 100 0 0\n", pid);
	autofree char *status = str_printf(
		"Name:\ta\nPPid:\t1\nUid:\t%u\t%u\t%u\t%u\nGid:\t9\t9\t9\t9\n", uid, uid, uid, uid);

	fake_put(h, stat, "/proc/%d/stat", pid);
	fake_put(h, status, "/proc/%d/status", pid);
}

static void begin(struct guest *g)
{
	int ends[2];

	*g = (struct guest) { 0 };
	start(&g->f, "s2-vfio");
	put_process(g->f.w.h, PID, ALICE);
	assert_int_equal(
		carry_out(&g->f, "{\"do\":\"assign\",\"request\":{\"owner\":\"process:4711\","
				 "\"functions\":[\"" VF "\"]},\"asker\":{\"uid\":1000,"
				 "\"admin\":false,\"automatic\":false,\"start\":100},"
				 "\"options\":{}}"),
		1);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	g->socket = ends[0];
	g->f.w.to = fdopen(ends[1], "w");
	assert_non_null(g->f.w.to);
}

static void finish(struct guest *g)
{
	for (size_t i = 0; i < g->n; i++)
		close(g->fds[i]);
	close(g->socket);
	if (g->f.w.to)
		fclose(g->f.w.to);
	end(&g->f);
}

static int open_by(struct guest *g, const char *what, unsigned uid, const char *more)
{
	autofree char *text =
		str_printf("{\"do\":\"open\",\"functions\":[%s],\"guest\":{\"uid\":%u,"
			   "\"pid\":%d,\"memory\":0%s},\"options\":{}}",
			what, uid, PID, more);
	autoorder o = { 0 };
	ssize_t n;
	int r;

	assert_int_equal(order_from_text(text, &o, NULL), 0);
	r = worker_do(&g->f.w, &o);
	for (size_t at = 0; at + 1 < sizeof(g->text); at += (size_t)n) {
		n = fds_receive(g->socket, g->text + at, sizeof(g->text) - 1 - at, g->fds, &g->n);
		if (n <= 0)
			break;
		g->text[at + (size_t)n] = '\0';
	}
	return r;
}

static int open_for(struct guest *g, const char *what, unsigned uid)
{
	return open_by(g, what, uid, "");
}

static void with_the_answer(void **state UNUSED)
{
	autonews n = { 0 };
	struct guest g;

	begin(&g);
	assert_int_equal(open_for(&g, "\"" VF "\"", ALICE), 0);
	assert_int_equal(g.n, 2);
	assert_non_null(strstr(g.text, "{\"news\":\"ended\""));
	*strchr(g.text, '\n') = '\0';
	assert_int_equal(news_from_text(g.text, &n), 0);
	assert_int_equal(n.kind, NEWS_ANSWER);
	if (!strstr(n.text, "dev\\/vfio\\/vfio\",\""))
		fail_msg("%s", n.text);
	finish(&g);
}

static void or_not_at_all(void **state UNUSED)
{
	struct guest g;

	begin(&g);
	/* Of another user; of more than he may have: not even the part that he may. */
	assert_int_equal(open_for(&g, "\"" VF "\"", ALICE + 1), -EPERM);
	assert_int_equal(open_for(&g, "\"" VF "\",\"tap:vm0\"", ALICE), -EACCES);
	assert_non_null(strstr(g.text, "Taps= in /etc/vfctl/vfctl.conf"));
	assert_int_equal(open_for(&g, "\"" VF "\",\"/etc/shadow\"", ALICE), -EINVAL);
	assert_int_equal(g.n, 0);
	/* It is all closed again. */
	assert_int_equal(open_for(&g, "\"" VF "\"", ALICE), 0);
	assert_int_equal(g.n, 2);
	finish(&g);
}

/* As the caller wants VFIO, or as this machine has it. */
static void by_the_back_end_that_is_wanted(void **state UNUSED)
{
	struct guest g;

	begin(&g);
	fake_iommufd(g.f.w.h);
	assert_int_equal(open_by(&g, "\"" VF "\"", ALICE, ",\"vfio\":\"type1\""), 0);
	assert_non_null(strstr(g.text, "dev\\\\/vfio\\\\/vfio"));
	assert_int_equal(open_by(&g, "\"" VF "\"", ALICE, ",\"vfio\":\"iommufd\""), 0);
	assert_non_null(strstr(g.text, "dev\\\\/iommu"));
	assert_int_equal(open_for(&g, "\"" VF "\"", ALICE), 0);
	assert_non_null(strstr(g.text, "dev\\\\/iommu"));
	assert_int_equal(g.n, 6);
	assert_int_equal(open_by(&g, "\"" VF "\"", ALICE, ",\"vfio\":\"\""), -EINVAL);
	assert_non_null(strstr(g.text, "auto, type1 or iommufd"));
	finish(&g);
}

/* Whoever was to have it has gone: nobody keeps the group. */
static void nobody_takes_it(void **state UNUSED)
{
	struct guest g;
	int ends[2];

	begin(&g);
	close(g.socket);
	g.socket = -1;
	assert_int_equal(open_for(&g, "\"" VF "\"", ALICE), -EPIPE);
	fclose(g.f.w.to);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	g.socket = ends[0];
	g.f.w.to = fdopen(ends[1], "w");
	g.f.w.deaf = false;
	assert_int_equal(open_for(&g, "\"" VF "\"", ALICE), 0);
	assert_int_equal(g.n, 2);
	finish(&g);
}

static void orders_that_are_none(void **state UNUSED)
{
	static const char *const bad[] = {
		"{\"do\":\"open\",\"functions\":[],\"options\":{}}",
		"{\"do\":\"open\",\"functions\":[],\"guest\":[],\"options\":{}}",
		"{\"do\":\"open\",\"functions\":[],\"guest\":{\"uid\":0,\"pid\":1},\"options\":{}}",
		"{\"do\":\"open\",\"functions\":[],\"guest\":{\"uid\":-1,\"pid\":1,\"memory\":0},"
		"\"options\":{}}",
		"{\"do\":\"open\",\"functions\":[],\"guest\":{\"uid\":\"0\",\"pid\":1,"
		"\"memory\":0},\"options\":{}}",
		"{\"do\":\"open\",\"functions\":[],\"guest\":{\"uid\":0,\"pid\":1,\"memory\":0,"
		"\"vfio\":1},\"options\":{}}",
		"{\"do\":\"open\",\"functions\":{},\"guest\":{\"uid\":0,\"pid\":1,\"memory\":0},"
		"\"options\":{}}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		autoorder o = { 0 };
		autoproblem *p = NULL;

		if (order_from_text(bad[i], &o, &p) != -EINVAL)
			fail_msg("%s", bad[i]);
		assert_int_equal(p->kind, PROBLEM_USAGE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(with_the_answer),
		cmocka_unit_test(or_not_at_all),
		cmocka_unit_test(by_the_back_end_that_is_wanted),
		cmocka_unit_test(nobody_takes_it),
		cmocka_unit_test(orders_that_are_none),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
