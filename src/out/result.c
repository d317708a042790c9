// SPDX-License-Identifier: GPL-2.0-or-later
#include "result.h"
#include "cell.h"
#include "complaint.h"
#include "table.h"
#include "base/str.h"

static const struct {
	const char *text, *json, *color;
} states[] = {
	[RESULT_DONE] = { "done", "done", "green" },
	[RESULT_ALREADY] = { "already so", "already", NULL },
	[RESULT_WOULD] = { "would be done", "would", "yellow" },
	[RESULT_FAILED] = { "failed", "failed", "red" },
};

void results_done(struct results *r)
{
	for (size_t i = 0; i < r->n; i++) {
		free(r->v[i].subject);
		free(r->v[i].action);
		problem_free(r->v[i].problem);
	}
	free(r->v);
	*r = (struct results) { 0 };
}

static enum result_state state_of(int code, bool dry_run)
{
	if (code < 0)
		return RESULT_FAILED;
	if (code == 0)
		return RESULT_ALREADY;
	return dry_run ? RESULT_WOULD : RESULT_DONE;
}

/* A failure whose story was lost still gets one, so that readers find a problem behind each. */
static struct problem *story(struct problem *p, int code)
{
	if (!p && code < 0)
		problem(&p, code, problem_kind_from_errno(code), NULL, "%s", strerror(-code));
	return p;
}

void results_add(struct results *r, const char *subject, int code, bool dry_run, struct problem *p,
	const char *action, ...)
{
	struct result *v = reallocarray(r->v, r->n + 1, sizeof(*v)), *new;
	va_list ap;

	if (!v) {
		problem_free(p);
		r->failed = true;
		return;
	}
	r->v = v;
	new = &v[r->n++];
	*new = (struct result) { .subject = strdup(subject),
		.state = state_of(code, dry_run),
		.problem = story(p, code) };
	va_start(ap, action);
	if (vasprintf(&new->action, action, ap) < 0)
		new->action = NULL;
	va_end(ap);
	if (!new->subject || !new->action || (code < 0 && !new->problem))
		r->failed = true;
}

void results_move(struct results *to, struct results *from)
{
	struct result *v = reallocarray(to->v, to->n + from->n + 1, sizeof(*v));

	to->failed |= from->failed || !v;
	if (v) {
		if (from->n)
			memcpy(v + to->n, from->v, from->n * sizeof(*v));
		to->v = v;
		to->n += from->n;
		from->n = 0;
	}
	results_done(from);
}

static int text_subject(const void *row, char **ret)
{
	return cell_str(ret, ((const struct result *)row)->subject);
}

static int text_action(const void *row, char **ret)
{
	return cell_str(ret, ((const struct result *)row)->action);
}

static int text_state(const void *row, char **ret)
{
	return cell_str(ret, states[((const struct result *)row)->state].text);
}

static const char *color_state(const void *row)
{
	return states[((const struct result *)row)->state].color;
}

static const struct out_column columns[] = {
	{ "ADDRESS", "the function", OUT_USUAL, text_subject, NULL },
	{ "ACTION", "what was asked", OUT_USUAL, text_action, NULL },
	{ "RESULT", "what became of it", OUT_USUAL, text_state, color_state },
};

static int show_table(const struct out *o, const struct results *r, struct problem **reterr)
{
	autofree const void **rows = calloc(r->n + 1, sizeof(*rows));
	struct out all = *o;
	int code;

	if (!rows)
		return -ENOMEM;
	for (size_t i = 0; i < r->n; i++)
		rows[i] = &r->v[i];
	all.columns = NULL;
	code = out_table(&all, columns, ARRAY_SIZE(columns), rows, r->n, reterr);
	fflush(o->to);
	for (size_t i = 0; code == 0 && i < r->n; i++)
		if (r->v[i].problem)
			out_complain(o, r->v[i].problem, r->v[i].problem->code);
	return code;
}

static int show_json(const struct out *o, const struct results *r, struct problem **reterr)
{
	autojson j = json_start();
	json_object *list = json_add_array(&j, j.root, "results");

	for (size_t i = 0; i < r->n; i++) {
		const struct result *v = &r->v[i];
		json_object *e = json_add_object(&j, list, NULL);

		json_add_str(&j, e, "address", v->subject);
		json_add_str(&j, e, "action", v->action);
		json_add_str(&j, e, "result", states[v->state].json);
		if (v->problem)
			out_problem_json(&j, e, "error", v->problem);
		else
			json_add_null(&j, e, "error");
	}
	return json_print(&j, o, reterr);
}

int out_results(const struct out *o, const struct results *r, struct problem **reterr)
{
	int code;

	code = out_is_json(o) ? show_json(o, r, reterr) : show_table(o, r, reterr);
	if (code == 0 && r->failed)
		code = problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL,
			"memory ran out: some results were not shown");
	if (code < 0)
		return code;
	for (size_t i = 0; i < r->n; i++)
		if (r->v[i].problem)
			return problem_kind_exit_code(r->v[i].problem->kind);
	return 0;
}
