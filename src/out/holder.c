// SPDX-License-Identifier: GPL-2.0-or-later
#include "holder.h"
#include "cell.h"

#include "base/str.h"

void holders_json_add(struct json *j, json_object *list, const struct holder *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		json_object *e;

		if (v[i].kind == HOLDER_DRIVER)
			continue;
		e = json_add_object(j, list, NULL);
		json_add_str(j, e, "address", BDF_TEXT(v[i].bdf));
		json_add_str(j, e, "kind", holder_kind_name(v[i].kind));
		json_add_str(j, e, "strength", holder_strength_name(v[i].strength));
		json_add_known(j, e, "pid", v[i].pid ? v[i].pid : -1);
		json_add_str(j, e, "command", v[i].command);
		json_add_str(j, e, "vm_name", v[i].vm_name);
		json_add_str(j, e, "who", v[i].text);
	}
}

void holders_json(struct json *j, json_object *to, const struct holder *v, size_t n)
{
	holders_json_add(j, json_add_array(j, to, "holders"), v, n);
}

int holder_cell(char **ret, const struct holder *v, size_t n)
{
	size_t shown = 0;

	for (size_t i = 0; i < n; i++)
		shown += v[i].kind != HOLDER_DRIVER;
	if (!shown)
		return cell_str(ret, NULL);
	return shown == 1 ? cell_str(ret, v[0].text)
			  : cell_fmt(ret, "%s +%zu", v[0].text, shown - 1);
}

void holders_note_unknown(const struct out *o, const struct inventory *inv)
{
	STRV_FOREACH (it, inv->holders ? inv->holders->unknown : NULL) {
		autofree char *text = str_printable(*it);

		fprintf(o->notes, "vfctl: note: not all users are known: %s\n", text ? text : "?");
	}
}
