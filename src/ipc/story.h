/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A problem on its way from one process to another: as JSON, whole, and as an error's name. */
#pragma once

#include "base/problem.h"

struct json_object;

/* {"kind":"in-use","code":-16,"what":…,"hint":…,"cause":{…}}; NULL: no problem, or no memory. */
struct json_object *story_to_json(const struct problem *p);
/* NULL for what is no problem. The caller's. */
struct problem *story_from_json(struct json_object *j) NODISCARD;

enum { ERROR_NAME_MAX = 64 };
/* "org.vfctl1.Error.InUse". */
void error_name(enum problem_kind kind, char ret[ERROR_NAME_MAX]);
/* PROBLEM_FAILED for a name that is not ours. */
enum problem_kind error_kind(const char *name);
