/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the daemon is called, for the files that do. */
#pragma once

#include "client.h"

#include <systemd/sd-bus.h>

struct daemon {
	sd_bus *bus;
};

/*
 * Sends the call (somebody at a terminal may be asked for a password) and waits for its answer, an
 * error perhaps, until that moment of CLOCK_MONOTONIC; 0: however long that takes. -ETIMEDOUT.
 */
int client_call(struct daemon *d, sd_bus_message *call, uint64_t until_us, sd_bus_message **ret);
/* The answer, or why there was none (negative `r`), as a problem; 0: it is no error. */
int client_judge(sd_bus_message *answer, int r, struct problem **reterr);
