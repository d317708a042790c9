/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine as a file tree that host_new_captured() reads: sys/, proc/ and what else we look at,
 * and in vfctl/links what only netlink tells (host/linkfacts.h). Nothing is read that can wait
 * without bound (sriov_numvfs is made up from the links to the VFs, what takes the device lock is
 * read by a helper with a deadline) or does something (reset, rom, remove, new_id are at most
 * noted to be there).
 *
 * Redacted, what tells who and where somebody is becomes a pseudonym: equal stays equal within one
 * capture, and the same subnet stays one subnet; see redact.h. In any case processes are reduced to
 * those that use a device, libvirt's files to the names and addresses of host devices, and tables
 * to the lines that somebody here reads.
 */
#pragma once

#include "host/host.h"
#include "host/tree.h"

enum { CAPTURE_KEY_BYTES = 32 };

struct capture_opts {
	const uint8_t *key; /* CAPTURE_KEY_BYTES secret random ones; NULL: nothing is redacted */
	void (*progress)(void *arg, const char *what, size_t files); /* now and then; or NULL */
	void *arg;
};

int capture_take(
	struct host *h, const struct capture_opts *o, struct tree **ret, struct problem **reterr);
