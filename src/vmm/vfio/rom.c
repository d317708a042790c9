/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The option ROM of an assigned function: hidden, the device's own, or a file. There is no firmware
 * in the guest that would run it; its drivers may read it. It is read once, before the guest runs,
 * and served from memory by trapping: what the device, or the file, says later changes nothing.
 */
#include "rom.h"

#include "internal.h"

#include "base/checked.h"

#include <string.h>

enum { HEADER_BYTES = 0x1a, PCIR_BYTES = 0x18, UNIT = 512, BAR_LEAST = 2048, READ_BYTES = 4096 };

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

/* Where its PCIR is, or 0. */
static size_t pcir_of(const uint8_t *rom, size_t len, size_t at)
{
	size_t pcir = at + get16(&rom[at + 0x18]);

	if (!range_fits(pcir, PCIR_BYTES, len) || memcmp(&rom[pcir], "PCIR", 4) != 0)
		return 0;
	return pcir;
}

const char *rom_look(
	const uint8_t *rom, size_t len, uint16_t vendor, uint16_t device, struct rom_facts *ret)
{
	struct rom_facts f = { .for_others = true };
	bool last = false;

	/* Each image is 512 bytes long at least, or it is the last: this ends. */
	for (size_t at = 0; !last && range_fits(at, HEADER_BYTES, len);) {
		size_t pcir, units;

		if (rom[at] != 0x55 || rom[at + 1] != 0xaa)
			break;
		pcir = pcir_of(rom, len, at);
		if (!pcir)
			break;
		f.images++;
		f.for_others &= get16(&rom[pcir + 4]) != vendor || get16(&rom[pcir + 6]) != device;
		units = get16(&rom[pcir + 0x10]);
		last = !units || rom[pcir + 0x15] & 0x80;
		at += units * UNIT;
		f.bytes = at;
	}
	if (!f.images)
		return len < HEADER_BYTES || rom[0] != 0x55 || rom[1] != 0xaa
			       ? "it does not begin with 0x55 0xaa"
			       : "it has no PCIR structure";
	*ret = f;
	return NULL;
}

uint64_t rom_bar_bytes(size_t len)
{
	uint64_t n = BAR_LEAST;

	while (n < len)
		n *= 2;
	return n;
}

/* The last of it may be missing: hardware gives what it has, and files say where they end. */
static int read_all(struct function *f, const struct vfio_region *region, int fd, uint8_t *to,
	size_t room, size_t *ret_len)
{
	size_t done = 0;

	while (done < room) {
		size_t n = MIN(room - done, (size_t)READ_BYTES);
		ssize_t got = region ? host_pread(f->d->host, f->d->fd, &to[done], n,
					       region->offset + done)
				     : host_pread(f->d->host, fd, &to[done], n, done);

		if (got < 0)
			return (int)got;
		if (got == 0)
			break;
		done += (size_t)got;
	}
	*ret_len = done;
	return 0;
}

static int keep(struct function *f, uint8_t *rom, size_t len)
{
	int r = pci_set_bar(&f->pci, PCI_ROM_BAR, PCI_BAR_ROM, false, rom_bar_bytes(len));

	if (r < 0)
		return r;
	f->rom = rom;
	f->rom_bytes = len;
	return 0;
}

static void warn(struct function *f, const struct rom_facts *facts, size_t len)
{
	if (facts->for_others)
		function_note(f, "the ROM is for another device");
	if (facts->bytes > len)
		function_note(
			f, "the ROM says that it has %zu bytes, and has %zu", facts->bytes, len);
}

/* `what` is wrong with it, NULL: nothing. */
static const char *look(struct function *f, const uint8_t *rom, size_t len)
{
	struct rom_facts facts;
	const char *wrong = rom_look(rom, len, pci_get16(&f->pci, PCI_VENDOR_ID),
		pci_get16(&f->pci, PCI_DEVICE_ID), &facts);

	if (!wrong)
		warn(f, &facts, len);
	return wrong;
}

static int bad_file(const struct function *f, int code, const char *what, struct problem **reterr)
{
	return problem(reterr, code, PROBLEM_USAGE, "rom=off, or another file",
		"the ROM file for %s: %s", f->d->name, what);
}

/* The user's own: what is wrong with it he wants to know. */
static int from_file(struct function *f, int fd, struct problem **reterr)
{
	autofree uint8_t *rom = malloc(ROM_BYTES_MAX + 1);
	const char *wrong;
	size_t len = 0;
	uint8_t *fits;
	int r;

	if (!rom)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	r = read_all(f, NULL, fd, rom, ROM_BYTES_MAX + 1, &len);
	if (r < 0)
		return bad_file(f, r, strerror(-r), reterr);
	if (len > ROM_BYTES_MAX)
		return bad_file(f, -EFBIG, "it has more than 16 MiB", reterr);
	wrong = look(f, rom, len);
	if (wrong)
		return bad_file(f, -EINVAL, wrong, reterr);
	fits = realloc(rom, len);
	if (fits)
		rom = fits;
	r = keep(f, rom, len);
	if (r >= 0)
		TAKE_PTR(rom);
	return r < 0 ? bad_file(f, r, strerror(-r), reterr) : 0;
}

/* Reading it takes memory decode, which nobody else needs yet: no BAR is mapped. */
static int read_device(
	struct function *f, const struct vfio_region *region, uint8_t *to, size_t *len)
{
	const uint8_t on[2] = { PCI_COMMAND_MEMORY, 0 }, off[2] = { 0, 0 };
	int r = vfio_config_write(f->d, PCI_COMMAND, on, sizeof(on));

	if (r >= 0)
		r = read_all(f, region, -1, to, (size_t)region->size, len);
	vfio_config_write(f->d, PCI_COMMAND, off, sizeof(off));
	return r;
}

/* The device's: it runs without it as well. */
static const char *from_device(struct function *f)
{
	autoregion region = { 0 };
	autofree uint8_t *rom = NULL;
	const char *wrong;
	size_t len = 0;
	int r = vfio_region_get(f->d, VFIO_PCI_ROM_REGION_INDEX, &region, NULL);

	if (r < 0)
		return strerror(-r);
	if (!region.size || !region.readable)
		return "it has none";
	if (region.size > ROM_BYTES_MAX)
		return "it says that it has more than 16 MiB";
	rom = malloc((size_t)region.size);
	if (!rom)
		return strerror(ENOMEM);
	r = read_device(f, &region, rom, &len);
	if (r < 0)
		return strerror(-r);
	wrong = look(f, rom, len);
	if (wrong)
		return wrong;
	r = keep(f, rom, len);
	if (r >= 0)
		TAKE_PTR(rom);
	return r < 0 ? strerror(-r) : NULL;
}

int function_rom_new(struct function *f, enum function_rom how, int fd, struct problem **reterr)
{
	const char *why;

	f->rom_how = how;
	if (how == FUNCTION_ROM_FILE)
		return from_file(f, fd, reterr);
	why = how == FUNCTION_ROM_DEVICE ? from_device(f) : NULL;
	if (why)
		function_note(f, "the guest does not see its ROM: %s", why);
	f->rom_why = why;
	return 0;
}

void function_rom_done(struct function *f)
{
	free(f->rom);
}

uint64_t function_rom_read(const struct function *f, uint64_t offset, unsigned len)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < len; i++)
		v |= (offset + i < f->rom_bytes ? (uint64_t)f->rom[offset + i] : 0xffULL)
		     << (8 * i);
	return v;
}
