/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest's work between two moments, as one screen of text: "vm top". */
#pragma once

#include "cost/sample.h"

#include <stdbool.h>

enum top_order { TOP_BY_NAME, TOP_BY_OPERATIONS, TOP_BY_COST, TOP_ORDERS };

struct top_view {
	const char *guest;
	const struct cost_sample *before, *now;
	enum top_order order;
	bool help;
	unsigned rows, columns; /* of the screen */
};

const char *top_order_name(enum top_order order);
/* At most that many lines of at most that many characters; allocated, NULL when memory is out. */
char *top_screen(const struct top_view *v);
