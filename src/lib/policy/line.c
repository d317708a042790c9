// SPDX-License-Identifier: GPL-2.0-or-later
#include "line.h"

#include "base/grow.h"
#include "base/str.h"

#include <limits.h>

/* Where in a unit reading has come to. */
struct reader {
	const struct policy_keys *keys;
	struct policy_text *text;
	struct findings *findings;
	const struct policy_file *file;
	size_t first_line; /* of this file, in text->lines */
};

/* What a heading means. */
struct heading {
	int section; /* enum policy_section, -1: none that we know */
	size_t set;  /* of POLICY_VF */
};

void policy_text_done(struct policy_text *t)
{
	match_done(&t->match);
	for (size_t i = 0; i < t->n_lines; i++)
		free(t->lines[i].value);
	for (size_t i = 0; i < t->n_sets; i++)
		vf_set_done(&t->sets[i]);
	free(t->lines);
	free(t->sets);
	*t = (struct policy_text) { 0 };
}

static struct finding *wrong(
	struct reader *r, enum finding_kind kind, struct ini_pos pos, const char *what)
{
	return findings_add(
		r->findings, FINDING_ERROR, kind, r->file->path, pos, "%s", what ? what : "?");
}

/* ---- Headings ---- */

static const char *nearest_section(const char *name)
{
	static const char *const known[] = { "Match", "PF", "VF *" };
	autostrv char **all = NULL;
	const char *near;

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strv_add(&all, known[i]) < 0)
			return NULL;
	near = strv_nearest(all, name);
	for (size_t i = 0; near && i < ARRAY_SIZE(known); i++)
		if (str_eq(known[i], near))
			return known[i];
	return NULL;
}

static void unknown_section(struct reader *r, const struct ini_section *s)
{
	static const struct {
		const char *name, *hint;
	} others[] = {
		{ "SR-IOV", "for VFs write [VF 0], [VF 0-3] or [VF *]" },
		{ "Link", "for the PF write [PF]" },
		{ "Network", "for the PF write [PF]" },
		{ "VF", "say which VFs: [VF 0], [VF 0-3,7] or [VF *]" },
		{ "VFs", "write [VF 0], [VF 0-3,7] or [VF *]" },
	};
	const char *near = nearest_section(s->name);
	autofree char *what = str_printf("there is no section [%s]", s->name);
	struct finding *fd = wrong(r, FINDING_UNKNOWN_SECTION, s->pos, what);

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (strcasecmp(others[i].name, s->name) == 0) {
			finding_hint(fd, "%s", others[i].hint);
			return;
		}
	if (near)
		finding_hint(fd, "did you mean [%s]?", near);
	else
		finding_hint(fd, "there are [Match], [PF] and [VF …]");
}

static int vf_heading(struct reader *r, const struct ini_section *s, struct heading *ret)
{
	struct policy_text *t = r->text;
	const char *which = s->name + strlen("VF");
	autofree char *what = NULL;
	struct vf_set set;
	int e;

	which += strspn(which, " \t");
	e = vf_set_parse(which, &set);
	if (e == -ENOMEM)
		return e;
	if (e < 0) {
		what = str_printf("'%s' are no VFs", which);
		finding_hint(wrong(r, FINDING_BAD_VALUE, s->pos, what),
			"VFs are numbered from 0: [VF 0], [VF 0-3,7], [VF *]");
		return 0;
	}
	if (!GROW(t->sets, t->n_sets)) {
		vf_set_done(&set);
		return -ENOMEM;
	}
	*ret = (struct heading) { POLICY_VF, t->n_sets };
	t->sets[t->n_sets++] = set;
	return 0;
}

static int read_heading(struct reader *r, const struct ini_section *s, struct heading *ret)
{
	*ret = (struct heading) { .section = -1 };
	if (!*s->name) /* told by the lexer */
		return 0;
	if (str_eq(s->name, "Match")) {
		ret->section = POLICY_MATCH;
		if (!r->text->match_pos.line)
			r->text->match_pos = s->pos;
	} else if (str_eq(s->name, "PF")) {
		ret->section = POLICY_PF;
	} else if (str_starts(s->name, "VF ") || str_starts(s->name, "VF\t")) {
		return vf_heading(r, s, ret);
	} else {
		unknown_section(r, s);
	}
	return 0;
}

/* ---- Assignments ---- */

static const char *heading_text(enum policy_section s)
{
	static const char *const texts[] = {
		[POLICY_MATCH] = "[Match]",
		[POLICY_PF] = "[PF]",
		[POLICY_VF] = "[VF …]",
	};

	return texts[s];
}

static void unknown_key(struct reader *r, enum policy_section section, const struct ini_item *i)
{
	const struct policy_key *meant = policy_key_meant(r->keys, section, i->key);
	autofree char *what = str_printf("%s has no key %s=", heading_text(section), i->key);
	struct finding *fd = wrong(r, FINDING_UNKNOWN_KEY, i->pos, what);

	if (meant && meant->section == section)
		finding_hint(fd, "did you mean %s=?", meant->name);
	else if (meant)
		finding_hint(fd, "%s= belongs into %s", meant->name, heading_text(meant->section));
	else
		finding_hint(fd, "vfctl-pf.d(5) has all keys");
}

static void bad_value(
	struct reader *r, const struct policy_key *k, const struct ini_item *i, const char *value)
{
	autofree char *what = str_printf("%s=%s: not such a value", k->name, value);

	finding_hint(wrong(r, FINDING_BAD_VALUE, i->value_pos, what), "%s= takes %s%s", k->name,
		k->takes, k->stable ? ", or stable" : "");
}

static int add_match(struct reader *r, const struct policy_key *k, const struct ini_item *i)
{
	autofree char *bad = NULL;
	int e = match_add(&r->text->match, k->name, i->value, &bad);

	if (e != -EINVAL)
		return e;
	r->text->match_broken = true;
	bad_value(r, k, i, bad);
	return 0;
}

/* Of two equal lines of one file one was not meant; another file may well say it again. */
static void tell_duplicate(struct reader *r, const struct policy_line *l)
{
	const struct policy_text *t = r->text;

	for (size_t i = r->first_line; i < t->n_lines; i++) {
		const struct policy_line *other = &t->lines[i];
		autofree char *what = NULL;

		if (other->key != l->key ||
			(l->key->section == POLICY_VF &&
				!str_eq(t->sets[other->vfs].text, t->sets[l->vfs].text)))
			continue;
		what = str_printf("%s= is said twice; the first time in line %u", l->key->name,
			other->pos.line);
		finding_hint(wrong(r, FINDING_DUPLICATE, l->pos, what), "leave one of them");
		return;
	}
}

/* What two VFs must not share stands for one VF only. */
static void tell_shared(struct reader *r, const struct policy_line *l)
{
	autofree char *what = NULL;

	if (!l->value || !l->key->setting || !l->key->setting->own || str_eq(l->value, "stable") ||
		r->text->sets[l->vfs].count == 1)
		return;
	what = str_printf("%s=%s for several VFs: they would be the same", l->key->name, l->value);
	if (l->key->stable)
		finding_hint(wrong(r, FINDING_COLLISION, l->value_pos, what),
			"%s=stable gives each its own", l->key->name);
	else
		finding_hint(wrong(r, FINDING_COLLISION, l->value_pos, what),
			"say it for each VF by itself");
}

static int add_line(struct reader *r, const struct policy_key *k, const struct ini_item *i,
	const struct heading *heading)
{
	struct policy_line l = { .key = k,
		.file = r->file->path,
		.pos = i->pos,
		.value_pos = i->value_pos,
		.vfs = heading->set };
	int e = *i->value ? policy_key_value(k, i->value, &l.value) : 0;

	if (e == -EINVAL) {
		bad_value(r, k, i, i->value);
		return 0;
	}
	if (e < 0 || !GROW(r->text->lines, r->text->n_lines)) {
		free(l.value);
		return -ENOMEM;
	}
	tell_duplicate(r, &l);
	if (k->section == POLICY_VF)
		tell_shared(r, &l);
	r->text->lines[r->text->n_lines++] = l;
	return 0;
}

static int read_item(struct reader *r, const struct ini_item *i, const struct heading *headings)
{
	const struct policy_key *k;
	const struct heading *heading;

	if (i->section == INI_NO_SECTION)
		return 0;
	heading = &headings[i->section];
	if (heading->section < 0)
		return 0;
	k = policy_key_find(r->keys, (enum policy_section)heading->section, i->key);
	if (!k) {
		r->text->match_broken |= heading->section == POLICY_MATCH;
		unknown_key(r, (enum policy_section)heading->section, i);
		return 0;
	}
	return k->section == POLICY_MATCH ? add_match(r, k, i) : add_line(r, k, i, heading);
}

static int read_file(struct reader *r)
{
	const struct ini *ini = &r->file->ini;
	autofree struct heading *headings = calloc(ini->n_sections + 1, sizeof(*headings));
	int e = headings ? 0 : -ENOMEM;

	r->first_line = r->text->n_lines;
	for (size_t i = 0; e == 0 && i < ini->n_sections; i++)
		e = read_heading(r, &ini->sections[i], &headings[i]);
	for (size_t i = 0; e == 0 && i < ini->n_items; i++)
		e = read_item(r, &ini->items[i], headings);
	return e;
}

/* For every PF that there is: no file without [Match] was meant to say that. */
static void check_match(struct reader *r, const struct policy_unit *u)
{
	struct findings *f = r->findings;

	if (r->text->match.n || r->text->match_broken || !u->files[0].text)
		return;
	for (size_t i = 0; i < f->n; i++)
		if (f->v[i].kind == FINDING_NOT_TEXT && str_eq(f->v[i].file, u->files[0].path))
			return; /* what it says is not known */
	r->file = &u->files[0];
	finding_hint(
		wrong(r, FINDING_NO_MATCH, r->text->match_pos,
			r->text->match_pos.line ? "[Match] says nothing" : "there is no [Match]"),
		"say which PFs are meant; for all of them: Driver=*");
}

int policy_text_read(const struct policy_unit *u, const struct policy_keys *keys,
	struct policy_text *ret, struct findings *findings)
{
	struct policy_text t = { .name = u->name, .file = u->files[0].path };
	struct reader r = { .keys = keys, .text = &t, .findings = findings };
	int e = 0;

	for (size_t i = 0; e == 0 && i < u->n_files; i++) {
		r.file = &u->files[i];
		e = read_file(&r);
	}
	if (e < 0) {
		policy_text_done(&t);
		return e;
	}
	check_match(&r, u);
	*ret = t;
	return 0;
}
