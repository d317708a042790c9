/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Aligned tables out of a list of things and a list of columns. A column knows its name and how to
 * turn one thing into text; which columns are shown is the user's choice.
 */
#pragma once

#include "out.h"

enum out_column_flags {
	OUT_USUAL = 1 << 0, /* shown when the user does not choose */
	OUT_RIGHT = 1 << 1, /* a number */
	OUT_WRAP = 1 << 2,  /* on a terminal this one gives way, line by line */
	OUT_TREE = 1 << 3,  /* carries the branches of out_tree_table() */
};

struct out_column {
	const char *name; /* "ADDRESS" */
	const char *help;
	unsigned flags;
	/*
	 * The cell of one row: 0 and allocated text in *ret, which NULL leaves absent (shown as
	 * "-"); -ENOMEM.
	 */
	int (*text)(const void *row, char **ret);
	/* A libsmartcols colour name, or NULL; the member itself may be NULL. */
	const char *(*color)(const void *row);
	unsigned needs; /* what its text takes to find out, in the words of whoever made the rows */
};

/* The `needs` of the columns that `wanted` ("A,B"; NULL: the usual ones) names, ored. */
unsigned out_columns_need(const struct out_column *columns, size_t n, const char *wanted);

/* PROBLEM_USAGE with the nearest name when `wanted` ("A,B"; NULL is fine) names no column. */
int out_columns_check(
	const struct out_column *columns, size_t n, const char *wanted, struct problem **reterr);

/* Shows `rows` (n_rows pointers) with the columns that o->columns asks for. */
int out_table(const struct out *o, const struct out_column *columns, size_t n,
	const void *const *rows, size_t n_rows, struct problem **reterr);
/*
 * The same as a tree, if the column with OUT_TREE is among those shown: parents[i] is the row that
 * row i hangs below, which stands before it, or -1. Lines as the locale's character set allows.
 */
int out_tree_table(const struct out *o, const struct out_column *columns, size_t n,
	const void *const *rows, const int *parents, size_t n_rows, struct problem **reterr);
