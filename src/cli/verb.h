/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the command line understands, as data: help, completion and the manual are all printed from
 * these structures, so that they cannot disagree with what is parsed.
 */
#pragma once

#include "base/problem.h"
#include "out/table.h"

#include <stdio.h>

struct cli;
struct args;

enum option_takes { TAKES_NOTHING, TAKES_VALUE, TAKES_MAYBE /* only as --name=VALUE */ };

struct option {
	char letter;	  /* 0: none */
	const char *name; /* without the dashes */
	enum option_takes takes;
	const char *value; /* how help calls it, "DIR" */
	const char *help;
	/*
	 * What completion offers: words, or one of "<file>", "<columns>", "<function>",
	 * "<pf>", "<vf>", "<driver>", "<verb>", "<claimed>" (functions), "<owner>" (of claims),
	 * "<new-owner>", "<pool>", "<node>", "<user>", "<group>", "<change>" (of the history),
	 * "<guest>" (that runs).
	 */
	const char *completes;
};

struct example {
	const char *command; /* without "vfctl " */
	const char *shows;
};

enum verb_section { VERB_LOOK, VERB_ACT, VERB_HAND_OVER, VERB_HELP };

struct verb {
	const char *name; /* one word, or two: "vm run" */
	enum verb_section section;
	const char *args;	   /* "[SELECTOR…]", "" */
	const char *summary;	   /* one line for the overview */
	const char *description;   /* lines of at most 78 columns, for help and the manual */
	void (*details)(FILE *to); /* more for help, not for the manual; NULL: none */
	const struct option *options;
	size_t n_options;
	const struct example *examples;
	size_t n_examples;
	const struct out_column *columns; /* what -o may name */
	const size_t *n_columns;
	/*
	 * What completion offers for each argument, the last for all that follow, separated by
	 * blanks; '|' separates words to choose from. See option.
	 */
	const char *completes;
	unsigned min_args, max_args;
	/*
	 * Returns the exit code (what failed has been told by then), or a negative errno with
	 * *reterr for the caller to tell.
	 */
	int (*run)(struct cli *cli, const struct args *a, struct problem **reterr);
};

enum { ANY_NUMBER = 1 << 20 };

/* In the order of the overview. */
extern const struct verb *const verbs[];
extern const size_t n_verbs;

/* Understood before and after every verb. */
extern const struct option global_options[];
extern const size_t n_global_options;

const struct verb *verb_find(const char *name);
/* Of the verbs that begin with that word, "config", the i-th; NULL: there are no more. */
const struct verb *verb_in_family(const char *word, size_t i);
/* What all of them are for, one line; of a family of one its summary. */
const char *verb_family_summary(const char *word);
/* Whether its columns can be chosen with -o. */
bool verb_takes_columns(const struct verb *v);
const char *verb_section_title(enum verb_section s);
/* Options that several verbs share, word for word. */
#define OPTION_COLUMNS                                                                             \
	{                                                                                          \
		'o', "columns", TAKES_VALUE, "COL,COL", "show these columns (see below)",          \
			"<columns>"                                                                \
	}
#define OPTION_HOLDERS                                                                             \
	{                                                                                          \
		0, "holders", TAKES_NOTHING, NULL, "also who uses them", NULL                      \
	}
#define OPTION_TIMEOUT                                                                             \
	{                                                                                          \
		0, "timeout", TAKES_VALUE, "SECONDS", "how long to wait for the kernel", ""        \
	}
