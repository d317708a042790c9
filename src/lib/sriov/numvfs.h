/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Creating and destroying VFs. Who holds a VF is looked up before anything is written, because
 * the kernel would wait for him uninterruptibly; the write itself has a deadline. The count
 * changes from N to M only through 0, so that is refused while VFs are in use. After the write
 * every VF is awaited until it is really usable; a failure puts the previous count back. Where
 * udevd runs, usable means that it has finished with the VF's interface too, whose name is final
 * then. A udevd that does not get there in time is no failure: the VFs stay, a note tells.
 */
#pragma once

#include "facts.h"

struct sriov_opts {
	const char *state_dir; /* driver notes of VFs that go are forgotten; NULL: none */
	bool force; /* destroy VFs that are bound, addressed or mounted (never held ones) */
	/*
	 * Somebody died while he changed it: the number is written also when the VFs that are to be
	 * seen are as many already, for some may still come or go.
	 */
	bool distrust;
	unsigned deadline_ms; /* 0: 10 s and 1 s per VF */
	/* About once a second; `text`: "waiting for pid 4711 (qemu) to release 0000:3b:02.1". */
	void (*waiting)(void *arg, const char *text, unsigned waited_ms);
	/* Asked then, too; true: enough, -ECANCELED. NULL: never. */
	bool (*cancelled)(void *arg);
	/* What the user should know though it went well. */
	void (*note)(void *arg, const char *text, const char *hint);
	void *arg;
};

/*
 * Makes the PF have n VFs. 1 changed, 0 was already so. -ERANGE too many, -EBUSY in use,
 * -ETIMEDOUT, -ECANCELED; on failure the previous count is there again, or the problem says that it
 * is not.
 */
int sriov_set_numvfs(struct host *h, struct bdf pf, unsigned n, const struct sriov_opts *opts,
	struct problem **reterr);
/* The same refusals, touching nothing: 1 would change, 0 is already so. */
int sriov_check_numvfs(struct host *h, struct bdf pf, unsigned n, const struct sriov_opts *opts,
	struct problem **reterr);
/* Whether the kernel binds drivers to new VFs by itself. 1 changed, 0 was so. */
int sriov_set_autoprobe(struct host *h, struct bdf pf, bool on, struct problem **reterr);
