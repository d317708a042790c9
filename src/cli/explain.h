/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What "vm explain" tells: rows for people, and how devices' work is put into them. */
#pragma once

#include "cli.h"

#include "cost/sample.h"
#include "out/json.h"

struct explain_row {
	char *of, *what, *state, *why;
};

struct explain_rows {
	struct explain_row *v;
	size_t n;
};

void explain_rows_done(struct explain_rows *r);
/* Takes `what` and `state`, of which NULL is -ENOMEM; copies the others, of which `why` may be
 * NULL. */
int explain_add(struct explain_rows *r, const char *of, char *what, char *state, const char *why);

/* A guest's devices: on which path each is, what its work costs, and what would remove that. */
struct explain_devices {
	const char *guest;
	const struct cost_sample *before; /* NULL: since it has started */
	const struct cost_sample *now;
	const struct inventory *inventory; /* NULL: nobody knows what functions are */
};

int explain_devices_rows(const struct explain_devices *x, struct explain_rows *r);
/* As "devices" of `to`. */
int explain_devices_json(const struct explain_devices *x, struct json *j, json_object *to);

/* Why its CPUs leave it; as "cpus" of `to`. */
int explain_cpus_rows(const struct explain_devices *x, struct explain_rows *r);
void explain_cpus_json(const struct explain_devices *x, struct json *j, json_object *to);
