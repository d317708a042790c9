// SPDX-License-Identifier: GPL-2.0-or-later
#include "setting.h"
#include "kinds.h"

#include "base/str.h"
#include "holder/holder.h"

/* What changes who is there to be set comes first: the eswitch, then attributes, then devices. */
static const struct setting_kind *const kinds[] = {
	&devlink_kind,
	&network_kind,
	&nvme_kind,
	&msix_kind,
	&xe_kind,
	&qat_kind,
};

const struct setting_kind *setting_kind_at(unsigned i)
{
	return i < ARRAY_SIZE(kinds) ? kinds[i] : NULL;
}

const struct setting_kind *setting_kind_of(const struct setting_key *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (key >= kinds[i]->keys && key < kinds[i]->keys + kinds[i]->n_keys)
			return kinds[i];
	return NULL;
}

const char *setting_key_kind(const struct setting_key *key)
{
	const struct setting_kind *kind = setting_kind_of(key);

	return kind ? kind->name : NULL;
}

const struct setting_key *setting_key_at(unsigned i)
{
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		if (i < kinds[k]->n_keys)
			return &kinds[k]->keys[i];
		i -= (unsigned)kinds[k]->n_keys;
	}
	return NULL;
}

const struct setting_key *setting_key_find(const char *word)
{
	size_t len = strcspn(word, "=");
	const struct setting_key *key;

	for (unsigned i = 0; (key = setting_key_at(i)); i++)
		if (strlen(key->name) == len && strncmp(key->name, word, len) == 0)
			return key;
	return NULL;
}

const char *setting_driver(const struct function *f)
{
	return f->physfn ? f->physfn->driver : f->driver;
}

enum setting_level setting_level_of(const struct function *f)
{
	return f->physfn ? SETTING_OF_VF : SETTING_OF_PF;
}

/* ---- Checking ---- */

static int check_word(const char *word, struct problem **reterr)
{
	autofree char *value = NULL, *safe = NULL;

	if (strchr(word, '='))
		return setting_value(word, &value, reterr);
	safe = str_printable(word);
	return problem(reterr, -EINVAL, PROBLEM_USAGE,
		"vfctl set VF KEY=VALUE…, one selector and then what to set",
		"'%s' is not KEY=VALUE", safe ? safe : "?");
}

/* Two keys that no function has both of. */
static int check_pair(
	const struct setting_key *a, const struct setting_key *b, struct problem **reterr)
{
	const struct setting_kind *ka = setting_kind_of(a), *kb = setting_kind_of(b);

	if (a == b)
		return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL, "%s is given twice", a->name);
	if (ka->class_word && kb->class_word && !str_eq(ka->class_word, kb->class_word))
		return problem(reterr, -EINVAL, PROBLEM_USAGE, "set them apart from each other",
			"no function has both %s (%s) and %s (%s)", a->name, ka->name, b->name,
			kb->name);
	if (!(a->level & b->level))
		return problem(reterr, -EINVAL, PROBLEM_USAGE, "set them apart from each other",
			"%s is set for %s, %s for %s", a->name,
			a->level & SETTING_OF_PF ? "a PF" : "VFs", b->name,
			b->level & SETTING_OF_PF ? "a PF" : "VFs");
	return 0;
}

int settings_check(const char *const *words, size_t n, struct problem **reterr)
{
	for (size_t i = 0; i < n; i++) {
		int r = check_word(words[i], reterr);

		for (size_t k = 0; r == 0 && k < i; k++)
			r = check_pair(
				setting_key_find(words[k]), setting_key_find(words[i]), reterr);
		if (r < 0)
			return r;
	}
	return 0;
}

static int wrong_level(
	const struct setting_key *key, const struct function *f, struct problem **reterr)
{
	if (f->physfn)
		return problem(reterr, -ENODEV, PROBLEM_UNSUPPORTED, "name the PF instead",
			"%s is a VF: %s is set for its PF, %s", f->address, key->name,
			f->physfn->address);
	problem(reterr, -ENODEV, PROBLEM_UNSUPPORTED, NULL, "%s is not a VF: %s is set for VFs",
		f->address, key->name);
	if (f->kind == FUNCTION_PF)
		problem_hint(reterr, "its VFs are %s/vf0 and so on", f->address);
	return -ENODEV;
}

int settings_suit(
	const struct function *f, const char *const *words, size_t n, struct problem **reterr)
{
	for (size_t i = 0; i < n; i++) {
		const struct setting_key *key = setting_key_find(words[i]);
		const struct setting_kind *kind = key ? setting_kind_of(key) : NULL;
		int r;

		if (!kind)
			return check_word(words[i], reterr);
		if (!(key->level & setting_level_of(f)))
			return wrong_level(key, f, reterr);
		r = kind->suits ? kind->suits(f, reterr) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

const char *settings_unique(const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct setting_key *key = setting_key_find(words[i]);

		if (key && key->own)
			return words[i];
	}
	return NULL;
}

/* ---- Setting ---- */

void application_add(struct application *app, const char *word, int code, struct problem *p)
{
	bool known = code > 0 || (p && p->kind == PROBLEM_UNSUPPORTED);

	if (known && !app->opts->dry_run && app->opts->learned_dir)
		learned_add(app->host, app->opts->learned_dir, setting_driver(app->f),
			setting_key_find(word), code);
	app->told++;
	if (app->sum >= 0)
		app->sum = code < 0 ? code : app->sum | (code > 0);
	if (app->opts->result)
		app->opts->result(app->opts->arg, app->f, word, code, p);
	else
		problem_free(p);
}

int setting_vfs_unused(struct application *app, const char *verb, struct problem **reterr)
{
	const struct function *pf = app->f;
	autofree struct bdf *vfs = calloc(pf->n_vfs + 1, sizeof(*vfs));
	autoholders holders = { 0 };
	int r;

	if (app->opts->allow_in_use || !pf->n_vfs)
		return 0;
	if (!vfs)
		return -ENOMEM;
	for (size_t i = 0; i < pf->n_vfs; i++)
		vfs[i] = pf->vfs[i]->bdf;
	r = holders_find(app->host, vfs, pf->n_vfs, &holders);
	return r < 0 ? r : holders_refuse(&holders, verb, reterr);
}

static bool is_so(const struct setting_kind *kind, const struct setting_key *key, const char *want,
	const char *is)
{
	return is && (kind->same ? kind->same(key, want, is) : str_eq(want, is));
}

/* What the device tells after it took the value; who tells nothing is believed. */
static int verify(struct application *app, const struct setting_key *key, const char *want,
	struct problem **reterr)
{
	const char *driver = setting_driver(app->f);
	autofree char *is = NULL;
	int r = setting_read(app->host, app->f, key->name, &is, NULL);

	if (r < 0 || is_so(setting_kind_of(key), key, want, is))
		return 1;
	return problem(reterr, -EIO, PROBLEM_UNSUPPORTED, NULL,
		"%s: %s accepted %s=%s, but reports %s", app->f->address,
		driver ? driver : "the kernel", key->name, want, is);
}

static int apply_one(struct application *app, const struct setting_kind *kind, const char *word,
	struct problem **reterr)
{
	const struct setting_key *key = setting_key_find(word);
	autofree char *want = NULL, *is = NULL;
	int r = setting_value(word, &want, reterr);

	if (r < 0)
		return r;
	if (setting_read(app->host, app->f, key->name, &is, NULL) == 0 &&
		is_so(kind, key, want, is))
		return 0;
	if (app->opts->dry_run)
		return 1;
	r = kind->write(app, key, want, reterr);
	return r ? r : verify(app, key, want, reterr);
}

static int apply_each(
	struct application *app, const struct setting_kind *kind, const struct settings *s)
{
	for (size_t i = 0; i < s->n; i++) {
		struct problem *p = NULL;
		int r = apply_one(app, kind, s->words[i], &p);

		application_add(app, s->words[i], r, p);
	}
	return 0;
}

/* The words of one kind, in the order of its table. */
static int words_of(
	const struct setting_kind *kind, const struct settings *all, struct settings *ret)
{
	const char **own = calloc(all->n + 1, sizeof(*own));
	size_t n = 0;

	if (!own)
		return -ENOMEM;
	for (size_t k = 0; k < kind->n_keys; k++)
		for (size_t i = 0; i < all->n; i++)
			if (setting_key_find(all->words[i]) == &kind->keys[k])
				own[n++] = all->words[i];
	*ret = (struct settings) { own, n };
	return 0;
}

static int apply_kind(struct application *app, const struct setting_kind *kind,
	const struct settings *all, struct problem **reterr)
{
	struct settings own = { 0 };
	int r = words_of(kind, all, &own);

	if (r == 0 && own.n)
		r = kind->apply ? kind->apply(app, &own, reterr) : apply_each(app, kind, &own);
	free((void *)(uintptr_t)own.words);
	return r;
}

int settings_apply(struct host *h, const struct function *f, const char *const *words, size_t n,
	const struct setting_opts *opts, struct problem **reterr)
{
	struct application app = { .host = h, .f = f, .opts = opts };
	const struct settings all = { words, n };

	if (h->captured && !opts->dry_run)
		return problem(reterr, -EROFS, PROBLEM_READ_ONLY, NULL,
			"%s is of a captured machine: nothing can be set", f->address);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		int r = apply_kind(&app, kinds[i], &all, reterr);

		if (r < 0)
			return r;
	}
	return app.sum;
}
