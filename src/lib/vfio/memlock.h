/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How much memory this process may pin: VFIO counts what it maps against RLIMIT_MEMLOCK. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct memlock {
	uint64_t allowed_bytes; /* UINT64_MAX: no limit */
	bool exempt;		/* CAP_IPC_LOCK: the limit does not count */
};

/* Of the calling process. */
int memlock_get(struct memlock *ret);
/* Could `bytes` in all be pinned? */
bool memlock_allows(const struct memlock *m, uint64_t bytes);
/* Raises the soft limit to `bytes` when the hard limit (or CAP_SYS_RESOURCE) lets us. */
int memlock_raise(uint64_t bytes);
/* Of another process; RLIMIT alone, capabilities are not looked at. CAP_SYS_RESOURCE is needed. */
int memlock_get_of(int pid, uint64_t *ret_bytes);
/* Raises its limits, the hard one too where it must be; 1 raised, 0 they were no lower. */
int memlock_raise_of(int pid, uint64_t bytes);
