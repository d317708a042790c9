/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules of rules.def as data. */
#pragma once

#include "sandbox.h"

struct rule {
	const char *call, *text; /* "mmap", "no PROT_EXEC"; text may be NULL */
	int number;
	unsigned roles, when; /* 1 << SANDBOX_*, SANDBOX_USE_* */
	int arg;	      /* -1: whatever they are */
	bool own_pid;	      /* `value` is this process's */
	uint64_t mask, value;
};

extern const struct rule rules[];
extern const size_t n_rules;

bool rule_holds(const struct rule *r, enum sandbox_role role, unsigned uses);
/* The name of a call that some rule is about; NULL. */
const char *rules_call_name(int number);
