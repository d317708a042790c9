// SPDX-License-Identifier: GPL-2.0-or-later
#include "show-more.h"
#include "base/str.h"

#include <inttypes.h>

/* "up, 1000 Mb/s full, MTU 1500" */
static void show_interface_state(struct lines *l, const struct interface *i)
{
	autostrbuf b = { 0 };

	if (i->state)
		strbuf_add(&b, ", %s", i->state);
	if (i->carrier == 0 && !str_eq(i->state, "down"))
		strbuf_add(&b, ", no carrier");
	if (i->speed > 0)
		strbuf_add(&b, ", %" PRIi64 " Mb/s%s%s", i->speed, i->duplex ? " " : "",
			i->duplex ? i->duplex : "");
	if (i->mtu)
		strbuf_add(&b, ", MTU %u", i->mtu);
	if (i->port)
		strbuf_add(&b, ", port %s", i->port);
	if (b.len)
		lines_add(l, "its state", "%s", b.s + 2);
}

static void show_interface(struct lines *l, const struct interface *i)
{
	lines_add(l, "interface", "%s%s%s", i->name, i->mac ? ", " : "", i->mac ? i->mac : "");
	STRV_FOREACH (it, i->altnames)
		lines_add(l, "also called", "%s", *it);
	if (i->permanent_mac && !str_eq(i->permanent_mac, i->mac))
		lines_add(l, "permanent MAC", "%s", i->permanent_mac);
	show_interface_state(l, i);
}

static void show_controller(struct lines *l, const struct about *a)
{
	const struct nvme_controller *c = &a->controller;
	autostrbuf b = { 0 };

	if (!a->f->nvme)
		return;
	lines_add(l, "nvme", "%s", a->f->nvme);
	if (c->model)
		lines_add(l, "NVMe controller", "%s%s%s", c->model,
			c->firmware ? ", firmware " : "", c->firmware ? c->firmware : "");
	if (c->serial)
		lines_add(l, "NVMe serial", "%s", c->serial);
	if (c->state)
		lines_add(l, "NVMe state", "%s", c->state);
	STRV_FOREACH (it, a->f->namespaces)
		strbuf_add(&b, "%s%s", b.len ? " " : "", *it);
	if (b.len)
		lines_add(l, "namespaces", "%s", b.s);
}

void show_names(struct lines *l, const struct about *a)
{
	for (size_t i = 0; i < a->n_interfaces; i++)
		show_interface(l, &a->interfaces[i]);
	show_controller(l, a);
}

/* "igb, vfio-pci (not loaded)": those that it could have besides the one that it has. */
void show_candidates(struct lines *l, const struct about *a)
{
	autostrbuf b = { 0 };

	for (size_t i = 0; i < a->candidates.n; i++) {
		const struct candidate *c = &a->candidates.v[i];

		if (!c->bound)
			strbuf_add(&b, "%s%s%s", b.len ? ", " : "", c->driver,
				c->loaded ? "" : " (not loaded)");
	}
	if (b.len)
		lines_add(l, "other drivers", "%s", b.s);
}

/* "mlx5_vfio_pci offers it: stop-copy p2p; now RUNNING" */
void show_migration(struct lines *l, const struct about *a)
{
	const struct migration *m = &a->migration;
	autostrbuf b = { 0 };

	/* Only a VFIO driver can tell: of others, nothing is what everybody expects. */
	if (m->answer == MIGRATION_UNKNOWN && !m->variant && !driver_is_vfio(a->f->driver))
		return;
	STRV_FOREACH (it, m->features)
		strbuf_add(&b, "%s%s", b.len ? " " : ": ", *it);
	if (m->state)
		strbuf_add(&b, "; now %s", m->state);
	lines_add(l, "live migration", "%s%s%s%s",
		m->answer == MIGRATION_OFFERED ? "" : migration_answer_name(m->answer),
		m->answer == MIGRATION_OFFERED ? "" : ": ", m->because ? m->because : "",
		b.len ? b.s : "");
}

static void show_hop(struct lines *l, const struct topo_node *n)
{
	autostrbuf b = { 0 };

	strbuf_add(&b, "%s, %s", n->f->address, port_type_text(n->port));
	if (n->slot)
		strbuf_add(&b, ", slot %s", n->slot);
	if (n->acs.state == ACS_PRESENT)
		strbuf_add(&b, ", ACS %s", n->acs.control ? ACS_TEXT(n->acs.control) : "off");
	else
		strbuf_add(&b, "%s", n->acs.state == ACS_ABSENT ? ", no ACS" : ", ACS unknown");
	lines_add(l, "below", "%s", b.s ? b.s : "");
}

static const struct topo_node *own_node(const struct about *a)
{
	/* A VF sits where its PF does. */
	return a->topology ? topology_node(a->topology, a->f->physfn ? a->f->physfn : a->f) : NULL;
}

void show_path(struct lines *l, const struct about *a)
{
	const struct topo_node *n = own_node(a);
	autofree char *assignable =
		a->topology ? topology_assignable_text(a->topology, a->f) : NULL;

	if (assignable)
		lines_add(l, "assignable", "%s", assignable);
	if (n && n->slot)
		lines_add(l, "slot", "%s", n->slot);
	for (n = n ? n->parent : NULL; n; n = n->parent)
		show_hop(l, n);
}
