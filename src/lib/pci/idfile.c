// SPDX-License-Identifier: GPL-2.0-or-later
#include "idfile.h"

#include "base/str.h"

#include <ctype.h>
#include <stdio.h>
#include <sys/stat.h>

enum { FILE_MAX = 64 << 20, ID_DIGITS = 4 };

/* What is indented below it are its devices. */
struct vendor {
	uint16_t id;
	const char *line;
};

struct idfile {
	char *text, *end;
	struct vendor *vendors; /* in the file's order, which is that of their numbers */
	size_t n, room;
};

void idfile_free(struct idfile *f)
{
	if (!f)
		return;
	free(f->text);
	free(f->vendors);
	free(f);
}

static void fclosep(FILE **f)
{
	if (*f)
		fclose(*f);
}

/* All of it, and not mapped: it may be written anew while we look. */
static int read_text(struct idfile *f, const char *path)
{
	FILE *file CLEANUP(fclosep) = fopen(path, "re");
	struct stat st;
	size_t n;

	if (!file || fstat(fileno(file), &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX)
		return -EINVAL;
	f->text = malloc((size_t)st.st_size + 1);
	if (!f->text)
		return -ENOMEM;
	setvbuf(file, NULL, _IONBF, 0);
	n = fread(f->text, 1, (size_t)st.st_size, file);
	if (ferror(file))
		return -EIO;
	f->text[n] = '\0';
	f->end = f->text + n;
	return memchr(f->text, '\0', n) ? -EINVAL : 0;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return isxdigit((unsigned char)c) ? (c | 0x20) - 'a' + 10 : -1;
}

/* "10c9  82576 Gigabit Network Connection": what follows the number, NULL if there is none. */
static const char *after_id(const char *s, uint16_t *ret)
{
	unsigned id = 0;

	for (unsigned i = 0; i < ID_DIGITS; i++, s++) {
		int d = digit(*s);

		if (d < 0)
			return NULL;
		id = id << 4 | (unsigned)d;
	}
	if (*s != ' ' && *s != '\t')
		return NULL;
	*ret = (uint16_t)id;
	return s;
}

static const char *next_line(const struct idfile *f, const char *line)
{
	const char *newline = memchr(line, '\n', (size_t)(f->end - line));

	return newline ? newline + 1 : f->end;
}

static int add_vendor(struct idfile *f, struct vendor v)
{
	if (f->n == f->room) {
		size_t room = f->room ? 2 * f->room : 4096;
		struct vendor *more = reallocarray(f->vendors, room, sizeof(*more));

		if (!more)
			return -ENOMEM;
		f->vendors = more;
		f->room = room;
	}
	f->vendors[f->n++] = v;
	return 0;
}

static int find_vendors(struct idfile *f)
{
	struct vendor v;

	for (v.line = f->text; v.line < f->end; v.line = next_line(f, v.line))
		if (*v.line != '\t' && *v.line != '#' && after_id(v.line, &v.id) &&
			add_vendor(f, v) < 0)
			return -ENOMEM;
	return 0;
}

int idfile_read(const char *path, struct idfile **ret)
{
	struct idfile *f CLEANUP(idfile_freep) = calloc(1, sizeof(*f));
	int r = f ? read_text(f, path) : -ENOMEM;

	if (r == 0)
		r = find_vendors(f);
	if (r == 0)
		*ret = TAKE_PTR(f);
	return r;
}

static const char *name_in(const char *s, size_t *ret_len)
{
	size_t len;

	s += strspn(s, " \t");
	len = strcspn(s, "\r\n");
	while (len && (s[len - 1] == ' ' || s[len - 1] == '\t'))
		len--;
	*ret_len = len;
	return len ? s : NULL;
}

/* Nobody promises the order, so it is not relied on. */
static const struct vendor *find(const struct idfile *f, uint16_t id)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->vendors[i].id == id)
			return &f->vendors[i];
	return NULL;
}

const char *idfile_vendor(const struct idfile *f, uint16_t vendor, size_t *ret_len)
{
	const struct vendor *v = find(f, vendor);

	return v ? name_in(v->line + ID_DIGITS, ret_len) : NULL;
}

const char *idfile_device(const struct idfile *f, uint16_t vendor, uint16_t device, size_t *ret_len)
{
	const struct vendor *v = find(f, vendor);
	const char *line, *name;
	uint16_t id;

	if (!v)
		return NULL;
	/* Comments may stand between devices; two tabs are a subsystem; anything else ends them. */
	for (line = next_line(f, v->line); *line == '\t' || *line == '#' || *line == '\n';
		line = next_line(f, line))
		if (*line == '\t' && (name = after_id(line + 1, &id)) && id == device)
			return name_in(name, ret_len);
	return NULL;
}
