/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A host that knows descriptors alone, for all tests of a group. */
#pragma once

#include "cm.h"
#include "base/attr.h"
#include "host/host.h"

static struct host *host;

static inline int setup(void **state UNUSED)
{
	return host_new_fds_only(&host);
}

static inline int teardown(void **state UNUSED)
{
	host_free(host);
	return 0;
}
