// SPDX-License-Identifier: GPL-2.0-or-later
/* Values by the type of their key: what is right, and the one form in which they are compared. */
#include "kinds.h"

#include "base/mac.h"
#include "base/str.h"

#include <inttypes.h>
#include <stdio.h>
#include <strings.h>

static int number(const struct setting_key *key, const char *text, char **ret)
{
	uint64_t v;
	int r = key->type == SETTING_BYTES ? parse_bytes(text, &v) : parse_u64(text, &v);

	if (r < 0 || v < key->min || v > key->max)
		return -EINVAL;
	*ret = str_printf("%" PRIu64, v);
	return 0;
}

static int switched(const struct setting_key *key, const char *text, char **ret)
{
	static const char *const plain[] = { "off", "on" };
	bool on;

	if (parse_bool(text, &on) < 0)
		return -EINVAL;
	*ret = strdup((key->choices ? key->choices : plain)[on]);
	return 0;
}

static int choice(const struct setting_key *key, const char *text, char **ret)
{
	for (const char *const *c = key->choices; *c; c++)
		if (strcasecmp(*c, text) == 0) {
			*ret = strdup(*c);
			return 0;
		}
	return -EINVAL;
}

static int mac(const char *text, char **ret)
{
	struct mac m;

	if (mac_parse(text, &m) < 0 || mac_is_zero(m) || mac_is_multicast(m))
		return -EINVAL;
	*ret = strdup(MAC_TEXT(m));
	return 0;
}

/* "00:11:22:33:44:55:66:77", in either case */
static int guid(const char *text, char **ret)
{
	char *lower;

	if (strlen(text) != 23)
		return -EINVAL;
	for (size_t i = 0; i < 23; i++)
		if (i % 3 == 2 ? text[i] != ':' : !strchr("0123456789abcdefABCDEF", text[i]))
			return -EINVAL;
	lower = strdup(text);
	for (char *c = lower; c && *c; c++)
		if (*c >= 'A' && *c <= 'F')
			*c = (char)(*c - 'A' + 'a');
	*ret = lower;
	return 0;
}

static int by_type(const struct setting_key *key, const char *text, char **ret)
{
	switch (key->type) {
	case SETTING_NUMBER:
	case SETTING_BYTES:
		return number(key, text, ret);
	case SETTING_SWITCH:
		return switched(key, text, ret);
	case SETTING_CHOICE:
		return choice(key, text, ret);
	case SETTING_MAC:
		return mac(text, ret);
	case SETTING_GUID:
		return guid(text, ret);
	case SETTING_WORDS:
		break;
	}
	return -EINVAL;
}

int setting_value_by_type(const struct setting_key *key, const char *text, char **ret)
{
	char *value = NULL;
	int r = by_type(key, text, &value);

	if (r < 0)
		return r;
	if (!value)
		return -ENOMEM;
	*ret = value;
	return 0;
}

const char *setting_word_value(const char *word)
{
	const char *eq = strchr(word, '=');

	return eq ? eq + 1 : NULL;
}

static int bad_value(const struct setting_key *key, const char *text, struct problem **reterr)
{
	autofree char *safe = text ? str_printable(text) : NULL;

	return problem(reterr, -EINVAL, PROBLEM_USAGE, "vfctl set --help names all keys",
		"%s=%s: the value must be %s", key->name, safe ? safe : "", key->takes);
}

static int unknown_key(const char *word, struct problem **reterr)
{
	autofree char *key = strndup(word, strcspn(word, "="));
	autofree char *safe = key ? str_printable(key) : NULL;
	autostrv char **names = NULL;
	const struct setting_key *k;
	const char *near = NULL;
	int r;

	for (unsigned i = 0; (k = setting_key_at(i)); i++)
		if (strv_add(&names, k->name) < 0)
			return -ENOMEM;
	if (key && *key)
		near = strv_nearest(names, key);
	r = problem(reterr, -EINVAL, PROBLEM_USAGE, "vfctl set --help names all keys",
		"there is no setting \"%s\"", safe ? safe : "?");
	if (near)
		problem_hint(reterr, "did you mean %s?", near);
	return r;
}

int setting_value(const char *word, char **ret, struct problem **reterr)
{
	const struct setting_key *key = setting_key_find(word);
	const char *text = setting_word_value(word);
	const struct setting_kind *kind;
	int r;

	if (!key)
		return unknown_key(word, reterr);
	kind = setting_kind_of(key);
	if (!text)
		r = -EINVAL;
	else
		r = (kind->value ? kind->value : setting_value_by_type)(key, text, ret);
	if (r == -ENOMEM)
		return problem(reterr, r, PROBLEM_NO_MEMORY, NULL, "out of memory");
	return r < 0 ? bad_value(key, text, reterr) : 0;
}
