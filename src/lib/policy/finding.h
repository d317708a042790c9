/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is wrong with a configuration, and where: all of it, not the first only. */
#pragma once

#include "base/attr.h"
#include "base/ini.h"

#include <stdbool.h>

enum finding_level {
	FINDING_ERROR,	 /* nothing of the configuration is applied */
	FINDING_WARNING, /* probably not what was meant */
};

enum finding_kind {
	FINDING_UNREADABLE,
	FINDING_NOT_TEXT,
	FINDING_SYNTAX,
	FINDING_UNKNOWN_SECTION,
	FINDING_UNKNOWN_KEY,
	FINDING_BAD_VALUE,
	FINDING_DUPLICATE,
	FINDING_RANGE,	  /* VFs that the PF cannot have */
	FINDING_NO_MATCH, /* no PF is meant */
	FINDING_OVERLAP,  /* two files mean one PF */
	FINDING_UNSUPPORTED,
	FINDING_COLLISION, /* two VFs would have one address */
	FINDING_IDENTITY,  /* another card, or one that moved */
	FINDING_STRAY,	   /* a file that nothing reads */
};

struct finding {
	enum finding_level level;
	enum finding_kind kind;
	char *file;
	struct ini_pos pos; /* {0, 0}: the file as a whole */
	char *what;	    /* one line, no full stop */
	char *hint;	    /* what was meant, or what to do; NULL */
	const char *about;  /* the PF for which it is wrong, borrowed; NULL: for all */
};

struct findings {
	struct finding *v; /* after findings_sort(): by file in order of reading, then by place */
	size_t n, errors;
	bool failed;	   /* memory ran out: some are missing */
	const char *about; /* of what is added next; borrowed */
};

void findings_done(struct findings *f);
const char *finding_kind_name(enum finding_kind k);   /* JSON: "unknown-key" */
const char *finding_level_name(enum finding_level l); /* "error", "warning" */

/* Returns the new finding, for finding_hint(); NULL when memory ran out. */
struct finding *findings_add(struct findings *f, enum finding_level level, enum finding_kind kind,
	const char *file, struct ini_pos pos, const char *fmt, ...) PRINTF(6, 7);
/* `fd` may be NULL. */
void finding_hint(struct finding *fd, const char *fmt, ...) PRINTF(2, 3);
/* What the lexer had to say about a file. */
void findings_add_faults(struct findings *f, const char *file, const struct ini *ini);
/* `files` gives the order. */
void findings_sort(struct findings *f, char *const *files);
