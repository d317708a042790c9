// SPDX-License-Identifier: GPL-2.0-or-later
/* mdevctl: /etc/mdevctl.d/PARENT/UUID, JSON with "mdev_type" and "start". */
#include "reader.h"

#include "base/str.h"
#include "host/conf.h"

#include <json-c/json.h>

static void json_putp(struct json_object **o)
{
	json_object_put(*o);
}

static const char *word_of(struct json_object *o, const char *key)
{
	struct json_object *v;

	return json_object_object_get_ex(o, key, &v) && json_object_is_type(v, json_type_string)
		       ? json_object_get_string(v)
		       : NULL;
}

static void read_device(struct reader *r, const char *dir, const char *uuid, struct bdf parent)
{
	autofree char *path = str_printf("%s/%s", dir, uuid), *text = NULL, *said = NULL;
	CLEANUP(json_putp) struct json_object *o = NULL;
	const char *type, *start;
	size_t len;

	text = path ? reader_open(r, path, &len) : NULL;
	if (!text)
		return;
	o = json_tokener_parse(text);
	type = json_object_is_type(o, json_type_object) ? word_of(o, "mdev_type") : NULL;
	if (!type) {
		reader_doubt(r, "is no mediated device: no mdev_type");
		return;
	}
	start = word_of(o, "start");
	said = str_printf("%s %s start=%s", uuid, type, start ? start : "manual");
	if (said)
		reader_say_of(r, parent, "mdev", type, said);
}

void foreign_read_mdevctl(struct reader *r)
{
	static const char top[] = "/etc/mdevctl.d";
	autostrv char **parents = NULL;

	if (conf_list(r->h, top, "", &parents) < 0)
		return;
	STRV_FOREACH (it, parents) {
		autofree char *dir = str_printf("%s/%s", top, *it);
		autostrv char **devices = NULL;
		struct bdf parent;

		/* Parents that are no PCI functions are none of our business, nor are scripts. */
		if (!dir || bdf_parse(*it, &parent) < 0 || conf_list(r->h, dir, "", &devices) < 0)
			continue;
		STRV_FOREACH (uuid, devices)
			read_device(r, dir, *uuid, parent);
	}
}
