// SPDX-License-Identifier: GPL-2.0-or-later
/* Physical slots: what the board's maker printed beside the socket, if firmware tells. */
#include "nodes.h"

#include "base/str.h"
#include "host/sysfs.h"

/* "0000:03:00", all functions of that device; "0000:03" all of that bus. */
static bool parse_place(char *text, struct bdf *ret, bool *ret_whole_bus)
{
	char *address = str_trim(text);
	autofree char *device = str_printf("%s.0", address), *bus = str_printf("%s:00.0", address);

	if (!device || !bus)
		return false;
	*ret_whole_bus = false;
	if (bdf_parse(device, ret) == 0 && strchr(address, ':') != strrchr(address, ':'))
		return true;
	*ret_whole_bus = true;
	return bdf_parse(bus, ret) == 0;
}

static int name_nodes(struct topology *t, struct bdf place, bool whole_bus, const char *name)
{
	for (size_t i = 0; i < t->inv->n_functions; i++) {
		struct topo_node *n = &t->nodes[i];
		struct bdf a = n->f->bdf;

		if (n->slot || a.domain != place.domain || a.bus != place.bus ||
			(!whole_bus && a.dev != place.dev))
			continue;
		n->slot = str_printable(name);
		if (!n->slot)
			return -ENOMEM;
	}
	return 0;
}

int topology_read_slots(struct host *h, struct topology *t)
{
	autostrv char **names = NULL;
	int r = sysfs_list(h, &names, "bus/pci/slots");

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	STRV_FOREACH (name, names) {
		autofree char *text = NULL;
		struct bdf place;
		bool whole_bus;

		r = sysfs_read(h, &text, "bus/pci/slots/%s/address", *name);
		if (r < 0 || !parse_place(text, &place, &whole_bus))
			continue;
		r = name_nodes(t, place, whole_bus, *name);
		if (r < 0)
			return r;
	}
	return 0;
}
