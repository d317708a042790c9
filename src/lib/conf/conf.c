// SPDX-License-Identifier: GPL-2.0-or-later
#include "conf.h"

#include "base/str.h"
#include "host/conf.h"

#include <stdio.h>

static bool words(const char *value UNUSED)
{
	return true;
}

static bool bytes(const char *value)
{
	uint64_t n;

	return str_eq(value, "infinity") || parse_bytes(value, &n) == 0;
}

static bool deadline(const char *value)
{
	uint32_t n;

	return parse_u32(value, &n) == 0 && n >= 1 && n <= CONF_DEADLINE_MAX_S;
}

static bool without(const char *value)
{
	return str_eq(value, "check") || str_eq(value, "refuse");
}

const struct conf_key conf_keys[] = {
#define CONF(section, key, is, takes, unset, help) { section, key, is, takes, unset, help },
#include "conf.def"
#undef CONF
};
const size_t n_conf_keys = ARRAY_SIZE(conf_keys);

const struct conf_key *conf_key_find(const char *section, const char *name)
{
	for (size_t i = 0; i < n_conf_keys; i++)
		if (str_eq(conf_keys[i].section, section) && str_eq(conf_keys[i].name, name))
			return &conf_keys[i];
	return NULL;
}

int conf_find(struct host *h, char **ret_path, char **ret_text, size_t *ret_len)
{
	static const char *const places[] = { CONF_FILE, "/run/vfctl/vfctl.conf",
		"/usr/lib/vfctl/vfctl.conf" };

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		autofree char *path = strdup(places[i]);
		int r;

		if (!path)
			return -ENOMEM;
		if (conf_is_masked(h, path))
			break;
		r = conf_read(h, path, ret_text, ret_len);
		if (r == -ENOENT || r == -ENOTDIR)
			continue;
		*ret_path = TAKE_PTR(path);
		return r;
	}
	return -ENOENT;
}

struct check {
	conf_complain *complain;
	void *arg;
	const char *path;
	const char *section; /* NULL: all */
	int n;
};

static void complain(struct check *c, enum conf_fault fault, struct ini_pos at, const char *hint,
	const char *fmt, ...) PRINTF(5, 6);
static void complain(struct check *c, enum conf_fault fault, struct ini_pos at, const char *hint,
	const char *fmt, ...)
{
	autofree char *text = NULL, *safe = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	safe = text ? str_printable(text) : NULL;
	c->complain(c->arg, fault, c->path, at, safe ? safe : "memory ran out", hint);
	c->n++;
}

static bool has_section(const char *name)
{
	for (size_t i = 0; i < n_conf_keys; i++)
		if (str_eq(conf_keys[i].section, name))
			return true;
	return false;
}

static void check_item(struct check *c, const char *section, const struct ini_item *item)
{
	const struct conf_key *k = conf_key_find(section, item->key);

	if (!k)
		complain(c, CONF_NO_KEY, item->pos, NULL, "[%s] has no key '%.64s'", section,
			item->key);
	else if (!k->is(item->value))
		complain(c, CONF_BAD_VALUE, item->value_pos, k->takes,
			"%s=%.64s is none of its values", item->key, item->value);
}

static void check_ini(struct check *c, const struct ini *ini)
{
	for (size_t i = 0; i < ini->n_faults; i++)
		if (ini->faults[i].kind != INI_CUT && ini->faults[i].kind != INI_CRLF)
			complain(c, CONF_SYNTAX, ini->faults[i].pos,
				"[Section], Key=Value and # comments", "this is not understood");
	for (size_t i = 0; i < ini->n_sections && !c->section; i++)
		if (!has_section(ini->sections[i].name))
			complain(c, CONF_NO_SECTION, ini->sections[i].pos, NULL,
				"there is no section [%.64s]", ini->sections[i].name);
	for (size_t i = 0; i < ini->n_items; i++) {
		const struct ini_item *item = &ini->items[i];
		const char *section =
			item->section == INI_NO_SECTION ? NULL : ini->sections[item->section].name;

		if (section && (c->section ? str_eq(section, c->section) : has_section(section)))
			check_item(c, section, item);
	}
}

int conf_check(struct host *h, conf_complain *tell, void *arg)
{
	autofree char *path = NULL, *text = NULL;
	autoini ini = { 0 };
	struct check c = { .complain = tell, .arg = arg };
	size_t len;
	int r = conf_find(h, &path, &text, &len);

	if (r == -ENOENT || r == -ENOMEM)
		return r == -ENOENT ? 0 : r;
	c.path = path;
	if (r < 0) {
		complain(&c, CONF_UNREADABLE, (struct ini_pos) { 0 }, NULL, "it cannot be read: %s",
			strerror(-r));
		return c.n;
	}
	r = ini_parse(text, len, 0, &ini);
	if (r < 0)
		return r;
	check_ini(&c, &ini);
	return c.n;
}

/* ---- One section ---- */

struct first {
	struct problem *problem;
};

static void keep_first(void *arg, enum conf_fault fault UNUSED, const char *path, struct ini_pos at,
	const char *what, const char *hint)
{
	struct first *f = arg;

	if (!f->problem)
		problem(&f->problem, -EINVAL, PROBLEM_USAGE, hint, "%s:%u: %s", path, at.line,
			what);
}

static int take_section(const struct ini *ini, const char *section, conf_take *take, void *arg)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ini->n_items; i++) {
		const struct ini_item *item = &ini->items[i];

		if (item->section != INI_NO_SECTION &&
			str_eq(ini->sections[item->section].name, section))
			r = take(arg, item->key, item->value);
	}
	return r;
}

int conf_read_section(
	struct host *h, const char *section, conf_take *take, void *arg, struct problem **reterr)
{
	autofree char *path = NULL, *text = NULL;
	autoini ini = { 0 };
	struct first first = { NULL };
	struct check c = { .complain = keep_first, .arg = &first, .section = section };
	size_t len = 0;
	int r = conf_find(h, &path, &text, &len);

	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = ini_parse(text, len, 0, &ini);
	if (r < 0)
		return problem(reterr, r, problem_kind_from_errno(r), NULL, "%s cannot be read: %s",
			path ? path : CONF_FILE, strerror(-r));
	c.path = path;
	check_ini(&c, &ini);
	if (c.n) {
		if (reterr)
			*reterr = TAKE_PTR(first.problem);
		problem_free(first.problem);
		return -EINVAL;
	}
	r = take_section(&ini, section, take, arg);
	return r < 0 ? problem(reterr, r, PROBLEM_NO_MEMORY, NULL, "out of memory") : 0;
}
