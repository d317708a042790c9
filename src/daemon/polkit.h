/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether who asks may: root always, others as polkit says. */
#pragma once

#include "manager.h"

/* What is done when he may; what it returns is the method's answer as of a sd-bus handler. */
typedef int polkit_go(struct manager *m, sd_bus_message *asked, unsigned uid);

/*
 * Calls `go`, now or when polkit has answered, or tells the caller that he may not. polkit is not
 * waited for. Where there is no polkit, everybody may look, and root alone may change.
 */
int polkit_ask(struct manager *m, sd_bus_message *asked, const char *action, polkit_go *go);
/*
 * The same with a choice: the first of the ways that is allowed is gone. About all but the last he
 * is not asked for a password. `about` are details for polkit's rules, key and value by turns, up
 * to NULL; they and the ways are copied, but for the texts of ways.
 */
struct polkit_way {
	const char *action;
	polkit_go *go;
};
enum { POLKIT_WAYS_MAX = 2, POLKIT_ABOUT_MAX = 8 };
int polkit_ask_ways(struct manager *m, sd_bus_message *asked, const char *const *about,
	const struct polkit_way *ways, unsigned n);
/* How many of this client's questions are open. */
unsigned polkit_open(const struct manager *m, const char *sender);
void polkit_done(struct manager *m);
