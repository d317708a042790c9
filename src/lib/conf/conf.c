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
	for (size_t i = 0; i < ini->n_sections; i++)
		if (!has_section(ini->sections[i].name))
			complain(c, CONF_NO_SECTION, ini->sections[i].pos, NULL,
				"there is no section [%.64s]", ini->sections[i].name);
	for (size_t i = 0; i < ini->n_items; i++) {
		const struct ini_item *item = &ini->items[i];
		const char *section =
			item->section == INI_NO_SECTION ? NULL : ini->sections[item->section].name;

		if (section && has_section(section))
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
