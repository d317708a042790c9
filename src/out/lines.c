// SPDX-License-Identifier: GPL-2.0-or-later
#include "lines.h"
#include "base/str.h"

void lines_done(struct lines *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].key);
		free(l->v[i].value);
	}
	free(l->v);
	*l = (struct lines) { 0 };
}

void lines_add(struct lines *l, const char *key, const char *fmt, ...)
{
	void *more = reallocarray(l->v, l->n + 1, sizeof(*l->v));
	autofree char *raw = NULL;
	va_list ap;

	if (!more) {
		l->failed = true;
		return;
	}
	l->v = more;
	va_start(ap, fmt);
	if (vasprintf(&raw, fmt, ap) < 0)
		raw = NULL;
	va_end(ap);
	l->v[l->n].key = key ? str_printable(key) : NULL;
	l->v[l->n].value = raw ? str_printable(raw) : NULL;
	if (!l->v[l->n].key || !l->v[l->n].value)
		l->failed = true;
	l->n++;
}

int lines_print(
	const struct lines *l, const char *heading, const struct out *o, struct problem **reterr)
{
	size_t width = 0;

	if (l->failed)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "memory ran out");
	for (size_t i = 0; i < l->n; i++)
		width = MAX(width, strlen(l->v[i].key));
	fprintf(o->to, "%s%s%s\n", o->color ? "\033[1m" : "", heading, o->color ? "\033[0m" : "");
	for (size_t i = 0; i < l->n; i++) {
		bool again = i && str_eq(l->v[i].key, l->v[i - 1].key);

		fprintf(o->to, "  %-*s  %s\n", (int)width, again ? "" : l->v[i].key, l->v[i].value);
	}
	return 0;
}
