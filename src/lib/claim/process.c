// SPDX-License-Identifier: GPL-2.0-or-later
/* Whether that very process, or group, lives: apart from owner.c, which needs more to know domains.
 */
#include "owner.h"

#include "base/str.h"
#include "host/procfs.h"
#include "host/sysfs.h"

/* What follows the command in /proc/PID/stat: that may hold blanks and parentheses itself. */
static const char *after_command(const char *stat)
{
	const char *end = strrchr(stat, ')');

	return end && end[1] == ' ' ? end + 2 : NULL;
}

/* The n-th word of `s`, from 0, as a number. */
static int number_at(const char *s, unsigned n, uint64_t *ret)
{
	autofree char *word = NULL;

	for (; n; n--) {
		s = strchr(s, ' ');
		if (!s)
			return -EBADMSG;
		s++;
	}
	word = strndup(s, strcspn(s, " \n"));
	return word ? parse_u64(word, ret) : -ENOMEM;
}

/* A process whose first thread has ended goes on while others run. */
static bool is_corpse(struct host *h, int pid, const char *state)
{
	autostrv char **threads = NULL;

	if (*state != 'Z' && *state != 'X')
		return false;
	return procfs_list(h, &threads, "%d/task", pid) < 0 || strv_len(threads) <= 1;
}

int process_start(struct host *h, int pid, uint64_t *ret)
{
	/* Fields 3 (state) and 22 (starttime) of proc(5): 0 and 19 after the command. */
	enum { STARTTIME = 19 };
	autofree char *stat = NULL;
	const char *rest;

	if (pid <= 0 || procfs_read(h, &stat, "%d/stat", pid) < 0)
		return -ESRCH;
	rest = after_command(stat);
	if (!rest)
		return -EBADMSG;
	return is_corpse(h, pid, rest) ? -ESRCH : number_at(rest, STARTTIME, ret);
}

int process_parent(struct host *h, int pid)
{
	enum { PPID = 1 };
	autofree char *stat = NULL;
	const char *rest;
	uint64_t parent;

	if (pid <= 0 || procfs_read(h, &stat, "%d/stat", pid) < 0)
		return 0;
	rest = after_command(stat);
	return rest && number_at(rest, PPID, &parent) == 0 && parent <= INT32_MAX ? (int)parent : 0;
}

bool process_lives(struct host *h, int pid, uint64_t start)
{
	uint64_t now;

	return process_start(h, pid, &now) == 0 && now == start;
}

/* An engine may leave the empty group behind for a moment, or for good after a crash. */
int owner_group_check(struct host *h, const struct owner *o)
{
	autofree char *events = NULL;
	uint64_t inode;
	int r = o->path ? sysfs_inode(h, &inode, "fs/cgroup%s", o->path) : -ENOENT;

	if (r == -ENOENT || (r == 0 && inode != o->start && !h->captured))
		return -ESRCH;
	if (r < 0)
		return r;
	return sysfs_read(h, &events, "fs/cgroup%s/cgroup.events", o->path) == 0 &&
			       strstr(events, "populated 0")
		       ? -ENODATA
		       : 0;
}

static int watch_group(struct host *h, const struct owner *o)
{
	autofree char *path = sysfs_path("fs/cgroup%s", o->path ? o->path : "");
	autoclose int fd = path ? host_watch_group(h, path) : -ENOMEM;
	int r;

	if (fd < 0)
		return fd == -ENOENT ? -ESRCH : fd;
	r = owner_group_check(h, o);
	return r == 0 ? TAKE_FD(fd) : r == -ENODATA ? -ESRCH : r;
}

/* Opened first and asked after: what is open then cannot become another process. */
int owner_watch(struct host *h, const struct owner *o)
{
	autoclose int fd = -EOPNOTSUPP;

	if (o->kind == OWNER_CONTAINER)
		return watch_group(h, o);
	if (o->pid)
		fd = host_watch_process(h, o->pid);
	if (fd < 0)
		return fd;
	return process_lives(h, o->pid, o->start) ? TAKE_FD(fd) : -ESRCH;
}
