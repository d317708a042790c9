// SPDX-License-Identifier: GPL-2.0-or-later
#include "local.h"

#include "base/attr.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 8 };

static int make(const char *path, struct sockaddr_un *ret)
{
	int fd;

	*ret = (struct sockaddr_un) { .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(ret->sun_path))
		return -ENAMETOOLONG;
	memcpy(ret->sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return fd < 0 ? -errno : fd;
}

static int bind_to(int fd, const struct sockaddr_un *a)
{
	mode_t before = umask(0177);
	int r = bind(fd, (const struct sockaddr *)a, sizeof(*a)) < 0 ? -errno : 0;

	umask(before);
	return r;
}

static int try_listen(const char *path)
{
	struct sockaddr_un a;
	int fd = make(path, &a), r;

	if (fd < 0)
		return fd;
	r = bind_to(fd, &a);
	if (r == 0 && listen(fd, BACKLOG) < 0)
		r = -errno;
	if (r < 0)
		close(fd);
	return r < 0 ? r : fd;
}

int local_listen(const char *path)
{
	int r = try_listen(path), other;

	if (r != -EADDRINUSE)
		return r;
	other = local_connect(path);
	if (other >= 0)
		close(other);
	if (other != -ECONNREFUSED)
		return -EADDRINUSE;
	return unlink(path) < 0 ? -errno : try_listen(path);
}

int local_connect(const char *path)
{
	struct sockaddr_un a;
	int fd = make(path, &a), r;

	if (fd < 0)
		return fd;
	r = connect(fd, (const struct sockaddr *)&a, sizeof(a)) < 0 ? -errno : 0;
	if (r < 0)
		close(fd);
	return r < 0 ? r : fd;
}
