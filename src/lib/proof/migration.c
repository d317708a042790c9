// SPDX-License-Identifier: GPL-2.0-or-later
/* Nothing is moved: the function's driver is asked what it offers. */
#include "run.h"

#include "vfio/migration.h"

#include <string.h>

void prove_migration(struct proof_run *r)
{
	struct proof_check *c = check_start(r, "migration");
	char words[VFIO_MIGRATION_TEXT_MAX];
	unsigned offered;
	int e = vfio_migration_get(r->device, &offered);

	if (e == -EBADMSG) {
		check_failed(c, "its driver says that it can be migrated, and not how");
	} else if (e < 0) {
		check_unproved(c, "whether it can be migrated cannot be asked: %s", strerror(-e));
		c->kind = problem_kind_from_errno(e);
	} else if (!offered) {
		check_skipped(c, "none: its VFIO driver offers no live migration");
	} else {
		check_proved(c, "offered: %s", vfio_migration_text(offered, words));
	}
	if (e == 0 && offered)
		check_evidence(c, "of memory written by DMA its IOMMU tells: %s",
			vfio_dirty_name(r->space->dirty) ?: "unknown");
	if (e == 0)
		r->proof->migration = (int)offered;
}
