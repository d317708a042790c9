// SPDX-License-Identifier: GPL-2.0-or-later
#include "hook.h"

#include "base/str.h"

bool hook_decides(const char *operation)
{
	return str_eq(operation, "prepare");
}

/* What came out for that guest, as a sentence. */
static char *sentence(const char *guest, bool good, const char *text)
{
	autofree char *name = str_printable(guest);

	if (!good)
		return str_printf(
			"%s cannot start: %s", name ? name : "it", text ? text : "memory ran out");
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
	autofree char *text = NULL;
	int good;

	*ret = NULL;
	if (!hook_decides(operation)) {
		if (probe)
			*ret = sentence_of(operation);
		return 0;
	}
	good = watched_check(opts, &text);
	if (good < 0)
		text = str_printf("no process could be started to look at it: %s", strerror(-good));
	if (good > 0 && !probe)
		return 0;
	*ret = sentence(guest, good > 0, text);
	return good > 0 ? 0 : probe ? 2 : 1;
}
