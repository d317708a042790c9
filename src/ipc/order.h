/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What somebody asks the daemon to do, and the daemon its worker: the arguments of the methods, as
 * one struct and as JSON,
 *
 *   {"do":"change","wishes":[…],"options":{"command":"create eth0 4","keep-going":true,…}}
 *   {"do":"reset","functions":["0000:01:10.0"],"options":{"method":"flr"}}
 *   {"do":"list","functions":["ens1f0"],"options":{}}
 *
 * The options are those of vfctld(8); over the bus they are a{sv} with the same names.
 */
#pragma once

#include "base/problem.h"
#include "plan/wish.h"

#include <stdbool.h>

struct json_object;

enum order_kind { ORDER_CHANGE, ORDER_RESET, ORDER_RECOVER, ORDER_LIST, ORDER_SHOW, ORDER_KINDS };

enum { ORDER_BYTES_MAX = 4 << 20, ORDER_TEXT_MAX = 512, ORDER_FUNCTIONS_MAX = 4096 };

struct order {
	enum order_kind kind;
	struct wishes wishes; /* of a change */
	char **functions;     /* addresses of a reset; selectors of a look */
	/* Options. */
	char *command; /* "create eth0 4": for the journal and the others; NULL: none */
	char *method;  /* of a reset; NULL: the kernel's choice */
	bool keep_going, allow_destroy, allow_in_use, as_is, wait_for_holder;
	bool force;	     /* steps do not ask again who uses what: the plan has */
	bool skip_refused;   /* PFs of which something is refused stay, the others go on */
	bool holders;	     /* of a look: who uses them, too */
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
/* Its options alone; each is named once. */
int order_options_from_json(struct order *o, struct json_object *j, struct problem **reterr);
