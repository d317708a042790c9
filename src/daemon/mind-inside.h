/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For mind.c (when to look), mind-health.c and mind-drift.c (what to make of the answer). */
#pragma once

#include "mind.h"
#include "child.h"

#include <json-c/json.h>

enum {
	TOUCHED_MAX = 64, /* PFs that are to be looked at; more: all */
	UNWELL_MAX = 4096,
	DRIFTED_MAX = 256,
};

/* A function that is not healthy, as it was told. */
struct unwell {
	struct bdf bdf;
	char *health, *reason;
	bool seen; /* by the look that is dealt with */
};

/* A PF that is not as configured. */
struct drifted {
	struct bdf pf;
	uint64_t told;	   /* hash of what was; 0: nothing */
	uint64_t repaired; /* hash of what was to be put right the last times, */
	unsigned times;	   /* how often, */
	uint64_t since_us; /* and from when on */
	bool given_up, seen;
};

struct mind {
	struct manager *m;
	sd_event_source *timer;
	uint64_t first_us; /* when the first of these was touched */
	struct bdf touched[TOUCHED_MAX];
	size_t n_touched;
	bool all, drift; /* what to ask for */

	/* The look that is going on. */
	struct child *child;
	struct bdf asked[TOUCHED_MAX];
	size_t n_asked;
	bool asked_all, asked_drift;

	struct unwell *unwell;
	size_t n_unwell;
	struct drifted *drifted;
	size_t n_drifted;
};

/* Whether the look was about it. */
bool mind_asked(const struct mind *d, struct bdf function);
/* A text member of an object; "" when it is none. */
const char *mind_text(json_object *o, const char *key);

void mind_health(struct mind *d, json_object *list);
void mind_forget_health(struct mind *d);
void mind_drift(struct mind *d, json_object *list);
void mind_forget_drift(struct mind *d);
