/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One writer per thing: a file that is locked (flock) as long as its owner lives and that tells who
 * he is. The kernel lets go when he dies, however he does. Files stay: removing one that somebody
 * waits for would make two locks of it.
 */
#pragma once

#include "base/attr.h"

struct lock {
	int fd; /* -1: none */
};

/*
 * Does not wait. `who` is told to whoever comes too late: "4711 create eth0 4". -EWOULDBLOCK with
 * *ret_who (may be NULL when it cannot be read): somebody has it.
 */
int lock_try(const char *dir, const char *name, const char *who, struct lock *ret, char **ret_who);
void lock_release(struct lock *l);
