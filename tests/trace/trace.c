// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace.h"

#include "base/str.h"
#include "vmm/trace/record.h"

#include <stdio.h>
#include <string.h>

enum { LINES_MAX = 4 << 20 };

struct parser {
	struct trace *t;
	size_t *last; /* line of each thing; ended: 0 */
	struct replay_end *why;
	unsigned number;
};

void trace_done(struct trace *t)
{
	free(t->copy);
	free(t->v);
	free(t->things);
	*t = (struct trace) { 0 };
}

static int wrong(struct parser *p, const char *what)
{
	p->why->line = p->number;
	snprintf(p->why->what, sizeof(p->why->what), "%s", what);
	return -EINVAL;
}

static struct trace_line *add_line(struct parser *p, unsigned thing, enum line_kind kind)
{
	struct trace_line *l = &p->t->v[p->t->n++];

	*l = (struct trace_line) { .number = p->number, .thing = thing, .kind = kind };
	if (kind != LINE_BEGIN)
		p->t->v[p->last[thing - 1]].next = (size_t)(l - p->t->v);
	p->last[thing - 1] = (size_t)(l - p->t->v);
	return l;
}

static int take_begin(struct parser *p, unsigned thing, char *text)
{
	struct trace *t = p->t;

	if (thing != t->n_things + 1)
		return wrong(p, "things are numbered one by one");
	if (*text == '@') {
		text += strcspn(text, " ");
		text += *text == ' ';
	}
	if (!*text)
		return wrong(p, "it does not say what begins");
	t->things[t->n_things++] = t->n;
	add_line(p, thing, LINE_BEGIN)->text = text;
	return 0;
}

static int take_rest(struct parser *p, unsigned thing, char *text)
{
	bool end = *text == '<';
	char *sign = end ? NULL : strstr(text, " = ");
	struct trace_line *l;

	if (thing > p->t->n_things)
		return wrong(p, "it belongs to something that has not begun");
	if (p->t->v[p->last[thing - 1]].kind == LINE_END)
		return wrong(p, "it belongs to something that has ended");
	if (end && text[1] && text[1] != ' ')
		return wrong(p, "that is no line of a trace");
	if (!end && !sign)
		return wrong(p, "a call without an answer");
	l = add_line(p, thing, end ? LINE_END : LINE_CALL);
	l->text = end ? text + 1 + (text[1] == ' ') : text;
	if (end)
		return 0;
	*sign = '\0';
	l->answer = sign + strlen(" = ");
	return 0;
}

static int take_line(struct parser *p, char *line)
{
	size_t digits = strspn(line, "0123456789");
	uint32_t thing;

	if (*line == '#' || !*line)
		return 0;
	if (!digits || line[digits] != ' ')
		return wrong(p, "that is no line of a trace");
	line[digits] = '\0';
	if (parse_u32(line, &thing) < 0)
		return wrong(p, "that is no number");
	line += digits + 1;
	if (thing == 0)
		return 0; /* what was done for no function */
	if (line[0] == '>' && line[1] == ' ')
		return take_begin(p, thing, line + 2);
	return take_rest(p, thing, line);
}

static size_t count_lines(const char *text, size_t len)
{
	size_t n = 1;

	for (size_t i = 0; i < len; i++)
		n += text[i] == '\n';
	return n;
}

static int parse(struct parser *p)
{
	struct trace *t = p->t;
	int r = 0;

	for (char *line = t->copy, *end; r == 0 && (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		p->number++;
		if (p->number == 1)
			r = str_eq(line, RECORD_VERSION)
				    ? 0
				    : wrong(p, "it does not begin with \"" RECORD_VERSION "\"");
		else
			r = take_line(p, line);
		t->cut = end[1] != '\0';
	}
	if (r == 0 && !p->number)
		return wrong(p, "there is not one line in it");
	return r;
}

int trace_parse(const char *text, size_t len, struct trace *ret, struct replay_end *why)
{
	size_t lines = count_lines(text, len);
	autofree size_t *last = NULL;
	struct trace t = { 0 };
	struct parser p = { .t = &t, .why = why };
	int r = -ENOMEM;

	if (memchr(text, '\0', len))
		return wrong(&p, "it is no text");
	if (lines > LINES_MAX)
		return wrong(&p, "it has too many lines");
	t.copy = strndup(text, len);
	t.v = calloc(lines, sizeof(*t.v));
	t.things = calloc(lines, sizeof(*t.things));
	p.last = last = calloc(lines, sizeof(*last));
	if (t.copy && t.v && t.things && last)
		r = parse(&p);
	if (r < 0) {
		trace_done(&t);
		return r;
	}
	*ret = t;
	return 0;
}
