// SPDX-License-Identifier: GPL-2.0-or-later
/* What the administrator allows users' guests. */
#include "inside.h"

#include "base/str.h"
#include "conf/conf.h"
#include "host/procfs.h"

#include <inttypes.h>
#include <stdio.h>

void handover_limits_done(struct handover_limits *l)
{
	strv_free(l->taps);
	strv_free(l->bridges);
	*l = (struct handover_limits) { 0 };
}

/* Of a machine that does not tell: nothing is raised. */
static uint64_t half_of_memory(struct host *h)
{
	autofree char *text = NULL;
	uint64_t kib = 0;

	if (procfs_read(h, &text, "meminfo") < 0 || sscanf(text, "MemTotal: %" SCNu64, &kib) != 1)
		return 0;
	return kib / 2 * 1024;
}

static int add_names(char ***names, const char *value)
{
	autofree char *copy = strdup(value);
	char *save = NULL;

	/* An empty one forgets those before it, as everywhere in systemd. */
	if (copy && !*copy) {
		strv_free(TAKE_PTR(*names));
		return 0;
	}
	for (char *w = copy ? strtok_r(copy, " \t", &save) : NULL; w;
		w = strtok_r(NULL, " \t", &save))
		if (strv_add(names, w) < 0)
			return -ENOMEM;
	return copy ? 0 : -ENOMEM;
}

static int take(void *arg, const char *key, const char *value)
{
	struct handover_limits *l = arg;

	if (str_eq(key, "Taps"))
		return add_names(&l->taps, value);
	if (str_eq(key, "Bridges"))
		return add_names(&l->bridges, value);
	if (str_eq(value, "infinity"))
		l->memory_bytes = UINT64_MAX;
	else
		(void)parse_bytes(value, &l->memory_bytes);
	return 0;
}

int handover_limits_read(struct host *h, struct handover_limits *ret, struct problem **reterr)
{
	autolimits l = { .memory_bytes = half_of_memory(h) };
	int r = conf_read_section(h, "Guests", take, &l, reterr);

	if (r < 0)
		return r;
	*ret = TAKE_STRUCT(l);
	return 0;
}
