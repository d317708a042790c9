/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Networks of libvirt's that hand out functions (<forward mode='hostdev'>). What is so already is
 * left alone; other kinds of networks are never touched. A step that fails is told with its reason,
 * and *reterr stays as it was.
 */
#pragma once

#include "connect.h"

#include <stdbool.h>

struct network_told {
	/* One step: 1 done (on a dry run: it would be), 0 was so, negative failed; takes `p`. */
	void (*step)(void *arg, const char *network, const char *what, int code, struct problem *p);
	void (*note)(void *arg, const char *text, const char *hint);
	void *arg;
};

/*
 * Makes the network that `xml` describes (no UUID in it), persistent, started, and to be started
 * with libvirt. One that is in use is only described anew, and the note says so. PROBLEM_IN_USE:
 * another kind of network has that name.
 */
int network_define(virConnectPtr c, const char *xml, bool dry_run, const struct network_told *to,
	struct problem **reterr);
/*
 * The way back: 0 when there is none of that name. PROBLEM_IN_USE: guests are on it, or it is of
 * another kind.
 */
int network_undefine(virConnectPtr c, const char *name, bool dry_run, const struct network_told *to,
	struct problem **reterr);
