/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line, taken apart by the tables of verb.h. Everything is borrowed from argv. */
#pragma once

#include "verb.h"

struct given {
	const struct option *option;
	const char *value; /* NULL: none */
};

struct args {
	const struct verb *verb; /* NULL: none named */
	const char
		*family; /* "config": only the first word of several verbs was given; else NULL */
	struct given *given;
	size_t n_given;
	const char **words; /* what is no option, after the verb */
	size_t n_words;
};

/*
 * PROBLEM_USAGE with the nearest name for what is not understood. "--" ends the options. The
 * number of words is the caller's to check (args_check_words), so that --help always works.
 */
int args_parse(int argc, char *const *argv, struct args *ret, struct problem **reterr);
void args_done(struct args *a);
#define autoargs CLEANUP(args_done) struct args

/* PROBLEM_USAGE, with the nearest name. */
int args_unknown_verb(const char *name, struct problem **reterr);
/* PROBLEM_USAGE: what could have been named. */
int args_no_verb(const struct args *a, struct problem **reterr);
int args_check_words(const struct args *a, struct problem **reterr);

bool args_has(const struct args *a, const char *option);
unsigned args_count(const struct args *a, const char *option);
/* The last value given, or NULL. */
const char *args_value(const struct args *a, const char *option);
/* Seconds of that option as milliseconds; 0 when not given. */
int args_seconds_ms(
	const struct args *a, const char *option, unsigned *ret, struct problem **reterr);
/* Those of --timeout. */
int args_timeout_ms(const struct args *a, unsigned *ret, struct problem **reterr);
