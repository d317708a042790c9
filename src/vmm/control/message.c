/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "message.h"

#include "base/str.h"

#include <string.h>

/* Where the parser is; what it gives out it has cut and unescaped in place. */
struct reader {
	char *at;
};

static void skip_blanks(struct reader *r)
{
	while (*r->at == ' ' || *r->at == '\t' || *r->at == '\r')
		r->at++;
}

static bool take(struct reader *r, char c)
{
	skip_blanks(r);
	if (*r->at != c)
		return false;
	r->at++;
	return true;
}

static int hex(char c)
{
	return c >= '0' && c <= '9'		    ? c - '0'
	       : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
						    : -1;
}

/* After the backslash. Only ASCII may be written by its number: names here are no other. */
static int unescape(struct reader *r)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *known = *r->at ? strchr(from, *r->at) : NULL;
	int v = 0;

	if (known) {
		r->at++;
		return to[known - from];
	}
	if (*r->at != 'u')
		return -EINVAL;
	r->at++;
	for (int i = 0; i < 4; i++) {
		int digit = hex(*r->at);

		if (digit < 0)
			return -EINVAL;
		v = v * 16 + digit;
		r->at++;
	}
	return v > 0 && v < 0x80 ? v : -EINVAL;
}

static char *take_string(struct reader *r)
{
	char *start, *to;

	if (!take(r, '"'))
		return NULL;
	for (start = to = r->at; *r->at != '"'; to++) {
		int c = (unsigned char)*r->at++;

		if (c == '\\')
			c = unescape(r);
		else if (c < 0x20)
			return NULL;
		if (c < 0)
			return NULL;
		*to = (char)c;
	}
	r->at++;
	*to = '\0';
	return start;
}

/* A number or a word, up to what cannot belong to it; the caller ends it there. */
static char *take_word(struct reader *r)
{
	char *start;

	skip_blanks(r);
	start = r->at;
	while ((*r->at >= '0' && *r->at <= '9') || (*r->at >= 'a' && *r->at <= 'z') ||
		*r->at == '-' || *r->at == '+' || *r->at == '.' || *r->at == 'E')
		r->at++;
	return r->at > start ? start : NULL;
}

/* True: it was the last; -EINVAL. */
static int take_pair(struct reader *r, struct message *m)
{
	char *key = take_string(r), *value, *end = NULL, next;
	bool is_string;

	if (!key || !take(r, ':') || m->n == MESSAGE_KEYS_MAX)
		return -EINVAL;
	skip_blanks(r);
	is_string = *r->at == '"';
	value = is_string ? take_string(r) : take_word(r);
	if (!value)
		return -EINVAL;
	if (!is_string)
		end = r->at;
	m->pairs[m->n].key = key;
	m->pairs[m->n].value = value;
	m->pairs[m->n++].is_string = is_string;
	skip_blanks(r);
	next = *r->at;
	if (next != ',' && next != '}')
		return -EINVAL;
	r->at++;
	if (end)
		*end = '\0';
	return next == '}';
}

int message_parse(char *line, struct message *ret, struct problem **reterr)
{
	struct reader r = { line };
	struct message m = { .n = 0 };
	int last = -EINVAL;

	if (take(&r, '{'))
		do
			last = take_pair(&r, &m);
		while (last == 0);
	if (last == 1)
		skip_blanks(&r);
	if (last != 1 || *r.at)
		return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL,
			"a request is one line with one flat JSON object");
	*ret = m;
	return 0;
}

static size_t find(const struct message *m, const char *key)
{
	size_t i = 0;

	while (i < m->n && !str_eq(m->pairs[i].key, key))
		i++;
	return i;
}

const char *message_str(const struct message *m, const char *key)
{
	size_t i = find(m, key);

	return i < m->n && m->pairs[i].is_string ? m->pairs[i].value : NULL;
}

int message_u32(const struct message *m, const char *key, uint32_t otherwise, uint32_t *ret)
{
	size_t i = find(m, key);

	if (i < m->n)
		return m->pairs[i].is_string ? -EINVAL : parse_u32(m->pairs[i].value, ret);
	*ret = otherwise;
	return 0;
}

int message_bool(const struct message *m, const char *key, bool otherwise, bool *ret)
{
	size_t i = find(m, key);

	*ret = i < m->n ? str_eq(m->pairs[i].value, "true") : otherwise;
	if (i == m->n || (!m->pairs[i].is_string && (*ret || str_eq(m->pairs[i].value, "false"))))
		return 0;
	return -EINVAL;
}
