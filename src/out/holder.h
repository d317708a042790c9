/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who uses a function, as JSON and as one cell of a table. */
#pragma once

#include "json.h"
#include "holder/holder.h"
#include "inventory/inventory.h"

/*
 * An array "holders" of one function. That it is bound to a driver has a key of its own elsewhere
 * and is left out.
 */
void holders_json(struct json *j, json_object *to, const struct holder *v, size_t n);
/* One element of such an array for each of a function's holders. */
void holders_json_add(struct json *j, json_object *list, const struct holder *v, size_t n);
/* The worst one's text, "+2" when there are more; NULL in *ret when nobody uses it. */
int holder_cell(char **ret, const struct holder *v, size_t n);
/* What could not be looked into, a note each: an empty cell does not mean that nobody does. */
void holders_note_unknown(const struct out *o, const struct inventory *inv);
