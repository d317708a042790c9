/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside the room: what options.c and device.c share. */
#pragma once

#include "options.h"

/* PROBLEM_USAGE, -EINVAL: "OPTION: WHAT". */
int options_usage(struct problem **reterr, const char *option, const char *what);
/* A descriptor that is open; it is noted in o->fds and made close-on-exec. */
int options_fd(
	struct options *o, const char *option, const char *text, int *ret, struct problem **reterr);

/* "KEY[=VALUE][,…]" (or NULL) becomes one more device of `o`. The text is cut at its commas. */
int options_add_device(struct options *o, enum device_kind kind, const char *option, char *text,
	struct problem **reterr);
/* "name=NAME,listen=FD": one more port of the device that has them all. */
int options_add_port(struct options *o, const char *option, char *text, struct problem **reterr);
