/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fact.h"

void fact_json(struct json *j, json_object *to, const char *key, const struct fact *f)
{
	json_object *o;

	if (!f->file) {
		json_add_null(j, to, key);
		return;
	}
	o = json_add_object(j, to, key);
	json_add_str(j, o, "file", f->file);
	json_add_str(j, o, "value", f->value);
}
