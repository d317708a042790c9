// SPDX-License-Identifier: GPL-2.0-or-later
#include "group.h"
#include "cell.h"
#include "holder.h"

#include <inttypes.h>

#define VERDICT(row) ((const struct group_verdict *)(row))
#define GROUP(row)   (VERDICT(row)->group)

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

/* The users of its members, the worst of each. */
static int text_holders(const void *row, char **ret)
{
	const struct group_verdict *v = VERDICT(row);
	autostrbuf b = { 0 };

	for (size_t i = 0; i < v->n_members; i++) {
		const struct function *f = v->members[i]->f;
		autofree char *cell = NULL;

		if (holder_cell(&cell, f->holders, f->n_holders) < 0)
			return -ENOMEM;
		if (cell)
			strbuf_add(&b, "%s%s: %s", b.len ? "; " : "", f->address, cell);
	}
	return cell_take(ret, &b);
}

static const char *color_viable(const void *row)
{
	return GROUP(row)->viable ? "green" : "red";
}

static int text_verdict(const void *row, char **ret)
{
	return cell_fmt(ret, "%s%s", assignable_name(VERDICT(row)->assignable),
		VERDICT(row)->trust == TRUST_FAKED ? ", faked" : "");
}

static int text_why(const void *row, char **ret)
{
	return cell_str(ret, VERDICT(row)->why);
}

const char *group_verdict_color(const struct group_verdict *v)
{
	if (v->trust == TRUST_FAKED)
		return "red";
	switch (v->assignable) {
	case ASSIGNABLE_ALONE:
		return "green";
	case ASSIGNABLE_TOGETHER:
		return "yellow";
	default:
		return v->n_members ? "red" : NULL;
	}
}

static const char *color_verdict(const void *row)
{
	return group_verdict_color(VERDICT(row));
}

const struct out_column group_columns[] = {
	{ "GROUP", "number", OUT_USUAL | OUT_RIGHT, text_id, NULL },
	{ "TYPE", "kind of translation", OUT_USUAL, text_type, NULL },
	{ "VIABLE", "yes when VFIO may take it", OUT_USUAL, text_viable, color_viable },
	{ "VERDICT", "alone, together, never", OUT_USUAL, text_verdict, color_verdict },
	{ "MEMBERS", "its functions", OUT_USUAL | OUT_WRAP, text_members, NULL },
	{ "BLOCKERS", "members on host drivers", OUT_USUAL | OUT_WRAP, text_blockers, NULL },
	{ "RESERVED", "I/O addresses not to map", OUT_USUAL | OUT_WRAP, text_reserved, NULL },
	{ "WHY", "what makes it so large", OUT_USUAL | OUT_WRAP, text_why, NULL },
	{ "HOLDERS", "who uses its functions", OUT_WRAP, text_holders, NULL },
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

static void gap_json(struct json *j, json_object *to, const struct acs_gap *g)
{
	json_object *missing;

	json_add_str(j, to, "address", g->node->f->address);
	json_add_str(j, to, "port", port_type_name(g->node->port));
	json_add_str(j, to, "reason", gap_kind_name(g->kind));
	missing = json_add_array(j, to, "missing");
	for (unsigned i = 0; i < ACS_BITS; i++)
		if (g->node->acs_missing & 1U << i)
			json_add_str(j, missing, NULL, acs_bit_name(i));
}

static void group_holders_json(struct json *j, json_object *to, const struct group_verdict *v)
{
	json_object *list;

	if (!v->n_members || !v->members[0]->f->holders_known)
		return;
	list = json_add_array(j, to, "holders");
	for (size_t i = 0; i < v->n_members; i++)
		holders_json_add(j, list, v->members[i]->f->holders, v->members[i]->f->n_holders);
}

void group_verdict_json(struct json *j, json_object *to, const struct group_verdict *v)
{
	static const char *const isolated_by[] = {
		[TRUST_PLAIN] = "registers",
		[TRUST_QUIRK] = "quirk",
		[TRUST_FAKED] = "override",
	};
	json_object *list;

	group_json(j, to, v->group);
	json_add_str(j, to, "verdict", assignable_name(v->assignable));
	list = json_add_array(j, to, "assignable");
	for (size_t i = 0; i < v->n_members; i++)
		json_add_str(j, list, NULL, v->members[i]->f->address);
	list = json_add_array(j, to, "acs_gaps");
	for (size_t i = 0; i < v->n_gaps; i++)
		gap_json(j, json_add_object(j, list, NULL), &v->gaps[i]);
	json_add_bool(j, to, "acs_unknown", v->acs_unknown);
	json_add_str(j, to, "isolated_by", isolated_by[v->trust]);
	json_add_str(j, to, "why", v->why);
	group_holders_json(j, to, v);
}

static int groups_in_json(const struct out *o, const struct group_verdict *const *v, size_t n,
	struct problem **reterr)
{
	autojson j = json_start();
	json_object *list = json_add_array(&j, j.root, "groups");

	for (size_t i = 0; i < n; i++)
		group_verdict_json(&j, json_add_object(&j, list, NULL), v[i]);
	return json_print(&j, o, reterr);
}

int out_groups(const struct out *o, const struct group_verdict *const *v, size_t n,
	struct problem **reterr)
{
	if (out_is_json(o))
		return groups_in_json(o, v, n, reterr);
	return out_table(o, group_columns, n_group_columns, (const void *const *)v, n, reterr);
}
