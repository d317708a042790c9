// SPDX-License-Identifier: GPL-2.0-or-later
#include "ini.h"
#include "grow.h"
#include "str.h"

#include <stdio.h>

/* So much binary rubbish is no mistyped letter: it is another kind of file. */
enum { BINARY_LINES_MAX = 8, QUOTE_MAX = 60 };

struct span {
	const char *s;
	size_t len;
};

struct lexer {
	const char *p, *end;
	unsigned line; /* of the physical line read last */
	unsigned flags;
	unsigned binary_lines;
	bool crlf_told, full, failed;
	struct ini *ini;
};

static char *quote(struct span s)
{
	autofree char *cut = strndup(s.s, MIN(s.len, (size_t)QUOTE_MAX));
	autofree char *clean = cut ? str_printable(cut) : NULL;

	if (!clean || s.len <= QUOTE_MAX)
		return TAKE_PTR(clean);
	return str_printf("%s…", clean);
}

static void fault(struct lexer *l, enum ini_fault_kind kind, struct ini_pos pos, struct span what)
{
	struct ini *i = l->ini;

	if (i->n_faults == INI_MAX_FAULTS)
		return;
	if (!GROW(i->faults, i->n_faults)) {
		l->failed = true;
		return;
	}
	i->faults[i->n_faults++] =
		(struct ini_fault) { .kind = kind, .pos = pos, .text = quote(what) };
}

/* The rest is not read: too much of something. */
static void give_up(struct lexer *l)
{
	fault(l, INI_TOO_MANY, (struct ini_pos) { l->line, 1 }, (struct span) { "", 0 });
	l->full = true;
}

/* ---- Characters ---- */

/* How many bytes the UTF-8 character at the start of `s` has; 0: none. RFC 3629, 4. */
static size_t utf8_length(struct span s)
{
	const unsigned char *b = (const unsigned char *)s.s;
	size_t n = b[0] < 0x80 ? 1 : b[0] < 0xc2 ? 0 : b[0] < 0xe0 ? 2 : b[0] < 0xf0 ? 3 : 4;

	if (b[0] > 0xf4 || n > s.len)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((b[i] & 0xc0) != 0x80)
			return 0;
	if ((b[0] == 0xe0 && b[1] < 0xa0) || (b[0] == 0xed && b[1] > 0x9f) ||
		(b[0] == 0xf0 && b[1] < 0x90) || (b[0] == 0xf4 && b[1] > 0x8f))
		return 0;
	return n;
}

static unsigned column_of(struct span line, size_t offset)
{
	unsigned column = 1;

	for (size_t i = 0; i < MIN(offset, line.len); i++)
		column += ((unsigned char)line.s[i] & 0xc0) != 0x80;
	return column;
}

/* The offset of the first byte that no text has; the line's length when there is none. */
static size_t first_bad_byte(struct span line)
{
	size_t i = 0;

	while (i < line.len) {
		unsigned char c = (unsigned char)line.s[i];
		size_t n = utf8_length((struct span) { line.s + i, line.len - i });

		if (!n || (c < 0x20 && c != '\t') || c == 0x7f)
			return i;
		i += n;
	}
	return i;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct span trimmed(struct span s)
{
	while (s.len && is_blank(*s.s)) {
		s.s++;
		s.len--;
	}
	while (s.len && is_blank(s.s[s.len - 1]))
		s.len--;
	return s;
}

/* ---- Lines ---- */

static bool next_line(struct lexer *l, struct span *ret)
{
	const char *feed;

	if (l->p == l->end || l->full)
		return false;
	feed = memchr(l->p, '\n', (size_t)(l->end - l->p));
	l->line++;
	*ret = (struct span) { l->p, (size_t)((feed ? feed : l->end) - l->p) };
	l->p = feed ? feed + 1 : l->end;
	if (!feed)
		fault(l, INI_CUT, (struct ini_pos) { l->line, column_of(*ret, ret->len) }, *ret);
	if (ret->len && ret->s[ret->len - 1] == '\r') {
		ret->len--;
		if (!l->crlf_told)
			fault(l, INI_CRLF, (struct ini_pos) { l->line, 1 },
				(struct span) { "", 0 });
		l->crlf_told = true;
	}
	return true;
}

static bool is_text(struct lexer *l, struct span line)
{
	size_t bad = first_bad_byte(line);

	if (bad == line.len)
		return true;
	if (++l->binary_lines > BINARY_LINES_MAX)
		give_up(l);
	else
		fault(l, INI_BINARY, (struct ini_pos) { l->line, column_of(line, bad) }, line);
	return false;
}

static bool is_comment(struct span line)
{
	line = trimmed(line);
	return line.len && (*line.s == '#' || *line.s == ';');
}

/*
 * What follows a line that ends in a backslash, into `whole`. Comments between are left out. False
 * when a line is no text: then the assignment has no value that could be trusted.
 */
static bool continue_line(struct lexer *l, struct span line, struct strbuf *whole)
{
	while (line.len && line.s[line.len - 1] == '\\') {
		strbuf_add_bytes(whole, line.s, line.len - 1);
		strbuf_add_bytes(whole, " ", 1);
		do {
			if (!next_line(l, &line)) {
				fault(l, INI_CONTINUES, (struct ini_pos) { l->line, 1 },
					(struct span) { "", 0 });
				return false;
			}
			if (!is_text(l, line))
				return false;
		} while (is_comment(line));
	}
	strbuf_add_bytes(whole, line.s, line.len);
	l->failed |= whole->failed;
	return !whole->failed;
}

/* ---- What a line says ---- */

static void add_section(struct lexer *l, struct span line, struct span body)
{
	const char *close = memchr(body.s, ']', body.len);
	const char *end = close ? close : body.s + body.len;
	struct span name = trimmed((struct span) { body.s + 1, (size_t)(end - body.s) - 1 });
	struct ini_pos pos = { l->line, column_of(line, (size_t)(name.s - line.s)) };
	struct ini *i = l->ini;
	char *copy;

	if (!close || close != body.s + body.len - 1 || !name.len)
		fault(l, INI_BAD_SECTION, pos, body);
	if (i->n_sections == INI_MAX_ITEMS) {
		give_up(l);
		return;
	}
	/* Also a broken head begins a section: what follows belongs to none of the others. */
	copy = strndup(name.s, name.len);
	if (!copy || !GROW(i->sections, i->n_sections)) {
		free(copy);
		l->failed = true;
		return;
	}
	i->sections[i->n_sections++] = (struct ini_section) { pos, copy };
}

static void add_item(struct lexer *l, struct ini_pos pos, struct ini_pos value_pos, struct span key,
	struct span value)
{
	autofree char *k = strndup(key.s, key.len), *v = strndup(value.s, value.len);
	struct ini *i = l->ini;

	if (i->n_items == INI_MAX_ITEMS) {
		give_up(l);
		return;
	}
	if (!k || !v || !GROW(i->items, i->n_items)) {
		l->failed = true;
		return;
	}
	i->items[i->n_items++] =
		(struct ini_item) { pos, value_pos, i->n_sections - 1, TAKE_PTR(k), TAKE_PTR(v) };
}

/* `line` is the physical line, `whole` what it and its continuations say together. */
static void add_assignment(struct lexer *l, unsigned number, struct span line, struct span whole)
{
	const char *equals = memchr(whole.s, '=', whole.len);
	struct span body = trimmed(whole), key, value;
	struct ini_pos pos = { number, column_of(line, (size_t)(body.s - whole.s)) }, value_pos;

	if (!equals) {
		fault(l, INI_NO_EQUALS, pos, body);
		return;
	}
	key = trimmed((struct span) { body.s, (size_t)(equals - body.s) });
	value = trimmed((struct span) { equals + 1, (size_t)(body.s + body.len - equals) - 1 });
	value_pos = (struct ini_pos) { number,
		column_of(line, (size_t)((value.len ? value.s : equals + 1) - whole.s)) };
	if (!key.len)
		fault(l, INI_NO_KEY, pos, body);
	else if (!l->ini->n_sections && !(l->flags & INI_SECTIONLESS))
		fault(l, INI_OUTSIDE, pos, key);
	else
		add_item(l, pos, value_pos, key, value);
}

static void add_line(struct lexer *l, struct span line)
{
	struct span body = trimmed(line);
	unsigned number = l->line;
	autostrbuf whole = { 0 };

	if (!is_text(l, line) || !body.len || is_comment(line))
		return;
	if (*body.s == '[') {
		add_section(l, line, body);
		return;
	}
	if (continue_line(l, line, &whole))
		add_assignment(l, number, line, (struct span) { whole.s, whole.len });
}

/* Other encodings: UTF-16 cannot be read, the mark of UTF-8 is passed over. */
static bool begin(struct lexer *l)
{
	size_t len = (size_t)(l->end - l->p);

	if (len >= 2 && (memcmp(l->p, "\xff\xfe", 2) == 0 || memcmp(l->p, "\xfe\xff", 2) == 0)) {
		fault(l, INI_UTF16, (struct ini_pos) { 1, 1 }, (struct span) { "", 0 });
		return false;
	}
	if (len >= 3 && memcmp(l->p, "\xef\xbb\xbf", 3) == 0)
		l->p += 3;
	return true;
}

int ini_parse(const char *text, size_t len, unsigned flags, struct ini *ret)
{
	autoini ini = { 0 };
	struct lexer l = { .p = text, .end = text + len, .flags = flags, .ini = &ini };
	struct span line;

	if (begin(&l))
		while (!l.failed && next_line(&l, &line))
			add_line(&l, line);
	if (l.failed)
		return -ENOMEM;
	*ret = ini;
	ini = (struct ini) { 0 };
	return 0;
}

void ini_done(struct ini *i)
{
	for (size_t k = 0; k < i->n_sections; k++)
		free(i->sections[k].name);
	for (size_t k = 0; k < i->n_items; k++) {
		free(i->items[k].key);
		free(i->items[k].value);
	}
	for (size_t k = 0; k < i->n_faults; k++)
		free(i->faults[k].text);
	free(i->sections);
	free(i->items);
	free(i->faults);
	*i = (struct ini) { 0 };
}

const char *ini_plain(const struct ini *i, const char *key)
{
	const char *value = NULL;

	for (size_t k = 0; k < i->n_items; k++)
		if (i->items[k].section == INI_NO_SECTION && str_eq(i->items[k].key, key))
			value = i->items[k].value;
	return value;
}
