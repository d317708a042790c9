// SPDX-License-Identifier: GPL-2.0-or-later
/* Who loads modules for somebody else: what is asked, and what is answered. */
#include "cm.h"
#include "base/str.h"
#include "host/kmod.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

/* What is answered to that line. */
static int served(const char *line)
{
	char answer[32] = "";
	FILE *from = fmemopen((void *)(uintptr_t)line, strlen(line), "r");
	FILE *to = fmemopen(answer, sizeof(answer), "w");
	int r = kmod_serve(from, to);

	fclose(from);
	fclose(to);
	assert_int_equal(atoi(answer), r);
	assert_int_equal(answer[strlen(answer) - 1], '\n');
	return r;
}

static void names_are_names(void **state UNUSED)
{
	char much[200];

	assert_int_equal(served("\n"), -EINVAL);
	assert_int_equal(served("vfio-pci"), -EINVAL); /* no end: cut off */
	assert_int_equal(served("../../tmp/evil\n"), -EINVAL);
	assert_int_equal(served("pci:v*d*sv*sd*bc*sc*i*\n"), -EINVAL);
	assert_int_equal(served("vfio pci\n"), -EINVAL);
	memset(much, 'a', sizeof(much));
	strcpy(much + sizeof(much) - 2, "\n");
	assert_int_equal(served(much), -EINVAL);
	assert_int_equal(served("there_is_no-such-module\n"), -ENOENT);
}

struct server {
	char path[80];
	int fd;
	const char *answer;
	char asked[64];
	pthread_t thread;
};

static void *answer_one(void *arg)
{
	struct server *s = arg;
	int fd = accept(s->fd, NULL, NULL);

	assert_true(read(fd, s->asked, sizeof(s->asked) - 1) > 0);
	assert_true(write(fd, s->answer, strlen(s->answer)) == (ssize_t)strlen(s->answer));
	close(fd);
	return NULL;
}

static void listen_at(struct server *s, const char *answer)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	*s = (struct server) { .answer = answer };
	snprintf(s->path, sizeof(s->path), "/tmp/vfctl-modules-%d", (int)getpid());
	unlink(s->path);
	strcpy(a.sun_path, s->path);
	s->fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(s->fd, 1), 0);
	assert_int_equal(pthread_create(&s->thread, NULL, answer_one, s), 0);
}

static int asked(const char *answer)
{
	struct host *h = NULL;
	struct server s;
	int r;

	assert_int_equal(host_new_watching(&h, NULL), 0);
	listen_at(&s, answer);
	r = kmod_ask_at(h, s.path, "vfio-pci");
	pthread_join(s.thread, NULL);
	assert_string_equal(s.asked, "vfio-pci\n");
	close(s.fd);
	/* Somebody was there once, and does not listen any more: we try ourselves. */
	assert_int_equal(kmod_ask_at(h, s.path, "there_is_no-such-module"), -ENOENT);
	unlink(s.path);
	assert_int_equal(kmod_ask_at(h, s.path, "there_is_no-such-module"), -ENOENT);
	host_free(h);
	return r;
}

static void an_answer_is_a_number(void **state UNUSED)
{
	assert_int_equal(asked("1\n"), 1);
	assert_int_equal(asked("0\n"), 0);
	assert_int_equal(asked("-1\n"), -EPERM);
	assert_int_equal(asked(""), -EIO);
	assert_int_equal(asked("0"), -EIO);
	assert_int_equal(asked("000000000000000000"), -EIO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_names),
		cmocka_unit_test(an_answer_is_a_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
