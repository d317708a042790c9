/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * count-calls FILE COMMAND…: runs the command and writes into FILE how many system calls it, its
 * threads and its children made. A count is the same on every machine and under every load, where
 * a time is not. The exit status is the command's.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "count-calls: %s: %s\n", what, strerror(errno));
	exit(125);
}

static pid_t start(char **command)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
			die("ptrace");
		raise(SIGSTOP);
		execvp(command[0], command);
		die(command[0]);
	}
	return pid;
}

/* Each call stops its thread twice, and who came first after a clone is not told by order. */
static unsigned is_entry(pid_t pid)
{
	struct __ptrace_syscall_info info;
	long n = ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof(info), &info);

	return n > 0 && info.op == PTRACE_SYSCALL_INFO_ENTRY;
}

static void go_on(pid_t pid, int signal)
{
	if (ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(long)signal) < 0 && errno != ESRCH)
		die("ptrace");
}

/* What a stopped thread is to be given: the signal that stopped it, unless that was us. */
static int signal_to_pass(int status)
{
	int signal = WSTOPSIG(status);

	return status >> 16 || signal == SIGSTOP || signal == SIGTRAP ? 0 : signal;
}

static unsigned long count(pid_t first, int *exit_status)
{
	unsigned long calls = 0;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, __WALL)) > 0) {
		if (!WIFSTOPPED(status)) {
			if (pid == first)
				*exit_status = WIFEXITED(status) ? WEXITSTATUS(status)
								 : 128 + WTERMSIG(status);
			continue;
		}
		if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
			calls += is_entry(pid);
			go_on(pid, 0);
		} else {
			go_on(pid, signal_to_pass(status));
		}
	}
	return calls;
}

int main(int argc, char **argv)
{
	int status, exit_status = 125;
	unsigned long calls;
	pid_t first;
	FILE *f;

	if (argc < 3) {
		fputs("usage: count-calls FILE COMMAND…\n", stderr);
		return 125;
	}
	first = start(argv + 2);
	if (waitpid(first, &status, 0) < 0 ||
		ptrace(PTRACE_SETOPTIONS, first, NULL,
			(void *)(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |
				 PTRACE_O_TRACEVFORK | PTRACE_O_EXITKILL)) < 0)
		die("ptrace");
	go_on(first, 0);
	calls = count(first, &exit_status);
	f = fopen(argv[1], "w");
	if (!f || fprintf(f, "%lu\n", calls) < 0 || fclose(f) != 0)
		die(argv[1]);
	return exit_status;
}
