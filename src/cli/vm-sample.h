/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What running guests have counted, asked of their VMMs. */
#pragma once

#include "vm.h"

#include "cost/sample.h"

/*
 * One more look, on a socket that stays open; with what only this side of the sandbox sees, the
 * host's interrupts of assigned functions.
 */
int vm_sample(struct vm_talk *t, struct cost_sample *ret, struct problem **reterr);
