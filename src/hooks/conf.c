// SPDX-License-Identifier: GPL-2.0-or-later
#include "conf.h"

#include "base/str.h"
#include "conf/conf.h"

static int take(void *arg, const char *key, const char *value)
{
	struct hook_conf *c = arg;
	uint32_t s;

	if (str_eq(key, "WithoutDaemon"))
		c->needs_daemon = str_eq(value, "refuse");
	else if (parse_u32(value, &s) == 0)
		c->deadline_ms = s * 1000;
	return 0;
}

int hook_conf_read(struct host *h, struct hook_conf *ret, struct problem **reterr)
{
	struct hook_conf c = { .deadline_ms = HOOK_DEADLINE_S * 1000 };
	int r;

	*ret = c;
	r = conf_read_section(h, "Hook", take, &c, reterr);
	if (r == 0)
		*ret = c;
	return r;
}
