// SPDX-License-Identifier: GPL-2.0-or-later
#include "lock.h"
#include "files.h"

#include "base/str.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>

enum { WHO_MAX = 256 };

static char *read_who(int fd)
{
	char who[WHO_MAX + 1];
	ssize_t n = pread(fd, who, WHO_MAX, 0);

	if (n <= 0)
		return NULL;
	who[n] = '\0';
	return strdup(str_trim(who));
}

int lock_try(const char *dir, const char *name, const char *who, struct lock *ret, char **ret_who)
{
	autofree char *path = str_printf("%s/%s", dir, name);
	autoclose int fd = -1;
	int r = files_make_dirs(dir);

	if (r == 0 && !path)
		r = -ENOMEM;
	if (r < 0)
		return r;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		r = -errno;
		*ret_who = read_who(fd);
		return r;
	}
	/* Only for people: the lock holds without it, as on a full disk. */
	if (ftruncate(fd, 0) == 0)
		(void)!pwrite(fd, who, strnlen(who, WHO_MAX), 0);
	ret->fd = TAKE_FD(fd);
	return 0;
}

void lock_release(struct lock *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}
