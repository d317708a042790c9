/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core.h"

#include "base/checked.h"

#include <string.h>

uint8_t pci_get8(const struct pci_device *dev, unsigned offset)
{
	return dev->config[offset];
}

uint16_t pci_get16(const struct pci_device *dev, unsigned offset)
{
	return (uint16_t)(dev->config[offset] | dev->config[offset + 1] << 8);
}

uint32_t pci_get32(const struct pci_device *dev, unsigned offset)
{
	return pci_get16(dev, offset) | (uint32_t)pci_get16(dev, offset + 2) << 16;
}

static void put(uint8_t *p, uint32_t v, unsigned len)
{
	for (unsigned i = 0; i < len; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

void pci_set8(struct pci_device *dev, unsigned offset, uint8_t v)
{
	dev->config[offset] = v;
}

void pci_set16(struct pci_device *dev, unsigned offset, uint16_t v)
{
	put(&dev->config[offset], v, 2);
}

void pci_set32(struct pci_device *dev, unsigned offset, uint32_t v)
{
	put(&dev->config[offset], v, 4);
}

void pci_device_init(struct pci_device *dev, const struct pci_device_ops *ops, const char *name,
	const struct pci_ids *ids)
{
	memset(dev, 0, sizeof(*dev));
	dev->ops = ops;
	dev->name = name;
	dev->next_cap = PCI_STD_HEADER_SIZEOF;
	pthread_mutex_init(&dev->config_lock, NULL);
	pci_set16(dev, PCI_VENDOR_ID, ids->vendor);
	pci_set16(dev, PCI_DEVICE_ID, ids->device);
	pci_set32(dev, PCI_CLASS_REVISION, ids->class << 8 | ids->revision);
	pci_set16(dev, PCI_SUBSYSTEM_VENDOR_ID, ids->subsystem_vendor);
	pci_set16(dev, PCI_SUBSYSTEM_ID, ids->subsystem);
	put(&dev->write_mask[PCI_COMMAND],
		PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_PARITY |
			PCI_COMMAND_SERR | PCI_COMMAND_INTX_DISABLE,
		2);
	dev->write_mask[PCI_CACHE_LINE_SIZE] = 0xff;
	dev->write_mask[PCI_INTERRUPT_LINE] = 0xff;
	for (unsigned i = 0; i < PCI_BARS; i++)
		dev->bars[i].dev = dev;
}

void pci_device_done(struct pci_device *dev)
{
	pthread_mutex_destroy(&dev->config_lock);
}

int pci_add_capability(struct pci_device *dev, uint8_t id, unsigned bytes)
{
	unsigned at = (unsigned)align_up(dev->next_cap, 4), link = PCI_CAPABILITY_LIST;

	/* next_cap wraps to 0 when the last byte is taken. */
	if (!at || bytes < 2 || !range_fits(at, bytes, PCI_CFG_SPACE_SIZE))
		return -ENOSPC;
	while (dev->config[link])
		link = dev->config[link] + 1U;
	dev->config[link] = (uint8_t)at;
	dev->config[at] = id;
	dev->config[at + 1] = 0;
	dev->next_cap = (uint8_t)(at + bytes);
	pci_set16(dev, PCI_STATUS, pci_get16(dev, PCI_STATUS) | PCI_STATUS_CAP_LIST);
	return (int)at;
}

unsigned pci_find_capability(const struct pci_device *dev, uint8_t id)
{
	unsigned at = dev->config[PCI_CAPABILITY_LIST] & ~3U;

	for (unsigned hops = 0; at >= PCI_STD_HEADER_SIZEOF && hops < 48; hops++) {
		if (dev->config[at] == id)
			return at;
		at = dev->config[at + 1] & ~3U;
	}
	return 0;
}

static int check_bar(
	const struct pci_device *dev, unsigned bar, enum pci_bar_kind kind, uint64_t size)
{
	bool rom = bar == PCI_ROM_BAR;

	if (bar >= PCI_BARS || rom != (kind == PCI_BAR_ROM) || kind == PCI_BAR_NONE)
		return -EINVAL;
	if (kind == PCI_BAR_MEM64 && bar >= 5)
		return -EINVAL;
	if (!is_power_of_two(size) || size < (kind == PCI_BAR_IO ? 4U : rom ? 2048U : 16U))
		return -EINVAL;
	if (kind == PCI_BAR_IO ? size > 256 : kind != PCI_BAR_MEM64 && size > 1ULL << 31)
		return -EINVAL;
	if (dev->bars[bar].kind != PCI_BAR_NONE ||
		(bar > 0 && !rom && dev->bars[bar - 1].kind == PCI_BAR_MEM64) ||
		(kind == PCI_BAR_MEM64 && dev->bars[bar + 1].kind != PCI_BAR_NONE))
		return -EBUSY;
	return 0;
}

int pci_set_bar(struct pci_device *dev, unsigned bar, enum pci_bar_kind kind, bool prefetchable,
	uint64_t size)
{
	unsigned reg = pci_bar_register(bar);
	uint64_t mask = ~(size - 1);
	int r = check_bar(dev, bar, kind, size);

	if (r < 0)
		return r;
	dev->bars[bar].kind = kind;
	dev->bars[bar].prefetchable = prefetchable;
	dev->bars[bar].size = size;
	if (kind == PCI_BAR_ROM)
		mask |= PCI_ROM_ADDRESS_ENABLE;
	put(&dev->write_mask[reg], (uint32_t)mask, 4);
	if (kind == PCI_BAR_MEM64)
		put(&dev->write_mask[reg + 4], (uint32_t)(mask >> 32), 4);
	if (kind == PCI_BAR_IO)
		pci_set32(dev, reg, PCI_BASE_ADDRESS_SPACE_IO);
	else if (kind != PCI_BAR_ROM)
		pci_set32(dev, reg,
			(kind == PCI_BAR_MEM64 ? PCI_BASE_ADDRESS_MEM_TYPE_64 : 0U) |
				(prefetchable ? PCI_BASE_ADDRESS_MEM_PREFETCH : 0U));
	return 0;
}

uint32_t pci_config_default_read(struct pci_device *dev, unsigned offset, unsigned len)
{
	uint32_t v = 0;

	for (unsigned i = 0; i < len && offset + i < PCI_CONFIG_BYTES; i++)
		v |= (uint32_t)dev->config[offset + i] << (8 * i);
	return v;
}

static bool moves_bars(unsigned offset, unsigned len)
{
	return pci_touches(offset, len, PCI_COMMAND, 2) ||
	       pci_touches(offset, len, PCI_BASE_ADDRESS_0, 24) ||
	       pci_touches(offset, len, PCI_ROM_ADDRESS, 4);
}

void pci_config_default_write(struct pci_device *dev, unsigned offset, unsigned len, uint32_t value)
{
	for (unsigned i = 0; i < len && offset + i < PCI_CONFIG_BYTES; i++) {
		uint8_t *at = &dev->config[offset + i], mask = dev->write_mask[offset + i];
		uint8_t v = (uint8_t)(value >> (8 * i));

		*at = (uint8_t)((*at & ~mask) | (v & mask));
		*at &= (uint8_t) ~(v & dev->clear_mask[offset + i]);
	}
	if (moves_bars(offset, len))
		pci_layout_update(dev);
}

/* The largest access of 1, 2 or 4 bytes from here that stays inside one dword. */
static unsigned piece(unsigned offset, unsigned len)
{
	unsigned n = MIN(len, 4 - offset % 4);

	return n == 3 ? (offset % 2 ? 1 : 2) : n;
}

uint64_t pci_config_read(struct pci_device *dev, unsigned offset, unsigned len)
{
	uint64_t v = bus_all_ones(len);

	atomic_fetch_add_explicit(&dev->config_reads, 1, memory_order_relaxed);
	pthread_mutex_lock(&dev->config_lock);
	for (unsigned done = 0; done < len && offset + done < PCI_CONFIG_BYTES;) {
		unsigned at = offset + done, n = piece(at, len - done);
		uint64_t mask = bus_all_ones(n);
		uint64_t part = dev->ops->config_read ? dev->ops->config_read(dev, at, n)
						      : pci_config_default_read(dev, at, n);

		v = (v & ~(mask << (8 * done))) | (part & mask) << (8 * done);
		done += n;
	}
	pthread_mutex_unlock(&dev->config_lock);
	return v;
}

void pci_config_write(struct pci_device *dev, unsigned offset, unsigned len, uint64_t value)
{
	atomic_fetch_add_explicit(&dev->config_writes, 1, memory_order_relaxed);
	pthread_mutex_lock(&dev->config_lock);
	for (unsigned done = 0; done < len && offset + done < PCI_CONFIG_BYTES;) {
		unsigned at = offset + done, n = piece(at, len - done);
		uint32_t part = (uint32_t)(value >> (8 * done) & bus_all_ones(n));

		if (dev->ops->config_write)
			dev->ops->config_write(dev, at, n, part);
		else
			pci_config_default_write(dev, at, n, part);
		done += n;
	}
	pthread_mutex_unlock(&dev->config_lock);
}

static uint64_t relaxed(const atomic_uint_fast64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

void pci_device_stats(
	struct pci_device *dev, void (*each)(void *arg, const char *name, uint64_t v), void *arg)
{
	uint64_t reads = 0, writes = 0;

	for (unsigned i = 0; i < PCI_BARS; i++) {
		reads += relaxed(&dev->bars[i].region.reads);
		writes += relaxed(&dev->bars[i].region.writes);
	}
	each(arg, "bar_reads", reads);
	each(arg, "bar_writes", writes);
	each(arg, "config_reads", relaxed(&dev->config_reads));
	each(arg, "config_writes", relaxed(&dev->config_writes));
}
