// SPDX-License-Identifier: GPL-2.0-or-later
#include "finding.h"

#include "base/str.h"

static void put(FILE *to, const char *text)
{
	autofree char *printable = str_printable(text);

	fputs(printable ? printable : "?", to);
}

static const char *color_of(const struct out *o, enum finding_level level)
{
	if (!o->color)
		return "";
	return level == FINDING_ERROR ? "\033[31m" : "\033[33m";
}

void out_finding(const struct out *o, FILE *to, const struct finding *f)
{
	put(to, f->file);
	if (f->pos.line)
		fprintf(to, ":%u:%u", f->pos.line, f->pos.column);
	fprintf(to, ": %s%s%s: ", color_of(o, f->level), finding_level_name(f->level),
		o->color ? "\033[0m" : "");
	put(to, f->what);
	fputc('\n', to);
	if (!f->hint)
		return;
	fputs("  hint: ", to);
	put(to, f->hint);
	fputc('\n', to);
}

static const char *plural(size_t n, const char *one, const char *more)
{
	return n == 1 ? one : more;
}

static size_t count_files(const struct policy *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->units.n; i++)
		n += p->units.v[i].n_files;
	return n;
}

static void sum_up(const struct out *o, const struct policy *p)
{
	size_t files = count_files(p), errors = p->findings.errors;
	size_t warnings = p->findings.n - errors;

	fprintf(o->to, "%zu %s for %zu %s: %zu %s, %zu %s\n", files, plural(files, "file", "files"),
		p->n_pfs, plural(p->n_pfs, "PF", "PFs"), errors, plural(errors, "error", "errors"),
		warnings, plural(warnings, "warning", "warnings"));
}

static void finding_json(struct json *j, json_object *to, const struct finding *f)
{
	json_add_str(j, to, "severity", finding_level_name(f->level));
	json_add_str(j, to, "kind", finding_kind_name(f->kind));
	json_add_str(j, to, "file", f->file);
	json_add_known(j, to, "line", f->pos.line ? (int64_t)f->pos.line : -1);
	json_add_known(j, to, "column", f->pos.line ? (int64_t)f->pos.column : -1);
	json_add_str(j, to, "message", f->what);
	json_add_str(j, to, "hint", f->hint);
}

static int findings_in_json(const struct out *o, const struct policy *p, struct problem **reterr)
{
	autojson j = json_start();
	json_object *list = json_add_array(&j, j.root, "findings"), *files, *pfs;

	for (size_t i = 0; i < p->findings.n; i++)
		finding_json(&j, json_add_object(&j, list, NULL), &p->findings.v[i]);
	json_add_u64(&j, j.root, "errors", p->findings.errors);
	json_add_u64(&j, j.root, "warnings", p->findings.n - p->findings.errors);
	files = json_add_array(&j, j.root, "files");
	for (size_t i = 0; i < p->units.n; i++)
		for (size_t k = 0; k < p->units.v[i].n_files; k++)
			json_add_str(&j, files, NULL, p->units.v[i].files[k].path);
	pfs = json_add_array(&j, j.root, "pfs");
	for (size_t i = 0; i < p->n_pfs; i++)
		json_add_str(&j, pfs, NULL, p->pfs[i].f->address);
	return json_print(&j, o, reterr);
}

int out_findings(const struct out *o, const struct policy *p, struct problem **reterr)
{
	int r = 0;

	if (out_is_json(o)) {
		r = findings_in_json(o, p, reterr);
	} else {
		for (size_t i = 0; i < p->findings.n; i++)
			out_finding(o, o->to, &p->findings.v[i]);
		sum_up(o, p);
	}
	if (r < 0)
		return r;
	return p->findings.errors ? problem_kind_exit_code(PROBLEM_USAGE) : 0;
}
