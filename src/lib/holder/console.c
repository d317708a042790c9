// SPDX-License-Identifier: GPL-2.0-or-later
/* Where a person sits at the machine: without these it has no face any more. */
#include "sources.h"

#include "base/str.h"
#include "host/sysfs.h"
#include "pci/classdev.h"

/* A host's driver draws on the display that the firmware started with. */
static int find_display(struct search *s, size_t i)
{
	int boot;

	if (!s->drivers[i] || search_is_on_vfio(s, i) ||
		sysfs_read_int(s->h, &boot, "bus/pci/devices/%s/boot_vga", BDF_TEXT(s->a[i])) < 0 ||
		boot != 1)
		return 0;
	return search_add(s, HOLDER_CONSOLE, HOLD_USED, i, strdup("the host's boot display"));
}

/* "tty0 ttyS4": the kernel's messages, and often the only login that is left. */
static int find_terminals(struct search *s)
{
	autofree char *active = NULL;
	char *save = NULL;
	int r = 0;

	if (sysfs_read(s->h, &active, "class/tty/console/active") < 0)
		return 0;
	for (char *tty = strtok_r(active, " \n", &save); r == 0 && tty;
		tty = strtok_r(NULL, " \n", &save)) {
		struct bdf a;
		ssize_t at = -1;

		if (classdev_function(s->h, "tty", tty, &a) == 0)
			at = search_index(s, a);
		if (at >= 0)
			r = search_add(s, HOLDER_CONSOLE, HOLD_USED, (size_t)at,
				str_printf("the kernel's console %s", tty));
	}
	return r;
}

/*
 * As udev tells keyboards from buttons, mice and lid switches: all of the first 31 keys. The last
 * of the hexadecimal words has the lowest bits.
 */
static bool is_keyboard(struct host *h, const char *input)
{
	const uint64_t all = UINT32_MAX & ~UINT64_C(1);
	autofree char *keys = NULL;
	const char *last;
	uint64_t bits;

	if (sysfs_read(h, &keys, "class/input/%s/capabilities/key", input) < 0)
		return false;
	last = strrchr(keys, ' ');
	return parse_hex(last ? last + 1 : keys, &bits) == 0 && (bits & all) == all;
}

/* All keyboards on one function: whoever takes it away cannot type that it shall come back. */
static int find_keyboards(struct search *s)
{
	autostrv char **inputs = NULL;
	struct bdf one = { 0 };
	bool any = false;
	ssize_t at;

	if (sysfs_list(s->h, &inputs, "class/input") < 0)
		return 0;
	STRV_FOREACH (it, inputs) {
		struct bdf a;

		if (!str_starts(*it, "input") || !is_keyboard(s->h, *it))
			continue;
		if (classdev_function(s->h, "input", *it, &a) < 0 || (any && !bdf_eq(a, one)))
			return 0; /* one that hangs elsewhere is enough */
		one = a;
		any = true;
	}
	at = any ? search_index(s, one) : -1;
	if (at < 0)
		return 0;
	return search_add(
		s, HOLDER_CONSOLE, HOLD_USED, (size_t)at, strdup("the host's only keyboard"));
}

int find_consoles(struct search *s)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->n; i++)
		r = find_display(s, i);
	if (r == 0)
		r = find_terminals(s);
	return r == 0 ? find_keyboards(s) : r;
}
