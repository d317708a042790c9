// SPDX-License-Identifier: GPL-2.0-or-later
#include "foreign.h"
#include "cell.h"

#define ROW(row)  ((const struct foreign_row *)(row))
#define FACT(row) (&ROW(row)->all->facts[ROW(row)->i])

static const char *pf_name(const struct foreign_row *row)
{
	const struct function *f = row->pf;

	return f && f->n_netdevs ? f->netdevs[0].name : f && f->nvme ? f->nvme : NULL;
}

static int text_function(const void *row, char **ret)
{
	const char *name = pf_name(ROW(row));
	autofree char *own = str_printable(name ? name : BDF_TEXT(FACT(row)->pf));
	int vf = FACT(row)->vf;

	if (!own)
		return -ENOMEM;
	if (vf == FOREIGN_ITSELF)
		return cell_str(ret, own);
	return vf == FOREIGN_ALL_VFS ? cell_fmt(ret, "%s/vf*", own)
				     : cell_fmt(ret, "%s/vf%d", own, vf);
}

static int text_address(const void *row, char **ret)
{
	return cell_str(ret, BDF_TEXT(FACT(row)->pf));
}

static int text_key(const void *row, char **ret)
{
	return cell_str(ret, FACT(row)->key);
}

static int text_value(const void *row, char **ret)
{
	return cell_str(ret, FACT(row)->value);
}

static int text_manager(const void *row, char **ret)
{
	return cell_str(ret, foreign_manager_name(FACT(row)->by));
}

static int text_where(const void *row, char **ret)
{
	return FACT(row)->line ? cell_fmt(ret, "%s:%u", FACT(row)->file, FACT(row)->line)
			       : cell_str(ret, FACT(row)->file);
}

static int text_said(const void *row, char **ret)
{
	return cell_str(ret, FACT(row)->said);
}

static int text_verdict(const void *row, char **ret)
{
	const struct foreign_fact *rival = foreign_rival(ROW(row)->all, ROW(row)->i);

	if (rival)
		return cell_fmt(ret, "conflict with %s", foreign_manager_name(rival->by));
	return cell_str(ret, foreign_verdict_name(foreign_verdict(ROW(row)->all, ROW(row)->i)));
}

static const char *color_verdict(const void *row)
{
	static const char *const colors[] = {
		[FOREIGN_ALONE] = NULL,
		[FOREIGN_AGREES] = "yellow",
		[FOREIGN_CONFLICT] = "red",
	};

	return colors[foreign_verdict(ROW(row)->all, ROW(row)->i)];
}

const struct out_column foreign_columns[] = {
	{ "FUNCTION", "PF, or PF and VF", OUT_USUAL, text_function, NULL },
	{ "ADDRESS", "of the PF", 0, text_address, NULL },
	{ "SETTING", "what is set", OUT_USUAL, text_key, NULL },
	{ "VALUE", "to what", OUT_USUAL, text_value, NULL },
	{ "MANAGER", "by whom", OUT_USUAL, text_manager, NULL },
	{ "VERDICT", "alone, agrees, conflict", OUT_USUAL, text_verdict, color_verdict },
	{ "SOURCE", "file and line", OUT_USUAL | OUT_WRAP, text_where, NULL },
	{ "SAID", "the words that stand there", OUT_WRAP, text_said, NULL },
};
const size_t n_foreign_columns = ARRAY_SIZE(foreign_columns);

static void fact_json(struct json *j, json_object *to, const struct foreign_row *row)
{
	const struct foreign_fact *fact = FACT(row), *rival = foreign_rival(row->all, row->i);

	json_add_str(j, to, "address", BDF_TEXT(fact->pf));
	json_add_str(j, to, "name", pf_name(row));
	if (fact->vf == FOREIGN_ALL_VFS)
		json_add_str(j, to, "vf_index", "*");
	else
		json_add_known(j, to, "vf_index", fact->vf);
	json_add_str(j, to, "setting", fact->key);
	json_add_str(j, to, "value", fact->value);
	json_add_str(j, to, "manager", foreign_manager_name(fact->by));
	json_add_str(j, to, "file", fact->file);
	json_add_known(j, to, "line", fact->line ? (int64_t)fact->line : -1);
	json_add_str(j, to, "said", fact->said);
	json_add_str(j, to, "verdict", foreign_verdict_name(foreign_verdict(row->all, row->i)));
	json_add_str(j, to, "conflict_with", rival ? foreign_manager_name(rival->by) : NULL);
}

static int in_json(const struct out *o, const struct foreign *all, const struct foreign_row *rows,
	size_t n, struct problem **reterr)
{
	autojson j = json_start();
	json_object *list = json_add_array(&j, j.root, "ownership");

	for (size_t i = 0; i < n; i++)
		fact_json(&j, json_add_object(&j, list, NULL), &rows[i]);
	list = json_add_array(&j, j.root, "not_understood");
	for (size_t i = 0; i < all->n_doubts; i++) {
		const struct foreign_doubt *d = &all->doubts[i];
		json_object *e = json_add_object(&j, list, NULL);

		json_add_str(&j, e, "manager", foreign_manager_name(d->by));
		json_add_str(&j, e, "file", d->file);
		json_add_known(&j, e, "line", d->line ? (int64_t)d->line : -1);
		json_add_str(&j, e, "what", d->what);
	}
	return json_print(&j, o, reterr);
}

static void tell_doubts(const struct out *o, const struct foreign *all)
{
	for (size_t i = 0; i < all->n_doubts; i++) {
		const struct foreign_doubt *d = &all->doubts[i];
		autofree char *file = str_printable(d->file), *what = str_printable(d->what);

		fprintf(o->notes, "vfctl: note: %s", file ? file : "?");
		if (d->line)
			fprintf(o->notes, ":%u", d->line);
		fprintf(o->notes, ": %s\n", what ? what : "?");
	}
}

int out_foreign(const struct out *o, const struct foreign *all, const struct foreign_row *rows,
	size_t n, struct problem **reterr)
{
	autofree const void **pointers = calloc(n + 1, sizeof(*pointers));
	int r;

	if (!pointers)
		return -ENOMEM;
	if (out_is_json(o))
		return in_json(o, all, rows, n, reterr);
	for (size_t i = 0; i < n; i++)
		pointers[i] = &rows[i];
	r = out_table(o, foreign_columns, n_foreign_columns, pointers, n, reterr);
	if (r == 0)
		tell_doubts(o, all);
	return r;
}
