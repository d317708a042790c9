// SPDX-License-Identifier: GPL-2.0-or-later
/* A line there, a line back: see kmod.h. */
#include "kmod.h"

#include "base/str.h"
#include "fd.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { ANSWER_MS = 60000, ANSWER_BYTES = 16 };

static int call(const char *path, int *ret)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	autoclose int fd = -1;

	if (strlen(path) >= sizeof(to.sun_path))
		return -ENAMETOOLONG;
	memcpy(to.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
		return -errno;
	*ret = TAKE_FD(fd);
	return 0;
}

static int put_line(int fd, const char *text)
{
	autofree char *line = str_printf("%s\n", text);
	ssize_t n;

	if (!line)
		return -ENOMEM;
	/* Short enough for one piece: the socket is empty. */
	n = send(fd, line, strlen(line), MSG_NOSIGNAL);
	return n < 0 ? -errno : (size_t)n == strlen(line) ? 0 : -EIO;
}

/* Who goes away without a word has not loaded anything that we know of. */
static int get_number(struct host *h, int fd)
{
	uint64_t until = host_now_ms(h) + ANSWER_MS;
	char text[ANSWER_BYTES] = "";
	size_t have = 0;

	while (!strchr(text, '\n') && have < sizeof(text) - 1) {
		struct pollfd in = { .fd = fd, .events = POLLIN };
		uint64_t now = host_now_ms(h);
		ssize_t n;
		int r = now < until ? poll(&in, 1, (int)(until - now)) : 0;

		if (r == 0)
			return -ETIMEDOUT;
		if (r < 0 && errno == EINTR)
			continue;
		n = r < 0 ? -1 : read(fd, text + have, sizeof(text) - 1 - have);
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		have += (size_t)n;
	}
	return strchr(text, '\n') ? (int)strtol(text, NULL, 10) : -EIO;
}

int kmod_ask_at(struct host *h, const char *path, const char *name)
{
	autoclose int fd = -1;
	int r = call(path, &fd);

	if (r == -ENOENT || r == -ECONNREFUSED)
		return kmod_load(h, name);
	if (r == 0)
		r = put_line(fd, name);
	return r < 0 ? r : get_number(h, fd);
}

int kmod_ask(struct host *h, const char *name)
{
	return kmod_ask_at(h, KMOD_SOCKET, name);
}
