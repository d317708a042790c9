/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keys of a configuration file: the one table that reading, complaints, help and the manual
 * come from. Keys have the names that systemd.link(5) and systemd.network(5) give them, where
 * those have them. Every setting of setting/setting.h is a key by itself: what is not named here
 * gets its name from the setting's ("foo-bar" is FooBar).
 */
#pragma once

#include "setting/setting.h"

enum policy_section { POLICY_MATCH, POLICY_PF, POLICY_VF, POLICY_SECTIONS };

enum policy_goal {
	GOAL_MATCH,
	GOAL_NUM_VFS,
	GOAL_AUTOPROBE,
	GOAL_ESWITCH,
	GOAL_DRIVER,
	GOAL_POOL,
	GOAL_RECONCILE,
	GOAL_SETTING,
};

struct policy_key {
	enum policy_section section;
	enum policy_goal goal;
	char *name;			   /* "VLANId" */
	const char *also;		   /* another name that is understood, too; NULL */
	const char *takes;		   /* for help and complaints */
	const struct setting_key *setting; /* of GOAL_SETTING */
	bool stable;			   /* "stable" is a value */
};

struct policy_keys {
	struct policy_key *v; /* by section; within it in the order of the manual */
	size_t n;
};

int policy_keys_make(struct policy_keys *ret);
void policy_keys_done(struct policy_keys *k);
#define autopolicykeys CLEANUP(policy_keys_done) struct policy_keys

const struct policy_key *policy_key_find(
	const struct policy_keys *k, enum policy_section section, const char *name);
/*
 * What was probably meant by a name that is no key of that section: the nearest, the key of the
 * setting that has that name, or NULL. *ret_section is where it belongs.
 */
const struct policy_key *policy_key_meant(
	const struct policy_keys *k, enum policy_section section, const char *name);

/*
 * The value in the form in which it is used: of a setting as setting_value() gives it, yes and no
 * as "yes" and "no", numbers as numbers, "stable" as it is. -EINVAL: not such a value.
 */
int policy_key_value(const struct policy_key *k, const char *text, char **ret);
