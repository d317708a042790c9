// SPDX-License-Identifier: GPL-2.0-or-later
#include "run.h"
#include "base/str.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

/* What the caller's PATH says is the caller's affair, and he may be root's client. */
static const char *const folders[] = { "/usr/sbin", "/usr/bin", "/sbin", "/bin" };

static char *find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		char *path = str_printf("%s/%s", folders[i], name);

		if (path && access(path, X_OK) == 0)
			return path;
		free(path);
	}
	return NULL;
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static int set_up(posix_spawn_file_actions_t *fds, posix_spawnattr_t *attr, int to)
{
	sigset_t none;
	int r = posix_spawn_file_actions_addopen(fds, STDIN_FILENO, "/dev/null", O_RDONLY, 0);

	sigemptyset(&none);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(fds, to, STDOUT_FILENO);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(fds, to, STDERR_FILENO);
	if (r == 0)
		r = posix_spawnattr_setsigmask(attr, &none);
	if (r == 0)
		r = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK);
	return r;
}

static int start(const char *path, char *const *argv, int to, pid_t *ret)
{
	char place[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin", language[] = "LC_ALL=C.UTF-8";
	char *const env[] = { place, language, NULL };
	posix_spawn_file_actions_t fds;
	posix_spawnattr_t attr;
	int r = posix_spawn_file_actions_init(&fds);

	if (r)
		return -r;
	r = posix_spawnattr_init(&attr);
	if (r == 0) {
		r = set_up(&fds, &attr, to);
		if (r == 0)
			r = posix_spawn(ret, path, &fds, &attr, argv, env);
		posix_spawnattr_destroy(&attr);
	}
	posix_spawn_file_actions_destroy(&fds);
	return -r;
}

/* Until the program has closed its output. What does not fit is read and forgotten. */
static int listen_to(int from, uint64_t until, char *out, size_t size)
{
	size_t n = 0;

	for (;;) {
		char buf[512];
		struct pollfd p = { .fd = from, .events = POLLIN };
		uint64_t now = now_ms();
		int r = now < until ? poll(&p, 1, (int)(until - now)) : 0;
		ssize_t got;

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return r < 0 ? -errno : -ETIMEDOUT;
		got = read(from, buf, sizeof(buf));
		if (got <= 0)
			return 0;
		for (ssize_t i = 0; i < got && n + 1 < size; i++)
			out[n++] = buf[i];
		if (size)
			out[n] = '\0';
	}
}

static int end_of(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int run_program(
	struct host *h UNUSED, char *const *argv, unsigned deadline_ms, char *out, size_t size)
{
	autofree char *path = find(argv[0]);
	autoclose int from = -1;
	int p[2], r, status;
	pid_t pid;

	if (size)
		*out = '\0';
	if (!path)
		return -ENOENT;
	if (pipe2(p, O_CLOEXEC) < 0)
		return -errno;
	from = p[0];
	r = start(path, argv, p[1], &pid);
	close(p[1]);
	if (r < 0)
		return r;
	r = listen_to(from, now_ms() + deadline_ms, out, size);
	if (r < 0)
		kill(pid, SIGKILL);
	status = end_of(pid);
	return r < 0 ? r : status;
}
