// SPDX-License-Identifier: GPL-2.0-or-later
#include "show-more.h"
#include "base/str.h"

static void names_json(struct json *j, json_object *to, const char *key, char *const *names)
{
	json_object *list = json_add_array(j, to, key);

	STRV_FOREACH (it, names)
		json_add_str(j, list, NULL, *it);
}

static void interface_json(struct json *j, json_object *list, const struct interface *i)
{
	json_object *e = json_add_object(j, list, NULL);

	json_add_str(j, e, "name", i->name);
	json_add_u64(j, e, "ifindex", (unsigned)i->ifindex);
	if (i->altnames_known)
		names_json(j, e, "altnames", i->altnames);
	else
		json_add_null(j, e, "altnames");
	json_add_str(j, e, "address", i->mac);
	json_add_str(j, e, "permanent_address", i->permanent_mac);
	json_add_known(j, e, "mtu", i->mtu ? (int64_t)i->mtu : -1);
	json_add_str(j, e, "operstate", i->state);
	json_add_maybe(j, e, "carrier", i->carrier);
	json_add_known(j, e, "speed_mbps", i->speed);
	json_add_str(j, e, "duplex", i->duplex);
	json_add_str(j, e, "port_name", i->port);
	json_add_str(j, e, "switch_id", i->switch_port);
}

/* "altnames" are those of all interfaces in one list, null when some of them are not known. */
void interfaces_json(struct json *j, json_object *to, const struct about *a)
{
	json_object *list;
	bool known = true;

	for (size_t i = 0; i < a->n_interfaces; i++)
		known &= a->interfaces[i].altnames_known;
	if (known) {
		list = json_add_array(j, to, "altnames");
		for (size_t i = 0; i < a->n_interfaces; i++)
			STRV_FOREACH (it, a->interfaces[i].altnames)
				json_add_str(j, list, NULL, *it);
	} else {
		json_add_null(j, to, "altnames");
	}
	list = json_add_array(j, to, "interfaces");
	for (size_t i = 0; i < a->n_interfaces; i++)
		interface_json(j, list, &a->interfaces[i]);
}

static void candidates_json(struct json *j, json_object *to, const struct candidates *c)
{
	json_object *list;

	if (!c->known) {
		json_add_null(j, to, "candidate_drivers");
		return;
	}
	list = json_add_array(j, to, "candidate_drivers");
	for (size_t i = 0; i < c->n; i++) {
		json_object *e = json_add_object(j, list, NULL);

		json_add_str(j, e, "driver", c->v[i].driver);
		json_add_str(j, e, "module", c->v[i].module);
		json_add_bool(j, e, "vfio", c->v[i].vfio);
		json_add_bool(j, e, "loaded", c->v[i].loaded);
		json_add_bool(j, e, "bound", c->v[i].bound);
	}
}

/* "supported" is null where nobody can say without opening the function. */
static void migration_json(struct json *j, json_object *to, const struct migration *m)
{
	json_object *e = json_add_object(j, to, "migration");

	json_add_maybe(j, e, "supported",
		m->answer == MIGRATION_UNKNOWN ? -1 : m->answer == MIGRATION_OFFERED);
	if (m->features)
		names_json(j, e, "features", m->features);
	else
		json_add_null(j, e, "features");
	json_add_str(j, e, "state", m->state);
	json_add_str(j, e, "variant_driver", m->variant);
	json_add_str(j, e, "because", m->because);
}

static void acs_json(struct json *j, json_object *to, const struct topo_node *n)
{
	json_object *list;

	if (n->acs.state != ACS_PRESENT) {
		json_add_null(j, to, "acs_enabled");
		return;
	}
	list = json_add_array(j, to, "acs_enabled");
	for (unsigned bit = 0; bit < ACS_BITS; bit++)
		if (n->acs.control & (1U << bit))
			json_add_str(j, list, NULL, acs_bit_name(bit));
}

/* From the function's own bridge up to the root port. */
static void path_json(struct json *j, json_object *to, const struct about *a)
{
	const struct function *at =
		a->f->physfn ? a->f->physfn : a->f; /* a VF sits where its PF does */
	const struct topo_node *n = a->topology ? topology_node(a->topology, at) : NULL;
	json_object *list;

	json_add_str(j, to, "assignable",
		a->topology ? assignable_name(topology_assignable(a->topology, a->f)) : NULL);
	json_add_str(j, to, "slot", n ? n->slot : NULL);
	json_add_str(j, to, "port_type", n ? port_type_name(n->port) : NULL);
	if (!n) {
		json_add_null(j, to, "bridges");
		return;
	}
	list = json_add_array(j, to, "bridges");
	for (n = n->parent; n; n = n->parent) {
		json_object *e = json_add_object(j, list, NULL);

		json_add_str(j, e, "address", n->f->address);
		json_add_str(j, e, "port_type", port_type_name(n->port));
		json_add_str(j, e, "slot", n->slot);
		json_add_maybe(j, e, "acs",
			n->acs.state == ACS_UNKNOWN ? -1 : n->acs.state == ACS_PRESENT);
		acs_json(j, e, n);
		json_add_maybe(j, e, "isolates", n->isolates);
	}
}

static void controller_json(struct json *j, json_object *to, const struct about *a)
{
	const struct nvme_controller *c = &a->controller;
	json_object *e;

	if (!a->f->nvme) {
		json_add_null(j, to, "nvme_controller");
		return;
	}
	e = json_add_object(j, to, "nvme_controller");
	json_add_str(j, e, "name", a->f->nvme);
	json_add_str(j, e, "model", c->model);
	json_add_str(j, e, "serial", c->serial);
	json_add_str(j, e, "firmware", c->firmware);
	json_add_str(j, e, "state", c->state);
	json_add_known(j, e, "id", c->id);
	json_add_str(j, e, "subsystem", c->subsystem);
	names_json(j, e, "namespaces", a->f->namespaces);
}

void show_more_json(struct json *j, json_object *to, const struct about *a)
{
	candidates_json(j, to, &a->candidates);
	migration_json(j, to, &a->migration);
	path_json(j, to, a);
	controller_json(j, to, a);
}
