/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A process that connects to a socket for another one, which has locked itself up: it is asked by a
 * byte on a channel, and answers with an errno (int32_t, 0 or negative) and, with 0, the connected
 * socket beside it. It holds nothing but the path and its end of the channel, and ends with the
 * other end.
 */
#pragma once

/*
 * Starts it; the channel is the caller's, close-on-exec. `path` is taken as it is now, from the
 * working directory.
 */
int host_dialer_start(const char *path, int *ret_channel);
