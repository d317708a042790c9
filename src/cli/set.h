/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attributes of VFs: those that a network PF's driver sets, and those of NVMe controllers. */
#pragma once

#include "act.h"

/* KEY=VALUE, as the user wrote them. */
struct settings {
	const char *const *words;
	size_t n;
};

/* Whether KEY is one of NVMe's: vq, vi, online. */
bool set_is_nvme(const char *word);

/* Refuses what can never be right, before anything is touched. */
int set_network_check(const struct settings *s, struct problem **reterr);
int set_nvme_check(const struct settings *s, struct problem **reterr);

/* Sets them on one VF and records a result for each. Negative: nothing could be tried. */
int set_network(struct act *act, const struct function *vf, const struct settings *s,
	struct problem **reterr);
int set_nvme(struct act *act, const struct function *vf, const struct settings *s,
	struct problem **reterr);
