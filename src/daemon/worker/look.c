// SPDX-License-Identifier: GPL-2.0-or-later
/* Looking, in the JSON of the command line: the same code prints it. */
#include "worker.h"

#include "about/about.h"
#include "base/str.h"
#include "out/function.h"
#include "out/lease.h"
#include "out/show.h"
#include "select/select.h"

static int list(
	struct worker *w, const struct order *o, const struct out *out, struct problem **reterr)
{
	size_t n = strv_len(o->functions);
	unsigned flags =
		INVENTORY_NAMES | INVENTORY_OVERRIDES | INVENTORY_SRIOV | (n ? 0 : INVENTORY_BRIEF);
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	autoselection found = { 0 };
	int r = inventory_load(w->h, flags, &inv, reterr);

	if (r == 0)
		r = select_matching(
			w->h, inv, (const char *const *)o->functions, n, &found, reterr);
	if (r == 0 && o->holders && (r = inventory_find_holders(w->h, inv)) < 0)
		r = problem(reterr, r, problem_kind_from_errno(r), NULL,
			"cannot find out who uses the functions: %s", strerror(-r));
	return r < 0 ? r
		     : out_functions(out, (const struct function *const *)found.v, found.n, reterr);
}

static int show(
	struct worker *w, const struct order *o, const struct out *out, struct problem **reterr)
{
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	CLEANUP(about_freep) struct about *about = NULL;
	struct function *f = NULL;
	int r;

	if (strv_len(o->functions) != 1)
		return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL, "show takes one function");
	r = inventory_load(w->h, INVENTORY_ALL, &inv, reterr);
	if (r == 0)
		r = select_one(w->h, inv, o->functions[0], &f, reterr);
	if (r == 0)
		r = about_load(w->h, inv, f, w->learned_dir, &about, reterr);
	return r < 0 ? r : out_show(out, about, reterr);
}

/* Of all claims; those who ask pick. */
static int leases(struct worker *w, const struct out *out, struct problem **reterr)
{
	autofree const struct lease **v = NULL;
	autoleaserows rows = { 0 };
	autoleases all = { 0 };
	int r = leases_read(w->h, &all);

	v = r == 0 ? calloc(all.n + 1, sizeof(*v)) : NULL;
	for (size_t i = 0; v && i < all.n; i++)
		v[i] = &all.v[i];
	r = v ? lease_rows_look(w->h, NULL, v, all.n, &rows) : -ENOMEM;
	if (r < 0)
		return problem(reterr, r, PROBLEM_NO_MEMORY, NULL, "out of memory");
	return out_leases(out, rows.v, rows.n, all.unreadable, reterr);
}

int worker_answer_open(struct worker_answer *a, struct problem **reterr)
{
	*a = (struct worker_answer) { .out = { .format = OUT_JSON_SHORT, .notes = stderr } };
	a->out.to = open_memstream(&a->text, &a->size);
	return a->out.to ? 0 : problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
}

int worker_answer_close(
	struct worker *w, struct worker_answer *a, int code, struct problem **reterr)
{
	autofree char *text = NULL;

	if (fclose(a->out.to) == EOF && code == 0)
		code = problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	text = a->text;
	if (code < 0)
		return code;
	if (a->size && text[a->size - 1] == '\n')
		text[a->size - 1] = '\0';
	worker_tell(w, &(struct news) { .kind = NEWS_ANSWER, .text = text });
	return 0;
}

int worker_look(struct worker *w, const struct order *o, struct problem **reterr)
{
	struct worker_answer a;
	int r = worker_answer_open(&a, reterr);

	if (r < 0)
		return r;
	r = o->kind == ORDER_LIST     ? list(w, o, &a.out, reterr)
	    : o->kind == ORDER_LEASES ? leases(w, &a.out, reterr)
				      : show(w, o, &a.out, reterr);
	return worker_answer_close(w, &a, r, reterr);
}
