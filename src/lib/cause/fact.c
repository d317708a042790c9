// SPDX-License-Identifier: GPL-2.0-or-later
#include "fact.h"

#include "base/str.h"
#include "host/procfs.h"
#include "host/sysfs.h"

#include <stdio.h>

void fact_done(struct fact *f)
{
	free(f->file);
	free(f->value);
	*f = (struct fact) { 0 };
}

/* Takes both over; a value of several lines is shown by its first. */
static int take(struct fact *f, char *file, char *raw, int r)
{
	autofree char *value = raw;

	fact_done(f);
	f->file = file;
	if (!file)
		return -ENOMEM;
	if (r < 0 || !value)
		return r;
	value[strcspn(value, "\n")] = '\0';
	f->value = str_printable(str_trim(value));
	return f->value ? 0 : -ENOMEM;
}

#define FORMATTED(var)                                                                             \
	autofree char *var = NULL;                                                                 \
	do {                                                                                       \
		va_list ap_;                                                                       \
		va_start(ap_, fmt);                                                                \
		if (vasprintf(&var, fmt, ap_) < 0)                                                 \
			var = NULL;                                                                \
		va_end(ap_);                                                                       \
	} while (0)

int fact_sysfs(struct host *h, struct fact *f, const char *fmt, ...)
{
	char *text = NULL;
	int r;
	FORMATTED(path);

	r = path ? sysfs_read(h, &text, "%s", path) : -ENOMEM;
	return take(f, path ? sysfs_path("%s", path) : NULL, text, r);
}

int fact_procfs(struct host *h, struct fact *f, const char *fmt, ...)
{
	char *text = NULL;
	int r;
	FORMATTED(path);

	r = path ? procfs_read(h, &text, "%s", path) : -ENOMEM;
	return take(f, path ? procfs_path("%s", path) : NULL, text, r);
}

int fact_sysfs_link(struct host *h, struct fact *f, const char *fmt, ...)
{
	char *name = NULL;
	int r;
	FORMATTED(path);

	r = path ? sysfs_link_name(h, &name, "%s", path) : -ENOMEM;
	return take(f, path ? sysfs_path("%s", path) : NULL, name, r);
}

int fact_sysfs_exists(struct host *h, struct fact *f, const char *fmt, ...)
{
	bool there;
	FORMATTED(path);

	there = path && sysfs_exists(h, "%s", path);
	return take(f, path ? sysfs_path("%s", path) : NULL, there ? strdup("there") : NULL,
		there ? 0 : -ENOENT);
}

int fact_say(struct fact *f, const char *fmt, ...)
{
	FORMATTED(text);

	if (!text)
		return -ENOMEM;
	free(f->value);
	f->value = str_printable(text);
	return f->value ? 0 : -ENOMEM;
}

int fact_stand(struct fact *f, char *file, const char *fmt, ...)
{
	FORMATTED(text);

	fact_done(f);
	f->file = file;
	f->value = text ? str_printable(text) : NULL;
	return f->file && f->value ? 0 : -ENOMEM;
}

uint64_t fact_number(const struct fact *f, uint64_t otherwise)
{
	uint64_t v;

	return f->value && parse_u64(f->value, &v) == 0 ? v : otherwise;
}
