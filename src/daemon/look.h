/* SPDX-License-Identifier: GPL-2.0-or-later */
/* List, Show and Leases: workers look, a few at a time; who has left the bus is not answered. */
#pragma once

#include "manager.h"

/* Methods of the object. */
int look_list(sd_bus_message *asked, void *arg, sd_bus_error *e);
int look_show(sd_bus_message *asked, void *arg, sd_bus_error *e);
int look_leases(sd_bus_message *asked, void *arg, sd_bus_error *e);

unsigned look_open(const struct manager *m, const char *sender);
void look_done(struct manager *m);
