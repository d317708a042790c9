// SPDX-License-Identifier: GPL-2.0-or-later
#include "run.h"

#include "base/str.h"
#include "lease/lease.h"

#include <stdio.h>

const struct health_sign health_signs[] = {
#define SIGN(id, name, explain) { name, explain },
#include "sign.def"
#undef SIGN
};
const size_t n_health_signs = ARRAY_SIZE(health_signs);

typedef void sign_fn(struct sign_run *r);
static sign_fn *const looks[] = {
#define SIGN(id, name, explain) sign_##id,
#include "sign.def"
#undef SIGN
};

const char *health_state_name(enum health_state s)
{
	static const char *const names[HEALTH_STATES] = {
		[HEALTH_OK] = "healthy",
		[HEALTH_NOTED] = "healthy",
		[HEALTH_DEGRADED] = "degraded",
		[HEALTH_UNHEALTHY] = "unhealthy",
	};

	return names[s];
}

struct patient *patient_of(const struct healths *s, const struct function *f)
{
	return &s->v[f - s->inv->functions];
}

static void finding_done(struct health_finding *f)
{
	free(f->text);
	free(f->next);
	fact_done(&f->fact);
}

void healths_free(struct healths *s)
{
	if (!s)
		return;
	for (size_t i = 0; s->v && i < s->inv->n_functions; i++) {
		struct patient *p = &s->v[i];

		for (size_t k = 0; k < p->health.n; k++)
			finding_done(&p->health.v[k]);
		free(p->health.v);
		free(p->line);
	}
	free(s->v);
	free(s);
}

/* Behind those that are as bad: the table's order decides. */
static int insert(struct health *to, struct health_finding *f)
{
	struct health_finding *more = reallocarray(to->v, to->n + 1, sizeof(*more));
	size_t at = to->n;

	if (!more)
		return -ENOMEM;
	to->v = more;
	while (at > 0 && more[at - 1].state < f->state)
		at--;
	memmove(more + at + 1, more + at, (to->n - at) * sizeof(*more));
	more[at] = *f;
	*f = (struct health_finding) { 0 };
	to->n++;
	to->state = MAX(to->state, more[at].state);
	return 0;
}

/* `next` names the function where its one %s stands. */
static char *next_text(const char *next, const char *address)
{
	const char *at = strstr(next, "%s");

	return at ? str_printf("%.*s%s%s", (int)(at - next), next, address, at + 2) : strdup(next);
}

void sign_found(struct sign_run *r, enum health_state state, struct fact *fact, const char *next,
	const char *fmt, ...)
{
	struct health_finding f = { .sign = r->sign, .state = state };
	autofree char *raw = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&raw, fmt, ap) < 0)
		raw = NULL;
	va_end(ap);
	f.text = raw ? str_printable(raw) : NULL;
	f.next = next ? next_text(next, r->f->address) : NULL;
	if (fact) {
		f.fact = *fact;
		*fact = (struct fact) { 0 };
	}
	if (!f.text || (next && !f.next) || insert(&r->p->health, &f) < 0)
		r->all->failed = true;
	finding_done(&f);
}

static int judge(struct healths *s, struct patient *p)
{
	struct sign_run r = { .all = s, .h = s->h, .f = p->f, .p = p };

	p->judged = true;
	for (size_t i = 0; i < ARRAY_SIZE(looks); i++) {
		r.sign = &health_signs[i];
		looks[i](&r);
	}
	return s->failed ? -ENOMEM : 0;
}

/* What keeps a PF from working keeps its VFs; what is said of it has its evidence there. */
void sign_pf(struct sign_run *r)
{
	const struct function *pf = r->f->physfn;
	struct patient *p = pf ? patient_of(r->all, pf) : NULL;

	if (!p)
		return;
	if (!p->judged && judge(r->all, p) < 0)
		return;
	for (size_t i = 0; i < p->health.n; i++) {
		const struct health_finding *f = &p->health.v[i];
		autofact fact = { 0 };

		if (f->fact.file) {
			fact.file = strdup(f->fact.file);
			fact.value = f->fact.value ? strdup(f->fact.value) : NULL;
			r->all->failed |= !fact.file || (f->fact.value && !fact.value);
		}
		sign_found(r, f->state, &fact, f->next, "its PF %s: %s", pf->address, f->text);
	}
}

static const struct lease *claim_of(
	const struct inventory *inv, const struct leases *own, const struct function *f)
{
	return inv->leases ? f->claim : leases_find(own, f->bdf);
}

static int examine(struct healths *s, const struct leases *own)
{
	for (size_t i = 0; i < s->inv->n_functions; i++) {
		struct patient *p = &s->v[i];

		p->f = &s->inv->functions[i];
		p->claim = claim_of(s->inv, own, p->f);
		/* The PFs of those that are wanted, too. */
		if (p->wanted && p->f->physfn)
			forgiven_read(
				s->h, p->f->physfn->bdf, &patient_of(s, p->f->physfn)->forgiven);
		if (p->wanted)
			forgiven_read(s->h, p->f->bdf, &p->forgiven);
	}
	read_log(s);
	for (size_t i = 0; !s->failed && i < s->inv->n_functions; i++)
		if (s->v[i].wanted && !s->v[i].judged)
			judge(s, &s->v[i]);
	return s->failed ? -ENOMEM : 0;
}

int healths_look(struct host *h, const struct inventory *inv, const struct function *const *f,
	size_t n, struct healths **ret, struct problem **reterr)
{
	autohealths *s = calloc(1, sizeof(*s));
	autoleases own = { 0 };
	int r = s ? 0 : -ENOMEM;

	if (r == 0) {
		*s = (struct healths) { .h = h, .inv = inv };
		s->v = calloc(inv->n_functions + 1, sizeof(*s->v));
		r = s->v ? 0 : -ENOMEM;
	}
	if (r == 0 && !inv->leases)
		r = leases_read(h, &own);
	for (size_t i = 0; r == 0 && i < n; i++)
		patient_of(s, f[i])->wanted = true;
	if (r == 0)
		r = examine(s, &own);
	if (r < 0)
		return problem(reterr, r, PROBLEM_NO_MEMORY, NULL, "out of memory");
	/* Borrowed from what ends here. */
	for (size_t i = 0; i < inv->n_functions; i++)
		s->v[i].claim = NULL;
	*ret = TAKE_PTR(s);
	return 0;
}

const struct health *healths_of(const struct healths *s, const struct function *f)
{
	const struct patient *p = patient_of(s, f);

	return p->wanted ? &p->health : NULL;
}

int health_refuse(const struct health *health, const char *address, struct problem **reterr)
{
	const struct health_finding *f = health->n ? health->v : NULL;

	if (!f || health->state < HEALTH_UNHEALTHY)
		return 0;
	return problem(reterr, -EPERM, PROBLEM_UNHEALTHY, f->next, "%s is unhealthy: %s%s%s%s%s%s",
		address, f->text, f->fact.file ? " (" : "", f->fact.file ? f->fact.file : "",
		f->fact.value ? ": " : "", f->fact.value ? f->fact.value : "",
		f->fact.file ? ")" : "");
}
