/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guest-watch [-u TEXT] [-l SECONDS] DIR [FILE…] -- COMMAND…: runs a VMM and writes into DIR what
 * its guest says, and when:
 *
 *   console    all of it
 *   events     the lines that begin with "@@", each behind the microseconds since before the exec
 *   pid        the command's
 *   NAME       what FILEs, or the files of a folder, said when the guest said "@@ mark NAME"; as
 *              "begin" before the exec
 *
 * It ends the command at "@@ stop", or at the first line with TEXT; exit status 1 when SECONDS
 * (120) had passed or the command had ended before that.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *dir, *until = "@@ stop";
static char **files; /* up to a NULL */
static FILE *console, *events;
static uint64_t start;

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "guest-watch: %s: %s\n", what, strerror(errno));
	exit(125);
}

static FILE *result(const char *name)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "we");
	if (!f)
		die(path);
	return f;
}

static void copy_file(FILE *to, const char *path, const char *name)
{
	FILE *from = fopen(path, "re");
	char buf[4096];
	size_t n;

	if (!from)
		return;
	fprintf(to, "== %s\n", name);
	while ((n = fread(buf, 1, sizeof(buf), from)) > 0)
		fwrite(buf, 1, n, to);
	fclose(from);
}

static void copy_folder(FILE *to, const char *path)
{
	DIR *d = opendir(path);

	if (!d) {
		copy_file(to, path, path);
		return;
	}
	for (const struct dirent *e = readdir(d); e; e = readdir(d)) {
		char file[1024];

		snprintf(file, sizeof(file), "%s/%s", path, e->d_name);
		if (e->d_type == DT_REG)
			copy_file(to, file, e->d_name);
	}
	closedir(d);
}

static void look(const char *name)
{
	FILE *f = result(name);

	for (char **file = files; *file; file++)
		copy_folder(f, *file);
	fclose(f);
}

/* True at the line that ends it. */
static bool on_line(const char *line)
{
	char name[64];

	if (strncmp(line, "@@", 2) == 0)
		fprintf(events, "%llu %s\n", (unsigned long long)(now_us() - start), line);
	fflush(events);
	if (sscanf(line, "@@ mark %63[a-z0-9-]", name) == 1)
		look(name);
	return strstr(line, until);
}

/* Lines of what was read; the rest of the last one stays for the next time. */
static bool take_lines(char *buf, size_t *len)
{
	char *line = buf, *end;
	bool last = false;

	while (!last && (end = memchr(line, '\n', *len - (size_t)(line - buf)))) {
		*end = '\0';
		line[strcspn(line, "\r")] = '\0';
		last = on_line(line);
		line = end + 1;
	}
	*len -= (size_t)(line - buf);
	memmove(buf, line, *len);
	return last;
}

static bool watch(int fd, uint64_t limit_us)
{
	static char buf[65536];
	size_t len = 0;

	while (now_us() < start + limit_us) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t got;

		if (poll(&p, 1, 100) == 0)
			continue;
		got = read(fd, buf + len, sizeof(buf) - len);
		if (got <= 0)
			return false;
		fwrite(buf + len, 1, (size_t)got, console);
		fflush(console);
		len += (size_t)got;
		if (take_lines(buf, &len))
			return true;
		if (len == sizeof(buf))
			len = 0;
	}
	return false;
}

/* As a user ends it; a VMM that hangs is killed after ten seconds. */
static void end(pid_t pid)
{
	enum { STEP_MS = 20, STEPS = 500 };

	kill(pid, SIGTERM);
	for (int i = 0; i < STEPS; i++) {
		if (waitpid(pid, NULL, WNOHANG) != 0) {
			kill(-pid, SIGKILL);
			return;
		}
		poll(NULL, 0, STEP_MS);
	}
	fprintf(stderr, "guest-watch: it does not end when told to\n");
	kill(-pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* Its input is a pipe into which nobody writes; its own process group, to be killed with all in it.
 */
static pid_t run(char **command, int *ret_out)
{
	int in[2], out[2];
	pid_t pid;

	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
		die("pipe");
	start = now_us();
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		setpgid(0, 0);
		dup2(in[0], 0);
		dup2(out[1], 1);
		dup2(out[1], 2);
		execvp(command[0], command);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	*ret_out = out[0];
	return pid;
}

int main(int argc, char **argv)
{
	unsigned long seconds = 120;
	FILE *f;
	bool good;
	pid_t pid;
	int o, out;

	while ((o = getopt(argc, argv, "+u:l:")) != -1) {
		if (o == 'u')
			until = optarg;
		else if (o == 'l')
			seconds = strtoul(optarg, NULL, 10);
		else
			return 2;
	}
	argv += optind;
	if (!*argv)
		return 2;
	dir = *argv++;
	files = argv;
	while (*argv && strcmp(*argv, "--") != 0)
		argv++;
	if (!*argv)
		return 2;
	*argv++ = NULL;
	console = result("console");
	events = result("events");
	look("begin");
	pid = run(argv, &out);
	f = result("pid");
	fprintf(f, "%d\n", (int)pid);
	fclose(f);
	good = watch(out, seconds * 1000000);
	end(pid);
	fclose(console);
	fclose(events);
	return good ? 0 : 1;
}
