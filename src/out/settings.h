/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What can be set of a function, for show. */
#pragma once

#include "json.h"
#include "lines.h"
#include "setting/report.h"

void settings_lines(struct lines *l, const struct function *f, const struct setting_report *r);
/* "settings", "eswitch", "representors" and "health" of the object. */
void settings_json(
	struct json *j, json_object *to, const struct function *f, const struct setting_report *r);
