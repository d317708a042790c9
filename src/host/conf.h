/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine's configuration files, as text with its length (what people write may hold anything,
 * NUL bytes included). Paths are absolute and those of the machine: on a captured one they lead
 * into the capture.
 */
#pragma once

#include "host.h"

enum { CONF_MAX = 1 << 20 };

/*
 * The whole file, allocated, NUL-terminated behind *ret_len bytes. -EFBIG above CONF_MAX, -EISDIR,
 * -ENOTSUP for what is no file at all (a FIFO would make us wait).
 */
int conf_read(struct host *h, const char *path, char **ret, size_t *ret_len);
/* Names that end in `suffix`, sorted; none when the folder is missing. The list is the caller's. */
int conf_list(struct host *h, const char *dir, const char *suffix, char ***ret);
/* Whether the machine has configuration at all: a captured one may hold none of it. */
bool conf_is_there(struct host *h);
/* A link to /dev/null: how an administrator says that a file is not wanted. */
bool conf_is_masked(struct host *h, const char *path);
