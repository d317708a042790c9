/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether a domain can have the functions that its text names. Those that libvirt binds itself
 * (managed='yes') are its business.
 */
#pragma once

#include "domain/domain.h"
#include "inventory/inventory.h"

/* Functions that somebody else has to have prepared, or wishes: otherwise there is nothing to do.
 */
bool check_is_needed(const struct domain *d);
/* PROBLEM_NOT_FOUND. *ret is borrowed. */
int check_is_there(const struct inventory *inv, struct bdf a, const struct function **ret,
	struct problem **reterr);
/* One function that it names, as below. */
int check_function(struct host *h, const struct inventory *inv, const struct domain *d,
	struct bdf a, const char *identity_dir, struct problem **reterr);
/*
 * 0, or the first that it cannot have and why: that is PROBLEM_NOT_FOUND when it is not there,
 * PROBLEM_UNSUPPORTED for what libvirt or this host has no way to give, else as fitness_check().
 * `identity_dir` NULL: which cards were configured is not known.
 */
int check_domain(
	struct host *h, const struct domain *d, const char *identity_dir, struct problem **reterr);
