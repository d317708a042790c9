// SPDX-License-Identifier: GPL-2.0-or-later
#include "problem.h"
#include "str.h"

#include <stdio.h>

static const struct kind {
	const char *name, *meaning;
	int exit_code;
} kinds[PROBLEM_KINDS] = {
#define KIND(id, name, exit_code, meaning) [PROBLEM_##id] = { name, meaning, exit_code },
#include "kinds.def"
#undef KIND
};

const char *problem_kind_name(enum problem_kind kind)
{
	return kinds[kind].name;
}

const char *problem_kind_meaning(enum problem_kind kind)
{
	return kinds[kind].meaning;
}

int problem_kind_exit_code(enum problem_kind kind)
{
	return kinds[kind].exit_code;
}

void problem_free(struct problem *p)
{
	while (p) {
		struct problem *cause = p->cause;

		free(p->what);
		free(p->hint);
		free(p);
		p = cause;
	}
}

static PRINTF(1, 0) char *format(const char *fmt, va_list ap)
{
	char *s;

	return vasprintf(&s, fmt, ap) < 0 ? NULL : s;
}

/* Without memory the story is lost, the errno is not. */
int problem(struct problem **reterr, int code, enum problem_kind kind, const char *hint,
	const char *fmt, ...)
{
	struct problem *p;
	va_list ap;

	if (!reterr)
		return code;
	p = calloc(1, sizeof(*p));
	if (!p)
		return code;
	p->code = code;
	p->kind = kind;
	p->hint = hint ? strdup(hint) : NULL;
	va_start(ap, fmt);
	p->what = format(fmt, ap);
	va_end(ap);
	problem_free(*reterr);
	*reterr = p;
	return code;
}

void problem_hint(struct problem **reterr, const char *fmt, ...)
{
	va_list ap;
	char *hint;

	if (!reterr || !*reterr)
		return;
	va_start(ap, fmt);
	hint = format(fmt, ap);
	va_end(ap);
	free((*reterr)->hint);
	(*reterr)->hint = hint;
}

static PRINTF(3, 0) struct problem *of_its_kind(
	const struct problem *other, int code, const char *fmt, va_list ap)
{
	struct problem *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->what = format(fmt, ap);
	p->code = code;
	p->kind = other->kind;
	return p;
}

int problem_wrap(struct problem **reterr, int code, const char *fmt, ...)
{
	struct problem *p;
	va_list ap;

	if (!reterr || !*reterr)
		return code;
	va_start(ap, fmt);
	p = of_its_kind(*reterr, code, fmt, ap);
	va_end(ap);
	if (p) {
		p->cause = *reterr;
		*reterr = p;
	}
	return code;
}

int problem_because(struct problem **reterr, int code, const char *fmt, ...)
{
	struct problem **at = reterr, *p;
	va_list ap;

	if (!reterr || !*reterr)
		return code;
	va_start(ap, fmt);
	p = of_its_kind(*reterr, code, fmt, ap);
	va_end(ap);
	while (*at)
		at = &(*at)->cause;
	*at = p;
	return code;
}

enum problem_kind problem_kind_from_errno(int code)
{
	switch (code < 0 ? -code : code) {
	case ENOMEM:
		return PROBLEM_NO_MEMORY;
	case ENOENT:
		return PROBLEM_NOT_FOUND;
	case ENODEV:
	case ENXIO:
		return PROBLEM_VANISHED;
	case EACCES:
	case EPERM:
		return PROBLEM_PERMISSION;
	case EROFS:
		return PROBLEM_READ_ONLY;
	case EBUSY:
		return PROBLEM_IN_USE;
	case EOPNOTSUPP:
	case EPROTONOSUPPORT:
	case ENOTTY:
	case ENOSYS:
		return PROBLEM_UNSUPPORTED;
	case ETIMEDOUT:
		return PROBLEM_TIMEOUT;
	case EIO:
		return PROBLEM_IO;
	default:
		return PROBLEM_FAILED;
	}
}

char *problem_text(const struct problem *p)
{
	autostrbuf b = { 0 };

	for (; p; p = p->cause)
		strbuf_add(&b, "%s%s", b.len ? ": " : "",
			p->what ? p->what : problem_kind_name(p->kind));
	return strbuf_take(&b);
}

const char *problem_best_hint(const struct problem *p)
{
	const char *hint = NULL;

	for (; p; p = p->cause)
		if (p->hint)
			hint = p->hint;
	return hint;
}
