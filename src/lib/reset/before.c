// SPDX-License-Identifier: GPL-2.0-or-later
#include "before.h"

#include "base/str.h"
#include "host/sysfs.h"

/* Header of type 0 and 1, PCI 3.0, 6.1 and PCI-to-PCI bridge 1.2, 3.2. */
enum {
	REG_COMMAND = 0x04,
	REG_HEADER_TYPE = 0x0e,
	REG_BAR0 = 0x10,
	REG_BUSES = 0x18, /* type 1: primary, secondary, subordinate */
	REG_ROM = 0x30,
	REG_ROM_OF_BRIDGE = 0x38,
	HEADER_LAYOUT = 0x7f,
};

static ssize_t read_header(struct host *h, struct bdf a, uint8_t header[64])
{
	return sysfs_read_bytes(h, header, 64, "bus/pci/devices/%s/config", BDF_TEXT(a));
}

void before_read(struct host *h, struct bdf a, struct before *ret)
{
	ssize_t n;

	*ret = (struct before) { .bdf = a };
	n = read_header(h, a, ret->header);
	ret->len = n == 64 ? 64 : 0;
}

/* A VF's own vendor and device read ffff; the rest of a function that answers never does. */
static bool is_dead(const uint8_t header[64])
{
	for (unsigned i = REG_COMMAND; i < 64; i++)
		if (header[i] != 0xff)
			return false;
	return true;
}

static uint32_t get(const uint8_t *header, unsigned at, unsigned bytes)
{
	uint32_t v = 0;

	for (unsigned i = 0; i < bytes; i++)
		v |= (uint32_t)header[at + i] << 8 * i;
	return v;
}

static char *compare(
	const struct before *b, const uint8_t *now, unsigned at, unsigned bytes, const char *what)
{
	uint32_t was = get(b->header, at, bytes), is = get(now, at, bytes);

	if (was == is)
		return NULL;
	return str_printf("%s is %0*x, was %0*x", what, 2 * (int)bytes, is, 2 * (int)bytes, was);
}

char *before_difference(struct host *h, const struct before *b)
{
	static const char *const bars[] = { "BAR 0", "BAR 1", "BAR 2", "BAR 3", "BAR 4", "BAR 5" };
	uint8_t now[64];
	ssize_t n = read_header(h, b->bdf, now);
	bool bridge = b->header[REG_HEADER_TYPE] & HEADER_LAYOUT;
	char *what;

	if (!b->len)
		return NULL; /* nothing to compare with */
	if (n < 64)
		return strdup(
			n == -ENOENT ? "it has gone" : "its configuration space is unreadable");
	if (is_dead(now))
		return strdup("it does not answer: its configuration space reads all ones");
	what = b->ignore_command ? NULL : compare(b, now, REG_COMMAND, 2, "its command register");
	for (unsigned i = 0; !what && i < (bridge ? 2 : 6); i++)
		what = compare(b, now, REG_BAR0 + 4 * i, 4, bars[i]);
	if (!what && bridge)
		what = compare(b, now, REG_BUSES, 3, "its range of buses");
	if (!what)
		what = compare(
			b, now, bridge ? REG_ROM_OF_BRIDGE : REG_ROM, 4, "its ROM's address");
	return what;
}
