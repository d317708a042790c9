// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * NetworkManager: [sriov] of Ethernet profiles in keyfiles, and sriov-num-vfs= in the [device…]
 * sections of NetworkManager.conf(5).
 */
#include "reader.h"

#include "base/ini.h"
#include "base/str.h"
#include "host/conf.h"
#include "policy/match.h"

static const char *const dirs[] = { "/etc/NetworkManager/system-connections",
	"/run/NetworkManager/system-connections", "/usr/lib/NetworkManager/system-connections",
	NULL };

static const char *value_of(const struct ini *ini, const char *section, const char *key)
{
	const char *found = NULL;

	for (size_t i = 0; i < ini->n_items; i++) {
		const struct ini_item *it = &ini->items[i];

		if (it->section != INI_NO_SECTION && str_eq(it->key, key) &&
			str_eq(ini->sections[it->section].name, section))
			found = it->value;
	}
	return found;
}

static bool fits(
	struct reader *r, const struct function *pf, const char *key, const char *value, bool list)
{
	CLEANUP(match_done) struct match m = { 0 };
	autofree char *text = value ? strdup(value) : NULL, *bad = NULL;

	if (!value)
		return true;
	for (char *c = text; list && c && *c; c++)
		if (*c == ';' || *c == ',')
			*c = ' ';
	return text && match_add(&m, key, text, &bad) == 0 && match_pf(&m, r->h, pf);
}

static bool is_meant(struct reader *r, const struct ini *ini, const struct function *pf)
{
	const char *mac = value_of(ini, "ethernet", "mac-address");

	return pf->n_netdevs &&
	       fits(r, pf, "Name", value_of(ini, "connection", "interface-name"), false) &&
	       fits(r, pf, "PermanentMACAddress",
		       mac ? mac : value_of(ini, "802-3-ethernet", "mac-address"), false) &&
	       fits(r, pf, "Name", value_of(ini, "match", "interface-name"), true) &&
	       fits(r, pf, "Driver", value_of(ini, "match", "driver"), true) &&
	       fits(r, pf, "Path", value_of(ini, "match", "path"), true);
}

/* "100.2.ad": id, priority, protocol; of several only one can be ours. */
static void say_vlans(struct reader *r, struct bdf pf, int vf, char *vlans, const char *said)
{
	char *qos, *proto = NULL;

	if (strchr(vlans, ';')) {
		reader_doubt(r, "%s: several VLANs of one VF", said);
		return;
	}
	qos = strchr(vlans, '.');
	if (qos)
		*qos++ = '\0';
	if (qos && (proto = strchr(qos, '.')))
		*proto++ = '\0';
	reader_say_setting(r, pf, vf, "vlan", vlans, said);
	if (qos && *qos)
		reader_say_setting(r, pf, vf, "qos", qos, said);
	if (proto)
		reader_say_setting(
			r, pf, vf, "proto", str_eq(proto, "ad") ? "802.1ad" : "802.1q", said);
}

static void say_attribute(struct reader *r, struct bdf pf, int vf, char *word, const char *said)
{
	static const struct {
		const char *theirs, *ours;
	} names[] = { { "mac", "mac" }, { "spoof-check", "spoofchk" }, { "trust", "trust" },
		{ "min-tx-rate", "min-rate" }, { "max-tx-rate", "max-rate" } };
	char *value = strchr(word, '=');

	if (value)
		*value++ = '\0';
	if (value && str_eq(word, "vlans")) {
		say_vlans(r, pf, vf, value, said);
		return;
	}
	for (size_t i = 0; value && i < ARRAY_SIZE(names); i++)
		if (str_eq(word, names[i].theirs)) {
			reader_say_setting(r, pf, vf, names[i].ours, value, said);
			return;
		}
	reader_doubt(r, "%s: %s is not known", said, word);
}

static void say_vf(struct reader *r, struct bdf pf, const struct ini_item *it, const char *said)
{
	autofree char *words = strdup(it->value);
	char *save = NULL;
	uint32_t vf;

	if (parse_u32(it->key + strlen("vf."), &vf) < 0 || vf > UINT16_MAX) {
		reader_doubt(r, "%s: no number of a VF", said);
		return;
	}
	for (char *w = words ? strtok_r(words, " \t", &save) : NULL; w;
		w = strtok_r(NULL, " \t", &save))
		say_attribute(r, pf, (int)vf, w, said);
}

/* NetworkManager writes its enumerations as numbers; -1 leaves things as they are. */
static void say_mode(struct reader *r, struct bdf pf, const char *value, const char *said)
{
	if (str_eq(value, "-1") || str_eq(value, "preserve"))
		return;
	reader_say_setting(r, pf, FOREIGN_ITSELF, "eswitch-mode",
		str_eq(value, "0")   ? "legacy"
		: str_eq(value, "1") ? "switchdev"
				     : value,
		said);
}

static void say(struct reader *r, const struct ini *ini, const struct function *pf)
{
	for (size_t i = 0; i < ini->n_items; i++) {
		const struct ini_item *it = &ini->items[i];
		autofree char *said = str_printf("%s=%s", it->key, it->value);
		bool yes;

		r->at.line = it->pos.line;
		if (!said || it->section == INI_NO_SECTION ||
			!str_eq(ini->sections[it->section].name, "sriov"))
			continue;
		if (str_eq(it->key, "total-vfs"))
			reader_say_count(r, pf->bdf, "num-vfs", it->value, said);
		else if (str_eq(it->key, "eswitch-mode"))
			say_mode(r, pf->bdf, it->value, said);
		else if (str_starts(it->key, "vf."))
			say_vf(r, pf->bdf, it, said);
		else if (str_eq(it->key, "autoprobe-drivers") && !str_eq(it->value, "-1")) {
			if (parse_bool(it->value, &yes) < 0)
				reader_doubt(r, "%s: neither true nor false", said);
			else
				reader_say(r, pf->bdf, FOREIGN_ITSELF, "autoprobe",
					yes ? "yes" : "no", said);
		}
	}
}

static void read_profile(struct reader *r, const char *path)
{
	autoini ini = { 0 };
	autofree char *text;
	const char *type;
	size_t len;

	text = reader_open(r, path, &len);
	if (!text)
		return;
	if (ini_parse(text, len, 0, &ini) < 0) {
		r->error = -ENOMEM;
		return;
	}
	type = value_of(&ini, "connection", "type");
	if (type && !str_eq(type, "ethernet") && !str_eq(type, "802-3-ethernet") &&
		!str_eq(type, "infiniband"))
		return;
	for (size_t i = 0; i < r->inv->n_functions; i++)
		if (r->inv->functions[i].kind == FUNCTION_PF &&
			is_meant(r, &ini, &r->inv->functions[i]))
			say(r, &ini, &r->inv->functions[i]);
}

/* In /etc, and only there, a profile may have any name that no editor leaves behind. */
static void read_others(struct reader *r)
{
	autostrv char **names = NULL;

	if (conf_list(r->h, dirs[0], "", &names) < 0)
		return;
	STRV_FOREACH (it, names) {
		autofree char *path = NULL;

		if (**it == '.' || str_ends(*it, ".nmconnection") || str_ends(*it, "~") ||
			str_ends(*it, ".swp") || str_ends(*it, ".bak"))
			continue;
		path = str_printf("%s/%s", dirs[0], *it);
		if (path && !conf_is_masked(r->h, path))
			read_profile(r, path);
	}
}

/* ---- NetworkManager.conf ---- */

/* One word of match-device=, "except:" taken off. */
static bool spec_fits(struct reader *r, const struct function *pf, const char *spec)
{
	static const struct {
		const char *theirs, *ours;
	} kinds[] = { { "interface-name:", "Name" }, { "mac:", "PermanentMACAddress" },
		{ "driver:", "Driver" } };

	if (str_eq(spec, "*") || str_eq(spec, "type:ethernet"))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (str_starts(spec, kinds[i].theirs)) {
			spec += strlen(kinds[i].theirs);
			spec += i == 0 && (*spec == '=' || *spec == '~');
			return fits(r, pf, kinds[i].ours, spec, false);
		}
	if (strchr(spec, ':')) {
		reader_doubt(r, "match-device=%s: not known, taken not to fit", spec);
		return false;
	}
	return fits(r, pf, "Name", spec, false);
}

/* Any of them, and none of those that are excepted; with exceptions alone, all others. */
static bool specs_fit(struct reader *r, const struct function *pf, const char *specs)
{
	static const char except[] = "except:";
	autofree char *list = strdup(specs ? specs : "*");
	bool any = false, named = false;
	char *save = NULL;

	for (char *w = list ? strtok_r(list, ",; \t", &save) : NULL; w;
		w = strtok_r(NULL, ",; \t", &save)) {
		if (!str_starts(w, except)) {
			named = true;
			any |= spec_fits(r, pf, w);
		} else if (spec_fits(r, pf, w + strlen(except))) {
			return false;
		}
	}
	return any || !named;
}

static const char *in_section(const struct ini *ini, size_t section, const char *key, unsigned *ret)
{
	const char *found = NULL;

	for (size_t i = 0; i < ini->n_items; i++)
		if (ini->items[i].section == section && str_eq(ini->items[i].key, key)) {
			found = ini->items[i].value;
			*ret = ini->items[i].pos.line;
		}
	return found;
}

static void say_of_devices(struct reader *r, const struct ini *ini, size_t section)
{
	unsigned line = 0, match_line = 0;
	const char *count = in_section(ini, section, "sriov-num-vfs", &line);
	const char *match = in_section(ini, section, "match-device", &match_line);
	autofree char *said = str_printf("sriov-num-vfs=%s", count ? count : "");

	r->at.line = line;
	for (size_t i = 0; count && said && i < r->inv->n_functions; i++) {
		const struct function *pf = &r->inv->functions[i];

		if (pf->kind == FUNCTION_PF && pf->n_netdevs && specs_fit(r, pf, match))
			reader_say_count(r, pf->bdf, "num-vfs", count, said);
	}
}

static void read_conf(struct reader *r, const char *path)
{
	autoini ini = { 0 };
	autofree char *text;
	size_t len;

	text = reader_open(r, path, &len);
	if (!text)
		return;
	if (ini_parse(text, len, 0, &ini) < 0) {
		r->error = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < ini.n_sections; i++)
		if (str_starts(ini.sections[i].name, "device"))
			say_of_devices(r, &ini, i);
}

static void read_confs(struct reader *r)
{
	static const char *const conf_dirs[] = { "/etc/NetworkManager/conf.d",
		"/run/NetworkManager/conf.d", "/usr/lib/NetworkManager/conf.d", NULL };
	autounits units = { 0 };

	if (units_find(r->h, conf_dirs, ".conf", &units) < 0) {
		r->error = -ENOMEM;
		return;
	}
	read_conf(r, "/etc/NetworkManager/NetworkManager.conf");
	for (size_t i = 0; i < units.n && r->error == 0; i++)
		read_conf(r, units.v[i].paths[0]);
}

void foreign_read_networkmanager(struct reader *r)
{
	autounits units = { 0 };

	if (units_find(r->h, dirs, ".nmconnection", &units) < 0) {
		r->error = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < units.n && r->error == 0; i++)
		read_profile(r, units.v[i].paths[0]);
	if (r->error == 0)
		read_others(r);
	if (r->error == 0)
		read_confs(r);
}
