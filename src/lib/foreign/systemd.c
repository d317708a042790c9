// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * systemd-udevd's *.link and systemd-networkd's *.network. Of all files of a kind, the first whose
 * [Match] fits an interface is the only one that counts, whatever it says.
 */
#include "reader.h"

#include "base/ini.h"
#include "base/str.h"
#include "policy/match.h"

static const char *const dirs[] = { "/etc/systemd/network", "/run/systemd/network",
	"/usr/local/lib/systemd/network", "/usr/lib/systemd/network", "/lib/systemd/network",
	NULL };

struct part {
	const char *path; /* the unit's */
	struct ini ini;
};

struct parsed {
	struct part *v;
	size_t n;
	struct match match;
	bool has_match;
	bool other_types; /* [Match] Type= names other interfaces than Ethernet's */
	char *doubt;	  /* a condition that cannot be looked at here; the file counts */
};

static void parsed_done(struct parsed *p)
{
	for (size_t i = 0; i < p->n; i++)
		ini_done(&p->v[i].ini);
	free(p->v);
	match_done(&p->match);
	free(p->doubt);
}

static const char *section_of(const struct ini *ini, const struct ini_item *it)
{
	return it->section == INI_NO_SECTION ? "" : ini->sections[it->section].name;
}

static bool holds_ether(const char *types)
{
	bool turned = *types == '!';
	bool named = strstr(types, "ether") || strchr(types, '*');

	return turned ? !named : named;
}

static void read_match(struct parsed *p, const struct ini_item *it)
{
	autofree char *bad = NULL;
	int r;

	p->has_match = true;
	if (str_eq(it->key, "Type")) {
		p->other_types = !holds_ether(it->value);
		return;
	}
	r = match_add(&p->match, it->key, it->value, &bad);
	/* A value that can never match is no reason to match without it. */
	if (r == -EINVAL)
		p->other_types = true;
	else if (r == -ENOENT && !p->doubt)
		p->doubt = str_printf("%s=%s", it->key, it->value);
}

static int parse(struct reader *r, const struct unit *u, struct parsed *p)
{
	p->v = calloc(strv_len(u->paths), sizeof(*p->v));
	if (!p->v)
		return -ENOMEM;
	STRV_FOREACH (it, u->paths) {
		size_t len;
		autofree char *text = reader_open(r, *it, &len);
		struct part *part = &p->v[p->n];

		if (!text)
			continue;
		if (ini_parse(text, len, 0, &part->ini) < 0)
			return -ENOMEM;
		part->path = *it;
		p->n++;
		for (size_t k = 0; k < part->ini.n_items; k++)
			if (str_eq(section_of(&part->ini, &part->ini.items[k]), "Match"))
				read_match(p, &part->ini.items[k]);
	}
	return 0;
}

/* Whose VF the section is about; -1: it does not say. */
static int vf_of(const struct ini *ini, size_t section)
{
	uint32_t n;

	for (size_t i = 0; i < ini->n_items; i++)
		if (ini->items[i].section == section &&
			str_eq(ini->items[i].key, "VirtualFunction"))
			return parse_u32(ini->items[i].value, &n) == 0 && n < UINT16_MAX ? (int)n
											 : -1;
	return -1;
}

static void say_of_vf(struct reader *r, const struct function *pf, const struct ini *ini,
	const struct ini_item *it, const char *said)
{
	const struct policy_key *key = policy_key_find(&r->keys, POLICY_VF, it->key);
	autofree char *value = NULL;
	int vf = vf_of(ini, it->section);

	if (str_eq(it->key, "VirtualFunction"))
		return;
	if (!key || !key->setting)
		reader_doubt(r, "[SR-IOV] %s: not known", said);
	else if (vf < 0)
		reader_doubt(r, "[SR-IOV] %s: of which VirtualFunction=?", said);
	else if (policy_key_value(key, it->value, &value) < 0)
		reader_doubt(r, "[SR-IOV] %s: no such value", said);
	else
		reader_say(r, pf->bdf, vf, key->setting->name, value, said);
}

static void say(struct reader *r, const struct function *pf, const struct parsed *p)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct ini *ini = &p->v[i].ini;

		r->at.file = p->v[i].path;
		for (size_t k = 0; k < ini->n_items; k++) {
			const struct ini_item *it = &ini->items[k];
			autofree char *said = str_printf("%s=%s", it->key, it->value);

			r->at.line = it->pos.line;
			if (!said || !*it->value)
				continue;
			if (str_eq(it->key, "SR-IOVVirtualFunctions") &&
				str_eq(section_of(ini, it), "Link"))
				reader_say_count(r, pf->bdf, "num-vfs", it->value, said);
			else if (str_eq(section_of(ini, it), "SR-IOV"))
				say_of_vf(r, pf, ini, it, said);
		}
	}
}

static bool says_something(const struct parsed *p)
{
	for (size_t i = 0; i < p->n; i++)
		for (size_t k = 0; k < p->v[i].ini.n_items; k++)
			if (str_eq(p->v[i].ini.items[k].key, "SR-IOVVirtualFunctions") ||
				str_eq(section_of(&p->v[i].ini, &p->v[i].ini.items[k]), "SR-IOV"))
				return true;
	return false;
}

static bool is_meant(struct reader *r, const struct parsed *p, const struct function *pf)
{
	return p->has_match && !p->other_types && match_machine(&p->match, r->h) &&
	       match_pf(&p->match, r->h, pf);
}

static void read_kind(struct reader *r, const char *suffix)
{
	autofree bool *taken = calloc(r->inv->n_functions + 1, sizeof(*taken));
	autounits units = { 0 };

	if (!taken || units_find(r->h, dirs, suffix, &units) < 0) {
		r->error = -ENOMEM;
		return;
	}
	for (size_t u = 0; u < units.n && r->error == 0; u++) {
		CLEANUP(parsed_done) struct parsed p = { 0 };
		bool doubted = false;

		r->error = parse(r, &units.v[u], &p);
		for (size_t i = 0; r->error == 0 && i < r->inv->n_functions; i++) {
			const struct function *pf = &r->inv->functions[i];

			if (pf->kind != FUNCTION_PF || !pf->n_netdevs || taken[i] ||
				!is_meant(r, &p, pf))
				continue;
			taken[i] = !p.doubt;
			say(r, pf, &p);
			if (p.doubt && !doubted && says_something(&p)) {
				r->at.file = units.v[u].paths[0];
				r->at.line = 0;
				reader_doubt(r, "[Match] %s is taken to hold", p.doubt);
				doubted = true;
			}
		}
	}
}

void foreign_read_systemd(struct reader *r)
{
	read_kind(r, ".link");
	if (r->error == 0)
		read_kind(r, ".network");
}
