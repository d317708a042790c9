/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "filter.h"
#include "parts.h"

#include "base/str.h"

#include <limits.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

/* As seccomp itself is the process's: made once, before there are threads, and only read then. */
static struct filter filters[SANDBOX_ROLES];
static bool is_filtered;

static const char *const role_names[SANDBOX_ROLES] = { "main", "cpu", "io", "memory" };
static const char *const mode_names[] = { "on", "log", "off" };

const char *sandbox_role_name(enum sandbox_role role)
{
	return role_names[role];
}

const char *sandbox_mode_name(enum sandbox_mode mode)
{
	return mode_names[mode];
}

int sandbox_mode_parse(const char *text, enum sandbox_mode *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(mode_names); i++)
		if (str_eq(text, mode_names[i])) {
			*ret = (enum sandbox_mode)i;
			return 0;
		}
	return -EINVAL;
}

static int fd_cmp(const void *a, const void *b)
{
	return *(const int *)a < *(const int *)b ? -1 : *(const int *)a > *(const int *)b;
}

static void close_between(unsigned from, unsigned to)
{
	if (from <= to)
		syscall(SYS_close_range, from, to, 0);
}

void sandbox_keep_only(int *fds, size_t n)
{
	unsigned from = STDERR_FILENO + 1;

	if (n)
		qsort(fds, n, sizeof(*fds), fd_cmp);
	for (size_t i = 0; i < n; i++) {
		if (fds[i] < (int)from)
			continue;
		close_between(from, (unsigned)fds[i] - 1);
		from = (unsigned)fds[i] + 1;
	}
	close_between(from, UINT_MAX);
}

static int build_filters(const struct sandbox_params *p, struct sandbox_applied *a)
{
	int r = 0;

	for (enum sandbox_role role = 0; role < SANDBOX_ROLES && r == 0; role++) {
		r = filter_build(role, p->uses, p->mode, &filters[role]);
		a->rules[role] = filters[role].rules;
	}
	return r;
}

static int lock_calls(const struct sandbox_params *p)
{
	int r = trap_install(p);

	/* Threads hardly allocate. An arena each would cost memory, and calls that they need not
	 * have. */
	mallopt(M_ARENA_MAX, 1);
	trap_name(SANDBOX_MAIN, role_names[SANDBOX_MAIN]);
	if (r == 0)
		r = filter_install(&filters[SANDBOX_MAIN]);
	is_filtered = r == 0;
	return r;
}

/*
 * The filters are made first: libseccomp writes them to a file, and asks the kernel what it can do.
 * They take effect last, for what is between is what they deny.
 */
static int enter(const struct sandbox_params *p, struct sandbox_applied *a, const char **ret_what,
	struct problem **reterr)
{
	int r = 0;

	*ret_what = "seccomp";
	if (!SANDBOX_RELAXED)
		r = build_filters(p, a);
	if (r < 0)
		return r;
	*ret_what = "no new privileges";
	r = privileges_forgo();
	if (r < 0)
		return r;
	limits_set(p);
	if (!SANDBOX_RELAXED)
		namespaces_enter(a);
	*ret_what = "capabilities";
	r = privileges_drop(p);
	if (r < 0)
		return r;
	if (!SANDBOX_RELAXED) {
		privileges_hide();
		a->landlock_abi = landlock_enter();
	}
	*ret_what = NULL; /* it tells itself */
	r = p->last ? p->last(p->arg, reterr) : 0;
	if (r < 0 || SANDBOX_RELAXED)
		return r;
	*ret_what = "seccomp";
	return lock_calls(p);
}

int sandbox_enter(
	const struct sandbox_params *p, struct sandbox_applied *ret, struct problem **reterr)
{
	struct sandbox_applied a = {
		.mode = p->mode, .relaxed = SANDBOX_RELAXED, .may_pin = p->may_pin
	};
	const char *what = NULL;
	int r;

	if (p->mode == SANDBOX_OFF)
		r = p->last ? p->last(p->arg, reterr) : 0;
	else
		r = enter(p, &a, &what, reterr);
	if (r < 0 && what)
		return problem(reterr, r, PROBLEM_UNSUPPORTED,
			"--sandbox=off goes without, and leaves the host open to what breaks out of the guest",
			"the sandbox cannot be had, %s: %s", what, strerror(-r));
	if (r == 0)
		*ret = a;
	return r;
}

/* Signals of the process are the main loop's; this one is of the thread that did it. */
static void take_denials(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGSYS);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

void sandbox_thread(enum sandbox_role role)
{
	char name[16] = "";

	if (!is_filtered)
		return;
	take_denials();
	prctl(PR_GET_NAME, name, 0, 0, 0);
	trap_name(role, name);
	if (filter_install(&filters[role]) < 0)
		abort();
}

static void add_rules(struct strbuf *b, const struct sandbox_applied *a)
{
	strbuf_add(b, "seccomp (");
	for (enum sandbox_role role = 0; role < SANDBOX_ROLES; role++)
		strbuf_add(b, "%s%s %u", role ? ", " : "", role_names[role], a->rules[role]);
	strbuf_add(b, " rules)");
	if (a->mode == SANDBOX_LOG)
		strbuf_add(b, " which only logs");
	if (a->landlock_abi)
		strbuf_add(b, ", Landlock ABI %d", a->landlock_abi);
	else
		strbuf_add(b, ", no Landlock");
}

char *sandbox_text(const struct sandbox_applied *a)
{
	autostrbuf b = { 0 };
	char names[64];

	sandbox_namespaces(a, names, sizeof(names));
	if (a->mode == SANDBOX_OFF) {
		strbuf_add(&b, "off");
		return strbuf_take(&b);
	}
	if (a->relaxed)
		strbuf_add(&b, "no seccomp, built with sanitizers");
	else
		add_rules(&b, a);
	if (*names)
		strbuf_add(&b, ", namespaces %s", names);
	strbuf_add(&b, ", %sno capabilities%s", a->empty_root ? "empty root, " : "",
		a->may_pin ? " but CAP_IPC_LOCK" : "");
	if (*a->without)
		strbuf_add(&b, "; without %s", a->without);
	return strbuf_take(&b);
}
