/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What depmod wrote about the running kernel's modules. */
#pragma once

#include "host.h"

/*
 * One of its files as text, allocated ("modules.alias": some MiB). -ENOENT where there are no such
 * files, as in a captured machine or a container; -EFBIG above 16 MiB.
 */
int modules_read(struct host *h, const char *file, char **ret);
/*
 * The first line of modprobe's configuration that gives `command` ("blacklist", "install") for the
 * module, '-' and '_' being the same: 1 and the file and the line, 0 none.
 */
int modules_conf_find(
	struct host *h, const char *command, const char *module, char **ret_file, char **ret_line);
