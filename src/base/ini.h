/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * INI text as systemd reads it: [Section], Key=Value, comments that begin a line with # or ;, a
 * backslash at a line's end goes on in the next line (which becomes one blank). Nothing is
 * unquoted.
 *
 * A lexer of our own, because a complaint needs the line and the column of everything, and all
 * complaints of a file at once: libinih as Debian builds it tells handlers no line number, cuts
 * lines at 200 bytes and reports one bad line only.
 *
 * The text may be anything at all: what cannot be right is reported and left out, the rest is
 * still read. A UTF-8 byte order mark and CR LF line ends are understood.
 */
#pragma once

#include "attr.h"

#include <stdbool.h>

struct ini_pos {
	unsigned line, column; /* from 1; columns count characters */
};

/* One "Key=Value"; all text is owned by the ini. */
struct ini_item {
	struct ini_pos pos, value_pos;
	size_t section; /* index into sections[]; INI_NO_SECTION before the first */
	char *key, *value;
};

#define INI_NO_SECTION ((size_t)-1)

struct ini_section {
	struct ini_pos pos; /* of the name */
	char *name;
};

enum ini_fault_kind {
	INI_BINARY,	 /* NUL or control bytes, or not UTF-8; once a line */
	INI_UTF16,	 /* the whole text; nothing is read */
	INI_NO_EQUALS,	 /* a line that is neither section, assignment nor comment */
	INI_NO_KEY,	 /* "=value" */
	INI_BAD_SECTION, /* "[name" or "[name] rest" or "[]" */
	INI_OUTSIDE,	 /* an assignment before the first section */
	INI_TOO_MANY,	 /* more than INI_MAX_ITEMS of anything: the rest is not read */
	INI_CUT,	 /* warning: the last line has no line feed */
	INI_CONTINUES,	 /* a backslash at the very end of the text */
	INI_CRLF,	 /* warning, once: lines end in CR LF */
};

struct ini_fault {
	enum ini_fault_kind kind;
	struct ini_pos pos;
	char *text; /* what stands there, cut to a reasonable length; may be NULL */
};

enum { INI_MAX_ITEMS = 10000, INI_MAX_FAULTS = 200 };

struct ini {
	struct ini_section *sections;
	size_t n_sections;
	struct ini_item *items;
	size_t n_items;
	struct ini_fault *faults;
	size_t n_faults;
};

enum { INI_SECTIONLESS = 1 << 0 /* assignments need no section: no INI_OUTSIDE */ };

/* -ENOMEM only. */
int ini_parse(const char *text, size_t len, unsigned flags, struct ini *ret);
void ini_done(struct ini *i);
#define autoini CLEANUP(ini_done) struct ini

/* The last value of that key outside any section; NULL: not there. Borrowed. */
const char *ini_plain(const struct ini *i, const char *key);
