/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One change of a PF's number of VFs, as its parts share it. */
#pragma once

#include "numvfs.h"

struct vf_change {
	struct host *h;
	struct bdf pf;
	unsigned from, to;
	const struct sriov_opts *opts; /* never NULL */
	struct sriov_vf *vfs;	       /* those there before */
	uint64_t begin_ms;
	unsigned deadline_ms;
	bool touched; /* some write has succeeded */
	bool stuck;   /* the kernel has not answered a write: another would wait behind it */
};

void vf_change_done(struct vf_change *c);
/* Fills the rest of *c from what the machine is and refuses what cannot be; 0 already so, 1 to do.
 */
int vf_change_check(struct vf_change *c, struct problem **reterr);
/* Whether the user has had enough. */
bool vf_change_cancelled(const struct vf_change *c);
/* What is no failure and yet not as it should be. */
void vf_change_note(struct vf_change *c, const char *text, const char *hint);
/* Waits until all c->to VFs are usable; -ETIMEDOUT with what is missing. */
int vf_change_await(struct vf_change *c, struct problem **reterr);
/* Tells the user, at most about once a second. */
void vf_change_tell(struct vf_change *c, const char *text);
