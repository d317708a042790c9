/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The line of JSON on --status: how the guest ended and what its last life cost. */
#pragma once

#include "machine.h"

struct report {
	const char *name;
	enum vmm_exit status;
	const char *what; /* "" if there is nothing to add */
	unsigned reboots;
	const struct machine *machine; /* NULL: it never ran */
};

/* "power-off", "reboot", … */
const char *report_reason(enum vmm_exit status);
/* One line with its newline, allocated; NULL when memory is out. */
char *report_line(const struct report *r);
