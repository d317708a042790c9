/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Building objects whose absent members are left out, for this room alone. */
#pragma once

#include "base/str.h"

#include <json-c/json.h>

/* Takes `value`; false when memory is out. */
static inline UNUSED bool put(json_object *to, const char *key, json_object *value)
{
	if (value && json_object_object_add(to, key, value) == 0)
		return true;
	json_object_put(value);
	return false;
}

/* As the bus takes it: UTF-8, and nothing that a terminal could obey. */
static inline UNUSED bool put_text(json_object *to, const char *key, const char *text)
{
	autofree char *printable = text ? str_printable(text) : NULL;

	return !text || (printable && put(to, key, json_object_new_string(printable)));
}
