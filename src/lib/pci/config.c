// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "base/checked.h"
#include "host/sysfs.h"

enum {
	REG_STATUS = 0x06,
	STATUS_CAP_LIST = 0x10,
	REG_CAP_POINTER = 0x34,
	FIRST_LEGACY = 0x40,
	/* A capability takes at least 4 bytes, so a longer chain must have met itself. */
	MAX_LEGACY = (CONFIG_LEGACY_BYTES - FIRST_LEGACY) / 4,
	MAX_EXTENDED = (CONFIG_BYTES - CONFIG_LEGACY_BYTES) / 4,
};

static int read_first(struct host *h, struct bdf a, struct config_space *ret, size_t size)
{
	ssize_t n = sysfs_read_bytes(h, ret->b, size, "bus/pci/devices/%s/config", BDF_TEXT(a));

	if (n < 0)
		return (int)n;
	ret->len = (size_t)n;
	return 0;
}

int config_space_read(struct host *h, struct bdf a, struct config_space *ret)
{
	return read_first(h, a, ret, sizeof(ret->b));
}

bool config_u8(const struct config_space *c, unsigned offset, uint8_t *ret)
{
	bool ok = range_fits(offset, 1, c->len);

	*ret = ok ? c->b[offset] : 0;
	return ok;
}

bool config_u16(const struct config_space *c, unsigned offset, uint16_t *ret)
{
	bool ok = range_fits(offset, 2, c->len);

	*ret = (uint16_t)(ok ? c->b[offset] | c->b[offset + 1] << 8 : 0);
	return ok;
}

bool config_u32(const struct config_space *c, unsigned offset, uint32_t *ret)
{
	uint16_t low, high;
	bool ok = range_fits(offset, 4, c->len);

	*ret = 0;
	if (ok && config_u16(c, offset, &low) && config_u16(c, offset + 2, &high))
		*ret = (uint32_t)high << 16 | low;
	return ok;
}

/* The 256-byte part: pointers of one byte, PCI 3.0, 6.7. */
static size_t walk_legacy(const struct config_space *c, struct capability *ret, size_t max)
{
	size_t n = 0;
	uint16_t status;
	uint8_t at, id;

	if (!config_u16(c, REG_STATUS, &status) || !(status & STATUS_CAP_LIST) ||
		!config_u8(c, REG_CAP_POINTER, &at))
		return 0;
	for (unsigned hops = 0; hops < MAX_LEGACY && n < max; hops++) {
		unsigned offset = at & ~3u; /* the low bits are reserved */

		if (offset < FIRST_LEGACY || !config_u8(c, offset, &id) || id == 0xff ||
			!config_u8(c, offset + 1, &at))
			break;
		ret[n++] = (struct capability) { .id = id, .offset = (uint16_t)offset };
	}
	return n;
}

/* The PCIe part: PCIe 5.0, 7.6.3. A device without any has zero or all ones at 0x100. */
static size_t walk_extended(const struct config_space *c, struct capability *ret, size_t max)
{
	unsigned offset = CONFIG_LEGACY_BYTES;
	size_t n = 0;
	uint32_t header;

	for (unsigned hops = 0; hops < MAX_EXTENDED && n < max; hops++) {
		if (offset < CONFIG_LEGACY_BYTES || !config_u32(c, offset, &header) ||
			header == 0 || header == UINT32_MAX)
			break;
		ret[n++] = (struct capability) {
			.id = (uint16_t)header,
			.offset = (uint16_t)offset,
			.version = header >> 16 & 0xf,
			.extended = true,
		};
		offset = header >> 20 & 0xffc;
	}
	return n;
}

/* Whether the chain, or a capability of it, reaches beyond what was read. */
static bool goes_on(const struct config_space *c)
{
	enum { ROOM = 64 };
	struct capability caps[MAX_EXTENDED];
	size_t n = walk_extended(c, caps, ARRAY_SIZE(caps));
	uint32_t header = 0;

	for (size_t i = 0; i < n; i++)
		if (caps[i].offset + (size_t)ROOM > c->len)
			return true;
	return n && config_u32(c, caps[n - 1].offset, &header) &&
	       (header >> 20 & 0xffc) + sizeof(header) > c->len;
}

int config_space_read_chains(struct host *h, struct bdf a, struct config_space *ret)
{
	enum { FIRST = 2 * CONFIG_LEGACY_BYTES };
	int r = read_first(h, a, ret, FIRST);

	return r == 0 && ret->len == FIRST && goes_on(ret) ? config_space_read(h, a, ret) : r;
}

/* Drops what a chain that met itself listed again. */
static size_t without_repeats(struct capability *caps, size_t n)
{
	for (size_t i = 1; i < n; i++)
		for (size_t j = 0; j < i; j++)
			if (caps[i].offset == caps[j].offset)
				return i;
	return n;
}

size_t config_capabilities(const struct config_space *c, struct capability *ret, size_t max)
{
	size_t n = without_repeats(ret, walk_legacy(c, ret, max));

	return n + without_repeats(ret + n, walk_extended(c, ret + n, max - n));
}

static unsigned find(const struct config_space *c, uint16_t id, bool extended)
{
	struct capability caps[MAX_LEGACY + MAX_EXTENDED];
	size_t n = config_capabilities(c, caps, ARRAY_SIZE(caps));

	for (size_t i = 0; i < n; i++)
		if (caps[i].id == id && caps[i].extended == extended)
			return caps[i].offset;
	return 0;
}

unsigned config_find(const struct config_space *c, uint8_t id)
{
	return find(c, id, false);
}

unsigned config_find_extended(const struct config_space *c, uint16_t id)
{
	return find(c, id, true);
}
