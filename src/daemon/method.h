/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arguments of methods, as orders. PROBLEM_USAGE for what makes none. */
#pragma once

#include "ipc/order.h"

#include <systemd/sd-bus.h>

/* "as": selectors or addresses. */
int method_functions(sd_bus_message *m, struct order *o, struct problem **reterr);
/* "s": one. */
int method_function(sd_bus_message *m, struct order *o, struct problem **reterr);
/* "s": wishes as JSON. */
int method_wishes(sd_bus_message *m, struct order *o, struct problem **reterr);
/* "s": the request of an assign or a release (o->kind) as JSON. */
int method_request(sd_bus_message *m, struct order *o, struct problem **reterr);
/* "a{sv}": the options of an order. */
int method_options(sd_bus_message *m, struct order *o, struct problem **reterr);

/* For a worker; allocated, NULL: no memory. */
char *order_text(const struct order *o) NODISCARD;
