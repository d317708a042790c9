// SPDX-License-Identifier: GPL-2.0-or-later
/* Words of the kernel's command line. */
#include "run.h"

#include "base/str.h"
#include "host/procfs.h"

/* Calls `fn` with each word until it says no. */
static void each_word(const struct check_run *r, bool (*fn)(void *arg, const char *word), void *arg)
{
	autofree char *copy = r->c->cmdline ? strdup(r->c->cmdline) : NULL;
	char *save = NULL;

	for (char *w = copy ? strtok_r(copy, " \t\n", &save) : NULL; w;
		w = strtok_r(NULL, " \t\n", &save))
		if (!fn(arg, w))
			return;
}

struct search {
	const char *what;
	bool there;
	char *value;
};

static bool is_it(void *arg, const char *word)
{
	struct search *s = arg;

	s->there |= str_eq(word, s->what);
	return !s->there;
}

bool cmdline_has(const struct check_run *r, const char *word)
{
	struct search s = { .what = word };

	each_word(r, is_it, &s);
	return s.there;
}

/* The last one wins, as with the kernel's parameters that set. */
static bool take_value(void *arg, const char *word)
{
	struct search *s = arg;
	size_t n = strlen(s->what);

	if (strncmp(word, s->what, n) == 0 && word[n] == '=') {
		free(s->value);
		s->value = strdup(word + n + 1);
	}
	return true;
}

char *cmdline_value(const struct check_run *r, const char *key)
{
	struct search s = { .what = key };

	each_word(r, take_value, &s);
	return s.value;
}

int cmdline_fact(struct fact *f, const char *what)
{
	return fact_stand(f, procfs_path("cmdline"), "%s", what);
}

struct listing {
	const char *key, *word;
	char *found; /* "pci=noacs" */
};

static bool lists(void *arg, const char *word)
{
	struct listing *l = arg;
	size_t n = strlen(l->key), m = strlen(l->word);
	autofree char *copy = NULL;
	char *save = NULL;

	if (strncmp(word, l->key, n) != 0 || word[n] != '=')
		return true;
	copy = strdup(word + n + 1);
	for (char *w = copy ? strtok_r(copy, ",", &save) : NULL; w; w = strtok_r(NULL, ",", &save))
		if (strncmp(w, l->word, m) == 0 && (!w[m] || w[m] == '=')) {
			l->found = str_printf("%s=%s", l->key, w);
			return false;
		}
	return true;
}

int cmdline_lists(const struct check_run *r, const char *key, const char *word, struct fact *ret)
{
	struct listing l = { .key = key, .word = word };
	int n;

	each_word(r, lists, &l);
	n = l.found && cmdline_fact(ret, l.found) == 0;
	free(l.found);
	return n;
}
