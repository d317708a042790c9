/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is typed goes to the serial port, or to whatever else the guest has for it. On a terminal
 * Ctrl-a is the VMM's: "Ctrl-a x" quits, "Ctrl-a Ctrl-a" sends one Ctrl-a.
 */
#pragma once

#include "base/attr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct console;
struct loop;

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

/* Called from the loop. */
struct console_sink {
	size_t (*room)(void *arg);
	void (*receive)(void *arg, const uint8_t *bytes, size_t n);
	/* The terminal's size, now and when it changes; may be NULL. */
	void (*resized)(void *arg, uint16_t columns, uint16_t rows);
	void *arg;
};

/* Where input goes, NULL = nowhere for now. Not while the loop runs. */
void console_connect(struct console *c, const struct console_sink *sink);
bool console_is_connected(const struct console *c);
/* There is room again; any thread. */
void console_more(void *console);
/* The terminal may have another size now (SIGWINCH). */
void console_resized(struct console *c);
