/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is recorded of a function that was given to somebody: to whom, since when, and what brings
 * back what was before. One file per function in /run/vfctl/claims, a JSON object on one line:
 *
 *   {"lease":1,"address":"0000:01:10.0","incarnation":5312,"pf":"0000:01:00.0","vf":0,
 *    "pool":"fast","state":"held","reason":null,
 *    "owner":{"kind":"process","id":"4711","pid":4711,"start":83211,"path":null},
 *    "since":1763…,"since_boot_ms":83…,"uid":0,"worker":{"pid":4712,"start":83215},
 *    "before":{"driver":"igbvf","override":"","settings":["vlan=0",…]},
 *    "node":{"name":"vfio/12","uid":0,"gid":0,"mode":384}}
 *
 * A boot forgets them with /run. Functions are named by their incarnation too: the number of the
 * inode of their folder in sysfs, of which the kernel gives none twice, so that a VF which was
 * destroyed and made anew at the same address is not taken for the old one.
 *
 * Reading them (here) needs no right to change them: claim/ledger.h does that.
 */
#pragma once

#include "base/bdf.h"
#include "host/host.h"

/* Where they are, below the folder of run-time state. */
#define LEASE_DIR "claims"

enum owner_kind { OWNER_PROCESS, OWNER_DOMAIN, OWNER_CONTAINER, OWNER_MANUAL, OWNER_KINDS };

/* Who has it. claim/owner.h makes them, and tells whether they live. */
struct owner {
	enum owner_kind kind;
	char *id; /* "4711", a domain's name or UUID, a container's id, any text; printable */
	int pid;  /* of the process, or of the domain when it was last seen; 0: none */
	uint64_t
		start; /* of that process (/proc/PID/stat), or the inode of the container's group */
	char *path;    /* a container's control group, below its mount point; NULL */
};

enum lease_state {
	LEASE_TAKING,	  /* its worker is about to give it out, or died meanwhile */
	LEASE_HELD,	  /* the owner's */
	LEASE_RETURNING,  /* its worker is about to bring back what was before, or died meanwhile */
	LEASE_QUARANTINE, /* that failed: nobody's, see reason */
	LEASE_STATES
};

struct lease {
	struct bdf bdf;
	uint64_t incarnation;
	struct bdf pf; /* its own address when it is no VF */
	int vf;	       /* index; -1: no VF */
	char *pool;    /* NULL: it was named */
	enum lease_state state;
	char *reason; /* of quarantine */
	struct owner owner;
	int64_t since_s;	/* since 1970 */
	uint64_t since_boot_ms; /* CLOCK_BOOTTIME */
	uint32_t uid;		/* who asked for it */
	int worker;		/* the process that takes or returns it; 0: none */
	uint64_t worker_start;

	/* What was before, as wishes have it (plan/wish.h). */
	char *driver, *override; /* "": none */
	char **settings;

	char *node; /* the device node that was given to somebody, "vfio/12"; NULL: none was */
	uint32_t node_uid, node_gid, node_mode; /* whose it was before */
};

void owner_done(struct owner *o);
/* "process:4711", "manual:lab"; NULL: no memory. */
char *owner_text(const struct owner *o) NODISCARD;
const char *owner_kind_name(enum owner_kind kind);    /* "process" */
const char *lease_state_name(enum lease_state state); /* "held" */

void lease_done(struct lease *l);
/* A copy of everything; -ENOMEM. */
int lease_copy(const struct lease *l, struct lease *ret);
/* One line for the file; NULL: no memory. */
char *lease_to_json(const struct lease *l) NODISCARD;
/* -EBADMSG: torn or no such record; -EPROTONOSUPPORT: another version wrote it. */
int lease_from_json(const char *text, struct lease *ret);
/* What such an errno means: "another version of vfctl wrote it". */
const char *lease_why(int code);

struct leases {
	struct lease *v; /* by address */
	size_t n;
	char **unreadable; /* "0000:01:10.0: it is torn": records that tell nothing */
};

void leases_done(struct leases *s);
#define autoleases CLEANUP(leases_done) struct leases
/* Takes *l over, also on failure; in any order. leases_sort() when all are there. -ENOMEM. */
int leases_add(struct leases *s, struct lease *l);
void leases_sort(struct leases *s);
/* Of that address; NULL: none. */
struct lease *leases_find(const struct leases *s, struct bdf a);
/* Reads record `name` whose text is `text` (negative `code`: why it could not be read). -ENOMEM. */
int leases_add_record(struct leases *s, const char *name, int code, const char *text);

/* Those of a machine, live or captured, with what could not be read; -ENOMEM. */
int leases_read(struct host *h, struct leases *ret);
/* The function's number now. -ENOENT: it is not there. */
int lease_incarnation(struct host *h, struct bdf a, uint64_t *ret);
/* Whether it is still that very function; a captured machine's numbers say nothing: always. */
bool lease_is_of(struct host *h, const struct lease *l);
