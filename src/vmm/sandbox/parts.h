/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What sandbox_enter() puts together. */
#pragma once

#include "sandbox.h"

/* Cannot be undone, and is inherited: nothing that is executed brings rights. -errno. */
int privileges_forgo(void);
/* Capabilities, of all sets; but CAP_IPC_LOCK for `may_pin`. -errno. */
int privileges_drop(const struct sandbox_params *p);
/* No core dump, no debugger of the same user, nobody reads our memory. */
void privileges_hide(void);

/* What the process may still use of files. */
void limits_set(const struct sandbox_params *p);

/*
 * Name spaces of its own, empty ones, and as the root an empty folder that cannot be written.
 * `applied` tells what there was, and why not the rest.
 */
void namespaces_enter(struct sandbox_applied *applied);

/* No right on any file, no TCP, no signals and abstract sockets to the outside. The ABI, or 0. */
int landlock_enter(void);

/* From now on SIGSYS is reported, then ends the process. */
int trap_install(const struct sandbox_params *p);
/* Of the calling thread. */
void trap_name(enum sandbox_role role, const char *name);
