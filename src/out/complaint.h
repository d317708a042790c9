/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a problem is told: one line and a hint for people, an object for programs. */
#pragma once

#include "json.h"

/*
 * Text goes to o->notes as "vfctl: what: why" and "  hint: …"; JSON goes to o->to as
 * {"error":{"kind":…,"message":…,"hint":…,"exit_code":…}}. `p` NULL: the story was lost for want
 * of memory, `code` (a negative errno) is all there is. Returns the exit code.
 */
int out_complain(const struct out *o, const struct problem *p, int code);

/* The object that stands behind "error". */
void out_problem_json(struct json *j, json_object *to, const char *key, const struct problem *p);
