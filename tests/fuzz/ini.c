/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whatever is in a configuration file: positions lie inside it, and text is text. */
#include "fuzz.h"

#include "base/ini.h"

static void check_pos(struct ini_pos p, unsigned lines, size_t size)
{
	if (!p.line || p.line > lines || !p.column || p.column > size + 1)
		__builtin_trap();
}

static void check_text(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 && *s != '\t')
			__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned lines = 1;
	struct ini ini;

	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n';
	if (ini_parse((const char *)data, size, size % 2 ? INI_SECTIONLESS : 0, &ini) < 0)
		return 0;
	for (size_t i = 0; i < ini.n_sections; i++) {
		check_pos(ini.sections[i].pos, lines, size);
		check_text(ini.sections[i].name);
	}
	for (size_t i = 0; i < ini.n_items; i++) {
		check_pos(ini.items[i].pos, lines, size);
		check_pos(ini.items[i].value_pos, lines, size);
		check_text(ini.items[i].key);
		check_text(ini.items[i].value);
		if (ini.items[i].section != INI_NO_SECTION &&
			ini.items[i].section >= ini.n_sections)
			__builtin_trap();
	}
	for (size_t i = 0; i < ini.n_faults; i++)
		check_pos(ini.faults[i].pos, lines, size);
	ini_done(&ini);
	return 0;
}
