/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether a domain can have the functions that its text names. Those that libvirt binds itself
 * (managed='yes') are its business.
 */
#pragma once

#include "domain/domain.h"
#include "host/host.h"

/* Functions that somebody else has to have prepared, or wishes: otherwise there is nothing to do.
 */
bool check_is_needed(const struct domain *d);
/*
 * 0, or the first that it cannot have and why: that is PROBLEM_NOT_FOUND when it is not there,
 * PROBLEM_UNSUPPORTED for what libvirt or this host has no way to give, else as fitness_check().
 * `identity_dir` NULL: which cards were configured is not known.
 */
int check_domain(
	struct host *h, const struct domain *d, const char *identity_dir, struct problem **reterr);
