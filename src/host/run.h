/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs of the machine's own, as struct host_ops runs them. */
#pragma once

#include "host.h"

/* host_ops.run: `argv[0]` is looked for where programs of the system are, and nowhere else. */
int run_program(struct host *h, char *const *argv, unsigned deadline_ms, char *out, size_t size);
