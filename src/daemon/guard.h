/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages that are too much, before anybody has read them. */
#pragma once

#include "manager.h"

/* The bytes of all texts and values in a message, or a little more than `limit`: no more is looked
 * at. */
size_t guard_weigh(sd_bus_message *asked, size_t limit);

/* From now on calls heavier than any that makes sense are answered with an error. */
int guard_open(struct manager *m);
