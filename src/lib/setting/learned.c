// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What drivers answered: a file for each driver and kernel release, because another release may
 * answer otherwise; a line "KEY yes" or "KEY no ERRNO" for each key, the newest answer only. It is
 * for telling, and never keeps anybody from trying.
 */
#include "kinds.h"

#include "base/str.h"
#include "host/conf.h"
#include "host/procfs.h"
#include "store/store.h"

#include <stdio.h>

/* "igb@6.12.95-amd64" */
static char *file_name(struct host *h, const char *driver)
{
	autofree char *release = NULL;
	char *name;

	if (!driver || procfs_read(h, &release, "sys/kernel/osrelease") < 0)
		return NULL;
	name = str_printf("%s@%s", driver, release);
	for (char *c = name; c && *c; c++)
		if (*c == '/')
			*c = '_';
	return name;
}

static bool is_of(const char *line, const char *key)
{
	return str_starts(line, key) && line[strlen(key)] == ' ';
}

static const char *next_line(const char *line)
{
	line += strcspn(line, "\n");
	return *line ? line + 1 : line;
}

/* What follows a key in its line; NULL when there is none. */
static const char *answer_of(const char *text, const char *key)
{
	for (const char *line = text; *line; line = next_line(line))
		if (is_of(line, key))
			return line + strlen(key) + 1;
	return NULL;
}

static void copy_others(struct strbuf *to, const char *text, const char *key)
{
	for (const char *line = text; *line; line = next_line(line))
		if (!is_of(line, key))
			strbuf_add(to, "%.*s\n", (int)strcspn(line, "\n"), line);
}

/*
 * Errors that tell about the driver, not about this value or this moment. EIO: it took the value
 * and does not have it afterwards. EPROTONOSUPPORT is about the protocol alone, even if other
 * attributes travelled in the same request.
 */
static bool tells_of_driver(const struct setting_key *key, int code)
{
	if (code == -EPROTONOSUPPORT)
		return str_eq(key->name, "proto");
	return code > 0 || code == -EOPNOTSUPP || code == -EIO;
}

void learned_add(struct host *h, const char *dir, const char *driver, const struct setting_key *key,
	int code)
{
	autofree char *name = file_name(h, driver), *old = NULL, *text = NULL;
	struct strbuf now = { 0 };

	if (!name || !tells_of_driver(key, code))
		return;
	if (store_get(dir, name, &old) == 0)
		copy_others(&now, old, key->name);
	if (code > 0)
		strbuf_add(&now, "%s yes\n", key->name);
	else
		strbuf_add(&now, "%s no %d\n", key->name, -code);
	text = strbuf_take(&now);
	/* Not to know next time is no reason to fail now. */
	if (text && !str_eq(text, old))
		(void)store_put(dir, name, text);
	strbuf_done(&now);
}

static void fill(struct setting_state *s, const char *driver, const char *answer)
{
	int code;

	if (str_starts(answer, "yes")) {
		s->support = SETTING_SUPPORTED;
		s->why = str_printf("%s took it before on this kernel", driver);
	} else if (sscanf(answer, "no %d", &code) == 1 && code == EIO) {
		setting_state_unsupported(
			s, "%s accepted it before on this kernel, and did not do it", driver);
	} else if (sscanf(answer, "no %d", &code) == 1) {
		setting_state_unsupported(
			s, "%s refused it before on this kernel: %s", driver, strerror(code));
	}
}

/* Of a captured machine what is in the capture. */
static int read_notes(struct host *h, const char *dir, const char *name, char **ret)
{
	autofree char *path = NULL;
	size_t len;

	if (!h->captured)
		return store_get(dir, name, ret);
	path = str_printf("%s/%s", dir, name);
	return path ? conf_read(h, path, ret, &len) : -ENOMEM;
}

void learned_fill(struct host *h, const char *dir, const char *driver, struct setting_states *s)
{
	autofree char *name = file_name(h, driver), *text = NULL;

	if (!name || read_notes(h, dir, name, &text) < 0)
		return;
	for (size_t i = 0; i < s->n; i++) {
		const char *answer = answer_of(text, s->v[i].key->name);

		if (answer && s->v[i].support == SETTING_UNKNOWN)
			fill(&s->v[i], driver, answer);
	}
}
