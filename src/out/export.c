// SPDX-License-Identifier: GPL-2.0-or-later
#include "export.h"
#include "json.h"
#include "base/str.h"

static int function_json(struct json *j, json_object *to, const struct export_function *x,
	const struct export_opts *opts)
{
	autostrv char **nodes = NULL;
	json_object *list;
	int r = export_nodes(x, opts->iommufd, &nodes);

	json_add_str(j, to, "address", x->f->address);
	json_add_str(j, to, "kind", function_kind_name(x->f->kind));
	json_add_str(j, to, "driver", x->f->driver);
	json_add_known(j, to, "iommu_group", x->f->iommu_group);
	json_add_str(j, to, "mac", x->mac);
	json_add_known(j, to, "vlan", x->vlan ? (int64_t)x->vlan : -1);
	list = json_add_array(j, to, "device_nodes");
	STRV_FOREACH (node, nodes)
		json_add_str(j, list, NULL, *node);
	return r;
}

/* The lines of the text are lines of text: not json_add_str(), which would escape their ends. */
static void add_text(struct json *j, const char *text)
{
	json_object *s = json_object_new_string(text);

	if (!s || json_object_object_add(j->root, "text", s) < 0) {
		json_object_put(s);
		j->failed = true;
	}
}

static int in_json(const struct out *o, const struct exported *e, const struct export_opts *opts,
	struct problem **reterr)
{
	autojson j = json_start();
	json_object *list;
	int r = 0;

	json_add_str(&j, j.root, "format", e->format->name);
	list = json_add_array(&j, j.root, "functions");
	for (size_t i = 0; r == 0 && i < e->n; i++)
		r = function_json(&j, json_add_object(&j, list, NULL), &e->v[i], opts);
	if (r < 0)
		return r;
	add_text(&j, e->text);
	list = json_add_array(&j, j.root, "notes");
	STRV_FOREACH (note, e->notes)
		json_add_str(&j, list, NULL, *note);
	return json_print(&j, o, reterr);
}

int out_exported(const struct out *o, const struct exported *e, const struct export_opts *opts,
	struct problem **reterr)
{
	if (out_is_json(o))
		return in_json(o, e, opts, reterr);
	fputs(e->text, o->to);
	STRV_FOREACH (note, e->notes)
		fprintf(o->notes, "vfctl: note: %s\n", *note);
	return 0;
}
