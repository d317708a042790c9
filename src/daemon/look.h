/* SPDX-License-Identifier: GPL-2.0-or-later */
/* List, Show and Leases: workers look, a few at a time; who has left the bus is not answered. */
#pragma once

#include "manager.h"

/* Methods of the object. */
int look_list(sd_bus_message *asked, void *arg, sd_bus_error *e);
int look_show(sd_bus_message *asked, void *arg, sd_bus_error *e);
int look_leases(sd_bus_message *asked, void *arg, sd_bus_error *e);

/*
 * An order whose answer is that of the method: what its worker says, or (open) the descriptors that
 * come with it.
 */
int look_begin(struct manager *m, sd_bus_message *asked, const struct order *o);

unsigned look_open(const struct manager *m, const char *sender);
void look_done(struct manager *m);
