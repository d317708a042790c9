// SPDX-License-Identifier: GPL-2.0-or-later
#include "run.h"

#include <stdio.h>
#include <string.h>

static const char *const names[] = {
	[PROOF_PROVED] = "proved",
	[PROOF_FAILED] = "failed",
	[PROOF_UNPROVED] = "unproved",
	[PROOF_SKIPPED] = "skipped",
};

const char *proof_verdict_name(enum proof_verdict v)
{
	return names[v];
}

static void forget(struct proof_check *c)
{
	free(c->text);
	free(c->evidence);
	free(c->hint);
}

void proof_done(struct proof *p)
{
	for (size_t i = 0; i < p->n; i++)
		forget(&p->v[i]);
	*p = (struct proof) { 0 };
}

const struct proof_check *proof_obstacle(const struct proof *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].verdict == PROOF_FAILED)
			return &p->v[i];
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].verdict == PROOF_UNPROVED)
			return &p->v[i];
	return NULL;
}

static void take_time(struct proof_run *r)
{
	uint64_t now = host_now_ms(r->host);

	if (r->proof->n)
		r->proof->v[r->proof->n - 1].ms = (unsigned)(now - r->started_ms);
	r->started_ms = now;
}

struct proof_check *check_start(struct proof_run *r, const char *name)
{
	struct proof *p = r->proof;
	struct proof_check *c;

	take_time(r);
	/* There are fewer checks than places; a plug-in that has more loses its last. */
	if (p->n == PROOF_CHECKS_MAX)
		forget(&p->v[--p->n]);
	c = &p->v[p->n++];
	*c = (struct proof_check) { .name = name, .verdict = PROOF_UNPROVED };
	if (r->opts->progress)
		r->opts->progress(r->opts->arg, name, 0);
	return c;
}

static PRINTF(2, 0) void set(char **text, const char *fmt, va_list ap)
{
	char *s;

	if (vasprintf(&s, fmt, ap) < 0)
		s = NULL;
	free(*text);
	*text = s;
}

#define SET(field)                                                                                 \
	do {                                                                                       \
		va_list ap_;                                                                       \
		va_start(ap_, fmt);                                                                \
		set(&c->field, fmt, ap_);                                                          \
		va_end(ap_);                                                                       \
	} while (0)

void check_proved(struct proof_check *c, const char *fmt, ...)
{
	c->verdict = PROOF_PROVED;
	SET(text);
}

void check_skipped(struct proof_check *c, const char *fmt, ...)
{
	c->verdict = PROOF_SKIPPED;
	SET(text);
}

void check_failed(struct proof_check *c, const char *fmt, ...)
{
	c->verdict = PROOF_FAILED;
	c->kind = PROBLEM_NOT_ASSIGNABLE;
	SET(text);
}

void check_unproved(struct proof_check *c, const char *fmt, ...)
{
	c->verdict = PROOF_UNPROVED;
	c->kind = PROBLEM_FAILED;
	SET(text);
}

void check_evidence(struct proof_check *c, const char *fmt, ...)
{
	SET(evidence);
}

void check_hint(struct proof_check *c, const char *fmt, ...)
{
	SET(hint);
}

void check_problem(struct proof_check *c, struct problem *p, int code)
{
	autofree char *text = p ? problem_text(p) : NULL;
	const char *hint = p ? problem_best_hint(p) : NULL;

	check_failed(c, "%s", text ? text : strerror(-code));
	c->kind = p ? p->kind : problem_kind_from_errno(code);
	if (hint)
		check_hint(c, "%s", hint);
	problem_free(p);
}
