/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "parts.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* Where somebody collects what the guest and we say: it may grow. */
static bool is_written_file(int fd)
{
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	       (fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDONLY;
}

/* The largest of what is open, as disks do not grow, or is made for the guest's memory. */
static rlim_t largest_file(const struct sandbox_params *p)
{
	rlim_t most = p->file_bytes;
	struct stat st;

	if (is_written_file(STDOUT_FILENO) || is_written_file(STDERR_FILENO) ||
		is_written_file(p->report_fd))
		return RLIM_INFINITY;
	for (unsigned fd = 0; fd < p->files; fd++)
		if (fstat((int)fd, &st) == 0 && S_ISREG(st.st_mode) && (rlim_t)st.st_size > most)
			most = (rlim_t)st.st_size;
	return most;
}

/* Both limits, so that it stays; never above the hard one, nor above the soft one but for `raise`.
 */
static void set(int what, rlim_t wanted, bool raise)
{
	struct rlimit r;

	if (getrlimit(what, &r) < 0)
		return;
	r.rlim_max = MIN(wanted, raise ? r.rlim_max : r.rlim_cur);
	r.rlim_cur = r.rlim_max;
	setrlimit(what, &r);
}

/*
 * There is none of processes: a filter without fork() and execve() does better, and what the kernel
 * counts there are all processes of the user, so that it would stop the VMM's own threads.
 */
void limits_set(const struct sandbox_params *p)
{
	set(RLIMIT_FSIZE, largest_file(p), false);
	set(RLIMIT_NOFILE, p->files, true);
	set(RLIMIT_CORE, 0, false);
	set(RLIMIT_MSGQUEUE, 0, false);
}
