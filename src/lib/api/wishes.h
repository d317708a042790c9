/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What stands behind wishes and plans, for those who make them from something else. */
#pragma once

#include "run.h"

struct vfctl_wishes {
	struct wishes w;
	bool configured; /* by policy: which cards were meant is recorded when it is applied */
};

int wishes_copy(const struct wishes *from, struct wishes *ret);
/* Takes `w` over, in success only. */
int api_plan_new(struct vfctl_host *host, struct wishes *w, unsigned flags, struct vfctl_plan **ret,
	struct problem **reterr);

/* One step's words. */
struct vfctl_step {
	char *target, *action, *was, *undo;
};

/* -ENOMEM. *ret is to be freed with step_texts_free(). */
int step_texts(const struct plan *plan, struct vfctl_step **ret);
void step_texts_free(struct vfctl_step *v, size_t n);
