/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The captured machines of tests/hosts, by name: machine("s1-igb4-igbvf"). */
#pragma once

#include "base/bdf.h"
#include "base/str.h"
#include "host/host.h"

static inline UNUSED struct host *machine(const char *name)
{
	autofree char *path = str_printf(HOSTS_DIR "/%s.tar.gz", name);
	struct host *h = NULL;

	assert_int_equal(host_new_captured(path, &h, NULL), 0);
	return h;
}

static inline UNUSED struct bdf at(const char *address)
{
	struct bdf a;

	assert_int_equal(bdf_parse(address, &a), 0);
	return a;
}
