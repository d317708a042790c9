// SPDX-License-Identifier: GPL-2.0-or-later
/* driverctl: one file per device, "pci-0000:01:10.0", whose first line is a driver's name. */
#include "reader.h"

#include "base/str.h"
#include "host/conf.h"

static void read_override(struct reader *r, const char *dir, const char *name)
{
	autofree char *path = str_printf("%s/%s", dir, name), *text = NULL, *said = NULL;
	struct bdf a;
	size_t len;
	char *driver;

	if (!path || !str_starts(name, "pci-") || bdf_parse(name + 4, &a) < 0)
		return;
	text = reader_open(r, path, &len);
	if (!text)
		return;
	text[strcspn(text, "\n")] = '\0';
	driver = str_trim(text);
	r->at.line = 1;
	if (!*driver || strlen(driver) != strcspn(driver, " \t/")) {
		reader_doubt(r, "names no driver");
		return;
	}
	said = str_printf("set-override %s %s", name + 4, driver);
	if (said)
		reader_say_of(r, a, "driver", driver, said);
}

void foreign_read_driverctl(struct reader *r)
{
	static const char dir[] = "/etc/driverctl.d";
	autostrv char **names = NULL;

	if (conf_list(r->h, dir, "", &names) < 0)
		return;
	STRV_FOREACH (it, names)
		read_override(r, dir, *it);
}
