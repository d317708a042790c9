/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a file says, line by line, checked as far as that goes without looking at any PF. */
#pragma once

#include "file.h"
#include "key.h"
#include "match.h"
#include "select/vfrange.h"

/* "*", "0-1,3" */
struct vf_set {
	char *text;
	struct vf_range *v; /* NULL: all */
	size_t n;
	unsigned count; /* different VFs; UINT_MAX: all */
};

/* -EINVAL: not such a set. */
int vf_set_parse(const char *text, struct vf_set *ret);
void vf_set_done(struct vf_set *s);
bool vf_set_has(const struct vf_set *s, unsigned index);
/* The greatest index that is named; 0 for all. */
unsigned vf_set_last(const struct vf_set *s);

struct policy_line {
	const struct policy_key *key;
	const char *file; /* borrowed from the unit */
	struct ini_pos pos, value_pos;
	size_t vfs;  /* of [VF …]: index into sets[] */
	char *value; /* as policy_key_value() gives it; NULL: takes back what others say */
};

/* A unit's own words, in order. */
struct policy_text {
	const char *name; /* borrowed */
	const char *file; /* the main one; borrowed */
	struct match match;
	bool match_broken;	  /* a line of it is wrong: then nobody knows whom it means */
	struct ini_pos match_pos; /* of the first [Match] */
	struct policy_line *lines;
	size_t n_lines;
	struct vf_set *sets;
	size_t n_sets;
};

/* What is wrong is a finding, and left out. -ENOMEM. */
int policy_text_read(const struct policy_unit *u, const struct policy_keys *keys,
	struct policy_text *ret, struct findings *findings);
void policy_text_done(struct policy_text *t);
