/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who may have a function, and whether he lives:
 *
 *   process:PID           that very process: its start time tells it from a later one of the number
 *   domain:NAME|UUID      a guest of libvirt's, as libvirt's run state in /run/libvirt/qemu tells
 *   container:ID          one whose control group has that id in its name (Docker, Podman, CRI-O,
 *                         containerd, systemd-nspawn, LXC)
 *   manual:TEXT           anything else; only a person can tell
 *
 * libvirt and the container engines are not asked: what they leave in files cannot hang.
 *
 * Users of this header also name the room lease in USES.
 */
#pragma once

#include "lease/lease.h"

enum owner_alive { OWNER_GONE, OWNER_ALIVE, OWNER_UNKNOWN };

/*
 * From the user's word, with what tells it apart later. PROBLEM_USAGE: no such form;
 * PROBLEM_NOT_FOUND: there is no such process or container. A domain that does not run yet is fine.
 */
int owner_parse(struct host *h, const char *word, struct owner *ret, struct problem **reterr);
/*
 * *ret_why (may be NULL): what it was told from, "libvirt runs it as process 4711"; allocated, NULL
 * when memory is out.
 */
enum owner_alive owner_alive(struct host *h, const struct owner *o, char **ret_why);
const char *owner_alive_name(enum owner_alive a); /* JSON: "gone", "alive", "unknown" */
/* Whether both are the same owner, whatever is known of them. */
bool owner_eq(const struct owner *a, const struct owner *b);
/*
 * A descriptor that polls readable when the owner's process has ended, or something happens to the
 * container's control group (then owner_alive() tells): the caller's. -ESRCH: he is gone;
 * -EOPNOTSUPP: this owner has none.
 */
int owner_watch(struct host *h, const struct owner *o);
/* Of a container: 0, -ESRCH its group has gone, -ENODATA nobody is in it; else it is unknown. */
int owner_group_check(struct host *h, const struct owner *o);

/* A process' start time, in clock ticks since the boot. -ESRCH: it is not there, or a corpse. */
int process_start(struct host *h, int pid, uint64_t *ret);
/* The process that it is a child of; 0: nobody, or unknown. */
int process_parent(struct host *h, int pid);
/* Whether that very process lives. */
bool process_lives(struct host *h, int pid, uint64_t start);
/* Whether all its user ids are that one. */
bool process_is_of(struct host *h, int pid, uint32_t uid);
/*
 * The NUMA node that all of an owner's process may run on lies in; -1: none, several, or unknown.
 */
int owner_node(struct host *h, const struct owner *o);
/*
 * How much memory the owner's process may pin; UINT64_MAX: no limit, or CAP_IPC_LOCK. -ENODATA:
 * unknown.
 */
int owner_memlock(struct host *h, const struct owner *o, uint64_t *ret);
/*
 * 1: a guest of so much memory (0: nobody knows how much, and it is a process) needs more, or may
 * need more, than it may pin; the text and what to do are the caller's (free). 0: it is enough, or
 * unknown. -ENOMEM.
 */
int owner_memlock_missing(struct host *h, const struct owner *o, uint64_t need_bytes,
	char **ret_text, char **ret_hint);
