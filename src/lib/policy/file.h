/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which files there are. From /usr/lib/vfctl/pf.d, /run/vfctl/pf.d and /etc/vfctl/pf.d comes what
 * ends in .conf, in the order of the names; of several with one name the last of these folders
 * counts. What ends so in a folder NAME.conf.d in these three places is read behind NAME.conf, by
 * the same rule. An empty file or a link to /dev/null takes a name away.
 */
#pragma once

#include "finding.h"
#include "host/host.h"

struct policy_file {
	char *path;
	char *text; /* len bytes; NULL when it could not be read */
	size_t len;
	struct ini ini;
};

/* A file and its drop-ins. */
struct policy_unit {
	char *name;		   /* "10-x.conf" */
	struct policy_file *files; /* the main one first */
	size_t n_files;
};

struct policy_units {
	struct policy_unit *v;
	size_t n;
};

void policy_units_done(struct policy_units *u);
#define autopolicyunits CLEANUP(policy_units_done) struct policy_units

/* What cannot be read is a finding, and so is what the lexer says. -ENOMEM. */
int policy_units_load(struct host *h, struct policy_units *ret, struct findings *findings);
/* These files instead, or what ends in .conf in these folders; `cwd` is what relative paths begin
 * at. */
int policy_units_load_named(struct host *h, const char *cwd, char *const *paths,
	struct policy_units *ret, struct findings *findings);
