/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A domain's claims: what it names, and what it wishes for, is claimed for it before it starts, and
 * given back when it has gone. Those that libvirt binds itself (managed='yes') are its business.
 */
#pragma once

#include "turn.h"

/* Functions that somebody else has to prepare, or wishes: otherwise there is nothing to do. */
bool claims_are_needed(const struct domain *d);

/*
 * 0 when the domain can start: all that it names is claimed for it and ready, and for each wish
 * there are the functions, or something to take instead. Else the first that it cannot have and
 * why. As a probe nothing is claimed.
 */
int claims_take(const struct turn *t, struct problem **reterr);
/* All that is claimed for it; 0 also when that was nothing. */
int claims_return(const struct turn *t, struct problem **reterr);
/* 0 when the domain can come here from another host, or why not. */
int claims_check_migration(const struct turn *t, struct problem **reterr);
