// SPDX-License-Identifier: GPL-2.0-or-later
#include "storage.h"
#include "dial.h"

#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PROGRAM "qemu-storage-daemon"

enum { TRIES = 500, PAUSE_MS = 20, ITS_FD = 3 };

static char *find(void)
{
	const char *path = getenv("PATH");
	autofree char *copy = strdup(path ? path : "/usr/bin:/bin");
	char *save = NULL;

	for (char *f = copy ? strtok_r(copy, ":", &save) : NULL; f;
		f = strtok_r(NULL, ":", &save)) {
		char *all = str_printf("%s/" PROGRAM, f);

		if (all && access(all, X_OK) == 0)
			return all;
		free(all);
	}
	return NULL;
}

static char *socket_of(const struct storage *s)
{
	return str_printf("%s/disk", s->folder);
}

/* In the child: it says nothing, and ends with us. */
static _Noreturn void become(char *program, char **argv, int fd, pid_t parent)
{
	int null = open("/dev/null", O_RDWR);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 ||
		dup2(null, 2) < 0)
		_exit(127);
	if (fd == ITS_FD ? fcntl(fd, F_SETFD, 0) < 0 : dup2(fd, ITS_FD) < 0)
		_exit(127);
	execv(program, argv);
	_exit(127);
}

static int start(struct storage *s, char *program, int fd, bool writable)
{
	autofree char *disk = str_printf("driver=file,node-name=disk,locking=off,read-only=%s,"
					 "filename=/proc/self/fd/%d",
		writable ? "off" : "on", ITS_FD);
	autofree char *export = str_printf("type=vhost-user-blk,id=disk,node-name=disk,writable=%s,"
					   "addr.type=unix,addr.path=%s/disk",
		writable ? "on" : "off", s->folder);
	char blockdev[] = "--blockdev", option[] = "--export";
	pid_t parent = getpid();

	if (!disk || !export)
		return -ENOMEM;
	s->pid = fork();
	if (s->pid == 0) {
		char *argv[] = { program, blockdev, disk, option, export, NULL };

		become(program, argv, fd, parent);
	}
	return s->pid < 0 ? -errno : 0;
}

static int await(struct storage *s, const char *path)
{
	const struct timespec pause = { 0, PAUSE_MS * 1000000L };

	for (unsigned i = 0; i < TRIES; i++) {
		if (access(path, F_OK) == 0)
			return 0;
		if (waitpid(s->pid, NULL, WNOHANG) == s->pid) {
			s->pid = 0;
			return -ECHILD;
		}
		nanosleep(&pause, NULL);
	}
	return -ETIMEDOUT;
}

static int run(struct storage *s, char *program, int fd, bool writable)
{
	autofree char *path = NULL;
	int r = start(s, program, fd, writable);

	if (r < 0) {
		s->pid = 0;
		return r;
	}
	path = socket_of(s);
	r = path ? await(s, path) : -ENOMEM;
	return r < 0 ? r : host_dialer_start(path, &s->channel);
}

int storage_new(int fd, bool writable, struct storage *ret)
{
	struct storage s = STORAGE_NONE;
	autofree char *program = find();
	int r;

	if (!program)
		return -ENOENT;
	s.folder = strdup("/tmp/vfctl-disk-XXXXXX");
	if (!s.folder || !mkdtemp(s.folder)) {
		r = s.folder ? -errno : -ENOMEM;
		free(s.folder);
		return r;
	}
	r = run(&s, program, fd, writable);
	if (r < 0) {
		storage_done(&s);
		return r;
	}
	*ret = s;
	return 0;
}

void storage_done(struct storage *s)
{
	autofree char *path = s->folder ? socket_of(s) : NULL;

	if (s->channel >= 0)
		close(s->channel);
	if (s->pid > 0 && kill(s->pid, SIGKILL) == 0)
		while (waitpid(s->pid, NULL, 0) < 0 && errno == EINTR)
			;
	if (path)
		unlink(path);
	if (s->folder)
		rmdir(s->folder);
	free(s->folder);
	*s = STORAGE_NONE;
}
