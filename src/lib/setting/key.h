/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One setting: how it is named, what it takes, whose it is and when it is set. Every kind of
 * function (network.c, nvme.c, …) has a table of these; a key belongs to one kind only.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Whose: a PF's own, or a VF's (through its PF). */
enum setting_level { SETTING_OF_PF = 1 << 0, SETTING_OF_VF = 1 << 1 };

/*
 * When, relative to the VFs' coming (sriov_numvfs) and to the binding of their drivers; a plan
 * sorts by it. Within one, the order is that of the tables.
 */
enum setting_when {
	SETTING_BEFORE_VFS,  /* of a PF, while it has no VFs */
	SETTING_UNBOUND,     /* of a VF that no driver is bound to: refused otherwise */
	SETTING_BEFORE_BIND, /* takes effect for who binds later; a bound driver may not notice */
	SETTING_ANY_TIME,
};

enum setting_type {
	SETTING_NUMBER, /* min to max, in `unit` */
	SETTING_BYTES,	/* also with K, M, G, T */
	SETTING_SWITCH, /* on or off in all spellings; told in the words of `choices` if there are
			 */
	SETTING_CHOICE, /* one of `choices` */
	SETTING_MAC,
	SETTING_GUID,
	SETTING_WORDS, /* the kind knows */
};

struct setting_key {
	const char *name;  /* "max-rate" */
	const char *takes; /* for help and refusals: "Mb/s, 0 for no limit" */
	enum setting_level level;
	enum setting_when when;
	enum setting_type type;
	uint64_t min, max;	    /* of a number */
	const char *unit;	    /* "Mb/s", "bytes"; NULL: a mere number, or none */
	const char *const *choices; /* NULL-terminated */
	bool own;		    /* no two VFs may have the same: mac */
};
