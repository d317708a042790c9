/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel announces, as signals on the bus. */
#pragma once

#include "manager.h"

/* From here on nothing is missed. A captured machine announces nothing. */
int ear_open(struct manager *m, struct problem **reterr);
void ear_close(struct manager *m);
/* Compares the picture with the machine: as if events had been lost. */
int ear_look_again(struct manager *m);
