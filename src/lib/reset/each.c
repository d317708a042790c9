// SPDX-License-Identifier: GPL-2.0-or-later
#include "reset.h"

#include "base/str.h"

#include <stdio.h>

void reset_told(struct host *h, const struct topology *t, const struct function *f,
	const char *method, bool dry_run, const struct reset_opts *opts, reset_line *line,
	void *arg)
{
	autofree char *how = NULL, *along = NULL;
	autoresetplan plan = { 0 };
	struct problem *p = NULL;
	int r = reset_plan(h, t, f, method, &plan, &p);

	if (r < 0) {
		how = str_printf("reset%s%s", method ? " by " : "", method ? method : "");
		line(arg, f->address, how ? how : "reset", r, p);
		return;
	}
	r = dry_run ? reset_check(h, &plan, opts, &p) : reset_do(h, &plan, opts, &p);
	how = str_printf("reset by %s", plan.method ? plan.method : "the kernel's choice");
	along = str_printf("reset along with %s", f->address);
	line(arg, plan.set[0]->address, how ? how : "reset", r, p);
	for (size_t i = 1; r >= 0 && i < plan.n_set; i++)
		line(arg, plan.set[i]->address, along ? along : "reset", r, NULL);
}
