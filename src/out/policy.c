// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy.h"
#include "cell.h"

#include "base/grow.h"

#define ROW(r) ((const struct policy_row *)(r))

static int text_pf(const void *row, char **ret)
{
	return cell_str(ret, ROW(row)->pf->f->address);
}

static int text_netdev(const void *row, char **ret)
{
	const struct function *f = ROW(row)->pf->f;

	return cell_str(ret, f->n_netdevs ? f->netdevs[0].name : f->nvme);
}

static int text_vfs(const void *row, char **ret)
{
	return cell_str(ret, ROW(row)->vfs);
}

static int text_key(const void *row, char **ret)
{
	return cell_str(ret, ROW(row)->value->key->name);
}

static int text_value(const void *row, char **ret)
{
	return cell_str(ret, ROW(row)->value->text);
}

static int text_setting(const void *row, char **ret)
{
	const struct policy_value *v = ROW(row)->value;

	if (!v->key->setting)
		return cell_str(ret, NULL);
	return cell_fmt(ret, "%s=%s", v->key->setting->name, v->text);
}

static int text_source(const void *row, char **ret)
{
	*ret = policy_line_source(ROW(row)->value->from);
	return *ret ? 0 : -ENOMEM;
}

static int text_instead(const void *row, char **ret)
{
	const struct policy_value *v = ROW(row)->value;
	autostrbuf b = { 0 };

	for (size_t i = 0; i < v->n_instead; i++) {
		const struct policy_line *l = v->instead[i];

		strbuf_add(&b, "%s%s at %s:%u", i ? ", " : "", l->value ? l->value : "nothing",
			l->file, l->pos.line);
	}
	return cell_take(ret, &b);
}

const struct out_column policy_columns[] = {
	{ "PF", "its address", OUT_USUAL, text_pf, NULL },
	{ "NAME", "its interface or controller", 0, text_netdev, NULL },
	{ "VFS", "none: the PF itself", OUT_USUAL, text_vfs, NULL },
	{ "KEY", "as in the file", OUT_USUAL, text_key, NULL },
	{ "VALUE", "what holds", OUT_USUAL, text_value, NULL },
	{ "SETTING", "as vfctl set takes it", 0, text_setting, NULL },
	{ "SOURCE", "file and line", OUT_USUAL, text_source, NULL },
	{ "INSTEAD", "what it won over", OUT_USUAL | OUT_WRAP, text_instead, NULL },
};
const size_t n_policy_columns = ARRAY_SIZE(policy_columns);

/* ---- Rows ---- */

struct rows {
	struct policy_row *v;
	size_t n;
};

static void rows_done(struct rows *r)
{
	for (size_t i = 0; i < r->n; i++)
		free(r->v[i].vfs);
	free(r->v);
}

static int add_row(
	struct rows *r, const struct policy_pf *pf, const struct policy_value *v, char *vfs)
{
	if (!GROW(r->v, r->n)) {
		free(vfs);
		return -ENOMEM;
	}
	r->v[r->n++] = (struct policy_row) { pf, v, vfs };
	return 0;
}

static bool equal(const struct policy_value *a, const struct policy_value *b)
{
	return a && b && a->from == b->from && str_eq(a->text, b->text);
}

/* Whether one of the VFs before has it, too: then it is told already. */
static bool is_told(const struct policy_pf *pf, size_t vf, const struct policy_value *v)
{
	for (size_t i = 0; i < vf; i++)
		if (equal(policy_target_get(&pf->vfs[i], v->key->name), v))
			return true;
	return false;
}

static char *sharers(const struct policy_pf *pf, size_t first, const struct policy_value *v)
{
	autostrbuf b = { 0 };

	for (size_t i = first; i < pf->n_vfs; i++) {
		size_t last = i;

		if (!equal(policy_target_get(&pf->vfs[i], v->key->name), v))
			continue;
		while (last + 1 < pf->n_vfs &&
			equal(policy_target_get(&pf->vfs[last + 1], v->key->name), v))
			last++;
		strbuf_add(&b, "%s%zu", b.len ? "," : "", i);
		if (last > i)
			strbuf_add(&b, "-%zu", last);
		i = last;
	}
	return strbuf_take(&b);
}

static int add_vfs(struct rows *r, const struct policy_pf *pf)
{
	int e = 0;

	for (size_t i = 0; i < pf->n_vfs; i++)
		for (size_t k = 0; e == 0 && k < pf->vfs[i].n; k++) {
			const struct policy_value *v = &pf->vfs[i].v[k];
			char *vfs;

			if (is_told(pf, i, v))
				continue;
			vfs = sharers(pf, i, v);
			e = vfs ? add_row(r, pf, v, vfs) : -ENOMEM;
		}
	return e;
}

static bool is_wanted(const struct policy_pf *pf, const struct function *const *only, size_t n_only)
{
	for (size_t i = 0; i < n_only; i++)
		if (only[i] == pf->f)
			return true;
	return !n_only;
}

static int show_table(const struct out *o, const struct policy *p,
	const struct function *const *only, size_t n_only, struct problem **reterr)
{
	CLEANUP(rows_done) struct rows r = { 0 };
	autofree const void **rows = NULL;
	int e = 0;

	for (size_t i = 0; e == 0 && i < p->n_pfs; i++) {
		if (!is_wanted(&p->pfs[i], only, n_only))
			continue;
		for (size_t k = 0; e == 0 && k < p->pfs[i].self.n; k++)
			e = add_row(&r, &p->pfs[i], &p->pfs[i].self.v[k], NULL);
		if (e == 0)
			e = add_vfs(&r, &p->pfs[i]);
	}
	rows = calloc(r.n + 1, sizeof(*rows));
	if (e < 0 || !rows)
		return -ENOMEM;
	for (size_t i = 0; i < r.n; i++)
		rows[i] = &r.v[i];
	return out_table(o, policy_columns, n_policy_columns, rows, r.n, reterr);
}

/* ---- JSON ---- */

static void line_json(struct json *j, json_object *to, const struct policy_line *l)
{
	json_add_str(j, to, "file", l->file);
	json_add_u64(j, to, "line", l->pos.line);
}

static void values_json(struct json *j, json_object *list, const struct policy_target *t)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct policy_value *v = &t->v[i];
		json_object *e = json_add_object(j, list, NULL), *instead;

		json_add_str(j, e, "key", v->key->name);
		json_add_str(j, e, "value", v->text);
		json_add_str(j, e, "setting", v->key->setting ? v->key->setting->name : NULL);
		line_json(j, json_add_object(j, e, "source"), v->from);
		instead = json_add_array(j, e, "instead");
		for (size_t k = 0; k < v->n_instead; k++) {
			json_object *l = json_add_object(j, instead, NULL);

			json_add_str(j, l, "value", v->instead[k]->value);
			line_json(j, l, v->instead[k]);
		}
	}
}

static void pf_json(struct json *j, json_object *to, const struct policy_pf *pf)
{
	json_object *vfs;

	json_add_str(j, to, "address", pf->f->address);
	json_add_str(j, to, "file", pf->by->file);
	json_add_bool(j, to, "identity_verified", pf->known);
	values_json(j, json_add_array(j, to, "values"), &pf->self);
	vfs = json_add_array(j, to, "vfs");
	for (size_t i = 0; i < pf->n_vfs; i++) {
		json_object *e = json_add_object(j, vfs, NULL);
		const struct function *f = function_vf(pf->f, (unsigned)i);

		json_add_u64(j, e, "vf_index", i);
		json_add_str(j, e, "address", f ? f->address : NULL);
		values_json(j, json_add_array(j, e, "values"), &pf->vfs[i]);
	}
}

static int show_json(const struct out *o, const struct policy *p,
	const struct function *const *only, size_t n_only, struct problem **reterr)
{
	autojson j = json_start();
	json_object *list = json_add_array(&j, j.root, "pfs");

	for (size_t i = 0; i < p->n_pfs; i++)
		if (is_wanted(&p->pfs[i], only, n_only))
			pf_json(&j, json_add_object(&j, list, NULL), &p->pfs[i]);
	json_add_u64(&j, j.root, "errors", p->findings.errors);
	return json_print(&j, o, reterr);
}

int out_policy(const struct out *o, const struct policy *p, const struct function *const *only,
	size_t n_only, struct problem **reterr)
{
	return out_is_json(o) ? show_json(o, p, only, n_only, reterr)
			      : show_table(o, p, only, n_only, reterr);
}

/* ---- The files ---- */

static void put_file(const struct out *o, const struct policy_file *f)
{
	const char *p = f->text, *end = f->text + f->len;
	autofree char *path = str_printable(f->path);

	fprintf(o->to, "%s# %s%s\n", o->color ? "\033[34m" : "", path ? path : "?",
		o->color ? "\033[0m" : "");
	while (p && p < end) {
		const char *feed = memchr(p, '\n', (size_t)(end - p));
		autofree char *line = strndup(p, (size_t)((feed ? feed : end) - p));
		autofree char *printable = line ? str_printable(line) : NULL;

		fprintf(o->to, "%s\n", printable ? printable : "?");
		p = feed ? feed + 1 : end;
	}
}

static int files_in_json(const struct out *o, const struct policy *p, struct problem **reterr)
{
	autojson j = json_start();
	json_object *list = json_add_array(&j, j.root, "files");

	for (size_t i = 0; i < p->units.n; i++)
		for (size_t k = 0; k < p->units.v[i].n_files; k++) {
			const struct policy_file *f = &p->units.v[i].files[k];
			json_object *e = json_add_object(&j, list, NULL);

			json_add_str(&j, e, "path", f->path);
			json_add_str(&j, e, "drop_in_of", k ? p->units.v[i].files[0].path : NULL);
			json_add_str(&j, e, "text", f->text);
		}
	return json_print(&j, o, reterr);
}

int out_policy_files(const struct out *o, const struct policy *p, struct problem **reterr)
{
	bool first = true;

	if (out_is_json(o))
		return files_in_json(o, p, reterr);
	for (size_t i = 0; i < p->units.n; i++)
		for (size_t k = 0; k < p->units.v[i].n_files; k++) {
			if (!first)
				fputc('\n', o->to);
			first = false;
			put_file(o, &p->units.v[i].files[k]);
		}
	return 0;
}
