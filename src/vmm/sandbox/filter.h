/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A role's rules as a program for the kernel. */
#pragma once

#include "sandbox.h"

#include <linux/filter.h>

struct filter {
	struct sock_fprog program; /* its instructions are owned */
	unsigned rules;
};

/*
 * libseccomp's state is gone when this returns. `mode` is SANDBOX_ON (denied calls raise SIGSYS) or
 * SANDBOX_LOG.
 */
int filter_build(enum sandbox_role role, unsigned uses, enum sandbox_mode mode, struct filter *ret);
void filter_done(struct filter *f);
/* For the calling thread, and those that it starts. */
int filter_install(const struct filter *f);
