// SPDX-License-Identifier: GPL-2.0-or-later
/* Looking, in the JSON of the command line: the same code prints it. */
#include "worker.h"

#include "about/about.h"
#include "base/str.h"
#include "out/function.h"
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

int worker_look(struct worker *w, const struct order *o, struct problem **reterr)
{
	autofree char *text = NULL;
	struct out out = { .format = OUT_JSON_SHORT, .notes = stderr };
	size_t size = 0;
	int r;

	out.to = open_memstream(&text, &size);
	if (!out.to)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	r = o->kind == ORDER_LIST ? list(w, o, &out, reterr) : show(w, o, &out, reterr);
	if (fclose(out.to) == EOF && r == 0)
		r = problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	if (r < 0)
		return r;
	if (size && text[size - 1] == '\n')
		text[size - 1] = '\0';
	worker_tell(w, &(struct news) { .kind = NEWS_ANSWER, .text = text });
	return 0;
}
