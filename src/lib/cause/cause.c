// SPDX-License-Identifier: GPL-2.0-or-later
#include "cause.h"
#include "confirm.h"

#include "base/str.h"
#include "host/sysfs.h"

#include <stdio.h>

#define NONE NULL
static const struct cause_row rows[] = {
#define CAUSE(action, code, confirm, kind, cause, advice)                                          \
	{ CAUSE_##action, code, PROBLEM_##kind, cause, advice, confirm },
#include "cause.def"
#undef CAUSE
};
#undef NONE

static const struct {
	const char *name, *words;
} actions[] = {
#define ACTION(id, name, words) [CAUSE_##id] = { name, words },
#include "action.def"
#undef ACTION
};

const struct cause_row *cause_row_at(size_t i)
{
	return i < ARRAY_SIZE(rows) ? &rows[i] : NULL;
}

const char *cause_action_name(enum cause_action a)
{
	return actions[a].name;
}

const char *cause_action_words(enum cause_action a)
{
	return actions[a].words;
}

void cause_done(struct cause *c)
{
	free(c->text);
	free(c->advice);
	free(c->log);
	fact_done(&c->fact);
	*c = (struct cause) { 0 };
}

/* What {it}, {pf} and {driver} stand for. */
struct names {
	const char *it, *pf, *driver;
};

/* NULL: not known. */
static const char *stands_for(const char *word, size_t len, const struct names *n)
{
	const struct {
		const char *word, *text;
	} words[] = { { "{it}", n->it }, { "{pf}", n->pf }, { "{driver}", n->driver } };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strlen(words[i].word) == len && strncmp(word, words[i].word, len) == 0)
			return words[i].text;
	return NULL;
}

/* A word that stands for nothing stays as it is. */
static char *expand(const char *text, const struct names *n)
{
	autostrbuf b = { 0 };

	while (*text) {
		size_t plain = strcspn(text, "{"), len;
		const char *end = strchr(text + plain, '}'), *word;

		strbuf_add_bytes(&b, text, plain);
		text += plain;
		len = end ? (size_t)(end - text) + 1 : strlen(text);
		word = stands_for(text, len, n);
		strbuf_add_bytes(&b, word ? word : text, word ? strlen(word) : len);
		text += len;
	}
	return strbuf_take(&b);
}

static int fill(struct host *h, const struct cause_row *row, const struct cause_query *q,
	struct fact *fact, struct cause *c)
{
	autofree char *pf = NULL;
	struct names names = { .it = BDF_TEXT(q->bdf), .driver = q->driver };

	if (sysfs_link_name(h, &pf, "bus/pci/devices/%s/physfn", names.it) == -ENOMEM)
		return -ENOMEM;
	names.pf = pf;
	c->kind = row->kind;
	c->text = expand(row->cause, &names);
	if (row->advice)
		c->advice = expand(row->advice, &names);
	if (!c->text || (row->advice && !c->advice))
		return -ENOMEM;
	c->fact = *fact;
	*fact = (struct fact) { 0 };
	return 0;
}

/* The first that is confirmed; those without confirmation stand last of their errno. */
static int find_row(struct host *h, const struct cause_query *q, struct cause *c)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		autofact fact = { 0 };

		if (rows[i].action != q->action || rows[i].code != -q->code)
			continue;
		if (!rows[i].confirm || rows[i].confirm(h, q, &fact) > 0) {
			if (!rows[i].confirm)
				fact_done(&fact);
			return fill(h, &rows[i], q, &fact, c);
		}
	}
	return -ENOENT;
}

int cause_find(struct host *h, const struct cause_query *q, const struct cause_mark *since,
	struct cause *ret)
{
	autocause c = { .kind = problem_kind_from_errno(q->code) };
	int r;

	/* The log first: finding a cause reads files, and that may make the kernel write. */
	if (since && cause_log(h, q->bdf, since, &c.log) == -ENOMEM)
		return -ENOMEM;
	r = find_row(h, q, &c);
	if (r < 0 && r != -ENOENT)
		return r;
	*ret = c;
	c = (struct cause) { 0 };
	return r;
}

/* Allocated: "…: CAUSE (FILE: VALUE)". */
static char *sentence(const char *what, const struct cause_query *q, const struct cause *c)
{
	autostrbuf b = { 0 };

	strbuf_add(&b, "%s (%s)", what, strerror(-q->code));
	if (c->text)
		strbuf_add(&b, ": %s", c->text);
	if (c->text && c->fact.file)
		strbuf_add(
			&b, " (%s: %s)", c->fact.file, c->fact.value ? c->fact.value : "not there");
	if (c->log)
		strbuf_add(&b, "; kernel log: %s", c->log);
	return strbuf_take(&b);
}

int cause_explain(struct host *h, const struct cause_query *q, const struct cause_mark *since,
	struct problem **reterr)
{
	autocause c = { 0 };
	int r;

	if (!reterr || !*reterr)
		return q->code;
	r = cause_find(h, q, since, &c);
	if (r < 0 && r != -ENOENT)
		return q->code;
	if (c.advice && !problem_best_hint(*reterr))
		problem_hint(reterr, "%s", c.advice);
	if (c.fact.file)
		problem_because(reterr, q->code, "%s (%s: %s)", c.text, c.fact.file,
			c.fact.value ? c.fact.value : "not there");
	return c.log ? problem_because(reterr, q->code, "kernel log: %s", c.log) : q->code;
}

/* Only what a file confirms: the step that failed is known to be one of these. */
int cause_explain_opening(struct host *h, struct bdf a, int code, const struct cause_mark *since,
	struct problem **reterr)
{
	static const enum cause_action steps[] = { CAUSE_OPEN_DEVICE, CAUSE_SET_IOMMU,
		CAUSE_JOIN_CONTAINER, CAUSE_OPEN_GROUP };
	autofree char *log = NULL;

	if (since && cause_log(h, a, since, &log) == -ENOMEM)
		return code;
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		const struct cause_query q = { .action = steps[i], .code = code, .bdf = a };
		autocause c = { 0 };

		if (cause_find(h, &q, NULL, &c) < 0 || !c.fact.file)
			continue;
		problem_because(reterr, code, "%s (%s: %s)", c.text, c.fact.file,
			c.fact.value ? c.fact.value : "not there");
		break;
	}
	return log ? problem_because(reterr, code, "kernel log: %s", log) : code;
}

int cause_problem(struct host *h, const struct cause_query *q, const struct cause_mark *since,
	struct problem **reterr, const char *fmt, ...)
{
	autofree char *what = NULL, *text = NULL;
	autocause c = { 0 };
	va_list ap;
	int r;

	if (!reterr)
		return q->code;
	va_start(ap, fmt);
	if (vasprintf(&what, fmt, ap) < 0)
		what = NULL;
	va_end(ap);
	r = what ? cause_find(h, q, since, &c) : -ENOMEM;
	if (r == 0 || r == -ENOENT)
		text = sentence(what, q, &c);
	if (!text)
		return problem(reterr, q->code, problem_kind_from_errno(q->code), NULL, "%s: %s",
			what ? what : BDF_TEXT(q->bdf), strerror(-q->code));
	problem(reterr, q->code, c.kind, NULL, "%s", text);
	if (c.advice)
		problem_hint(reterr, "%s", c.advice);
	else if (r == -ENOENT && !c.log)
		problem_hint(reterr, "see the kernel log");
	return q->code;
}
