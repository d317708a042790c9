// SPDX-License-Identifier: GPL-2.0-or-later
#include "args.h"
#include "base/str.h"

static const struct option *find_in(const struct option *o, size_t n, const char *name, char letter)
{
	for (size_t i = 0; i < n; i++)
		if (name ? str_eq(o[i].name, name) : o[i].letter && o[i].letter == letter)
			return &o[i];
	return NULL;
}

/* By name, or by letter when `name` is NULL. A verb's own options come first. */
static const struct option *find_option(const struct verb *verb, const char *name, char letter)
{
	const struct option *o = NULL;

	if (verb)
		o = find_in(verb->options, verb->n_options, name, letter);
	return o ? o : find_in(global_options, n_global_options, name, letter);
}

static int unknown_option(const struct verb *verb, const char *name, struct problem **reterr)
{
	autostrv char **known = NULL;
	const char *nearest;
	int r = 0;

	for (size_t i = 0; r == 0 && verb && i < verb->n_options; i++)
		r = strv_add(&known, verb->options[i].name);
	for (size_t i = 0; r == 0 && i < n_global_options; i++)
		r = strv_add(&known, global_options[i].name);
	if (r < 0)
		return r;
	problem(reterr, -EINVAL, PROBLEM_USAGE, NULL, "unknown option '--%s'", name);
	nearest = strv_nearest(known, name);
	if (nearest)
		problem_hint(reterr, "did you mean --%s?", nearest);
	else
		problem_hint(
			reterr, "see vfctl %s%s--help", verb ? verb->name : "", verb ? " " : "");
	return -EINVAL;
}

static int give(struct args *a, const struct option *o, const char *value)
{
	struct given *more = reallocarray(a->given, a->n_given + 1, sizeof(*more));

	if (!more)
		return -ENOMEM;
	a->given = more;
	a->given[a->n_given++] = (struct given) { o, value };
	return 0;
}

static int add_word(struct args *a, const char *word)
{
	const char **more = reallocarray(a->words, a->n_words + 1, sizeof(*more));

	if (!more)
		return -ENOMEM;
	a->words = more;
	a->words[a->n_words++] = word;
	return 0;
}

static int no_value(const struct option *o, struct problem **reterr)
{
	return problem(
		reterr, -EINVAL, PROBLEM_USAGE, NULL, "--%s needs a value (%s)", o->name, o->value);
}

/* argv[*i] is "--name" or "--name=value"; *i moves on when the next word is the value. */
static int parse_long(struct args *a, int argc, char *const *argv, int *i, struct problem **reterr)
{
	autofree char *name = strdup(argv[*i] + 2);
	const char *equals = strchr(argv[*i], '=');
	const char *value = equals ? equals + 1 : NULL;
	const struct option *o;

	if (!name)
		return -ENOMEM;
	name[strcspn(name, "=")] = '\0';
	o = find_option(a->verb, name, 0);
	if (!o)
		return unknown_option(a->verb, name, reterr);
	if (o->takes == TAKES_NOTHING && value)
		return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL, "--%s takes no value", name);
	if (o->takes == TAKES_VALUE && !value) {
		if (*i + 1 >= argc)
			return no_value(o, reterr);
		value = argv[++*i];
	}
	return give(a, o, value);
}

/* argv[*i] is "-v", "-vv", "-oCOL" or "-o" with the value in the next word. */
static int parse_letters(
	struct args *a, int argc, char *const *argv, int *i, struct problem **reterr)
{
	for (const char *c = argv[*i] + 1; *c; c++) {
		const struct option *o = find_option(a->verb, NULL, *c);
		int r;

		if (!o)
			return problem(reterr, -EINVAL, PROBLEM_USAGE, "see vfctl --help",
				"unknown option '-%c'", *c);
		if (o->takes == TAKES_VALUE) {
			if (!c[1] && *i + 1 >= argc)
				return no_value(o, reterr);
			return give(a, o, c[1] ? c + 1 : argv[++*i]);
		}
		r = give(a, o, NULL);
		if (r < 0)
			return r;
	}
	return 0;
}

int args_unknown_verb(const char *name, struct problem **reterr)
{
	autostrv char **known = NULL;
	const char *nearest;

	for (size_t i = 0; i < n_verbs; i++)
		if (strv_add(&known, verbs[i]->name) < 0)
			return -ENOMEM;
	problem(reterr, -EINVAL, PROBLEM_USAGE, NULL, "unknown verb '%s'", name);
	nearest = strv_nearest(known, name);
	if (nearest)
		problem_hint(reterr, "did you mean '%s'?", nearest);
	else
		problem_hint(reterr, "see vfctl --help");
	return -EINVAL;
}

/* The verb is one word, or that and the next that is no option: "vm run". */
static int parse_verb(struct args *a, const char *word, struct problem **reterr)
{
	autofree char *two = NULL;

	if (!a->family) {
		a->verb = verb_find(word);
		if (a->verb)
			return 0;
		if (!verb_in_family(word, 0))
			return args_unknown_verb(word, reterr);
		a->family = word;
		return 0;
	}
	two = str_printf("%s %s", a->family, word);
	if (!two)
		return -ENOMEM;
	a->verb = verb_find(two);
	return a->verb ? 0 : args_unknown_verb(two, reterr);
}

int args_no_verb(const struct args *a, struct problem **reterr)
{
	autostrbuf which = { 0 };
	const struct verb *v;

	if (!a->family)
		return problem(reterr, -EINVAL, PROBLEM_USAGE,
			"vfctl list shows what there is, vfctl --help all verbs", "no verb given");
	problem(reterr, -EINVAL, PROBLEM_USAGE, NULL, "vfctl %s what?", a->family);
	for (size_t i = 0; (v = verb_in_family(a->family, i)); i++)
		strbuf_add(&which, "%s%s", i ? ", " : "", v->name);
	if (!which.failed)
		problem_hint(reterr, "%s", which.s);
	return -EINVAL;
}

static int parse_all(int argc, char *const *argv, struct args *a, struct problem **reterr)
{
	bool options = true;
	int r = 0;

	for (int i = 1; r == 0 && i < argc; i++) {
		const char *s = argv[i];

		if (options && str_eq(s, "--"))
			options = false;
		else if (options && str_starts(s, "--"))
			r = parse_long(a, argc, argv, &i, reterr);
		else if (options && s[0] == '-' && s[1])
			r = parse_letters(a, argc, argv, &i, reterr);
		else if (!a->verb)
			r = parse_verb(a, s, reterr);
		else
			r = add_word(a, s);
	}
	return r;
}

int args_parse(int argc, char *const *argv, struct args *ret, struct problem **reterr)
{
	struct args a = { 0 };
	int r;

	r = parse_all(argc, argv, &a, reterr);
	if (r < 0) {
		args_done(&a);
		return r;
	}
	*ret = a;
	return 0;
}

void args_done(struct args *a)
{
	free(a->given);
	free(a->words);
	*a = (struct args) { 0 };
}

int args_check_words(const struct args *a, struct problem **reterr)
{
	const struct verb *v = a->verb;

	if (a->n_words < v->min_args)
		problem(reterr, -EINVAL, PROBLEM_USAGE, NULL, "%s: too few arguments", v->name);
	else if (a->n_words > v->max_args)
		problem(reterr, -EINVAL, PROBLEM_USAGE, NULL, "%s: too many arguments, '%s'",
			v->name, a->words[v->max_args]);
	else
		return 0;
	problem_hint(reterr, "usage: vfctl %s %s", v->name, v->args);
	return -EINVAL;
}

bool args_has(const struct args *a, const char *option)
{
	return args_count(a, option) > 0;
}

unsigned args_count(const struct args *a, const char *option)
{
	unsigned n = 0;

	for (size_t i = 0; i < a->n_given; i++)
		n += str_eq(a->given[i].option->name, option);
	return n;
}

const char *args_value(const struct args *a, const char *option)
{
	const char *value = NULL;

	for (size_t i = 0; i < a->n_given; i++)
		if (str_eq(a->given[i].option->name, option) && a->given[i].value)
			value = a->given[i].value;
	return value;
}

int args_seconds_ms(
	const struct args *a, const char *option, unsigned *ret, struct problem **reterr)
{
	enum { longest = 24 * 3600 };
	const char *text = args_value(a, option);
	uint32_t seconds = 0;

	if (text && (parse_u32(text, &seconds) < 0 || !seconds || seconds > longest))
		return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL,
			"--%s %s: not a number of seconds from 1 to %d", option, text, longest);
	*ret = seconds * 1000;
	return 0;
}

int args_timeout_ms(const struct args *a, unsigned *ret, struct problem **reterr)
{
	return args_seconds_ms(a, "timeout", ret, reterr);
}
