// SPDX-License-Identifier: GPL-2.0-or-later
#include "variant.h"

#include "base/str.h"
#include "host/modules.h"
#include "host/sysfs.h"
#include "pci/identity.h"

#include <stdio.h>
#include <strings.h>

#define ALIAS "alias vfio_pci:"

enum { FIELDS = 7 };

/* One field of an alias, `*s` goes behind it: a wildcard, or all digits as they should be. */
static bool take(const char **s, const char *tag, unsigned digits, uint32_t value, unsigned *wild)
{
	char want[16];

	if (!str_starts(*s, tag))
		return false;
	*s += strlen(tag);
	if (**s == '*') {
		++*s;
		++*wild;
		return true;
	}
	snprintf(want, sizeof(want), "%0*X", (int)digits, value);
	if (strncasecmp(*s, want, digits) != 0)
		return false;
	*s += digits;
	return true;
}

/* Behind the prefix: the number of wildcards, and the module's name; negative: does not fit. */
static int fits(const char *s, const struct identity *id, const char **ret_module)
{
	unsigned wild = 0;

	if (!take(&s, "v", 8, id->vendor, &wild) || !take(&s, "d", 8, id->device, &wild) ||
		!take(&s, "sv", 8, id->subsystem_vendor, &wild) ||
		!take(&s, "sd", 8, id->subsystem_device, &wild) ||
		!take(&s, "bc", 2, id->class_code >> 16 & 0xff, &wild) ||
		!take(&s, "sc", 2, id->class_code >> 8 & 0xff, &wild) ||
		!take(&s, "i", 2, id->class_code & 0xff, &wild))
		return -1;
	/* depmod's tools close an alias by a wildcard if there is none at its end. */
	if (*s == '*')
		s++;
	if (*s != ' ' || !s[1] || s[1] == '\n')
		return -1;
	*ret_module = s + 1;
	return (int)wild;
}

/* NULL memory is out; "" nothing better than vfio-pci. */
static char *best_of(const char *aliases, const struct identity *id)
{
	const char *best = "";
	int fewest = FIELDS;

	for (const char *line = aliases; line; line = strchr(line, '\n')) {
		const char *module;
		int wild;

		line += *line == '\n';
		if (!str_starts(line, ALIAS))
			continue;
		wild = fits(line + strlen(ALIAS), id, &module);
		if (wild >= 0 && wild < fewest) {
			fewest = wild;
			best = module;
		}
	}
	return strndup(best, strcspn(best, " \t\n"));
}

/* It becomes part of a path. */
static bool is_module_name(const char *s)
{
	return *s && *s != '.' && !strchr(s, '/');
}

int variant_module(struct host *h, struct bdf a, char **ret)
{
	autofree char *aliases = NULL, *best = NULL;
	struct identity id;
	int r = modules_read(h, "modules.alias", &aliases);

	if (r == 0)
		r = identity_read(h, a, &id);
	if (r < 0 && r != -ENOENT)
		return r;
	if (r == 0) {
		best = best_of(aliases, &id);
		if (!best)
			return -ENOMEM;
	}
	*ret = best && is_module_name(best) ? TAKE_PTR(best) : NULL;
	return 0;
}

int variant_driver(struct host *h, const char *module, char **ret)
{
	autostrv char **drivers = NULL;
	const char *name = module;
	int r = sysfs_list(h, &drivers, "module/%s/drivers", module);

	if (r < 0 && r != -ENOENT)
		return r;
	STRV_FOREACH (it, drivers)
		if (str_starts(*it, "pci:") && (*it)[4])
			name = *it + 4;
	*ret = strdup(name);
	return *ret ? 0 : -ENOMEM;
}
