/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the drivers of PFs want done before, or after, something else: one table. */
#pragma once

enum quirk {
	/* The interface is up before VFs are made (bnxt_en: firmware refuses otherwise). */
	QUIRK_LINK_UP = 1 << 0,
	/*
	 * VFs are made in legacy mode, lose their drivers, and only then the eswitch is switched
	 * (mlx5_core: bound VFs keep the queues of the old mode).
	 */
	QUIRK_MODE_AFTER_VFS = 1 << 1,
	/* The eswitch is switched only while there are no VFs (ice, nfp, sfc and most others). */
	QUIRK_MODE_WITHOUT_VFS = 1 << 2,
};

/* Of a PF's driver (NULL: none is bound). */
unsigned quirks_of(const char *driver);
