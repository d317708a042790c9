// SPDX-License-Identifier: GPL-2.0-or-later
#include "plan.h"
#include "complaint.h"
#include "json.h"
#include "base/str.h"

#include <stdio.h>
#include <time.h>

/* ---- Text ---- */

static const char *const colors[] = { ['+'] = "\033[32m", ['~'] = "\033[33m", ['-'] = "\033[31m" };

static void print_line(const struct out *o, char sign, const char *text)
{
	autofree char *safe = str_printable(text);

	fprintf(o->to, "  %s%c%s %s\n", o->color ? colors[(unsigned)sign] : "", sign,
		o->color ? "\033[0m" : "", safe ? safe : "?");
}

static char sign_of(const struct step *s)
{
	const struct action *a = &s->todo;
	uint32_t was = 0;

	if (a->kind == ACTION_NUM_VFS) {
		if (s->was)
			(void)parse_u32(s->was, &was);
		return a->number > was ? '+' : '-';
	}
	return a->kind == ACTION_SETTINGS && !s->was ? '+' : '~';
}

/* "vlan 0 → 100" for each word that differs. */
static void print_words(const struct out *o, const struct step *s, const char *whose)
{
	const struct actions *back = &s->back;

	STRV_FOREACH (w, s->todo.words) {
		size_t key = strcspn(*w, "=") + 1;
		const char *was = NULL;
		autofree char *text = NULL;

		for (size_t i = 0; i < back->n; i++)
			STRV_FOREACH (b, back->v[i].words)
				if (strncmp(*b, *w, key) == 0)
					was = *b + key;
		if (was && str_eq(was, *w + key))
			continue;
		text = str_printf("%s%.*s %s%s%s", whose, (int)key - 1, *w, was ? was : "",
			was ? " → " : "", *w + key);
		print_line(o, was ? '~' : '+', text ? text : "?");
	}
}

static const char *driver_name(const char *driver)
{
	return !*driver				? "none"
	       : str_eq(driver, WISH_RESTORE)	? "as before"
	       : str_eq(driver, WISH_BEST_VFIO) ? "the best for VFIO"
						: driver;
}

static void print_step(const struct out *o, const struct step *s)
{
	const struct action *a = &s->todo;
	autofree char *whose = a->vf == OF_ITSELF ? strdup("") : str_printf("VF %d ", a->vf);
	autofree char *text = NULL;

	switch (a->kind) {
	case ACTION_SETTINGS:
		print_words(o, s, whose ? whose : "");
		return;
	case ACTION_DRIVER:
		text = str_printf("%sdriver %s%s%s", whose ? whose : "", s->was ? s->was : "",
			s->was ? " → " : "", driver_name(a->driver));
		break;
	case ACTION_NUM_VFS:
		text = str_printf("VFs %s → %u", s->was ? s->was : "?", a->number);
		break;
	default:
		text = str_printf("%s %s → %s", a->kind == ACTION_AUTOPROBE ? "autoprobe" : "link",
			s->was ? s->was : "?",
			a->kind == ACTION_AUTOPROBE ? (a->number ? "on" : "off")
						    : (a->number ? "up" : "down"));
	}
	print_line(o, sign_of(s), text ? text : "?");
}

static void print_group(const struct out *o, const struct plan *p, const struct plan_group *g)
{
	autofree char *source = g->source ? str_printable(g->source) : NULL;

	if (g->begin == g->end && !g->refusal)
		return;
	fprintf(o->to, "%s%s%s%s%s%s%s%s\n", BDF_TEXT(g->bdf), g->name ? " " : "",
		g->name ? g->name : "", g->driver ? " (" : "", g->driver ? g->driver : "",
		g->driver ? ")" : "", source ? "  from " : "", source ? source : "");
	if (g->refusal)
		print_line(o, '-', "refused");
	for (size_t i = g->begin; i < g->end; i++)
		print_step(o, &p->steps[i]);
}

static void print_blast(const struct out *o, const struct blast *b)
{
	autofree char *who = b->who ? str_printable(b->who) : NULL;

	fprintf(o->to, "  %s %s%s%s%s\n", BDF_TEXT(b->bdf),
		b->destroyed ? "is destroyed" : "loses its driver", who ? ": " : "",
		who && b->strength == HOLD_BOUND ? "on " : "", who ? who : "");
}

static int text(const struct out *o, const struct plan *p)
{
	bool said = false;
	size_t refused = 0;

	for (size_t i = 0; i < p->n_groups; i++) {
		print_group(o, p, &p->groups[i]);
		refused += p->groups[i].refusal != NULL;
	}
	if (!p->n && !refused)
		fputs("Nothing to do: all is as it should be.\n", o->to);
	for (size_t i = 0; i < p->n_groups; i++)
		for (size_t k = 0; k < p->groups[i].n_blast; k++) {
			if (!said)
				fputs("Blast radius:\n", o->to);
			said = true;
			print_blast(o, &p->groups[i].blast[k]);
		}
	fflush(o->to);
	for (size_t i = 0; i < p->n_groups; i++)
		if (p->groups[i].refusal)
			out_complain(o, p->groups[i].refusal, p->groups[i].refusal->code);
	return 0;
}

/* ---- JSON ---- */

static void add_object(struct json *j, json_object *list, json_object *o)
{
	if (!o || json_object_array_add(list, o) < 0) {
		json_object_put(o);
		j->failed = true;
	}
}

static json_object *step_json(struct json *j, json_object *list, const struct step *s)
{
	json_object *o = action_to_json(&s->todo), *back;

	add_object(j, list, o);
	if (!o || j->failed)
		return NULL;
	json_add_str(j, o, "was", s->was);
	back = json_add_array(j, o, "undo");
	for (size_t i = 0; i < s->back.n; i++)
		add_object(j, back, action_to_json(&s->back.v[i]));
	return o;
}

static void blast_json(struct json *j, json_object *list, const struct plan_group *g)
{
	for (size_t i = 0; i < g->n_blast; i++) {
		json_object *o = json_add_object(j, list, NULL);

		json_add_str(j, o, "address", BDF_TEXT(g->blast[i].bdf));
		json_add_str(j, o, "effect", g->blast[i].destroyed ? "destroyed" : "loses-driver");
		json_add_str(j, o, "who", g->blast[i].who);
		json_add_str(j, o, "strength", holder_strength_name(g->blast[i].strength));
	}
}

static int json(const struct out *o, const struct plan *p, struct problem **reterr)
{
	autojson j = json_start();
	json_object *steps, *blast, *refused;

	json_add_u64(&j, j.root, "changes", p->n);
	steps = json_add_array(&j, j.root, "steps");
	for (size_t i = 0; i < p->n && !j.failed; i++)
		step_json(&j, steps, &p->steps[i]);
	blast = json_add_array(&j, j.root, "blast_radius");
	refused = json_add_array(&j, j.root, "refused");
	for (size_t i = 0; i < p->n_groups; i++) {
		json_object *r;

		blast_json(&j, blast, &p->groups[i]);
		if (!p->groups[i].refusal)
			continue;
		r = json_add_object(&j, refused, NULL);
		json_add_str(&j, r, "address", BDF_TEXT(p->groups[i].bdf));
		out_problem_json(&j, r, "error", p->groups[i].refusal);
	}
	return json_print(&j, o, reterr);
}

int out_plan(const struct out *o, const struct plan *p, struct problem **reterr)
{
	return out_is_json(o) ? json(o, p, reterr) : text(o, p);
}

/* ---- The journal ---- */

static char *time_text(int64_t seconds)
{
	time_t t = (time_t)seconds;
	struct tm tm;
	char buf[32];

	if (!seconds || !gmtime_r(&t, &tm) || !strftime(buf, sizeof(buf), "%FT%TZ", &tm))
		return NULL;
	return strdup(buf);
}

static const char *step_state(const struct entry *e, size_t i)
{
	const struct entry_step *s = &e->steps[i];

	if (!e->planned || !s->started)
		return "not begun";
	if (s->undone)
		return "taken back";
	if (!s->ended)
		return "begun";
	return s->code < 0 ? "failed" : s->code ? "done" : "already so";
}

static void entry_json(struct json *j, json_object *o, const struct entry *e, bool steps)
{
	autofree char *begin = time_text(e->begin_s), *end = time_text(e->end_s);
	json_object *list;

	json_add_u64(j, o, "id", e->id);
	json_add_str(j, o, "verb", e->verb);
	json_add_str(j, o, "begin", begin);
	json_add_str(j, o, "end", end);
	json_add_known(j, o, "pid", e->pid ? e->pid : -1);
	json_add_str(j, o, "state", journal_end_name(e->end));
	json_add_u64(j, o, "changes", e->plan.n);
	if (!steps)
		return;
	list = json_add_array(j, o, "steps");
	for (size_t i = 0; i < e->plan.n && !j->failed; i++) {
		json_object *s = step_json(j, list, &e->plan.steps[i]);

		if (!s)
			continue;
		json_add_str(j, s, "state", step_state(e, i));
		json_add_str(j, s, "error", e->planned ? e->steps[i].text : NULL);
	}
}

static void print_entry(const struct out *o, const struct entry *e)
{
	autofree char *begin = time_text(e->begin_s),
		      *verb = e->verb ? str_printable(e->verb) : NULL;

	fprintf(o->to, "%4u  %-20s  %-7s  %s\n", e->id, begin ? begin : "-",
		journal_end_name(e->end), verb ? verb : "-");
}

static void print_entry_step(const struct out *o, const struct entry *e, size_t i)
{
	const struct step *s = &e->plan.steps[i];
	autofree char *target = action_target(&s->todo), *what = action_text(&s->todo);
	autofree char *safe = what ? str_printable(what) : NULL;
	autofree char *why =
		e->planned && e->steps[i].text ? str_printable(e->steps[i].text) : NULL;

	fprintf(o->to, "      %s  %s  %s%s%s\n", target ? target : "?", safe ? safe : "?",
		step_state(e, i), why ? ": " : "", why ? why : "");
}

int out_entry(const struct out *o, const struct entry *e, struct problem **reterr)
{
	autojson j = json_start();

	if (out_is_json(o)) {
		entry_json(&j, j.root, e, true);
		return json_print(&j, o, reterr);
	}
	print_entry(o, e);
	for (size_t i = 0; i < e->plan.n; i++)
		print_entry_step(o, e, i);
	return 0;
}

int out_history(const struct out *o, const struct entry *entries, size_t n, struct problem **reterr)
{
	autojson j = json_start();
	json_object *list;

	if (!out_is_json(o)) {
		if (o->legend && n)
			fputs("  ID  BEGUN                 STATE    COMMAND\n", o->to);
		for (size_t i = 0; i < n; i++)
			print_entry(o, &entries[i]);
		return 0;
	}
	list = json_add_array(&j, j.root, "history");
	for (size_t i = 0; i < n; i++)
		entry_json(&j, json_add_object(&j, list, NULL), &entries[i], false);
	return json_print(&j, o, reterr);
}
