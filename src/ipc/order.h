/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What somebody asks the daemon to do, and the daemon its worker: the arguments of the methods, as
 * one struct and as JSON,
 *
 *   {"do":"change","wishes":[…],"options":{"command":"create eth0 4","keep-going":true,…}}
 *   {"do":"reset","functions":["0000:01:10.0"],"options":{"method":"flr"}}
 *   {"do":"list","functions":["ens1f0"],"options":{}}
 *   {"do":"assign","request":{"owner":"domain:web1",…},"asker":{"uid":0,…},"options":{}}
 *   {"do":"release","request":{"functions":["0000:01:10.0"]},"asker":{…},"options":{}}
 *   {"do":"open","functions":["0000:01:10.0","kvm","tap:vm0"],
 *    "guest":{"uid":1000,"pid":4711,"memory":536870912},"options":{}}
 *
 * The options are those of vfctld(8); over the bus they are a{sv} with the same names.
 */
#pragma once

#include "base/problem.h"
#include "plan/wish.h"

#include <stdbool.h>

struct json_object;

enum order_kind {
	ORDER_CHANGE,
	ORDER_RESET,
	ORDER_RECOVER,
	ORDER_LIST,
	ORDER_SHOW,
	ORDER_ASSIGN,
	ORDER_RELEASE,
	ORDER_LEASES,
	ORDER_OPEN,
	ORDER_CHECK,	 /* how healthy functions are, and what has drifted; none: all */
	ORDER_RECONCILE, /* PFs that have */
	ORDER_KINDS
};

enum { ORDER_BYTES_MAX = 4 << 20, ORDER_TEXT_MAX = 512, ORDER_FUNCTIONS_MAX = 4096 };

/* Who asks: the daemon's word, of which a request over the bus says nothing. */
struct order_asker {
	uint32_t uid;
	bool admin;	/* he may change functions; who may not has only what is his */
	bool automatic; /* the daemon itself: of owners who are gone, nothing else */
	uint64_t start; /* of the process that is to be the owner, when it was asked; 0: unknown */
};

/*
 * Of assign, {"owner":"process:4711","functions":["0000:01:10.0"] or "pool":"fast","count":1,
 * "near":0,"settings":["vlan=3"],"give":{"uid":1000,"gid":…},"memory":BYTES}, and of release,
 * {"functions":[…] or "owner":…,"quarantined":true}.
 */
struct order_claim {
	char *owner, *pool;
	char **settings;
	unsigned count;	       /* 0: all that are named, or one of a pool */
	int near;	       /* preferred NUMA node; -1: where the owner is */
	uint64_t memory_bytes; /* of the guest that it is for; 0: unknown */
	bool give;	       /* the device node, to whom; UINT32_MAX leaves one as it is */
	uint32_t give_uid, give_gid;
	bool quarantined; /* also what is in quarantine */
	struct order_asker asker;
};

/* For whom something is opened: the daemon's word, but for the memory. */
struct order_guest {
	uint32_t uid, pid;
	uint64_t memory_bytes; /* that his guest is going to pin */
	char *vfio;	       /* by which back end, "iommufd"; NULL: the opener's choice */
};

struct order {
	enum order_kind kind;
	struct wishes wishes;	  /* of a change */
	char **functions;	  /* addresses of a reset, assign or release; selectors of a look */
	struct order_claim claim; /* of assign and release */
	struct order_guest guest; /* of open, whose `functions` are all that is asked for */
	/* Options. */
	char *command; /* "create eth0 4": for the journal and the others; NULL: none */
	char *method;  /* of a reset; NULL: the kernel's choice */
	bool keep_going, allow_destroy, allow_in_use, as_is, wait_for_holder;
	bool force;	     /* steps do not ask again who uses what: the plan has */
	bool skip_refused;   /* PFs of which something is refused stay, the others go on */
	bool holders;	     /* of a look: who uses them, too */
	bool drift;	     /* of a check: compare with the configuration, too */
	bool record;	     /* note which cards have been configured */
	unsigned timeout_ms; /* 0: each room's own */
};

void order_done(struct order *o);
#define autoorder CLEANUP(order_done) struct order

const char *order_name(enum order_kind kind); /* "change" */
/* NULL: no memory. */
struct json_object *order_to_json(const struct order *o);
/* PROBLEM_USAGE names what is wrong. */
int order_from_json(struct json_object *j, struct order *ret, struct problem **reterr);
/* The same of text, which may be anything; ORDER_BYTES_MAX at most. */
int order_from_text(const char *text, struct order *ret, struct problem **reterr);
static inline bool order_is_of_claims(const struct order *o)
{
	return o->kind == ORDER_ASSIGN || o->kind == ORDER_RELEASE;
}
/* The request of assign or release alone, with its functions; NULL: no memory. */
struct json_object *order_request_to_json(const struct order *o);
/* o->kind says of which. The asker is left alone. */
int order_request_from_json(struct order *o, struct json_object *j, struct problem **reterr);
/* Its options alone; each is named once. */
int order_options_from_json(struct order *o, struct json_object *j, struct problem **reterr);
