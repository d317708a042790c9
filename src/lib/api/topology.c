// SPDX-License-Identifier: GPL-2.0-or-later
#include "topology/topology.h"
#include "cast.h"
#include "handle.h"

API_STANDS_FOR(vfctl_topology, struct topology, topology);

int vfctl_topology_take(struct vfctl_host *host, const struct vfctl_snapshot *s,
	struct vfctl_topology **ret, struct vfctl_error **reterr)
{
	struct topology *t = NULL;
	struct problem *p = NULL;
	int r = topology_load(host->host, inventory_of(s), &t, &p);

	if (r < 0)
		return api_error(reterr, p, r);
	*ret = (struct vfctl_topology *)(void *)t;
	return 0;
}

void vfctl_topology_free(struct vfctl_topology *t)
{
	topology_free((struct topology *)(void *)t);
}

static const struct topo_node *node_of(
	const struct vfctl_topology *t, const struct vfctl_function *f)
{
	return topology_node(topology_of(t), function_of(f));
}

static const struct group_verdict *verdict_of(
	const struct vfctl_topology *t, const struct vfctl_function *f)
{
	return topology_verdict(topology_of(t), function_of(f));
}

const struct vfctl_function *vfctl_topology_parent(
	const struct vfctl_topology *t, const struct vfctl_function *f)
{
	const struct topo_node *up = node_of(t, f)->parent;

	return up ? public_function(up->f) : NULL;
}

const char *vfctl_topology_port(const struct vfctl_topology *t, const struct vfctl_function *f)
{
	return port_type_name(node_of(t, f)->port);
}

const char *vfctl_topology_slot(const struct vfctl_topology *t, const struct vfctl_function *f)
{
	return node_of(t, f)->slot;
}

int vfctl_topology_acs(const struct vfctl_topology *t, const struct vfctl_function *f,
	uint16_t *ret_capability, uint16_t *ret_control)
{
	const struct acs *acs = &node_of(t, f)->acs;

	if (acs->state != ACS_PRESENT)
		return acs->state == ACS_ABSENT ? -ENODATA : -EACCES;
	*ret_capability = acs->capability;
	*ret_control = acs->control;
	return 0;
}

int vfctl_topology_isolates(const struct vfctl_topology *t, const struct vfctl_function *f)
{
	return node_of(t, f)->isolates;
}

const char *vfctl_topology_assignable(
	const struct vfctl_topology *t, const struct vfctl_function *f)
{
	return assignable_name(topology_assignable(topology_of(t), function_of(f)));
}

const char *vfctl_topology_why(const struct vfctl_topology *t, const struct vfctl_function *f)
{
	const char *kept = topo_node_kept_because(node_of(t, f));
	const struct group_verdict *v = verdict_of(t, f);

	if (kept)
		return kept;
	return v ? v->why : NULL;
}

size_t vfctl_topology_companions(const struct vfctl_topology *t, const struct vfctl_function *f)
{
	const struct group_verdict *v = verdict_of(t, f);

	return v ? v->n_members : 0;
}

const struct vfctl_function *vfctl_topology_companion(
	const struct vfctl_topology *t, const struct vfctl_function *f, size_t i)
{
	const struct group_verdict *v = verdict_of(t, f);

	return v && i < v->n_members ? public_function(v->members[i]->f) : NULL;
}

int vfctl_topology_gap(const struct vfctl_topology *t, const struct vfctl_function *f, size_t i,
	const struct vfctl_function **ret_hop, const char **ret_why)
{
	const struct group_verdict *v = verdict_of(t, f);

	if (!v || i >= v->n_gaps)
		return -ENOENT;
	*ret_hop = public_function(v->gaps[i].node->f);
	*ret_why = gap_kind_name(v->gaps[i].kind);
	return 0;
}
