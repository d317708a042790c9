// SPDX-License-Identifier: GPL-2.0-or-later
#include "state-file.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static ssize_t file_read(void *arg, void *buf, size_t len, uint64_t at)
{
	const struct state_file *f = arg;
	size_t got = 0;
	ssize_t n = 1;

	while (got < len && n > 0) {
		n = pread(f->fd, (char *)buf + got, len - got, (off_t)(at + got));
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n < 0)
			return -errno;
		else
			got += (size_t)n;
	}
	return (ssize_t)got;
}

static int file_write(void *arg, const void *data, size_t len, uint64_t at)
{
	const struct state_file *f = arg;

	for (size_t done = 0; done < len;) {
		ssize_t n =
			pwrite(f->fd, (const char *)data + done, len - done, (off_t)(at + done));

		if (n < 0 && errno != EINTR)
			return -errno;
		done += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static int blame(const struct state_file *f, int code, struct problem **reterr)
{
	if (code == -EEXIST)
		return problem(reterr, code, PROBLEM_USAGE, "name a new one, or remove it",
			"%s exists", f->path);
	return problem(reterr, code,
		code == -ENOENT ? PROBLEM_NOT_FOUND : problem_kind_from_errno(code), NULL, "%s: %s",
		f->path, strerror(-code));
}

int state_file_open(struct state_file *f, const char *path, bool create, struct problem **reterr)
{
	struct vfio_saved s;
	int r;

	*f = (struct state_file) { .fd = -1, .path = path, .is_new = create };
	f->file = (struct vfio_saved_file) { file_read, file_write, f };
	if (!path)
		return 0;
	f->fd = open(path, O_CLOEXEC | (create ? O_RDWR | O_CREAT | O_EXCL : O_RDONLY), 0600);
	if (f->fd < 0)
		return blame(f, -errno, reterr);
	r = create ? 0 : vfio_saved_check(&f->file, &s, reterr);
	if (r < 0)
		state_file_close(f);
	return r < 0 ? problem_wrap(reterr, r, "%s", path) : 0;
}

void state_file_close(struct state_file *f)
{
	struct vfio_saved s;

	if (f->fd < 0)
		return;
	if (f->is_new && vfio_saved_check(&f->file, &s, NULL) < 0)
		unlink(f->path);
	close(TAKE_FD(f->fd));
}

const struct vfio_saved_file *state_file_in(const struct state_file *f)
{
	return f->fd < 0 ? NULL : &f->file;
}
