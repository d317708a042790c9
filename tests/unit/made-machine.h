/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A machine of a few files below `dir`, made anew for each test; `h` reads it as a captured one. */
#pragma once

#include "base/str.h"
#include "host/host.h"

#include <stdio.h>
#include <stdlib.h>

static char dir[64];
static struct host *h;

static void sh(const char *fmt, ...) PRINTF(1, 2);
static void sh(const char *fmt, ...)
{
	char *cmd = NULL;
	va_list ap;

	va_start(ap, fmt);
	assert_true(vasprintf(&cmd, fmt, ap) > 0);
	va_end(ap);
	assert_int_equal(system(cmd), 0);
	free(cmd);
}

/* `folders`: below it, as the shell reads them. */
static int make_machine(const char *folders)
{
	strcpy(dir, "/tmp/vfctl-made-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	sh("cd %s && mkdir -p %s", dir, folders);
	return host_new_captured(dir, &h, NULL);
}

static int drop_machine(void **state UNUSED)
{
	host_free(h);
	sh("rm -rf %s", dir);
	return 0;
}
