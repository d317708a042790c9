/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The drivers that a function could have: what the kernel's module aliases say of it, VFIO drivers
 * (variants included) apart. Built-in drivers have no aliases in files: of those only the one that
 * is bound is known.
 */
#pragma once

#include "base/bdf.h"
#include "host/host.h"

struct candidate {
	char *driver; /* as its folder on the bus is called, if it is loaded; else the module's */
	char *module; /* NULL: it is built in */
	bool vfio;
	bool loaded; /* or built in */
	bool bound;  /* to this function, now */
};

struct candidates {
	struct candidate *v; /* natives first, then VFIO */
	size_t n;
	bool known; /* the kernel's aliases could be read; without, only the bound one is here */
};

/* -ENOENT when the function has gone. */
int candidates_find(struct host *h, struct bdf a, struct candidates *ret);
void candidates_done(struct candidates *c);
