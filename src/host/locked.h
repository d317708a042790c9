/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attributes of a PCI function whose very reading takes the kernel's device lock: driver_override,
 * sriov_vf_total_msix (not in every kernel), sriov_numvfs. The lock is held, and the
 * reader sleeps uninterruptibly, while the removal of a VF waits for its user, or while a driver
 * probes (Linux 4.12 and later for driver_override). So they are read with a deadline; and so is
 * the state of a live migration, under a lock of the VFIO driver's own.
 */
#pragma once

#include "base/bdf.h"
#include "host.h"

enum { LOCKED_TEXT_MAX = 128, LOCKED_STALL_MS = 500 };

struct locked_read {
	struct bdf function;
	const char *attribute;
	const char *interface;		/* of a network interface of that name instead; NULL */
	bool migration;			/* what VFIO's debugfs tells of its migration instead */
	char text[LOCKED_TEXT_MAX + 1]; /* without the final newline */
	int result;			/* 0, -ETIMEDOUT or what reading gave */
};

/* All of them at once; each has its own result. */
void locked_read_all(struct host *h, struct locked_read *reads, size_t n);
/* With another patience for each than LOCKED_STALL_MS. */
void locked_read_within(struct host *h, struct locked_read *reads, size_t n, unsigned ms);
