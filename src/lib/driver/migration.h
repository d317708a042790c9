/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether a function can be moved to another machine while its guest runs, as far as that can be
 * told without opening it, which would reset it (`vfctl test` opens and asks). Its VFIO driver
 * decides: vfio-pci itself cannot, drivers made for a device may. The kernel tells by VFIO's
 * debugfs, in a folder of the function's address (Documentation/ABI/testing/debugfs-vfio; Linux 6.8
 * with CONFIG_VFIO_DEBUGFS; "features" came later), for root only.
 */
#pragma once

#include "candidate.h"

enum migration_answer { MIGRATION_UNKNOWN, MIGRATION_NONE, MIGRATION_OFFERED };

struct migration {
	enum migration_answer answer;
	char **features; /* "stop-copy", "p2p", …; NULL: the kernel does not tell */
	char *state;	 /* "RUNNING", "STOP_COPY" …; NULL unknown */
	char *variant;	 /* the VFIO driver that is made for the device; NULL none is known */
	char *because;	 /* one line: who says so, or why it is unknown */
};

/* `c`: the function's own. What cannot be read is unknown; an error is -ENOMEM. */
int migration_find(struct host *h, struct bdf a, const struct candidates *c, struct migration *ret);
void migration_done(struct migration *m);
/* "offered", "none", "unknown". */
const char *migration_answer_name(enum migration_answer a);
