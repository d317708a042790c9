/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PCI functions as a table and as JSON. */
#pragma once

#include "json.h"
#include "table.h"
#include "inventory/inventory.h"

/* The rows are `const struct function *`. */
extern const struct out_column function_columns[];
extern const size_t n_function_columns;

int out_functions(
	const struct out *o, const struct function *const *v, size_t n, struct problem **reterr);

/* The inventory's flags that these columns ("A,B"; NULL: the usual ones) ask for. */
unsigned function_columns_need(const char *columns);

/* The keys of one function, added to the object `to`. */
void function_json(struct json *j, json_object *to, const struct function *f);

/* Cells that other tables show as well. */
int function_text_name(const struct function *f, char **ret);	/* "eth0", "nvme0" */
int function_text_device(const struct function *f, char **ret); /* its name, or its ids */
