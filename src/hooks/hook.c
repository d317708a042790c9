// SPDX-License-Identifier: GPL-2.0-or-later
#include "hook.h"
#include "claims.h"

#include "base/str.h"

static const struct operation {
	const char *name;
	watched_work *work;
	const char *refused; /* what a failure means; NULL: that is not libvirt's business */
} operations[] = {
	{ "prepare", claims_take, "cannot start" },
	{ "migrate", claims_check_migration, "cannot come here" },
	{ "release", claims_return, NULL },
};

static const struct operation *find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(operations); i++)
		if (str_eq(operations[i].name, name))
			return &operations[i];
	return NULL;
}

bool hook_decides(const char *operation)
{
	const struct operation *o = find(operation);

	return o && o->refused;
}

/* What came out for that guest, as a sentence. */
static char *sentence(const struct operation *o, const char *guest, bool good, const char *text)
{
	autofree char *name = str_printable(guest);

	if (!good)
		return str_printf("%s %s: %s", name ? name : "it",
			o->refused ? o->refused : "has left what was claimed for it",
			text ? text : "memory ran out");
	return text ? str_printf("%s can have %s", name ? name : "it", text)
		    : str_printf("%s needs nothing that vfctl prepares", name ? name : "it");
}

static char *sentence_of(const char *operation)
{
	autofree char *name = str_printable(operation);

	return name ? str_printf("%s is never refused", name) : NULL;
}

int hook_run(const char *guest, const char *operation, bool probe, const struct watched_opts *opts,
	char **ret)
{
	const struct operation *o = find(operation);
	struct watched_opts own = *opts;
	autofree char *text = NULL;
	int good;

	*ret = NULL;
	if (!o || (probe && !o->refused)) {
		if (probe)
			*ret = sentence_of(operation);
		return 0;
	}
	own.probe = probe;
	good = watched_run(&own, o->work, &text);
	if (good < 0)
		text = str_printf("no process could be started to look at it: %s", strerror(-good));
	if (good > 0 && !probe)
		return 0;
	*ret = sentence(o, guest, good > 0, text);
	return good > 0 || !o->refused ? 0 : probe ? 2 : 1;
}
