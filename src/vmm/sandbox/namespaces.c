/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A process namespace would take another process, as only children enter it; without a call that
 * makes or finds processes there is nothing in it to be kept from.
 */
#include "parts.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>

static const struct {
	int flag;
	const char *name;
} kinds[] = {
	{ CLONE_NEWUSER, "user" },
	{ CLONE_NEWNS, "mount" },
	{ CLONE_NEWNET, "net" },
	{ CLONE_NEWIPC, "ipc" },
	{ CLONE_NEWUTS, "uts" },
	{ CLONE_NEWCGROUP, "cgroup" },
};

static void without(struct sandbox_applied *a, const char *what, int code)
{
	size_t n = strlen(a->without);

	snprintf(a->without + n, sizeof(a->without) - n, "%s%s (%s)", n ? ", " : "", what,
		strerror(code));
}

/* Root can do without a user namespace of its own; others get the rest by it alone. */
static bool enter_mount_namespace(struct sandbox_applied *a)
{
	int code;

	if (unshare(CLONE_NEWNS) == 0) {
		a->namespaces |= CLONE_NEWNS;
		return true;
	}
	code = errno;
	if (a->namespaces & CLONE_NEWUSER || code != EPERM) {
		without(a, "namespaces", code);
		return false;
	}
	if (unshare(CLONE_NEWUSER) < 0) {
		without(a, "user namespace", errno);
		return false;
	}
	a->namespaces |= CLONE_NEWUSER;
	return enter_mount_namespace(a);
}

/* One by one, as a kernel may lack one of them. */
static void enter_others(struct sandbox_applied *a)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		char what[32];
		int flag = kinds[i].flag;

		if (flag == CLONE_NEWUSER || flag == CLONE_NEWNS)
			continue;
		if (unshare(flag) == 0) {
			a->namespaces |= (unsigned)flag;
			continue;
		}
		snprintf(what, sizeof(what), "%s namespace", kinds[i].name);
		without(a, what, errno);
	}
}

/*
 * Into the folder that we are in, a mount of its own. Where the present root is the kernel's first,
 * which cannot be left by pivot_root(), it is covered, as switch_root does.
 */
static int make_root(void)
{
	if (syscall(SYS_pivot_root, ".", ".") == 0)
		return umount2(".", MNT_DETACH);
	if (mount(".", "/", NULL, MS_MOVE, NULL) < 0)
		return -1;
	return chroot(".");
}

static int empty_root(void)
{
	static const char place[] = "/tmp";

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		mount("empty", place, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
			"size=4k,nr_inodes=1,mode=555") < 0 ||
		chdir(place) < 0 || make_root() < 0 || chdir("/") < 0)
		return -errno;
	if (mount(NULL, "/", NULL,
		    MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
		return -errno;
	return 0;
}

bool sandbox_has_own_users(const struct sandbox_applied *a)
{
	return a->namespaces & CLONE_NEWUSER;
}

void namespaces_enter(struct sandbox_applied *a)
{
	int r;

	if (!enter_mount_namespace(a))
		return;
	enter_others(a);
	r = empty_root();
	a->empty_root = r == 0;
	if (r < 0)
		without(a, "empty root", -r);
}

void sandbox_namespaces(const struct sandbox_applied *a, char *buf, size_t size)
{
	size_t n = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if ((a->namespaces & (unsigned)kinds[i].flag) && n < size)
			n += (size_t)snprintf(
				buf + n, size - n, "%s%s", n ? " " : "", kinds[i].name);
}
