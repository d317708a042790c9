/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The single writes that a change of driver is made of; each tells in words what went wrong. */
#pragma once

#include "driver.h"

/* NULL clears it. */
int write_override(struct host *h, struct bdf a, const char *driver, struct problem **reterr);
/* Verified: the function is on `driver` afterwards. */
int write_bind(struct host *h, struct bdf a, const char *driver, struct problem **reterr);
/* Verified: no driver afterwards. 0 also when there was none. */
int write_unbind(
	struct host *h, struct bdf a, const struct driver_opts *opts, struct problem **reterr);
/* Loads the module of `driver` when nobody has registered it yet. */
int write_load(struct host *h, const char *driver, struct problem **reterr);
