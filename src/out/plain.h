/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A table for a file or a pipe: nothing to wrap, to colour or to fit into, so that ten thousand
 * lines take no layout engine. Looks as the same table of libsmartcols does.
 */
#pragma once

#include "table.h"

/* -ENOMEM, or what writing gave. */
int plain_table(const struct out *o, const struct out_column *const *columns, size_t n,
	const void *const *rows, size_t n_rows);
