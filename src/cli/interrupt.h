/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ctrl-C (and SIGTERM, SIGHUP) while the machine is changed. The first one ends the work in order:
 * what was begun is taken back. The second one ends the program; its journal is left to the next.
 */
#pragma once

#include <stdbool.h>

void interrupt_catch(void);
bool interrupt_came(void *arg);
