/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The VMM locks itself up. Once it has what it works with, it gives away what it will not need:
 * rights (capabilities, what execve() could bring), name spaces and files, and by seccomp every
 * system call but those of a guest's life, its reboots included; each kind of thread keeps its own
 * few of them (rules.def).
 *
 * The state is the process's, as the kernel's is. Before sandbox_enter(), and without it (unit
 * tests, SANDBOX_OFF), threads are started as if there was no sandbox.
 *
 * A call that is denied ends the process by SIGSYS. It is never carried out; the thread that tried
 * gets as far as saying which call it was, and where, on standard error and in the report.
 *
 * Built with sanitizers (or for coverage), whose run-time opens, maps and traces as it likes, there
 * is no seccomp, no Landlock and no name space: `relaxed` in what was applied tells.
 */
#pragma once

#include "base/problem.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sandbox_mode {
	SANDBOX_ON,
	SANDBOX_LOG, /* what seccomp denies is allowed, and written to the kernel's log */
	SANDBOX_OFF,
};

enum sandbox_role {
	SANDBOX_MAIN,	/* builds machines, so may also what the threads may that it starts */
	SANDBOX_CPU,	/* runs a virtual CPU, and the devices' registers */
	SANDBOX_IO,	/* a virtio device's queues */
	SANDBOX_MEMORY, /* touches guest memory beforehand */
	SANDBOX_ROLES
};

/* What a guest has decides what its VMM may: calls for what is not there are denied. */
enum sandbox_use {
	SANDBOX_USE_TTY = 1 << 0,
	SANDBOX_USE_DISK = 1 << 1,
	SANDBOX_USE_NET = 1 << 2,
	SANDBOX_USE_VFIO = 1 << 3,
	SANDBOX_USE_CPU_IO = 1 << 4,	 /* CPUs do the work of a virtio device (ioeventfd=off) */
	SANDBOX_USE_CONTROL = 1 << 5,	 /* a control socket, over which descriptors come */
	SANDBOX_USE_VHOST = 1 << 6,	 /* the kernel serves a device */
	SANDBOX_USE_VHOST_USER = 1 << 7, /* another process does */
	SANDBOX_USE_PORTS = 1 << 8,	 /* sockets that somebody connects to */
	SANDBOX_USE_ALL = (1 << 9) - 1,
};

struct sandbox_params {
	enum sandbox_mode mode;
	unsigned uses;	     /* SANDBOX_USE_* */
	unsigned files;	     /* descriptors that will be open at the same time, at most */
	uint64_t file_bytes; /* what files that are made later hold, at most */
	bool may_pin;	     /* keeps CAP_IPC_LOCK, if it has it */
	/*
	 * What to write to `report_fd` before and after the words about a denied call; it is
	 * copied. -1: nothing is.
	 */
	int report_fd;
	const char *report_head, *report_tail;
	/*
	 * What cannot be made before, as a kernel thread of ours is left over from it, nor after:
	 * called when nothing is missing but seccomp, which denies it. An error is the sandbox's;
	 * it is called without a sandbox, too. May be NULL.
	 */
	int (*last)(void *arg, struct problem **reterr);
	void *arg;
	/* Called while dying, in a signal handler; may be NULL. */
	void (*dying)(void);
};

/* What became of it. */
struct sandbox_applied {
	enum sandbox_mode mode;
	bool relaxed;
	unsigned rules[SANDBOX_ROLES]; /* seccomp's; 0: none */
	int landlock_abi;	       /* 0: the kernel has none */
	unsigned namespaces;	       /* CLONE_NEW* */
	bool empty_root;
	bool may_pin;	   /* see the parameter */
	char without[120]; /* what the kernel refused, and why: "user namespace (…)"; or "" */
};

/*
 * Closes every descriptor but 0 to 2 and these, before anything is opened: what was not handed over
 * by name is not ours. `fds` is sorted.
 */
void sandbox_keep_only(int *fds, size_t n);

/*
 * Locks the process up. There must be no other thread. What name spaces and Landlock cannot give is
 * gone without (see `without`); an error only when the process cannot be confined at all.
 */
int sandbox_enter(
	const struct sandbox_params *p, struct sandbox_applied *ret, struct problem **reterr);

/* First thing of a thread that has its name. A thread that cannot be confined ends the process. */
void sandbox_thread(enum sandbox_role role);

/* A disk's file has become larger: writes may go as far. The main loop's thread; -EPERM. */
int sandbox_allow_file_bytes(uint64_t bytes);

/* "main", "cpu", "io", "memory" */
const char *sandbox_role_name(enum sandbox_role role);
/* "on", "log", "off"; -EINVAL */
const char *sandbox_mode_name(enum sandbox_mode mode);
int sandbox_mode_parse(const char *text, enum sandbox_mode *ret);
/* One line for people, allocated; NULL when memory is out. */
char *sandbox_text(const struct sandbox_applied *a);
/* It is in a user namespace of its own: there nobody has a name, and all look alike. */
bool sandbox_has_own_users(const struct sandbox_applied *a);
/* The names of its name spaces, "user mount net"; "" when there are none. */
void sandbox_namespaces(const struct sandbox_applied *a, char *buf, size_t size);
/* All that may be done, a line each with the roles that may, allocated; NULL. */
char *sandbox_rules_text(void);
