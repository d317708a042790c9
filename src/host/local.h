/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stream sockets of this machine, by path (unix(7)). Descriptors are close-on-exec. */
#pragma once

/*
 * Listens there, for this user alone. What a dead process has left there is replaced; -EADDRINUSE
 * when somebody listens. -ENAMETOOLONG: a path has 107 bytes at most.
 */
int local_listen(const char *path);
/* -ECONNREFUSED: nobody listens there any more. */
int local_connect(const char *path);
