/* SPDX-License-Identifier: GPL-2.0-or-later */
/* "test=pci requests=100": words of KEY=VALUE, as the loader passed them in boot_params. */
#include "guest.h"

extern uint64_t boot_params;

static const char *command_line(void)
{
	return (const char *)(uintptr_t)(read32(boot_params + 0x228) |
					 (uint64_t)read32(boot_params + 0xc8) << 32);
}

/* The value of the word that starts at `at`, if its key is `key`. */
static const char *value_of(const char *at, const char *key)
{
	while (*key && *at == *key) {
		at++;
		key++;
	}
	return !*key && *at == '=' ? at + 1 : NULL;
}

const char *arg_text(const char *key, const char *otherwise)
{
	static char values[8][64];
	static unsigned next;
	char *copy = values[next++ % ARRAY_SIZE(values)];
	const char *at = command_line(), *value;
	size_t n = 0;

	while (*at) {
		value = value_of(at, key);
		if (value) {
			for (; value[n] && value[n] != ' ' && n + 1 < sizeof(values[0]); n++)
				copy[n] = value[n];
			copy[n] = '\0';
			return copy;
		}
		while (*at && *at != ' ')
			at++;
		while (*at == ' ')
			at++;
	}
	return otherwise;
}

uint64_t arg_number(const char *key, uint64_t otherwise)
{
	const char *s = arg_text(key, NULL);
	uint64_t v = 0;

	if (!s)
		return otherwise;
	for (; *s >= '0' && *s <= '9'; s++)
		v = v * 10 + (uint64_t)(*s - '0');
	return v;
}
