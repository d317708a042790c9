// SPDX-License-Identifier: GPL-2.0-or-later
#include "event.h"

#include <string.h>

void event_json(struct json *j, json_object *to, const struct watch_event *e, const char *time)
{
	if (time)
		json_add_str(j, to, "time", time);
	json_add_str(j, to, "event", watch_kind_name(e->kind));
	json_add_str(j, to, "source", watch_source_name(e->source));
	json_add_str(j, to, "address", e->has_function ? BDF_TEXT(e->bdf) : NULL);
	json_add_str(j, to, "physfn", e->is_vf ? BDF_TEXT(e->pf) : NULL);
	json_add_known(j, to, "vf_index", e->vf_index);
	json_add_str(j, to, "name", e->name);
	json_add_str(j, to, "from", e->from);
	json_add_str(j, to, "to", e->to);
}

int event_to_text(const struct watch_event *e, const char *time, char **ret)
{
	autojson j = json_start();
	const char *text;
	char *copy;

	event_json(&j, j.root, e, time);
	text = j.failed ? NULL
			: json_object_to_json_string_ext(j.root, JSON_C_TO_STRING_NOSLASHESCAPE);
	copy = text ? strdup(text) : NULL;
	if (!copy)
		return -ENOMEM;
	*ret = copy;
	return 0;
}
