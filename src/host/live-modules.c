// SPDX-License-Identifier: GPL-2.0-or-later
/* The whole machine. The library of modules brings others along: who needs none goes without. */
#include "kmod.h"
#include "live.h"

int host_new_live(struct host **ret, struct problem **reterr)
{
	int r = host_new_watching(ret, reterr);

	if (r == 0)
		live_set_loader(*ret, kmod_load);
	return r;
}

int host_new_live_asking(struct host **ret, struct problem **reterr)
{
	int r = host_new_watching(ret, reterr);

	if (r == 0)
		live_set_loader(*ret, kmod_ask);
	return r;
}
