// SPDX-License-Identifier: GPL-2.0-or-later
#include "act-claim.h"

#include "interrupt.h"
#include "base/str.h"

struct claim_opts act_claim_opts(struct act *act)
{
	struct claim_opts o = {
		.run_dir = act->cli->run_dir,
		.apply = act_apply_opts(act),
		.lock_ms = act->timeout_ms,
	};

	interrupt_catch();
	return o;
}

int act_show_leases(struct cli *cli, struct host *h, const struct inventory *inv,
	const struct lease *const *v, size_t n, char *const *unreadable, struct problem **reterr)
{
	autoleaserows rows = { 0 };
	int r = lease_rows_look(h, inv, v, n, &rows);

	return r < 0 ? r : out_leases(&cli->out, rows.v, rows.n, unreadable, reterr);
}

static void add(const struct lease **v, size_t *n, const struct lease *l)
{
	for (size_t i = 0; i < *n; i++)
		if (v[i] == l)
			return;
	v[(*n)++] = l;
}

/* Word for word: he may be gone, so that nothing more can be found out about him. */
int act_owner_named(struct host *h UNUSED, const char *word, const struct leases *s,
	const struct lease **ret, size_t *ret_n, struct problem **reterr)
{
	autofree char *safe = NULL;
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++) {
		autofree char *owner = owner_text(&s->v[i].owner);

		if (str_eq(owner, word))
			add(ret, &n, &s->v[i]);
	}
	*ret_n = n;
	if (n)
		return 0;
	safe = str_printable(word);
	return problem(reterr, -ENOENT, PROBLEM_NOT_FOUND, "vfctl leases shows all claims",
		"%s has no claim", safe ? safe : "?");
}

static int add_selected(struct host *h, const struct inventory *inv, const char *word,
	const struct leases *s, const struct lease **v, size_t *n, struct problem **reterr)
{
	autoselection found = { 0 };
	size_t had = *n;
	struct bdf a;
	int r;

	/* A function that is gone can still have a claim. */
	if (bdf_parse(word, &a) == 0 && leases_find(s, a)) {
		add(v, n, leases_find(s, a));
		return 0;
	}
	r = select_some(h, inv, &word, 1, &found, reterr);
	for (size_t i = 0; r == 0 && i < found.n; i++) {
		const struct lease *l = leases_find(s, found.v[i]->bdf);

		if (l)
			add(v, n, l);
	}
	if (r == 0 && *n == had)
		return problem(reterr, -ENOENT, PROBLEM_NOT_FOUND, "vfctl leases shows all claims",
			found.n == 1 ? "%s is on no claim" : "%s and others are on no claim",
			found.v[0]->address);
	return r;
}

int act_leases_selected(struct host *h, const struct inventory *inv, const struct args *a,
	const struct leases *s, const struct lease **ret, size_t *ret_n, struct problem **reterr)
{
	size_t n = 0;
	int r = 0;

	for (size_t i = 0; !a->n_words && i < s->n; i++)
		add(ret, &n, &s->v[i]);
	for (size_t i = 0; r == 0 && i < a->n_words; i++)
		r = add_selected(h, inv, a->words[i], s, ret, &n, reterr);
	if (r == 0)
		*ret_n = n;
	return r;
}
