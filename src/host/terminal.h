/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The terminal of a program that shows something live (termios(3), console_codes(4)): keys come one
 * by one and unseen, the screen is another one, and both are as before when it is closed, by
 * whatever signal the program is asked to end.
 */
#pragma once

#include "base/attr.h"

struct terminal;

enum terminal_event {
	TERMINAL_NOTHING = 0, /* the time has passed */
	/* 1 … 255: that key */
	TERMINAL_RESIZED = 256,
	TERMINAL_END = 257, /* SIGINT, SIGTERM, SIGHUP, or nobody is there any more */
};

/* -ENOTTY when one of them is none. The descriptors stay the caller's. */
int terminal_open(int in_fd, int out_fd, struct terminal **ret);
void terminal_close(struct terminal *t);
DEFINE_AUTO(struct terminal, terminal_close);

void terminal_size(const struct terminal *t, unsigned *ret_rows, unsigned *ret_columns);
/* Waits; an event, or a negative errno. */
int terminal_wait(struct terminal *t, unsigned timeout_ms);
/* Lines of text in the place of what is shown; cut by who made them. -errno. */
int terminal_show(struct terminal *t, const char *text);
