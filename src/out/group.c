// SPDX-License-Identifier: GPL-2.0-or-later
#include "group.h"
#include "cell.h"

#include <inttypes.h>

#define GROUP(row) ((const struct iommu_group *)(row))

static int text_id(const void *row, char **ret)
{
	return cell_known(ret, GROUP(row)->id);
}

static int text_type(const void *row, char **ret)
{
	return cell_str(ret, GROUP(row)->type);
}

static int text_viable(const void *row, char **ret)
{
	return cell_str(ret, GROUP(row)->viable ? "yes" : "no");
}

static int text_blockers(const void *row, char **ret)
{
	if (GROUP(row)->viable)
		return cell_str(ret, NULL);
	*ret = iommu_group_blockers(GROUP(row));
	return *ret ? 0 : -ENOMEM;
}

static int text_members(const void *row, char **ret)
{
	autostrbuf b = { 0 };

	for (size_t i = 0; i < GROUP(row)->n_members; i++)
		strbuf_add(&b, "%s%s", i ? "," : "", BDF_TEXT(GROUP(row)->members[i].bdf));
	return cell_take(ret, &b);
}

static int text_reserved(const void *row, char **ret)
{
	autostrbuf b = { 0 };

	for (size_t i = 0; i < GROUP(row)->n_reserved; i++) {
		const struct reserved_region *r = &GROUP(row)->reserved[i];

		strbuf_add(&b, "%s%" PRIx64 "-%" PRIx64 " %s", i ? ", " : "", r->start, r->end,
			r->type);
	}
	return cell_take(ret, &b);
}

static const char *color_viable(const void *row)
{
	return GROUP(row)->viable ? "green" : "red";
}

const struct out_column group_columns[] = {
	{ "GROUP", "number", OUT_USUAL | OUT_RIGHT, text_id, NULL },
	{ "TYPE", "kind of translation", OUT_USUAL, text_type, NULL },
	{ "VIABLE", "yes when VFIO may take it", OUT_USUAL, text_viable, color_viable },
	{ "MEMBERS", "its functions", OUT_USUAL | OUT_WRAP, text_members, NULL },
	{ "BLOCKERS", "members on host drivers", OUT_USUAL | OUT_WRAP, text_blockers, NULL },
	{ "RESERVED", "I/O addresses not to map", OUT_USUAL | OUT_WRAP, text_reserved, NULL },
};
const size_t n_group_columns = ARRAY_SIZE(group_columns);

void group_json(struct json *j, json_object *to, const struct iommu_group *g)
{
	json_object *blockers, *members, *reserved;

	json_add_known(j, to, "id", g->id);
	json_add_str(j, to, "type", g->type);
	json_add_bool(j, to, "viable", g->viable);
	blockers = json_add_array(j, to, "blockers");
	members = json_add_array(j, to, "members");
	for (size_t i = 0; i < g->n_members; i++) {
		const char *address = BDF_TEXT(g->members[i].bdf);

		json_add_str(j, members, NULL, address);
		if (g->members[i].blocks)
			json_add_str(j, blockers, NULL, address);
	}
	reserved = json_add_array(j, to, "reserved_regions");
	for (size_t i = 0; i < g->n_reserved; i++) {
		json_object *e = json_add_object(j, reserved, NULL);

		json_add_fmt(j, e, "start", "0x%" PRIx64, g->reserved[i].start);
		json_add_fmt(j, e, "end", "0x%" PRIx64, g->reserved[i].end);
		json_add_str(j, e, "type", g->reserved[i].type);
	}
}

static int groups_in_json(
	const struct out *o, const struct iommu_group *const *v, size_t n, struct problem **reterr)
{
	autojson j = json_start();
	json_object *list = json_add_array(&j, j.root, "groups");

	for (size_t i = 0; i < n; i++)
		group_json(&j, json_add_object(&j, list, NULL), v[i]);
	return json_print(&j, o, reterr);
}

int out_groups(
	const struct out *o, const struct iommu_group *const *v, size_t n, struct problem **reterr)
{
	if (out_is_json(o))
		return groups_in_json(o, v, n, reterr);
	return out_table(o, group_columns, n_group_columns, (const void *const *)v, n, reterr);
}
