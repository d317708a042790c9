// SPDX-License-Identifier: GPL-2.0-or-later
/* What the administrator allows users' guests. */
#include "inside.h"

#include "base/ini.h"
#include "base/str.h"
#include "conf/conf.h"
#include "host/procfs.h"

#include <inttypes.h>
#include <stdio.h>

void handover_limits_done(struct handover_limits *l)
{
	strv_free(l->taps);
	*l = (struct handover_limits) { 0 };
}

/* Of a machine that does not tell: nothing is raised. */
static uint64_t half_of_memory(struct host *h)
{
	autofree char *text = NULL;
	uint64_t kib = 0;

	if (procfs_read(h, &text, "meminfo") < 0 || sscanf(text, "MemTotal: %" SCNu64, &kib) != 1)
		return 0;
	return kib / 2 * 1024;
}

static int add_taps(struct handover_limits *l, const char *value)
{
	autofree char *copy = strdup(value);
	char *save = NULL;

	/* An empty one forgets those before it, as everywhere in systemd. */
	if (copy && !*copy) {
		strv_free(TAKE_PTR(l->taps));
		return 0;
	}
	for (char *w = copy ? strtok_r(copy, " \t", &save) : NULL; w;
		w = strtok_r(NULL, " \t", &save))
		if (strv_add(&l->taps, w) < 0)
			return -ENOMEM;
	return copy ? 0 : -ENOMEM;
}

static int bad(const char *path, struct ini_pos at, const char *what, struct problem **reterr)
{
	return problem(reterr, -EINVAL, PROBLEM_USAGE,
		"[Guests] has Taps=PATTERN… and MemoryMax=BYTES", "%s:%u: %s", path, at.line, what);
}

static int read_item(struct handover_limits *l, const char *path, const struct ini_item *i,
	struct problem **reterr)
{
	if (str_eq(i->key, "Taps"))
		return add_taps(l, i->value) < 0
			       ? problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory")
			       : 0;
	if (!str_eq(i->key, "MemoryMax"))
		return bad(path, i->pos, "there is no such key", reterr);
	if (str_eq(i->value, "infinity")) {
		l->memory_bytes = UINT64_MAX;
		return 0;
	}
	return parse_bytes(i->value, &l->memory_bytes) < 0
		       ? bad(path, i->value_pos, "this is no amount of memory", reterr)
		       : 0;
}

/* Other sections are other people's. */
static int read_text(struct handover_limits *l, const char *path, const char *text, size_t len,
	struct problem **reterr)
{
	autoini ini = { 0 };
	int r = ini_parse(text, len, 0, &ini);

	if (r < 0)
		return problem(reterr, r, PROBLEM_NO_MEMORY, NULL, "out of memory");
	for (size_t i = 0; i < ini.n_faults; i++)
		if (ini.faults[i].kind != INI_CUT && ini.faults[i].kind != INI_CRLF)
			return bad(path, ini.faults[i].pos, "this is not understood", reterr);
	for (size_t i = 0; r == 0 && i < ini.n_items; i++)
		if (str_eq(ini.sections[ini.items[i].section].name, "Guests"))
			r = read_item(l, path, &ini.items[i], reterr);
	return r;
}

int handover_limits_read(struct host *h, struct handover_limits *ret, struct problem **reterr)
{
	autolimits l = { .memory_bytes = half_of_memory(h) };
	autofree char *path = NULL, *text = NULL;
	size_t len = 0;
	int r = conf_find(h, &path, &text, &len);

	if (r < 0 && r != -ENOENT)
		return problem(reterr, r, problem_kind_from_errno(r), NULL, "%s cannot be read: %s",
			path ? path : CONF_FILE, strerror(-r));
	r = r == 0 ? read_text(&l, path, text, len, reterr) : 0;
	if (r < 0)
		return r;
	*ret = TAKE_STRUCT(l);
	return 0;
}
