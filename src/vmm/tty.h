/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The terminal that is the guest's console: raw while the guest runs, and as it was whatever way
 * the process ends (a signal that kills it included, SIGKILL excepted).
 */
#pragma once

#include <stdbool.h>

/* False, and nothing done, if fd is not a terminal. One per process. */
bool tty_make_raw(int fd);
/* May be called any number of times. */
void tty_restore(void);
