// SPDX-License-Identifier: GPL-2.0-or-later
#include "quirk.h"

#include "base/str.h"

/*
 * The order of settings is not in here: each key says when it is set (setting/key.h), which is how
 * an NVMe VF gets its queues and vectors before the VFs are made and comes online after that.
 */
static const struct row {
	const char *driver; /* NULL: every other */
	unsigned quirks;
} rows[] = {
	/* systemd issue 40739: sriov_numvfs gives EINVAL while the interface is down. */
	{ "bnxt_en", QUIRK_LINK_UP | QUIRK_MODE_WITHOUT_VFS },
	/* Its VFs are unbound before the mode changes, and bound again after it. */
	{ "mlx5_core", QUIRK_MODE_AFTER_VFS },
	/* ice_eswitch.c: "Changing eswitch mode is allowed only if there is no VFs created". */
	{ "ice", QUIRK_MODE_WITHOUT_VFS },
	{ NULL, QUIRK_MODE_WITHOUT_VFS },
};

unsigned quirks_of(const char *driver)
{
	for (const struct row *r = rows;; r++)
		if (!r->driver || str_eq(r->driver, driver))
			return r->quirks;
}
