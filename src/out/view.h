/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What of a topology is shown, and in which order: the list that the tree, its JSON and its
 * pictures all walk. Parents come before their children.
 */
#pragma once

#include "holder/holder.h"
#include "topology/topology.h"

enum { VIEW_NONE = -1, VIEW_FOLD_FROM = 9 };

enum view_kind {
	VIEW_ROOT,
	VIEW_NODE, /* a function, a VF among them */
	VIEW_VFS,  /* several VFs of one PF that look alike */
};

struct view_item {
	enum view_kind kind;
	int parent, first_child, next; /* indices, or VIEW_NONE */
	const struct topo_root *root;  /* VIEW_ROOT */
	const struct topo_node *node;  /* VIEW_NODE; of VIEW_VFS the first */
	unsigned n_vfs;		       /* VIEW_VFS: the index of the first, and n_vfs - 1 more */
	const struct view *view;
};

struct view {
	const struct topology *t;
	struct view_item *v;
	size_t n;
	const struct holder **worst; /* by function of the inventory: NULL, or its worst user */
};

/*
 * `chosen` (n of them; none: everything) and what is above them, and below a chosen bridge or PF.
 * VFs of a PF that shows VIEW_FOLD_FROM or more are folded unless `unfold`. `holders` (may be NULL)
 * are those of any functions, and must outlive the view.
 */
int view_make(const struct topology *t, const struct holders *holders,
	struct function *const *chosen, size_t n, bool unfold, struct view **ret);
void view_free(struct view *v);
DEFINE_AUTO(struct view, view_free);

/* Of VIEW_NODE and VIEW_VFS. HOLD_USED or worse; NULL: nobody. */
const struct holder *view_holder(const struct view_item *i);
/* The k-th VF of VIEW_VFS. */
const struct function *view_vf(const struct view_item *i, unsigned k);
const struct group_verdict *view_verdict(const struct view_item *i);
