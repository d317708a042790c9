/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who uses a function right now, so that nobody's guest, disk or connection is pulled away. Read
 * only, and nothing here can block: no attribute under the device lock is touched, and a held
 * device is never opened. What the caller may not look into (other users' processes, libvirt's
 * files) is named in `unknown`: an empty list is a promise only when that is empty too.
 */
#pragma once

#include "base/bdf.h"
#include "host/host.h"

enum holder_kind {
#define HOLDER(id, name) HOLDER_##id,
#include "kinds.def"
#undef HOLDER
	HOLDER_KINDS
};

/* What taking the function away would mean. Higher is worse. */
enum holder_strength {
	HOLD_BOUND, /* nothing is lost now: a driver is bound, a domain that is not running names it
		     */
	HOLD_USED,  /* somebody loses a disk, a connection: only with explicit consent */
	HOLD_BLOCKS, /* a VFIO user: the kernel waits uninterruptibly until he lets go. Never */
};

struct holder {
	enum holder_kind kind;
	enum holder_strength strength;
	struct bdf bdf; /* the function that is used */
	int pid;	/* of a process; else 0 */
	char *command;	/* of a process: its comm, "qemu-system-x86"; else NULL */
	char *vm_name;	/* of a guest or a domain, "web1"; NULL unknown */
	char *text;	/* "pid 4711 (qemu-system-x86 web1)", "eth0 carries the default route" */
};

struct holders {
	struct holder *v; /* in the order in which the functions were given, the worst first */
	size_t n;
	char **unknown; /* what could not be looked into: "the open files of 12 processes: …" */
};

void holders_done(struct holders *s);
#define autoholders CLEANUP(holders_done) struct holders

/* All holders of any of `n` functions: one walk over all processes, however many they are. */
int holders_find(struct host *h, const struct bdf *a, size_t n, struct holders *ret);
/* Only those who use them through VFIO, and only of functions that are on a VFIO driver. */
int holders_find_vfio(struct host *h, const struct bdf *a, size_t n, struct holders *ret);

const char *holder_kind_name(enum holder_kind kind); /* JSON: "vfio", "mount", … */
const char *holder_strength_name(enum holder_strength s);

/* Those of function `a`: a run within v, *ret_n of them; NULL when there are none. */
const struct holder *holders_of(const struct holders *s, struct bdf a, size_t *ret_n);
/* How many are at least that strong. */
size_t holders_count(const struct holders *s, enum holder_strength least);
/* "0000:01:10.0: pid 4711 (qemu web1); …" of those at least that strong; NULL: none, no memory. */
char *holders_text(const struct holders *s, enum holder_strength least) NODISCARD;
/* 0 when none is HOLD_USED or worse, else PROBLEM_IN_USE: "cannot VERB: in use by …". */
int holders_refuse(const struct holders *s, const char *verb, struct problem **reterr);
