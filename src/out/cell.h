/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a column's text function ends with: 0 and the cell's text (NULL: absent), or -ENOMEM. */
#pragma once

#include "base/attr.h"
#include "base/str.h"

#include <stdint.h>

int cell_str(char **ret, const char *s); /* NULL is absent */
int cell_fmt(char **ret, const char *fmt, ...) PRINTF(2, 3);
int cell_known(char **ret, int64_t v);	     /* negative is absent */
int cell_take(char **ret, struct strbuf *b); /* empty is absent */
