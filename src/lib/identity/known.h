/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The MAC addresses that are in use on a machine, and whose they are. For this room alone. */
#pragma once

#include "stable.h"

struct known_mac {
	uint64_t mac;
	struct stable_owner owner;
	char name[NETDEV_NAME_MAX]; /* of the interface; "" for what a PF or a configuration gives
				     */
};

struct known {
	struct known_mac *v; /* sorted by address */
	size_t n;
};

/*
 * Current and permanent addresses of all interfaces, and what PFs gave to their VFs. What stands on
 * top of another interface (a VLAN, a bond) and has its address from there does not count, nor does
 * what a bond lends to its members.
 */
int known_load(struct host *h, const struct inventory *inv, struct known *ret);
void known_done(struct known *k);

/* Somebody else's; `whose` itself has it. */
bool known_other(const struct known *k, struct mac m, struct stable_owner whose);
bool known_has(const struct known *k, struct mac m, struct stable_owner whose);
/* Adds it; NULL, or who else has it. */
const struct known_mac *known_claim(struct known *k, struct mac m, struct stable_owner whose);
/* Nothing is his any more. */
void known_release(struct known *k, struct stable_owner whose);
