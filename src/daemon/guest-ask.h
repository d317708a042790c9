/* SPDX-License-Identifier: GPL-2.0-or-later */
/* OpenForGuest: descriptors that a worker opened, for a user's VMM. */
#pragma once

#include "manager.h"

/* Method of the manager's object. */
int guest_open(sd_bus_message *asked, void *arg, sd_bus_error *e);
