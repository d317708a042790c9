/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The steps of topology_load(), in order. Each returns 0 or -ENOMEM. */
#pragma once

#include "topology.h"

/* nodes.c: nodes[], parents, children and roots[]. */
int topology_read_nodes(struct host *h, struct topology *t);
/* slots.c: node.slot */
int topology_read_slots(struct host *h, struct topology *t);
/* override.c: acs_override; and whether it covers a gap. */
int topology_read_override(struct host *h, struct topology *t);
bool acs_override_covers(const char *value, const struct acs_gap *g);

/*
 * isolation.c. For each node the index of a node that stands for all those which the registers
 * cannot keep apart (a group, if the kernel had no quirks). Unknown hops are taken as isolating.
 */
int topology_predict(const struct topology *t, size_t **ret);
/* The hops above `n`, or `n` and its neighbours, that do not isolate it: appended, once each. */
int topology_gaps_of(
	const struct topology *t, const struct topo_node *n, struct acs_gap **gaps, size_t *n_gaps);
/* Whether a hop that matters for `n` could not be read. */
bool topology_has_unknown_hop(const struct topo_node *n);

/* verdict.c: verdicts[] */
int topology_judge(struct topology *t);
void group_verdict_done(struct group_verdict *v);
