// SPDX-License-Identifier: GPL-2.0-or-later
#include "complaint.h"
#include "base/str.h"

/* Kinds and sentences may quote what a user or the machine said; none of it is printed raw. */
static char *printable_text(const struct problem *p)
{
	autofree char *text = problem_text(p);

	return text ? str_printable(text) : NULL;
}

void out_problem_json(struct json *j, json_object *to, const char *key, const struct problem *p)
{
	json_object *e = json_add_object(j, to, key);
	autofree char *text = printable_text(p);

	json_add_str(j, e, "kind", problem_kind_name(p->kind));
	json_add_str(j, e, "message", text);
	json_add_str(j, e, "hint", problem_best_hint(p));
	json_add_u64(j, e, "exit_code", (uint64_t)problem_kind_exit_code(p->kind));
}

static void complain_in_json(const struct out *o, const struct problem *p)
{
	autojson j = json_start();

	out_problem_json(&j, j.root, "error", p);
	/* Programs that asked for JSON get some even when there is no memory for a tree. */
	if (json_print(&j, o, NULL) < 0)
		fprintf(o->to,
			"{\"error\":{\"kind\":\"%s\",\"message\":null,\"hint\":null,"
			"\"exit_code\":%d}}\n",
			problem_kind_name(p->kind), problem_kind_exit_code(p->kind));
}

static void complain_in_text(const struct out *o, const struct problem *p)
{
	autofree char *text = printable_text(p);
	const char *best = problem_best_hint(p);
	autofree char *hint = best ? str_printable(best) : NULL;

	fprintf(o->notes, "vfctl: %s\n", text ? text : problem_kind_meaning(p->kind));
	if (hint)
		fprintf(o->notes, "  hint: %s\n", hint);
}

int out_complain(const struct out *o, const struct problem *p, int code)
{
	struct problem bare = { .code = code, .kind = problem_kind_from_errno(code) };

	if (!p) {
		bare.what = strerror(code < 0 ? -code : code);
		p = &bare;
	}
	if (out_is_json(o))
		complain_in_json(o, p);
	else
		complain_in_text(o, p);
	return problem_kind_exit_code(p->kind);
}
