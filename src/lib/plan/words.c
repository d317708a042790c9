// SPDX-License-Identifier: GPL-2.0-or-later
/* Settings in a plan: which differ, and when each is set. */
#include "pf.h"

#include "base/str.h"
#include "setting/setting.h"

/* Facts that no setting is: see now.h. */
static const struct setting_key *key_of(const char *word)
{
	return setting_key_find(word);
}

bool setting_is_so(struct maker *m, int vf, const char *word)
{
	const char *now = now_value(m->now, m->f->bdf, vf, word);
	autofree char *value = NULL;

	return now && setting_value(word, &value, NULL) == 0 && str_eq(value, now);
}

/* "KEY=VALUE" of what is there; NULL: not known, or no memory. */
static char *word_now(struct maker *m, int vf, const char *word)
{
	const char *now = now_value(m->now, m->f->bdf, vf, word);

	return now ? maker_text(m, str_printf("%.*s=%s", (int)strcspn(word, "="), word, now))
		   : NULL;
}

/* What cannot be told back cannot be undone either. */
static void add_way_back(struct maker *m, struct step *s, int vf)
{
	autostrv char **words = NULL;
	autostrbuf was = { 0 };
	struct action *back;

	STRV_FOREACH (w, s->todo.words) {
		autofree char *now = word_now(m, vf, *w);

		if (!now)
			continue;
		maker_word(m, &words, now);
		strbuf_add(&was, "%s%s", was.len ? " " : "", now);
	}
	m->failed |= was.failed;
	if (!words)
		return;
	maker_copy(m, &s->was, was.s);
	back = actions_add(&s->back, ACTION_SETTINGS, m->f->bdf, vf);
	if (back)
		back->words = TAKE_PTR(words);
	else
		m->failed = true;
}

/* All or none: words may need each other (an NVMe controller's queues its coming online). */
void add_settings(struct maker *m, enum stage stage, int vf, char *const *words, bool fresh)
{
	bool differ = fresh && words && *words;
	struct step *s;

	STRV_FOREACH (w, words)
		differ = differ || !setting_is_so(m, vf, *w);
	if (!differ)
		return;
	s = maker_add(m, stage, ACTION_SETTINGS, vf, NULL);
	if (!s)
		return;
	STRV_FOREACH (w, words)
		maker_word(m, &s->todo.words, *w);
	if (!fresh)
		add_way_back(m, s, vf);
}

/* A VF that is not there yet has none of them, and none again if it does not come. */
void add_resources(struct maker *m, int vf, char *const *words)
{
	struct step *s = words ? maker_add(m, STAGE_RESOURCES, ACTION_SETTINGS, vf, NULL) : NULL;
	struct action *back = s ? actions_add(&s->back, ACTION_SETTINGS, m->f->bdf, vf) : NULL;

	m->failed |= words && !back;
	STRV_FOREACH (w, back ? words : NULL) {
		autofree char *none =
			maker_text(m, str_printf("%.*s=0", (int)strcspn(*w, "="), *w));

		maker_word(m, &s->todo.words, *w);
		if (none)
			maker_word(m, &back->words, none);
	}
}

/* The VF as it will be, for what only asks its kind. */
static bool words_suit(struct maker *m, int vf, char *const *words)
{
	struct function f = { .kind = FUNCTION_VF,
		.id = m->f->id,
		.class_word = m->f->class_word,
		.physfn = inventory_find_bdf(m->inv, m->f->bdf),
		.vf_index = vf };
	const char *const *list = (const char *const *)words;
	struct problem *p = NULL;
	size_t n = strv_len(words);
	int r = settings_check(list, n, &p);

	bdf_format(m->f->bdf, f.address);
	if (r == 0)
		r = settings_suit(vf == OF_ITSELF ? m->f : &f, list, n, &p);
	if (r < 0)
		maker_refuse(m, p);
	return r == 0;
}

bool plan_words_fit(struct maker *m, int vf, char *const *words)
{
	return !words || !*words || words_suit(m, vf, words);
}

bool word_is(const char *word, enum setting_when when)
{
	const struct setting_key *key = key_of(word);

	return key && key->when == when;
}

/* Of an NVMe VF: before the VFs are made (NVM Express, virtualisation enhancements). */
bool word_is_resource(const char *word)
{
	return str_starts(word, "vq=") || str_starts(word, "vi=");
}

void plan_settings(struct maker *m, int vf, char *const *words)
{
	autostrv char **before = NULL, **after = NULL;

	if (!words || !plan_words_fit(m, vf, words))
		return;
	STRV_FOREACH (w, words)
		maker_word(m, word_is(*w, SETTING_BEFORE_VFS) ? &before : &after, *w);
	add_settings(m, STAGE_BEFORE, vf, before, false);
	add_settings(m, STAGE_AFTER, vf, after, false);
}

void remember_vfs(struct maker *m, struct actions *back)
{
	for (size_t i = 0; i < m->f->n_vfs; i++) {
		const struct function *vf = m->f->vfs[i];
		struct action *a = actions_add(back, ACTION_SETTINGS, m->f->bdf, vf->vf_index);
		size_t n;
		const struct now_fact *facts = now_facts(m->now, m->f->bdf, vf->vf_index, &n);

		if (!a) {
			m->failed = true;
			return;
		}
		for (; n--; facts++)
			if (key_of(facts->word))
				maker_word(m, &a->words, facts->word);
		if (!a->words)
			back->n--;
		a = actions_add(back, ACTION_DRIVER, m->f->bdf, vf->vf_index);
		if (!a) {
			m->failed = true;
			return;
		}
		maker_copy(m, &a->driver, vf->driver ? vf->driver : "");
		maker_copy(m, &a->override, vf->driver_override ? vf->driver_override : "");
	}
}
