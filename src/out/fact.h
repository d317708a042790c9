/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a thing that is said of the machine stands, as JSON. */
#pragma once

#include "json.h"

#include "cause/fact.h"

/* {"file", "value"}; null where nothing was read. */
void fact_json(struct json *j, json_object *to, const char *key, const struct fact *f);
