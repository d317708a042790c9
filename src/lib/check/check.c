// SPDX-License-Identifier: GPL-2.0-or-later
#include "run.h"

#include "base/str.h"
#include "host/procfs.h"

#include <stdio.h>

enum { FUNCTION = CHECK_FUNCTION, HOST = CHECK_HOST, BOTH = CHECK_FUNCTION | CHECK_HOST };

const struct check checks[] = {
#define CHECK(id, name, scope, title, explain) { name, scope, title, explain, check_##id },
#include "check.def"
#undef CHECK
};
const size_t n_checks = ARRAY_SIZE(checks);

const char *check_verdict_name(enum check_verdict v)
{
	static const char *const names[] = {
		[CHECK_FAIL] = "fail",
		[CHECK_WARN] = "warn",
		[CHECK_UNKNOWN] = "unknown",
		[CHECK_OK] = "ok",
		[CHECK_NOT_APPLICABLE] = "not-applicable",
	};

	return names[v];
}

void check_report_done(struct check_report *r)
{
	for (size_t i = 0; i < r->n; i++) {
		free(r->v[i].text);
		free(r->v[i].fix);
		fact_done(&r->v[i].fact);
	}
	free(r->v);
	*r = (struct check_report) { 0 };
}

size_t check_report_count(const struct check_report *r, enum check_verdict verdict)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++)
		n += r->v[i].verdict == verdict;
	return n;
}

/* Allocated and printable: much of it is what the machine said. */
static PRINTF(1, 0) char *printable(const char *fmt, va_list ap)
{
	autofree char *raw = NULL;

	if (vasprintf(&raw, fmt, ap) < 0)
		raw = NULL;
	return raw ? str_printable(raw) : NULL;
}

struct check_result *found(
	struct check_run *r, enum check_verdict v, struct fact *fact, const char *fmt, ...)
{
	struct check_result *more = reallocarray(r->to->v, r->to->n + 1, sizeof(*more));
	va_list ap;

	if (!more) {
		r->failed = true;
		return NULL;
	}
	r->to->v = more;
	more += r->to->n++;
	*more = (struct check_result) { .check = r->check, .verdict = v };
	va_start(ap, fmt);
	more->text = printable(fmt, ap);
	va_end(ap);
	r->failed |= !more->text;
	if (fact) {
		more->fact = *fact;
		*fact = (struct fact) { 0 };
	}
	return more;
}

void fix(struct check_run *r, struct check_result *to, const char *fmt, ...)
{
	va_list ap;

	if (!to)
		return;
	free(to->fix);
	va_start(ap, fmt);
	to->fix = printable(fmt, ap);
	va_end(ap);
	r->failed |= !to->fix;
}

/* ---- One report ---- */

static bool run_one(struct check_run *r)
{
	size_t before = r->to->n;

	r->check->run(r);
	if (r->to->n == before)
		found(r, CHECK_NOT_APPLICABLE, NULL, "%s: does not apply", r->check->title);
	return !r->failed;
}

/* Stable: within a verdict the order of the table, and of what a check found, stays. */
static int sort(struct check_report *r)
{
	struct check_result *v = calloc(r->n + 1, sizeof(*v));
	size_t n = 0;

	if (!v)
		return -ENOMEM;
	for (enum check_verdict k = 0; k < CHECK_VERDICTS; k++)
		for (size_t i = 0; i < r->n; i++)
			if (r->v[i].verdict == k)
				v[n++] = r->v[i];
	free(r->v);
	r->v = v;
	return 0;
}

static int report(struct checker *c, const struct function *f, enum check_scope scope,
	struct check_report *ret, struct problem **reterr)
{
	autoreport report = { 0 };
	struct check_run r = { .c = c, .h = c->h, .inv = c->inv, .f = f, .to = &report };

	for (size_t i = 0; i < n_checks; i++) {
		r.check = &checks[i];
		if ((r.check->scope & scope) && !run_one(&r))
			return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	}
	if (sort(&report) < 0)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	*ret = report;
	report = (struct check_report) { 0 };
	return 0;
}

int checker_function(struct checker *c, const struct function *f, struct check_report *ret,
	struct problem **reterr)
{
	return report(c, f, CHECK_FUNCTION, ret, reterr);
}

int checker_host(struct checker *c, struct check_report *ret, struct problem **reterr)
{
	return report(c, NULL, CHECK_HOST, ret, reterr);
}

/* ---- What they share ---- */

int checker_new(struct host *h, const struct inventory *inv, const struct check_opts *opts,
	struct checker **ret, struct problem **reterr)
{
	autochecker *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	c->h = h;
	c->inv = inv;
	if (opts)
		c->opts = *opts;
	r = topology_load(h, inv, &c->topo, reterr);
	if (r < 0)
		return r;
	if (procfs_read(h, &c->cmdline, "cmdline") == -ENOMEM)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	*ret = TAKE_PTR(c);
	return 0;
}

void checker_free(struct checker *c)
{
	if (!c)
		return;
	topology_free(c->topo);
	holders_done(&c->holders);
	healths_free(c->healths);
	free(c->looked);
	free(c->cmdline);
	free(c);
}

static bool is_among(const struct bdf *v, size_t n, struct bdf a)
{
	for (size_t i = 0; i < n; i++)
		if (bdf_eq(v[i], a))
			return true;
	return false;
}

/* The function and those that would go with it; `v` has room for all functions there are. */
static size_t add_group(const struct checker *c, const struct function *f, struct bdf *v, size_t n)
{
	const struct iommu_group *g = inventory_find_group(c->inv, f->iommu_group);

	if (!is_among(v, n, f->bdf))
		v[n++] = f->bdf;
	for (size_t i = 0; g && i < g->n_members; i++)
		if (inventory_find_bdf(c->inv, g->members[i].bdf) &&
			!is_among(v, n, g->members[i].bdf))
			v[n++] = g->members[i].bdf;
	return n;
}

static int look_at_health(struct checker *c, const struct function *const *f, size_t n)
{
	healths_free(TAKE_PTR(c->healths));
	return healths_look(c->h, c->inv, f, n, &c->healths, NULL);
}

int checker_look_for_holders(
	struct checker *c, struct function *const *f, size_t n, struct problem **reterr)
{
	autofree struct bdf *v = calloc(c->inv->n_functions + 1, sizeof(*v));
	autoholders holders = { 0 };
	size_t m = 0;
	int r = v ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < n; i++)
		m = add_group(c, f[i], v, m);
	if (r == 0)
		r = holders_find(c->h, v, m, &holders);
	if (r < 0)
		return problem(reterr, r, problem_kind_from_errno(r), NULL,
			"cannot look for users: %s", strerror(-r));
	holders_done(&c->holders);
	c->holders = holders;
	holders = (struct holders) { 0 };
	free(c->looked);
	c->looked = TAKE_PTR(v);
	c->n_looked = m;
	if (look_at_health(c, (const struct function *const *)f, n) < 0)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	return 0;
}

const struct holder *held_by(struct check_run *r, struct bdf a, size_t *ret_n)
{
	struct function *f = inventory_find_bdf(r->inv, r->f->bdf);

	*ret_n = 0;
	if (!is_among(r->c->looked, r->c->n_looked, a) &&
		checker_look_for_holders(r->c, &f, 1, NULL) < 0) {
		r->failed = true;
		return NULL;
	}
	return holders_of(&r->c->holders, a, ret_n);
}

static const struct function **functions_of(const struct inventory *inv)
{
	const struct function **v = calloc(inv->n_functions + 1, sizeof(*v));

	for (size_t i = 0; v && i < inv->n_functions; i++)
		v[i] = &inv->functions[i];
	return v;
}

const struct health *health_of(struct check_run *r, const struct function *f)
{
	const struct health *known = r->c->healths ? healths_of(r->c->healths, f) : NULL;
	autofree const struct function **all = NULL;
	int e;

	if (known)
		return known;
	if (!r->f)
		all = functions_of(r->inv);
	if (!r->f && !all)
		e = -ENOMEM;
	else
		e = look_at_health(r->c, r->f ? &f : all, r->f ? 1 : r->inv->n_functions);
	r->failed |= e < 0;
	return e < 0 ? NULL : healths_of(r->c->healths, f);
}
