/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmm-start VMM IMAGE [OPTION…]: starts vfctl-vmm with the test guest, and prints the microseconds
 * from before the fork to the line that says what the start took: the next thing that happens is
 * that the guest's CPUs run.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void become_vmm(char **argv, int out)
{
	char kvm[16], kernel[16];
	char *words[32] = { argv[1], (char[]) { "--kvm" }, kvm, (char[]) { "--kernel" }, kernel,
		(char[]) { "--mem" }, (char[]) { "64M" }, (char[]) { "--append" },
		(char[]) { "test=hello memory=67108864 cpus=1 last=word" }, (char[]) { "-v" } };
	int n = 10;

	snprintf(kvm, sizeof(kvm), "%d", open("/dev/kvm", O_RDWR));
	snprintf(kernel, sizeof(kernel), "%d", open(argv[2], O_RDONLY));
	for (char **more = argv + 3; *more && n < 31; more++)
		words[n++] = *more;
	dup2(open("/dev/null", O_RDWR), 0);
	dup2(0, 1);
	dup2(out, 2);
	execv(words[0], words);
	_exit(127);
}

/* All that it says until then; false when it ends without. */
static bool read_until(int fd, const char *what)
{
	char said[8192] = "";
	size_t n = 0;

	while (!strstr(said, what)) {
		ssize_t got = read(fd, said + n, sizeof(said) - 1 - n);

		if (got <= 0)
			return false;
		n += (size_t)got;
		said[n] = '\0';
	}
	return true;
}

int main(int argc, char **argv)
{
	uint64_t start, first;
	int out[2], status;
	char buf[4096];
	pid_t pid;

	if (argc < 3 || pipe2(out, O_CLOEXEC) < 0)
		return 2;
	start = now_us();
	pid = fork();
	if (pid == 0)
		become_vmm(argv, out[1]);
	close(out[1]);
	if (pid < 0 || !read_until(out[0], ": start: "))
		return 1;
	first = now_us();
	while (read(out[0], buf, sizeof(buf)) > 0)
		;
	if (waitpid(pid, &status, 0) != pid || status != 0)
		return 1;
	printf("%llu\n", (unsigned long long)(first - start));
	return 0;
}
