// SPDX-License-Identifier: GPL-2.0-or-later
/* What can be set, and what is set. */
#include "kinds.h"

#include "base/str.h"

#include <stdio.h>

static void state_done(struct setting_state *s)
{
	free(s->why);
	free(s->value);
}

void setting_states_done(struct setting_states *s)
{
	for (size_t i = 0; i < s->n; i++)
		state_done(&s->v[i]);
	free(s->v);
	*s = (struct setting_states) { 0 };
}

const char *setting_support_name(enum setting_support s)
{
	static const char *const names[] = {
		[SETTING_UNKNOWN] = "unknown",
		[SETTING_SUPPORTED] = "yes",
		[SETTING_UNSUPPORTED] = "no",
	};

	return names[s];
}

void setting_state_supported(struct setting_state *s, const char *value)
{
	if (!s)
		return;
	s->support = SETTING_SUPPORTED;
	if (value && !s->value)
		s->value = strdup(value);
}

void setting_state_unsupported(struct setting_state *s, const char *fmt, ...)
{
	va_list ap;

	if (!s)
		return;
	s->support = SETTING_UNSUPPORTED;
	free(TAKE_PTR(s->why));
	va_start(ap, fmt);
	if (vasprintf(&s->why, fmt, ap) < 0)
		s->why = NULL;
	va_end(ap);
}

struct setting_state *setting_state_find(struct setting_state *states, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(states[i].key->name, name))
			return &states[i];
	return NULL;
}

static size_t add_keys(
	const struct setting_kind *kind, enum setting_level level, struct setting_state *to)
{
	size_t n = 0;

	for (size_t i = 0; i < kind->n_keys; i++)
		if (kind->keys[i].level & level)
			to[n++].key = &kind->keys[i];
	return n;
}

static size_t count_keys(void)
{
	unsigned n = 0;

	while (setting_key_at(n))
		n++;
	return n;
}

/* A function that has no VFs and is none has nothing that could be set. */
static bool has_settings(const struct function *f)
{
	return f->kind != FUNCTION_PLAIN;
}

int settings_supported(struct host *h, const struct function *f, const char *learned_dir,
	struct setting_states *ret)
{
	autosettings s = { .v = calloc(count_keys() + 1, sizeof(*s.v)) };
	const struct setting_kind *kind;

	if (!s.v)
		return -ENOMEM;
	for (unsigned i = 0; has_settings(f) && (kind = setting_kind_at(i)); i++) {
		struct setting_state *own = s.v + s.n;
		size_t n;

		if (kind->suits && kind->suits(f, NULL) < 0)
			continue;
		n = add_keys(kind, setting_level_of(f), own);
		s.n += n;
		if (n)
			kind->look(h, f, own, n);
	}
	if (learned_dir)
		learned_fill(h, learned_dir, setting_driver(f), &s);
	*ret = s;
	s = (struct setting_states) { 0 };
	return 0;
}

static int look_at_one(struct host *h, const struct function *f, const struct setting_kind *kind,
	const struct setting_key *key, char **ret, struct problem **reterr)
{
	autosettings s = { .v = calloc(kind->n_keys + 1, sizeof(*s.v)) };
	struct setting_state *own;

	if (!s.v)
		return -ENOMEM;
	s.n = add_keys(kind, setting_level_of(f), s.v);
	kind->look(h, f, s.v, s.n);
	own = setting_state_find(s.v, s.n, key->name);
	if (own->value) {
		*ret = TAKE_PTR(own->value);
		return 0;
	}
	if (own->support == SETTING_UNSUPPORTED)
		return problem(reterr, -EOPNOTSUPP, PROBLEM_UNSUPPORTED, NULL, "%s: %s: %s",
			f->address, key->name, own->why ? own->why : "not supported");
	return problem(reterr, -ENODATA, PROBLEM_FAILED, NULL, "%s: nobody tells the value of %s",
		f->address, key->name);
}

int setting_read(struct host *h, const struct function *f, const char *name, char **ret,
	struct problem **reterr)
{
	const struct setting_key *key = setting_key_find(name);
	int r;

	if (!key)
		return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL, "there is no such setting");
	r = settings_suit(f, &name, 1, reterr);
	return r < 0 ? r : look_at_one(h, f, setting_kind_of(key), key, ret, reterr);
}
