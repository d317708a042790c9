// SPDX-License-Identifier: GPL-2.0-or-later
#include "back.h"

#include "base/str.h"

/* Nobody is asked again: what is put back was his who is served by that. */
static struct action_opts forced(const struct action_opts *act)
{
	struct action_opts o = *act;

	o.allow_in_use = o.driver.force = o.sriov.force = true;
	o.recovering = o.sriov.distrust = true;
	/* Whoever interrupted us wants just this. */
	o.driver.cancelled = o.sriov.cancelled = NULL;
	o.result = NULL;
	return o;
}

/* A later way back may need an earlier one's success; but settings stand for themselves. */
static int run_back(struct host *h, const struct step *s, const struct action_opts *opts,
	struct problem **reterr)
{
	int first = 0;

	for (size_t i = 0; i < s->back.n; i++) {
		const struct action *a = &s->back.v[i];
		autofree char *target = action_target(a), *text = action_text(a);
		struct problem *p = NULL;
		int r = action_run(h, a, opts, &p);

		if (r < 0 && !first) {
			first = r;
			if (p && reterr)
				*reterr = TAKE_PTR(p);
			problem_wrap(reterr, r, "%s: %s", target ? target : "?", text ? text : "?");
		}
		problem_free(p);
		if (r < 0 && a->kind == ACTION_NUM_VFS)
			break;
	}
	return first;
}

int take_back(struct host *h, const struct plan *plan, const size_t *order, size_t n,
	struct journal *j, const struct action_opts *act, struct problem **reterr)
{
	autofree bool *stuck = calloc(plan->n_groups + 1, sizeof(*stuck));
	struct action_opts opts = forced(act);
	int first = 0;

	if (!stuck)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	while (n--) {
		const struct step *s = &plan->steps[order[n]];
		struct problem *p = NULL;
		int r;

		if (stuck[s->group])
			continue;
		r = run_back(h, s, &opts, &p);
		stuck[s->group] = r == -ETIMEDOUT;
		/* Without this record it is run once more some time, which does no harm. */
		if (j)
			(void)journal_undid(j, order[n], r, p);
		if (r < 0 && !first && reterr)
			*reterr = TAKE_PTR(p);
		first = first ? first : r;
		problem_free(p);
	}
	return first;
}
