// SPDX-License-Identifier: GPL-2.0-or-later
#include "str.h"
#include "checked.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

bool str_ends(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n >= m && strcmp(s + n - m, suffix) == 0;
}

char *str_printf(const char *fmt, ...)
{
	va_list ap;
	char *s = NULL;
	int r;

	va_start(ap, fmt);
	r = vasprintf(&s, fmt, ap);
	va_end(ap);
	return r < 0 ? NULL : s;
}

char *str_trim(char *s)
{
	size_t n;

	while (isspace((unsigned char)*s))
		s++;
	n = strlen(s);
	while (n && isspace((unsigned char)s[n - 1]))
		s[--n] = '\0';
	return s;
}

/* Length of the UTF-8 sequence at s (1–4), or 0 if it is not a valid one. */
static size_t utf8_len(const unsigned char *s)
{
	size_t n = s[0] < 0x80			 ? 1
		   : s[0] >= 0xc2 && s[0] < 0xe0 ? 2
		   : s[0] >= 0xe0 && s[0] < 0xf0 ? 3
		   : s[0] >= 0xf0 && s[0] < 0xf5 ? 4
						 : 0;

	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

/*
 * Some terminals obey the C1 controls (U+0080–U+009F) too; line separators, marks and overrides of
 * direction (U+200B–U+200F, U+2028–U+202E, U+2060–U+206F) make text look like another.
 */
static bool is_obeyed(const unsigned char *u, size_t n)
{
	if (n == 1)
		return *u < 0x20 || *u == 0x7f;
	if (n == 2)
		return *u == 0xc2 && u[1] < 0xa0;
	if (n != 3 || *u != 0xe2)
		return false;
	return (u[1] == 0x80 &&
		       ((u[2] >= 0x8b && u[2] <= 0x8f) || (u[2] >= 0xa8 && u[2] <= 0xae))) ||
	       (u[1] == 0x81 && u[2] >= 0xa0 && u[2] <= 0xaf);
}

/* The length of a character that may be printed; 0 for what may not. */
static size_t printable_len(const char *s)
{
	const unsigned char *u = (const unsigned char *)s;
	size_t n = utf8_len(u);

	return n && is_obeyed(u, n) ? 0 : n;
}

/* How many bytes from the beginning may be printed as they are. */
static size_t printable_run(const char *s)
{
	size_t at = 0, n;

	while (s[at] && (n = (s[at] >= 0x20 && s[at] < 0x7f) ? 1 : printable_len(s + at)))
		at += n;
	return at;
}

bool str_is_printable(const char *s)
{
	return !s[printable_run(s)];
}

char *str_printable(const char *s)
{
	autostrbuf b = { 0 };

	if (str_is_printable(s))
		return strdup(s);
	while (*s) {
		size_t n = printable_run(s);

		strbuf_add_bytes(&b, s, n);
		s += n;
		n = *s ? MAX(utf8_len((const unsigned char *)s), (size_t)1) : 0;
		for (; n; n--, s++)
			strbuf_add(&b, "\\x%02x", (unsigned char)*s);
	}
	return strbuf_take(&b);
}

static int parse_digits(const char *s, unsigned base, uint64_t *ret)
{
	uint64_t v = 0;

	if (!*s)
		return -EINVAL;
	for (; *s; s++) {
		unsigned d;

		if (*s >= '0' && *s <= '9')
			d = (unsigned)(*s - '0');
		else if (base == 16 && isxdigit((unsigned char)*s))
			d = (unsigned)(tolower((unsigned char)*s) - 'a' + 10);
		else
			return -EINVAL;
		if (mul_overflows(v, (uint64_t)base, &v) || add_overflows(v, (uint64_t)d, &v))
			return -ERANGE;
	}
	*ret = v;
	return 0;
}

int parse_u64(const char *s, uint64_t *ret)
{
	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X'))
		return parse_digits(s + 2, 16, ret);
	return parse_digits(s, 10, ret);
}

int parse_u32(const char *s, uint32_t *ret)
{
	uint64_t v;
	int r = parse_u64(s, &v);

	if (r < 0)
		return r;
	if (v > UINT32_MAX)
		return -ERANGE;
	*ret = (uint32_t)v;
	return 0;
}

int parse_hex(const char *s, uint64_t *ret)
{
	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X'))
		s += 2;
	return parse_digits(s, 16, ret);
}

int parse_bytes(const char *s, uint64_t *ret)
{
	static const char suffixes[] = "KMGT";
	autofree char *digits = strdup(s);
	unsigned shift = 0;
	size_t n;
	uint64_t v;
	int r;

	if (!digits)
		return -ENOMEM;
	n = strlen(digits);
	if (n) {
		const char *at = strchr(suffixes, toupper((unsigned char)digits[n - 1]));

		if (at) {
			shift = 10 * (unsigned)(at - suffixes + 1);
			digits[n - 1] = '\0';
		}
	}
	r = parse_u64(digits, &v);
	if (r < 0)
		return r;
	if (v > UINT64_MAX >> shift)
		return -ERANGE;
	*ret = v << shift;
	return 0;
}

int parse_bool(const char *s, bool *ret)
{
	static const char *const words[][2] = { { "no", "yes" }, { "off", "on" },
		{ "false", "true" }, { "0", "1" } };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		for (int v = 0; v < 2; v++)
			if (strcasecmp(s, words[i][v]) == 0) {
				*ret = v;
				return 0;
			}
	return -EINVAL;
}

bool str_is_uuid(const char *s)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	for (size_t i = 0; i < sizeof(form); i++)
		if (form[i] == 'x' ? !s[i] || !strchr("0123456789abcdefABCDEF", s[i])
				   : s[i] != form[i])
			return false;
	return true;
}

unsigned str_distance(const char *a, const char *b)
{
	enum { longest = 63 };
	unsigned row[longest + 1];
	size_t n = strlen(a), m = strlen(b);

	if (n > longest || m > longest)
		return (unsigned)MAX(n, m);
	for (size_t j = 0; j <= m; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= n; i++) {
		unsigned diagonal = row[0];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= m; j++) {
			unsigned substitute = diagonal + (a[i - 1] != b[j - 1]);
			unsigned shift = MIN(row[j], row[j - 1]) + 1;

			diagonal = row[j];
			row[j] = MIN(substitute, shift);
		}
	}
	return row[m];
}

const char *strv_nearest(char *const *candidates, const char *s)
{
	unsigned limit = MAX(2U, (unsigned)strlen(s) / 3), best = limit + 1;
	const char *nearest = NULL;

	STRV_FOREACH (it, candidates) {
		unsigned d = str_distance(*it, s);

		/* Short words are within two letters of everything: at least one must be right. */
		if (d < best && d < strlen(*it)) {
			best = d;
			nearest = *it;
		}
	}
	if (nearest || strlen(s) < 2)
		return nearest;
	STRV_FOREACH (it, candidates)
		if (str_starts(*it, s))
			return *it;
	return NULL;
}

void strbuf_done(struct strbuf *b)
{
	free(b->s);
	*b = (struct strbuf) { 0 };
}

static bool strbuf_room(struct strbuf *b, size_t more)
{
	size_t need, cap;
	char *s;

	if (b->failed || add_overflows(b->len, more, &need) ||
		add_overflows(need, (size_t)1, &need)) {
		b->failed = true;
		return false;
	}
	if (need <= b->cap)
		return true;
	cap = MAX(need, b->cap * 2);
	s = realloc(b->s, cap);
	if (!s) {
		b->failed = true;
		return false;
	}
	b->s = s;
	b->cap = cap;
	return true;
}

void strbuf_add_json(struct strbuf *b, const char *s)
{
	strbuf_add(b, "\"");
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\')
			strbuf_add(b, "\\u%04x", c);
		else
			strbuf_add(b, "%c", c);
	}
	strbuf_add(b, "\"");
}

void strbuf_add_bytes(struct strbuf *b, const void *data, size_t len)
{
	if (!strbuf_room(b, len))
		return;
	memcpy(b->s + b->len, data, len);
	b->len += len;
	b->s[b->len] = '\0';
}

void strbuf_add(struct strbuf *b, const char *fmt, ...)
{
	autofree char *s = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (n < 0) {
		s = NULL;
		b->failed = true;
		return;
	}
	strbuf_add_bytes(b, s, (size_t)n);
}

char *strbuf_take(struct strbuf *b)
{
	char *s;

	strbuf_add_bytes(b, "", 0);
	if (b->failed)
		return NULL;
	s = b->s;
	*b = (struct strbuf) { 0 };
	return s;
}

void strv_free(char **v)
{
	STRV_FOREACH (it, v)
		free(*it);
	free(v);
}

size_t strv_len(char *const *v)
{
	size_t n = 0;

	STRV_FOREACH (it, v)
		n++;
	return n;
}

bool strv_has(char *const *v, const char *s)
{
	STRV_FOREACH (it, v)
		if (str_eq(*it, s))
			return true;
	return false;
}

int strv_add(char ***v, const char *s)
{
	size_t n = strv_len(*v);
	char *copy = strdup(s);
	char **more;

	if (!copy)
		return -ENOMEM;
	more = reallocarray(*v, n + 2, sizeof(*more));
	if (!more) {
		free(copy);
		return -ENOMEM;
	}
	more[n] = copy;
	more[n + 1] = NULL;
	*v = more;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void strv_sort(char **v)
{
	if (v)
		qsort(v, strv_len(v), sizeof(*v), by_name);
}

void strbuf_add_size(struct strbuf *b, uint64_t bytes)
{
	static const char suffixes[] = "KMGT";
	unsigned n = 0;

	while (bytes && bytes % 1024 == 0 && n < sizeof(suffixes) - 1) {
		bytes /= 1024;
		n++;
	}
	strbuf_add(b, "%" PRIu64 "%.*s", bytes, n ? 1 : 0, &suffixes[n ? n - 1 : 0]);
}
