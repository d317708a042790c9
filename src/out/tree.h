/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A view as a tree in text and in JSON. */
#pragma once

#include "table.h"
#include "view.h"

/* The rows are `const struct view_item *`. */
extern const struct out_column tree_columns[];
extern const size_t n_tree_columns;

int out_tree(const struct out *o, const struct view *v, struct problem **reterr);

/* What a bridge or a function of several shows of ACS: "SV RR CR UF", "none", "lacks CR UF", "?";
 * NULL: it has no say. Allocated. */
int topo_node_acs_text(const struct topo_node *n, char **ret);
