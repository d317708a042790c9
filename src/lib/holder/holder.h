/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who uses a function right now, so that nobody's guest, disk or connection is pulled away. What
 * the caller may not look into (other users' /proc entries) is skipped, so an empty list is a
 * promise only to root.
 */
#pragma once

#include "base/bdf.h"
#include "host/host.h"

enum use_kind {
	USE_VFIO,    /* a process has the function, or its whole group, open through VFIO */
	USE_MOUNT,   /* a file system of its NVMe namespaces is mounted */
	USE_SWAP,    /* or swapped to */
	USE_STACKED, /* or device mapper, md, … sits on one */
	USE_ROUTE,   /* its netdev carries a default route */
	USE_ADDRESS, /* or has addresses or routes */
	USE_MASTER,  /* or is a port of a bridge, bond or team */
	USE_NETNS,   /* its netdev was moved to another network namespace: a container's */
};

struct use {
	enum use_kind kind;
	struct bdf bdf; /* the function that is used */
	int pid;	/* USE_VFIO */
	char *who;	/* "pid 4711 (qemu web1)", "eth0 carries the default route" */
};

struct uses {
	struct use *v;
	size_t n;
};

void uses_done(struct uses *u);
#define autouses CLEANUP(uses_done) struct uses

/* All uses of one function. */
int uses_find(struct host *h, struct bdf a, struct uses *ret);
/* Only the holders through VFIO, of any of several functions: one walk over all processes. */
int uses_find_vfio(struct host *h, const struct bdf *a, size_t n, struct uses *ret);
/* "0000:01:10.0: pid 4711 (qemu web1); …"; NULL when empty or out of memory. */
char *uses_text(const struct uses *u) NODISCARD;
/* 0 when empty, else PROBLEM_IN_USE: "VERB ADDRESS: …". */
int uses_refuse(const struct uses *u, const char *verb, struct problem **reterr);
