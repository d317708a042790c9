// SPDX-License-Identifier: GPL-2.0-or-later
#include "check.h"
#include "base/str.h"
#include "fact.h"

static const struct look {
	const char *word, *color;
} looks[] = {
	[CHECK_FAIL] = { "FAIL", "\033[31m" },
	[CHECK_WARN] = { "warn", "\033[33m" },
	[CHECK_UNKNOWN] = { "?", "" },
	[CHECK_OK] = { "ok", "\033[32m" },
	[CHECK_NOT_APPLICABLE] = { "-", "" },
};

static bool is_shown(const struct check_result *c, bool all)
{
	return all || c->verdict == CHECK_FAIL || c->verdict == CHECK_WARN;
}

static int width_of(const struct checked *c, bool all)
{
	size_t width = 0;

	for (size_t i = 0; i < c->report.n; i++)
		if (is_shown(&c->report.v[i], all))
			width = MAX(width, strlen(c->report.v[i].check->name));
	return (int)width;
}

static void print_result(const struct out *o, const struct check_result *c, int width)
{
	const struct look *l = &looks[c->verdict];
	bool color = o->color && *l->color;

	fprintf(o->to, "  %s%-4s%s  %-*s  %s\n", color ? l->color : "", l->word,
		color ? "\033[0m" : "", width, c->check->name, c->text);
	if (c->fact.file && c->verdict != CHECK_NOT_APPLICABLE)
		fprintf(o->to, "  %*s    %s: %s\n", 4 + width, "", c->fact.file,
			c->fact.value ? c->fact.value : "not there");
	if (c->fix)
		fprintf(o->to, "  %*s    fix: %s\n", 4 + width, "", c->fix);
}

static void print_heading(const struct out *o, const struct checked *c)
{
	bool fails = check_report_count(&c->report, CHECK_FAIL);
	const char *on = o->color ? "\033[1m" : "", *off = o->color ? "\033[0m" : "";

	if (c->f)
		fprintf(o->to, "%s%s%s (%s, %s): %s\n", on, c->f->address, off, c->f->class_word,
			function_kind_name(c->f->kind),
			fails ? "cannot be given to a guest now" : "can be given to a guest");
	else
		fprintf(o->to, "%shost%s: %s\n", on, off,
			fails ? "something keeps functions from guests"
			      : "functions can be given to guests");
}

/* "12 passed, 3 unknown, 5 do not apply": what was left out. */
static void print_rest(const struct out *o, const struct checked *c)
{
	fprintf(o->to, "  %zu passed, %zu unknown, %zu do not apply (-v shows them)\n",
		check_report_count(&c->report, CHECK_OK),
		check_report_count(&c->report, CHECK_UNKNOWN),
		check_report_count(&c->report, CHECK_NOT_APPLICABLE));
}

static void print(const struct out *o, const struct checked *c, bool all)
{
	int width = width_of(c, all);

	print_heading(o, c);
	for (size_t i = 0; i < c->report.n; i++)
		if (is_shown(&c->report.v[i], all))
			print_result(o, &c->report.v[i], width);
	if (!all)
		print_rest(o, c);
}

static void result_json(struct json *j, json_object *list, const struct check_result *c)
{
	json_object *e = json_add_object(j, list, NULL);

	json_add_str(j, e, "name", c->check->name);
	json_add_str(j, e, "verdict", check_verdict_name(c->verdict));
	json_add_str(j, e, "text", c->text);
	fact_json(j, e, "evidence", &c->fact);
	json_add_str(j, e, "fix", c->fix);
}

static void checked_json(struct json *j, json_object *to, const struct checked *c)
{
	json_object *list;

	if (c->f)
		json_add_str(j, to, "address", c->f->address);
	json_add_bool(
		j, to, c->f ? "assignable" : "ok", check_report_count(&c->report, CHECK_FAIL) == 0);
	list = json_add_array(j, to, "checks");
	for (size_t i = 0; i < c->report.n; i++)
		result_json(j, list, &c->report.v[i]);
}

static int print_json(
	const struct out *o, const struct checked *v, size_t n, struct problem **reterr)
{
	autojson j = json_start();
	bool host = n == 1 && !v->f;
	json_object *list = host ? NULL : json_add_array(&j, j.root, "functions");

	if (host)
		checked_json(&j, j.root, v);
	for (size_t i = 0; !host && i < n; i++)
		checked_json(&j, json_add_object(&j, list, NULL), &v[i]);
	return json_print(&j, o, reterr);
}

int out_checks(
	const struct out *o, const struct checked *v, size_t n, bool all, struct problem **reterr)
{
	if (out_is_json(o))
		return print_json(o, v, n, reterr);
	for (size_t i = 0; i < n; i++)
		print(o, &v[i], all);
	return 0;
}
