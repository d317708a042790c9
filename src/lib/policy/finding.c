// SPDX-License-Identifier: GPL-2.0-or-later
#include "finding.h"

#include "base/grow.h"
#include "base/str.h"

#include <stdio.h>

void findings_done(struct findings *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->v[i].file);
		free(f->v[i].what);
		free(f->v[i].hint);
	}
	free(f->v);
	*f = (struct findings) { 0 };
}

const char *finding_kind_name(enum finding_kind k)
{
	static const char *const names[] = {
		[FINDING_UNREADABLE] = "unreadable",
		[FINDING_NOT_TEXT] = "not-text",
		[FINDING_SYNTAX] = "syntax",
		[FINDING_UNKNOWN_SECTION] = "unknown-section",
		[FINDING_UNKNOWN_KEY] = "unknown-key",
		[FINDING_BAD_VALUE] = "bad-value",
		[FINDING_DUPLICATE] = "duplicate",
		[FINDING_RANGE] = "range",
		[FINDING_NO_MATCH] = "no-match",
		[FINDING_OVERLAP] = "overlap",
		[FINDING_UNSUPPORTED] = "unsupported",
		[FINDING_COLLISION] = "collision",
		[FINDING_IDENTITY] = "identity",
		[FINDING_STRAY] = "stray",
	};

	return names[k];
}

const char *finding_level_name(enum finding_level l)
{
	return l == FINDING_ERROR ? "error" : "warning";
}

struct finding *findings_add(struct findings *f, enum finding_level level, enum finding_kind kind,
	const char *file, struct ini_pos pos, const char *fmt, ...)
{
	struct finding fd = { level, kind, strdup(file), pos, NULL, NULL, f->about };
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&fd.what, fmt, ap) < 0)
		fd.what = NULL;
	va_end(ap);
	f->errors += level == FINDING_ERROR;
	if (!fd.file || !fd.what || !GROW(f->v, f->n)) {
		free(fd.file);
		free(fd.what);
		f->failed = true;
		return NULL;
	}
	f->v[f->n++] = fd;
	return &f->v[f->n - 1];
}

void finding_hint(struct finding *fd, const char *fmt, ...)
{
	va_list ap;

	if (!fd)
		return;
	free(TAKE_PTR(fd->hint));
	va_start(ap, fmt);
	if (vasprintf(&fd->hint, fmt, ap) < 0)
		fd->hint = NULL;
	va_end(ap);
}

static const struct {
	enum finding_level level;
	enum finding_kind kind;
	const char *what, *hint;
} faults[] = {
	[INI_BINARY] = { FINDING_ERROR, FINDING_NOT_TEXT, "a byte that no text has",
		"configuration is UTF-8 text without control characters" },
	[INI_UTF16] = { FINDING_ERROR, FINDING_NOT_TEXT, "the file is UTF-16", "save it as UTF-8" },
	[INI_NO_EQUALS] = { FINDING_ERROR, FINDING_SYNTAX,
		"neither [Section] nor Key=Value nor a comment", "comments begin with #" },
	[INI_NO_KEY] = { FINDING_ERROR, FINDING_SYNTAX, "no key before the =", NULL },
	[INI_BAD_SECTION] = { FINDING_ERROR, FINDING_SYNTAX, "not a section's heading",
		"a heading stands alone on its line, as [PF] does" },
	[INI_OUTSIDE] = { FINDING_ERROR, FINDING_SYNTAX, "stands before the first section",
		"begin with [Match]" },
	[INI_TOO_MANY] = { FINDING_ERROR, FINDING_NOT_TEXT,
		"too much of everything: from here on nothing was read",
		"is that a configuration file?" },
	[INI_CUT] = { FINDING_WARNING, FINDING_SYNTAX,
		"the last line has no line feed: was the file cut off?", NULL },
	[INI_CONTINUES] = { FINDING_ERROR, FINDING_SYNTAX,
		"the file ends in a backslash, after which a line must follow", NULL },
	[INI_CRLF] = { FINDING_WARNING, FINDING_SYNTAX,
		"lines end in CR LF, as on Windows; they are read all the same",
		"sed -i 's/\\r$//' makes them plain" },
};

static void add_fault(struct findings *f, const char *file, const struct ini_fault *fault)
{
	enum finding_level level = faults[fault->kind].level;
	enum finding_kind kind = faults[fault->kind].kind;
	const char *what = faults[fault->kind].what, *hint = faults[fault->kind].hint;
	struct finding *fd;

	if (fault->text && *fault->text)
		fd = findings_add(f, level, kind, file, fault->pos, "'%s': %s", fault->text, what);
	else
		fd = findings_add(f, level, kind, file, fault->pos, "%s", what);
	if (hint)
		finding_hint(fd, "%s", hint);
}

void findings_add_faults(struct findings *f, const char *file, const struct ini *ini)
{
	for (size_t i = 0; i < ini->n_faults; i++)
		add_fault(f, file, &ini->faults[i]);
}

static size_t rank(char *const *files, const char *file)
{
	size_t i = 0;

	while (files && files[i] && !str_eq(files[i], file))
		i++;
	return i;
}

static bool before(const struct finding *a, const struct finding *b, char *const *files)
{
	size_t ra = rank(files, a->file), rb = rank(files, b->file);

	if (ra != rb)
		return ra < rb;
	if (a->pos.line != b->pos.line)
		return a->pos.line < b->pos.line;
	return a->pos.column < b->pos.column;
}

/* By insertion: they are few and mostly in order, and equal ones stay in theirs. */
void findings_sort(struct findings *f, char *const *files)
{
	for (size_t i = 1; i < f->n; i++) {
		struct finding fd = f->v[i];
		size_t k = i;

		for (; k > 0 && before(&fd, &f->v[k - 1], files); k--)
			f->v[k] = f->v[k - 1];
		f->v[k] = fd;
	}
}
