/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What happened to a function, as JSON. */
#pragma once

#include "json.h"
#include "watch/watch.h"

/* Its keys, added to the object `to`; "time" only where one is given. */
void event_json(struct json *j, json_object *to, const struct watch_event *e, const char *time);
/* The same as one line, allocated; -ENOMEM. */
int event_to_text(const struct watch_event *e, const char *time, char **ret);
