/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How large a terminal is, as who sits there sees it. */
#pragma once

#include <stdint.h>

/* -ENOTTY: `fd` is none. */
int winsize_get(int fd, uint16_t *ret_columns, uint16_t *ret_rows);
