/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A claim, for claims.c (what the records say) and claims-watch.c (whose end is awaited). */
#pragma once

#include "claims.h"

#include "lease/lease.h"

/* What is awaited of a claim: whose end it is. */
enum await { AWAIT_NOBODY, AWAIT_OWNER, AWAIT_WORKER };

struct claim {
	struct claims *all;
	struct claim *next;
	struct lease lease;
	bool seen;	  /* while the records are read */
	bool granted;	  /* its owner had it, and was told so */
	bool lost;	  /* the function is gone, and that was told */
	bool tried;	  /* to return it, in vain, since anything has changed */
	unsigned in_vain; /* how often nobody was known to be in the way */
	unsigned job;	  /* that returns it; 0: none */
	int holder;	  /* the process that has it open; 0: unknown */
	enum await by;	  /* `end` */
	sd_event_source *end, *holder_end, *later;
};

struct claims {
	struct manager *m;
	struct claim *first; /* by no order */
	unsigned n;
	sd_event_source *folder; /* of the records */
	sd_event_source *read;	 /* soon, once for all that has come */
	sd_event_source
		*guests; /* libvirt's run state, while a domain is awaited that has not begun */
};

/* Something has changed: it may be returned now. */
static inline void claim_hope(struct claim *k)
{
	k->tried = false;
	k->in_vain = 0;
}

/* ---- claims-watch.c ---- */

/* Awaits what is to be awaited of it now, or has it returned. */
void claim_watch(struct claim *k);
void claim_unwatch(struct claim *k);
/* A job looks at it, and returns it if its owner is gone. */
void claim_look(struct claim *k);
/* Domains that have not begun: awaited as long as there are such. */
void claims_watch_guests(struct claims *c);
