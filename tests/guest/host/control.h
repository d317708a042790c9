/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control socket of a guest under test: passed to its VMM, and talked to. */
#pragma once

#include "base/attr.h"
#include "vm.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static char path[64]; /* of the socket; the test unlinks it */

static inline int listener(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(path, sizeof(path), "/tmp/vfctl-control-%d", (int)getpid());
	unlink(path);
	strcpy(a.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 4), 0);
	return fd;
}

static inline int caller(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(a.sun_path, path);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

static inline struct json_object *hear(int fd)
{
	static char line[1 << 18];
	struct json_object *j;
	size_t n = 0;
	ssize_t got;

	while (n + 1 < sizeof(line) && !memchr(line, '\n', n) &&
		(got = read(fd, line + n, sizeof(line) - 1 - n)) > 0)
		n += (size_t)got;
	line[n] = '\0';
	j = json_tokener_parse(line);
	assert_non_null(j);
	return j;
}

static inline struct json_object *ask(int fd, const char *line)
{
	assert_int_equal(write(fd, line, strlen(line)), (ssize_t)strlen(line));
	return hear(fd);
}

static inline void send_fds(int fd, const char *line, int *fds, size_t n)
{
	struct iovec v = { (void *)(uintptr_t)line, strlen(line) };
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(16 * sizeof(int))];
	} c = { 0 };
	struct msghdr m = { .msg_iov = &v,
		.msg_iovlen = 1,
		.msg_control = c.bytes,
		.msg_controllen = CMSG_SPACE(n * sizeof(int)) };

	c.head.cmsg_level = SOL_SOCKET;
	c.head.cmsg_type = SCM_RIGHTS;
	c.head.cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(&c.head), fds, n * sizeof(int));
	assert_int_equal(sendmsg(fd, &m, 0), (ssize_t)v.iov_len);
}

static inline const char *str(struct json_object *j, const char *key)
{
	return json_object_get_string(json_object_object_get(j, key));
}

static inline bool is_ok(struct json_object *j)
{
	return json_object_get_boolean(json_object_object_get(j, "ok"));
}

static inline void expect_refusal(int fd, const char *line, const char *kind)
{
	struct json_object *j = ask(fd, line);

	assert_false(is_ok(j));
	assert_string_equal(str(j, "kind"), kind);
	assert_non_null(str(j, "error"));
	json_object_put(j);
}

static inline void expect_ok(int fd, const char *line)
{
	struct json_object *j = ask(fd, line);

	assert_true(is_ok(j));
	json_object_put(j);
}
