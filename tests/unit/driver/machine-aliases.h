/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A fake kernel of a captured machine, whose modules' aliases the test makes up. */
#pragma once

#include "cm.h"
#include "fake/fake.h"

#define RELEASE "6.12.95-test"

static inline UNUSED int aliases_setup(void **state, const char *tar)
{
	struct host *h = fake_kernel_new(tar);

	fake_put(h, RELEASE "\n", "/proc/sys/kernel/osrelease");
	*state = h;
	return 0;
}

static inline UNUSED int teardown(void **state)
{
	int hangs = (int)fake_hangs(*state);

	host_free(*state);
	return hangs;
}

static inline UNUSED void aliases(struct host *h, const char *text)
{
	fake_put(h, text, "/lib/modules/" RELEASE "/modules.alias");
}
