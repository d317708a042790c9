/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules.h"

#include "base/str.h"
#include "vfio/abi.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/if_tun.h>
#include <linux/kvm.h>
#include <linux/seccomp.h>
#include <linux/vfio.h>
#include <linux/vhost.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

enum {
	MAIN = 1 << SANDBOX_MAIN,
	CPU = 1 << SANDBOX_CPU,
	IO = 1 << SANDBOX_IO,
	MEMORY = 1 << SANDBOX_MEMORY,

	USE_TTY = SANDBOX_USE_TTY,
	USE_DISK = SANDBOX_USE_DISK,
	USE_NET = SANDBOX_USE_NET,
	USE_VFIO = SANDBOX_USE_VFIO,
	USE_CPU_IO = SANDBOX_USE_CPU_IO,
	USE_CONTROL = SANDBOX_USE_CONTROL,
	USE_VHOST = SANDBOX_USE_VHOST,
	USE_VHOST_USER = SANDBOX_USE_VHOST_USER,
	USE_PORTS = SANDBOX_USE_PORTS,

	/* pthread_create()'s, to the bit. */
	THREAD_FLAGS = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SYSVSEM | CLONE_SIGHAND |
		       CLONE_THREAD | CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID,
	FALLOC_PUNCH = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
	FALLOC_ZERO = FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
};

/* clang-format off */
const struct rule rules[] = {
#define CALL(roles, when, call) { #call, NULL, SYS_##call, roles, when, -1, false, 0, 0 },
#define ARG(roles, when, call, n, mask, value, text) \
	{ #call, text, SYS_##call, roles, when, n, false, mask, value },
#define OWN_PID(roles, when, call) \
	{ #call, "this process", SYS_##call, roles, when, 0, true, ~0ULL, 0 },
/* The kernel looks at 32 bits of a request. */
#define IOCTL(roles, when, request) \
	{ "ioctl", #request, SYS_ioctl, roles, when, 1, false, 0xffffffff, request },
#include "rules.def"
};
/* clang-format on */
const size_t n_rules = ARRAY_SIZE(rules);

bool rule_holds(const struct rule *r, enum sandbox_role role, unsigned uses)
{
	bool for_role = role == SANDBOX_MAIN || (r->roles & 1U << role);

	return for_role && (r->when & uses) == r->when;
}

const char *rules_call_name(int number)
{
	for (size_t i = 0; i < n_rules; i++)
		if (rules[i].number == number)
			return rules[i].call;
	return NULL;
}

static void add_roles(struct strbuf *b, const struct rule *r)
{
	for (enum sandbox_role role = 0; role < SANDBOX_ROLES; role++)
		strbuf_add(b, "%s%s", role ? " " : "",
			rule_holds(r, role, SANDBOX_USE_ALL) ? sandbox_role_name(role) : "-");
}

static void add_uses(struct strbuf *b, unsigned when)
{
	static const struct {
		unsigned use;
		const char *name;
	} names[] = {
		{ SANDBOX_USE_TTY, "terminal" },
		{ SANDBOX_USE_DISK, "disk" },
		{ SANDBOX_USE_NET, "net" },
		{ SANDBOX_USE_VFIO, "vfio" },
		{ SANDBOX_USE_CPU_IO, "ioeventfd=off" },
		{ SANDBOX_USE_CONTROL, "control" },
		{ SANDBOX_USE_VHOST, "vhost" },
		{ SANDBOX_USE_VHOST_USER, "vhost-user" },
		{ SANDBOX_USE_PORTS, "port" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (when & names[i].use)
			strbuf_add(b, " with %s", names[i].name);
}

char *sandbox_rules_text(void)
{
	autostrbuf b = { 0 };

	for (size_t i = 0; i < n_rules; i++) {
		const struct rule *r = &rules[i];

		add_roles(&b, r);
		strbuf_add(&b, "  %s%s%s", r->call, r->text ? ": " : "", r->text ? r->text : "");
		add_uses(&b, r->when);
		strbuf_add(&b, "\n");
	}
	return strbuf_take(&b);
}
