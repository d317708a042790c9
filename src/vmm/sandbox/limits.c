/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "parts.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
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

/* The soft one alone: the main loop's thread may raise it, see sandbox_allow_file_bytes(). */
static void limit_files(rlim_t wanted)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_FSIZE, &r) < 0)
		return;
	r.rlim_cur = MIN(wanted, r.rlim_cur);
	setrlimit(RLIMIT_FSIZE, &r);
}

/* Not by the C library, which asks in the name of any process (prlimit64). */
int sandbox_allow_file_bytes(uint64_t bytes)
{
	struct rlimit r;

	if (syscall(SYS_getrlimit, RLIMIT_FSIZE, &r) < 0)
		return -errno;
	if (r.rlim_cur >= bytes)
		return 0;
	r.rlim_cur = bytes;
	return syscall(SYS_setrlimit, RLIMIT_FSIZE, &r) < 0 ? -errno : 0;
}

/*
 * There is none of processes: a filter without fork() and execve() does better, and what the kernel
 * counts there are all processes of the user, so that it would stop the VMM's own threads.
 */
void limits_set(const struct sandbox_params *p)
{
	limit_files(largest_file(p));
	set(RLIMIT_NOFILE, p->files, true);
	set(RLIMIT_CORE, 0, false);
	set(RLIMIT_MSGQUEUE, 0, false);
}
