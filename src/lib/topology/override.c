// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * "pcie_acs_override=" of a patch that some distributions apply: the kernel then takes hops for
 * isolating that are not, and its groups promise what the hardware does not keep.
 */
#include "nodes.h"

#include "base/str.h"
#include "host/procfs.h"

#include <stdio.h>

#define PARAMETER "pcie_acs_override="

int topology_read_override(struct host *h, struct topology *t)
{
	autofree char *text = NULL;
	char *save = NULL;
	int r = procfs_read(h, &text, "cmdline");

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	for (char *w = strtok_r(text, " \t\n", &save); w; w = strtok_r(NULL, " \t\n", &save)) {
		if (!str_starts(w, PARAMETER))
			continue;
		/* The last one wins, as with all parameters that set. */
		free(t->acs_override);
		t->acs_override = str_printable(w + strlen(PARAMETER));
		if (!t->acs_override)
			return -ENOMEM;
	}
	return 0;
}

static bool word_covers(const char *word, const struct acs_gap *g)
{
	unsigned vendor, device;

	if (str_eq(word, "downstream"))
		return g->kind == GAP_NO_ACS || g->kind == GAP_ACS_OFF;
	if (str_eq(word, "multifunction"))
		return g->kind == GAP_MULTIFUNCTION;
	return sscanf(word, "id:%4x:%4x", &vendor, &device) == 2 &&
	       g->node->f->id.vendor == vendor && g->node->f->id.device == device;
}

bool acs_override_covers(const char *value, const struct acs_gap *g)
{
	autofree char *copy = value ? strdup(value) : NULL;
	char *save = NULL;

	for (char *w = copy ? strtok_r(copy, ",", &save) : NULL; w; w = strtok_r(NULL, ",", &save))
		if (word_covers(w, g))
			return true;
	return false;
}
