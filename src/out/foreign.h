/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What managers say about functions, as one table and as JSON. */
#pragma once

#include "foreign/foreign.h"
#include "json.h"
#include "table.h"

/* The rows are `const struct foreign_row *`. */
struct foreign_row {
	const struct foreign *all;
	size_t i; /* all->facts[i] */
	const struct function *pf;
};

extern const struct out_column foreign_columns[];
extern const size_t n_foreign_columns;

/* Those rows; what could not be understood follows, as notes. */
int out_foreign(const struct out *o, const struct foreign *all, const struct foreign_row *rows,
	size_t n, struct problem **reterr);
