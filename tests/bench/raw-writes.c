/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * raw-writes THREADS <LINES: writes what the lines say and nothing else, and prints how many
 * microseconds that took: the kernel's own time. A line is "PATH VALUE"; "VF PATH VALUE" belongs to
 * the VFs, whose lines of one number are written one after the other, by one of THREADS threads.
 * Lines without VF come first.
 *
 * raw-writes time COMMAND…: how long a command takes, in the same units; its status is passed on.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LINES_MAX = 4096, THREADS_MAX = 64 };

static struct line {
	int vf; /* -1: none */
	char path[256], value[64];
} lines[LINES_MAX];

static int n_lines;
static atomic_int next_vf;

static void put(const struct line *l)
{
	size_t len = strlen(l->value);
	int fd = open(l->path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, l->value, len) != (ssize_t)len) {
		fprintf(stderr, "raw-writes: %s: %s\n", l->path, strerror(errno));
		exit(1);
	}
	close(fd);
}

static void *of_vfs(void *arg)
{
	int vf, found = 1;

	while (found) {
		vf = atomic_fetch_add(&next_vf, 1);
		found = 0;
		for (int i = 0; i < n_lines; i++)
			if (lines[i].vf == vf) {
				put(&lines[i]);
				found = 1;
			}
	}
	return arg;
}

static long now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000L + t.tv_nsec / 1000;
}

static int time_command(char **command)
{
	long begin = now_us();
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		execvp(command[0], command);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return 125;
	printf("%ld\n", now_us() - begin);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int read_lines(void)
{
	char text[512];

	while (n_lines < LINES_MAX && fgets(text, sizeof(text), stdin)) {
		struct line *l = &lines[n_lines++];

		l->vf = -1;
		if (text[0] == '/' ? sscanf(text, "%255s %63s", l->path, l->value) != 2
				   : sscanf(text, "%d %255s %63s", &l->vf, l->path, l->value) != 3)
			return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	int threads = argc == 2 ? atoi(argv[1]) : 0;
	pthread_t thread[THREADS_MAX];
	long begin;

	if (argc > 2 && strcmp(argv[1], "time") == 0)
		return time_command(argv + 2);
	if (threads < 1 || threads > THREADS_MAX || read_lines() < 0) {
		fputs("usage: raw-writes THREADS <LINES | time COMMAND…\n", stderr);
		return 2;
	}
	begin = now_us();
	for (int i = 0; i < n_lines; i++)
		if (lines[i].vf < 0)
			put(&lines[i]);
	for (int i = 0; i < threads; i++)
		if (pthread_create(&thread[i], NULL, of_vfs, NULL))
			return 1;
	for (int i = 0; i < threads; i++)
		pthread_join(thread[i], NULL);
	printf("%ld\n", now_us() - begin);
	return 0;
}
