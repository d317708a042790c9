/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The attributes of a selector, KEY=VALUE: driver=NAME (or none), vendor=8086 or 8086:10c9,
 * class=WORD, kind=pf|vf|function, numa=N, group=N, path=pci-0000:3b:00.* (udev's ID_PATH; * and
 * ? match), slot=NAME (where its PF is plugged in), serial=TEXT (of the VPD or of an NVMe
 * controller), mac=ADDRESS (of an interface, or what the PF gave to a VF), pool=NAME (for an
 * inventory that policy_label() has seen).
 */
#pragma once

#include "inventory/inventory.h"

struct attribute_kind;

struct attribute {
	const struct attribute_kind *kind;
	const char *value; /* borrowed from the word */
	union {
		struct {
			uint16_t vendor, device;
			bool any_device;
		} id;
		struct mac mac;
		int number;
	};
};

/* Has an '=': it is meant as an attribute. */
bool attribute_is(const char *word);
/* Refuses unknown keys (with the nearest) and values that can never match. */
int attribute_parse(const char *word, struct attribute *ret, struct problem **reterr);
/* May read more of the machine than the inventory holds. */
bool attribute_matches(struct host *h, const struct attribute *a, const struct function *f);
/* The keys in order until NULL, and what their values look like. */
const char *attribute_key(unsigned i);
const char *attribute_help(unsigned i);
