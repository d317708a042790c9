/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bzimage.h"

#include "base/checked.h"

#include <string.h>

enum {
	SECTOR = 512,
	HEADER_AT = 0x1f1,
	BOOT_FLAG = 0xaa55,
	HDRS = 0x53726448, /* "HdrS" */
	VERSION_MIN = 0x020c,
	DEFAULT_SETUP_SECTORS = 4,
	ENTRY64_OFFSET = 0x200,
};

static int bad(struct problem **reterr, const char *what)
{
	return problem(reterr, -ENOEXEC, PROBLEM_BAD_IMAGE,
		"give the vmlinuz of an x86-64 Linux kernel", "the kernel image is not usable: %s",
		what);
}

static int check_header(const struct setup_header *h, struct problem **reterr)
{
	if (h->boot_flag != BOOT_FLAG || h->header != HDRS)
		return bad(reterr, "it is not a bzImage");
	if (h->version < VERSION_MIN) {
		problem(reterr, -ENOEXEC, PROBLEM_BAD_IMAGE, "use a kernel of version 3.8 or newer",
			"the kernel image is not usable: boot protocol %u.%02u is older than 2.12",
			h->version >> 8, h->version & 0xff);
		return -ENOEXEC;
	}
	if (!(h->loadflags & LOADED_HIGH))
		return bad(reterr, "it is a zImage");
	if (!(h->xloadflags & XLF_KERNEL_64))
		return bad(reterr, "it has no 64-bit entry");
	if (!is_power_of_two(h->kernel_alignment))
		return bad(reterr, "its alignment is no power of two");
	return 0;
}

int bzimage_parse(const void *head, size_t len, uint64_t file_size, struct bzimage *ret,
	struct problem **reterr)
{
	struct bzimage b = { .file_size = file_size };
	unsigned sectors;
	int r;

	if (len < HEADER_AT + sizeof(b.header) || file_size < len)
		return bad(reterr, "it is too short");
	memcpy(&b.header, (const uint8_t *)head + HEADER_AT, sizeof(b.header));
	r = check_header(&b.header, reterr);
	if (r < 0)
		return r;
	sectors = b.header.setup_sects ? b.header.setup_sects : DEFAULT_SETUP_SECTORS;
	b.code_offset = (sectors + 1ULL) * SECTOR;
	if (b.code_offset + ENTRY64_OFFSET >= file_size)
		return bad(reterr, "it ends before its code");
	/* syssize counts 16-byte units; what follows in the file (a signature) is not loaded. */
	b.code_size = file_size - b.code_offset;
	if ((uint64_t)b.header.syssize * 16 > align_up(b.code_size, 16))
		return bad(reterr, "it is cut off");
	b.code_size = MIN(b.code_size, (uint64_t)b.header.syssize * 16);
	if (b.code_size <= ENTRY64_OFFSET)
		return bad(reterr, "its header says that there is no code");
	*ret = b;
	return 0;
}
