/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the options to the sandbox: what this guest needs, and nothing more. */
#pragma once

#include "vmm/config/options.h"
#include "vmm/devices/devices.h"
#include "vmm/sandbox/sandbox.h"

/* First of all: closes what is not on the command line. Not when there is to be no sandbox. */
void confine_descriptors(struct options *o);

/*
 * Before the first machine is built, when everything is taken over that was handed to us. What the
 * devices need and what cannot be made afterwards is made by the way (devices_prepare). `head`
 * and `tail` are the report's around the words about a denied call (see sandbox_params).
 */
int confine(const struct options *o, struct devices *d, const char *head, const char *tail,
	struct sandbox_applied *ret, struct problem **reterr);
