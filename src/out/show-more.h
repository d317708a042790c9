/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of `show` that are about what surrounds a function: interfaces, drivers, path, switch.
 */
#pragma once

#include "json.h"
#include "lines.h"
#include "about/about.h"

void show_names(struct lines *l, const struct about *a);
void show_candidates(struct lines *l, const struct about *a);
void show_migration(struct lines *l, const struct about *a);
void show_path(struct lines *l, const struct about *a);

void interfaces_json(struct json *j, json_object *to, const struct about *a);
void show_more_json(struct json *j, json_object *to, const struct about *a);
