/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * This process opens nothing, so whoever started it dials for it (host/dial.h): it is asked by a
 * byte on a channel, and answers with an errno and, if that is 0, a connected socket.
 */
#pragma once

#include <stdint.h>

/* Asks. -EPIPE: nobody dials any more. */
int vhost_dial_ask(int channel);
/*
 * The answer to it: a descriptor, or what it failed with. -EAGAIN when there is none yet, -EBADMSG
 * when it is none, -EPIPE.
 */
int vhost_dial_answer(int channel);
/* Both, and waits; -ETIMEDOUT. */
int vhost_dial(int channel, unsigned timeout_ms);
