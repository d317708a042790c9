/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What libvirt asks a hook for domains (its hooks.html): the guest's name, an operation, a
 * sub-operation, more; the domain's text on standard input. Only at prepare and migrate a refusal
 * does what one wants: nothing has been touched, and libvirt shows our line. At reconnect one would
 * kill a guest that runs; the others come too late, or are nobody's to refuse. What is claimed is
 * given back at release, which comes also when a start was refused.
 */
#pragma once

#include "watched.h"

/* Whether that operation's answer can be a refusal; all others, known or not, are simply fine. */
bool hook_decides(const char *operation);

/*
 * 0 go on, 1 refused; `probe`: 2 instead, and there is something to say in any case. *ret: a line
 * to be shown, printable, without line feed, or NULL.
 */
int hook_run(const char *guest, const char *operation, bool probe, const struct watched_opts *opts,
	char **ret);
