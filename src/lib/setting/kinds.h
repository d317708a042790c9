/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The two kinds of settings, for setting.c alone. */
#pragma once

#include "setting.h"

struct settings {
	const char *const *words;
	size_t n;
};

/* One application: where results go, and what they sum up to. */
struct application {
	struct host *host;
	const struct function *vf;
	const struct setting_opts *opts;
	int sum; /* as settings_apply returns it */
};

void application_add(struct application *app, const char *word, int code, struct problem *p);

bool nvme_setting_is(const char *word);

int network_settings_check(const struct settings *s, struct problem **reterr);
int nvme_settings_check(const struct settings *s, struct problem **reterr);
int network_settings_apply(
	struct application *app, const struct settings *s, struct problem **reterr);
int nvme_settings_apply(struct application *app, const struct settings *s, struct problem **reterr);
