// SPDX-License-Identifier: GPL-2.0-or-later
#include "conf.h"

#include "base/ini.h"
#include "base/str.h"
#include "host/conf.h"

#include <stdio.h>

static int read_deadline(const char *value, struct hook_conf *c)
{
	uint32_t s;

	if (parse_u32(value, &s) < 0 || !s || s > HOOK_DEADLINE_MAX_S)
		return -EINVAL;
	c->deadline_ms = s * 1000;
	return 0;
}

static int read_without(const char *value, struct hook_conf *c)
{
	c->needs_daemon = str_eq(value, "refuse");
	return c->needs_daemon || str_eq(value, "check") ? 0 : -EINVAL;
}

static const struct {
	const char *name, *values;
	int (*read)(const char *value, struct hook_conf *c);
} keys[] = {
	{ "DeadlineSec", "a number of seconds from 1 to 120", read_deadline },
	{ "WithoutDaemon", "check or refuse", read_without },
};

static int wrong(const char *path, struct ini_pos at, const char *hint, struct problem **reterr,
	const char *fmt, ...) PRINTF(5, 6);
static int wrong(const char *path, struct ini_pos at, const char *hint, struct problem **reterr,
	const char *fmt, ...)
{
	autofree char *text = NULL, *safe = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	safe = text ? str_printable(text) : NULL;
	return problem(reterr, -EINVAL, PROBLEM_USAGE, hint, "%s:%u: %s", path, at.line,
		safe ? safe : "memory ran out");
}

static int read_item(
	const char *path, const struct ini_item *item, struct hook_conf *c, struct problem **reterr)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (!str_eq(item->key, keys[i].name))
			continue;
		if (keys[i].read(item->value, c) == 0)
			return 0;
		return wrong(path, item->value_pos, NULL, reterr, "%s=%.64s is not %s", item->key,
			item->value, keys[i].values);
	}
	return wrong(path, item->pos, "DeadlineSec and WithoutDaemon", reterr,
		"there is no key '%.64s'", item->key);
}

static bool is_warning(const struct ini_fault *f)
{
	return f->kind == INI_CUT || f->kind == INI_CRLF;
}

static int read_ini(
	const char *path, const struct ini *ini, struct hook_conf *c, struct problem **reterr)
{
	int r = 0;

	for (size_t i = 0; i < ini->n_faults; i++)
		if (!is_warning(&ini->faults[i]))
			return wrong(path, ini->faults[i].pos, "[Hook], Key=Value and # comments",
				reterr, "this is not understood");
	for (size_t i = 0; i < ini->n_sections; i++)
		if (!str_eq(ini->sections[i].name, "Hook"))
			return wrong(path, ini->sections[i].pos, "its section is [Hook]", reterr,
				"there is no section [%.64s]", ini->sections[i].name);
	for (size_t i = 0; r == 0 && i < ini->n_items; i++)
		r = read_item(path, &ini->items[i], c, reterr);
	return r;
}

int hook_conf_read(struct host *h, const char *path, struct hook_conf *ret, struct problem **reterr)
{
	const struct hook_conf usual = { .deadline_ms = HOOK_DEADLINE_S * 1000 };
	struct hook_conf c = usual;
	autofree char *text = NULL;
	autoini ini = { 0 };
	size_t len;
	int r = conf_read(h, path, &text, &len);

	*ret = usual;
	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = ini_parse(text, len, 0, &ini);
	if (r < 0)
		return problem(reterr, r, problem_kind_from_errno(r), NULL, "%s cannot be read: %s",
			path, strerror(-r));
	r = read_ini(path, &ini, &c, reterr);
	if (r == 0)
		*ret = c;
	return r;
}
