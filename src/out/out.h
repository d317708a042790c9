/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How results look. A verb hands over what it found as one struct or list, and this room shows it
 * as an aligned table or as JSON. All text that comes from the machine passes str_printable() on
 * its way out, so that no name in sysfs can speak to a terminal.
 */
#pragma once

#include "base/attr.h"
#include "base/problem.h"

#include <stdbool.h>
#include <stdio.h>

enum out_format { OUT_TABLE, OUT_JSON_PRETTY, OUT_JSON_SHORT };

struct out {
	FILE *to;    /* results */
	FILE *notes; /* problems and progress */
	enum out_format format;
	bool legend;	     /* the table's header line */
	bool color;	     /* of `to` */
	const char *columns; /* "ADDRESS,DRIVER": what the table shows; NULL: the usual ones */
};

static inline bool out_is_json(const struct out *o)
{
	return o->format != OUT_TABLE;
}
