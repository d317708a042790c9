/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is typed goes to the serial port. On a terminal Ctrl-a is the VMM's: "Ctrl-a x" quits,
 * "Ctrl-a Ctrl-a" sends one Ctrl-a.
 */
#pragma once

#include "base/attr.h"

#include <stdbool.h>

struct console;
struct loop;
struct serial;

struct console_params {
	struct loop *loop;
	int in_fd; /* borrowed; end of file just ends the input */
	bool keys; /* it is a terminal: Ctrl-a is special */
	void (*quit)(void *arg);
	void *arg;
};

int console_new(const struct console_params *params, struct console **ret);
void console_free(struct console *c);
DEFINE_AUTO(struct console, console_free);

/* Where input goes, NULL = nowhere for now. Not while the loop runs. */
void console_connect(struct console *c, struct serial *s);
/* The serial port has room again; any thread. */
void console_more(void *console);
