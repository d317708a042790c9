/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The last words. seccomp raises SIGSYS in the thread that tried a denied call, in place of the
 * call. The handler writes which it was, and tries the next denied one: SIGSYS is blocked in its
 * own handler, and a signal that the kernel forces on a thread that blocks it kills the process. So
 * it dies by the kernel's hand, with a status that says why. Whoever holds the process cannot get
 * round that: he may not change the handler, and to block the signal is to die at once.
 */
#include "parts.h"

#include "rules.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <ucontext.h>

enum { STATUS_KILLED = 128 + SIGSYS };

/* A signal's handler has no argument of ours. */
static struct sandbox_params params;
static _Thread_local enum sandbox_role thread_role;
static _Thread_local char thread_name[16];

void trap_name(enum sandbox_role role, const char *name)
{
	thread_role = role;
	strncpy(thread_name, name, sizeof(thread_name) - 1);
}

/* Text made without the C library's formatting, which may take locks and memory. */
struct words {
	char s[200];
	size_t n;
};

static void add(struct words *w, const char *s)
{
	while (*s && w->n < sizeof(w->s))
		w->s[w->n++] = *s++;
}

static void add_number(struct words *w, unsigned long v, unsigned base)
{
	char digits[24];
	size_t n = 0;

	do
		digits[n++] = "0123456789abcdef"[v % base];
	while ((v /= base));
	while (n && w->n < sizeof(w->s))
		w->s[w->n++] = digits[--n];
}

static void describe(struct words *w, int call, unsigned long request)
{
	const char *name = rules_call_name(call);

	add(w, "the sandbox stopped it: system call ");
	add_number(w, (unsigned)call, 10);
	if (name) {
		add(w, " (");
		add(w, name);
		if (call == SYS_ioctl) {
			add(w, " 0x");
			add_number(w, request, 16);
		}
		add(w, ")");
	}
	add(w, " in thread ");
	add(w, thread_name);
	add(w, ", role ");
	add(w, sandbox_role_name(thread_role));
}

static void say(int fd, const char *s, size_t n)
{
	ssize_t done = fd < 0 ? 0 : write(fd, s, n);

	(void)done; /* nobody is left to be told */
}

static void report(const struct words *w)
{
	say(STDERR_FILENO, "vfctl-vmm: ", sizeof("vfctl-vmm: ") - 1);
	say(STDERR_FILENO, w->s, w->n);
	say(STDERR_FILENO, "\n", 1);
	if (!params.report_head || !params.report_tail)
		return;
	say(params.report_fd, params.report_head, strlen(params.report_head));
	say(params.report_fd, w->s, w->n);
	say(params.report_fd, params.report_tail, strlen(params.report_tail));
}

static void on_denied(int sig UNUSED, siginfo_t *info, void *context)
{
	const ucontext_t *c = context;
	struct words w = { .n = 0 };

	describe(&w, info->si_syscall, (unsigned long)c->uc_mcontext.gregs[REG_RSI]);
	report(&w);
	if (params.dying)
		params.dying();
	syscall(SYS_getppid); /* denied */
	_exit(STATUS_KILLED);
}

int trap_install(const struct sandbox_params *p)
{
	struct sigaction sa = { .sa_sigaction = on_denied, .sa_flags = SA_SIGINFO };
	sigset_t set;

	params = *p;
	if (p->report_head && p->report_tail) {
		params.report_head = strdup(p->report_head);
		params.report_tail = strdup(p->report_tail);
		if (!params.report_head || !params.report_tail)
			return -ENOMEM;
	}
	sigfillset(&sa.sa_mask);
	if (sigaction(SIGSYS, &sa, NULL) < 0)
		return -errno;
	sigemptyset(&set);
	sigaddset(&set, SIGSYS);
	return sigprocmask(SIG_UNBLOCK, &set, NULL) < 0 ? -errno : 0;
}
