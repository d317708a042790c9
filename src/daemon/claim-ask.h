/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Assign and Release: methods of the manager's object that become jobs. */
#pragma once

#include "manager.h"

int claim_assign(sd_bus_message *asked, void *arg, sd_bus_error *e);
int claim_release(sd_bus_message *asked, void *arg, sd_bus_error *e);
