/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machine's configuration, for the verbs that look at it or apply it. */
#pragma once

#include "cli.h"
#include "foreign/foreign.h"
#include "policy/policy.h"

/*
 * `files` NULL or empty: the machine's own; else files or folders of the machine that vfctl runs
 * on, also when another is looked at with --root. What is wrong is in (*ret)->findings.
 */
int cli_policy(struct cli *cli, const struct inventory *inv, const char *const *files, size_t n,
	struct policy **ret, struct problem **reterr);
/* Fills in the pools, for selectors pool=NAME. Refuses a configuration with errors. */
int cli_label_pools(struct cli *cli, struct inventory *inv, struct problem **reterr);
/* What others say about our functions, and what we say. Needs INVENTORY_SRIOV. */
int cli_foreign(
	struct cli *cli, const struct inventory *inv, struct foreign *ret, struct problem **reterr);
