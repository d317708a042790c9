/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/checked.h"
#include "bzimage.h"
#include "map.h"

#include <string.h>
#include <sys/stat.h>

enum {
	HEAD_BYTES = 4096,
	ENTRY64_OFFSET = 0x200,
	LOADER_UNDEFINED = 0xff,
	ECAM_BYTES = 1 << 20,
	PAGE_PRESENT_WRITE = 3,
	PAGE_LARGE = 0x80,
	LARGE_PAGE_BYTES = 2 * 1024 * 1024,
	ENTRIES = 512,
};

static int file_size(int fd, const char *what, uint64_t *ret, struct problem **reterr)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return problem(reterr, -errno, PROBLEM_BAD_IMAGE, NULL, "the %s cannot be read: %s",
			what, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return problem(reterr, -EINVAL, PROBLEM_BAD_IMAGE, NULL, "the %s is %s, not a file",
			what, S_ISDIR(st.st_mode) ? "a directory" : "a device or pipe");
	*ret = (uint64_t)st.st_size;
	return 0;
}

/* [offset, +len) of the file to a place in the guest, in as many reads as it takes. */
static int load_file(struct host *h, int fd, const char *what, uint64_t offset, uint64_t len,
	void *to, struct problem **reterr)
{
	uint8_t *at = to;

	while (len) {
		ssize_t n = host_pread(h, fd, at, MIN(len, 1ULL << 30), offset);

		if (n == -EINTR)
			continue;
		if (n <= 0)
			return problem(reterr, n < 0 ? (int)n : -EIO, PROBLEM_BAD_IMAGE, NULL,
				"the %s cannot be read: %s", what,
				n < 0 ? strerror((int)-n) : "it became shorter");
		at += n;
		offset += (uint64_t)n;
		len -= (uint64_t)n;
	}
	return 0;
}

static int parse_kernel(struct host *h, int fd, struct bzimage *ret, struct problem **reterr)
{
	uint8_t head[HEAD_BYTES] = { 0 };
	uint64_t size, len;
	int r = file_size(fd, "kernel", &size, reterr);

	if (r < 0)
		return r;
	len = MIN(size, sizeof(head));
	r = load_file(h, fd, "kernel", 0, len, head, reterr);
	return r < 0 ? r : bzimage_parse(head, len, size, ret, reterr);
}

/* The preferred address if RAM is there, otherwise the lowest aligned one that has room. */
static int place_kernel(const struct guest_memory *m, const struct bzimage *b, uint64_t *ret_at,
	uint64_t *ret_len, struct problem **reterr)
{
	uint64_t len = MAX((uint64_t)b->header.init_size, b->code_size);
	uint64_t align = MAX((uint64_t)b->header.kernel_alignment, (uint64_t)GUEST_PAGE_BYTES);

	*ret_len = len;
	*ret_at = b->header.pref_address;
	if (*ret_at >= BOOT_HIGH_START && guest_memory_at(m, GPA(*ret_at), len))
		return 0;
	for (size_t i = 0; b->header.relocatable_kernel && i < m->n_banks; i++) {
		uint64_t start = MAX(m->banks[i].start.v, (uint64_t)BOOT_HIGH_START);

		*ret_at = align_up(start, align);
		/* The first page tables reach to 4 GiB. */
		if (*ret_at + len <= GUEST_HOLE_END && guest_memory_at(m, GPA(*ret_at), len))
			return 0;
	}
	return problem(reterr, -ENOMEM, PROBLEM_BAD_IMAGE, "give the guest more memory",
		"the kernel needs %llu MiB in one piece, which the guest's memory does not have",
		(unsigned long long)(len >> 20) + 1);
}

/* As high as the kernel allows, above 4 GiB only when there is no place below. */
static int place_initrd(const struct guest_memory *m, const struct bzimage *b, uint64_t size,
	uint64_t kernel_end, uint64_t *ret_at, struct problem **reterr)
{
	bool high = b->header.xloadflags & XLF_CAN_BE_LOADED_ABOVE_4G;
	uint64_t limit = (uint64_t)b->header.initrd_addr_max + 1, best = 0;

	for (size_t i = 0; i < m->n_banks; i++) {
		const struct guest_bank *bank = &m->banks[i];
		uint64_t start = MAX(bank->start.v, kernel_end), end = bank->start.v + bank->size;

		if (bank->start.v < GUEST_HOLE_END)
			end = MIN(end, limit);
		else if (!high || best)
			continue;
		if (end > start && size <= align_down(end, GUEST_PAGE_BYTES) - start &&
			align_down(end - size, GUEST_PAGE_BYTES) >= start)
			best = align_down(end - size, GUEST_PAGE_BYTES);
	}
	if (!best)
		return problem(reterr, -ENOMEM, PROBLEM_BAD_IMAGE, "give the guest more memory",
			"the initrd of %llu MiB does not fit beside the kernel",
			(unsigned long long)(size >> 20));
	*ret_at = best;
	return 0;
}

static int load_initrd(struct host *h, const struct guest_memory *m,
	const struct boot_image_params *p, const struct bzimage *b, uint64_t kernel_end,
	struct boot_params *bp, struct problem **reterr)
{
	uint64_t size, at = 0;
	int r;

	if (p->initrd_fd < 0)
		return 0;
	r = file_size(p->initrd_fd, "initrd", &size, reterr);
	if (r < 0 || !size)
		return r;
	r = place_initrd(m, b, size, kernel_end, &at, reterr);
	if (r < 0)
		return r;
	bp->hdr.ramdisk_image = (uint32_t)at;
	bp->hdr.ramdisk_size = (uint32_t)size;
	bp->ext_ramdisk_image = (uint32_t)(at >> 32);
	bp->ext_ramdisk_size = (uint32_t)(size >> 32);
	return load_file(
		h, p->initrd_fd, "initrd", 0, size, guest_memory_at(m, GPA(at), size), reterr);
}

static int load_cmdline(const struct guest_memory *m, const char *cmdline, const struct bzimage *b,
	struct boot_params *bp, struct problem **reterr)
{
	size_t len = strlen(cmdline);
	size_t limit = MIN(b->header.cmdline_size, BOOT_CMDLINE_MAX - 1U);

	if (len > limit)
		return problem(reterr, -E2BIG, PROBLEM_USAGE, NULL,
			"the kernel command line has %zu bytes, the kernel takes %zu", len, limit);
	bp->hdr.cmd_line_ptr = BOOT_CMDLINE;
	return guest_memory_write(m, GPA(BOOT_CMDLINE), cmdline, len + 1);
}

static void add_e820(struct boot_params *bp, uint64_t start, uint64_t end, uint32_t type)
{
	if (start >= end || bp->e820_entries == E820_MAX_ENTRIES_ZEROPAGE)
		return;
	bp->e820_table[bp->e820_entries++] = (struct boot_e820_entry) {
		.addr = start,
		.size = end - start,
		.type = type,
	};
}

static void fill_e820(struct boot_params *bp, const struct guest_memory *m, uint64_t ecam)
{
	enum { RAM = 1, RESERVED = 2 };
	bool has_ecam = false;

	for (size_t i = 0; i < m->n_banks; i++) {
		uint64_t start = m->banks[i].start.v, end = start + m->banks[i].size;

		if (start > ecam && !has_ecam) { /* the list is in address order */
			add_e820(bp, ecam, ecam + ECAM_BYTES, RESERVED);
			has_ecam = true;
		}
		if (start < BOOT_HIGH_START) {
			add_e820(bp, start, MIN(end, (uint64_t)BOOT_LOW_END), RAM);
			add_e820(bp, BOOT_LOW_END, BOOT_HIGH_START, RESERVED);
			start = BOOT_HIGH_START;
		}
		add_e820(bp, start, end, RAM);
	}
	if (!has_ecam)
		add_e820(bp, ecam, ecam + ECAM_BYTES, RESERVED);
}

/* Identity mapping of the first 4 GiB: PML4, PDPT, four directories of 2 MiB pages. */
static int write_page_tables(const struct guest_memory *m)
{
	uint64_t page[ENTRIES] = { 0 };
	uint64_t at = BOOT_PAGE_TABLES;
	int r;

	page[0] = (at + GUEST_PAGE_BYTES) | PAGE_PRESENT_WRITE;
	r = guest_memory_write(m, GPA(at), page, sizeof(page));
	for (uint64_t i = 0; i < 4; i++)
		page[i] = (at + (2 + i) * GUEST_PAGE_BYTES) | PAGE_PRESENT_WRITE;
	if (r == 0)
		r = guest_memory_write(m, GPA(at + GUEST_PAGE_BYTES), page, sizeof(page));
	for (uint64_t dir = 0; dir < 4 && r == 0; dir++) {
		for (uint64_t i = 0; i < ENTRIES; i++)
			page[i] = (dir * ENTRIES + i) * LARGE_PAGE_BYTES | PAGE_PRESENT_WRITE |
				  PAGE_LARGE;
		r = guest_memory_write(
			m, GPA(at + (2 + dir) * GUEST_PAGE_BYTES), page, sizeof(page));
	}
	return r;
}

/* Two unused entries, flat 64-bit code, flat data: the selectors of the boot protocol. */
static const uint64_t gdt[] = { 0, 0, 0x00af9b000000ffff, 0x00cf93000000ffff };

/*
 * Where a PC's BIOS begins. Linux jumps there, in real mode, to reboot: with hardware-reduced ACPI
 * it expects EFI's reset service (efi_reboot_required()), and without EFI this is the next it
 * tries, not ACPI's reset register.
 */
static const uint8_t reset_vector[] = {
	0xb0, 0xfe, /* mov $0xfe, %al */
	0xe6, 0x64, /* out %al, $0x64: the keyboard controller's reset line */
	0xf4,	    /* hlt */
	0xeb, 0xfd, /* and again */
};

static int write_tables(const struct guest_memory *m, const struct boot_params *bp)
{
	int r = guest_memory_write(m, GPA(BOOT_GDT), gdt, sizeof(gdt));

	if (r == 0)
		r = write_page_tables(m);
	if (r == 0)
		r = guest_memory_write(m, GPA(BOOT_PARAMS), bp, sizeof(*bp));
	if (r == 0)
		r = guest_memory_write(
			m, GPA(BOOT_RESET_VECTOR), reset_vector, sizeof(reset_vector));
	return r;
}

static void fill_header(struct boot_params *bp, const struct bzimage *b)
{
	bp->hdr = b->header;
	bp->hdr.type_of_loader = LOADER_UNDEFINED;
	bp->hdr.ramdisk_image = 0;
	bp->hdr.ramdisk_size = 0;
	bp->hdr.setup_data = 0;
}

int boot_load(struct host *h, const struct guest_memory *m, const struct boot_image_params *p,
	struct cpu_entry *ret, struct problem **reterr)
{
	struct boot_params bp = { .acpi_rsdp_addr = p->rsdp.v };
	struct bzimage b;
	uint64_t at, len;
	int r;

	r = parse_kernel(h, p->kernel_fd, &b, reterr);
	if (r < 0)
		return r;
	r = place_kernel(m, &b, &at, &len, reterr);
	if (r < 0)
		return r;
	r = load_file(h, p->kernel_fd, "kernel", b.code_offset, b.code_size,
		guest_memory_at(m, GPA(at), len), reterr);
	if (r < 0)
		return r;
	fill_header(&bp, &b);
	fill_e820(&bp, m, p->ecam);
	r = load_initrd(h, m, p, &b, at + len, &bp, reterr);
	if (r < 0)
		return r;
	r = load_cmdline(m, p->cmdline, &b, &bp, reterr);
	if (r < 0)
		return r;
	r = write_tables(m, &bp);
	if (r < 0)
		return problem(reterr, r, PROBLEM_USAGE, "give the guest more memory",
			"the first MiB of the guest's memory is not all there");
	*ret = (struct cpu_entry) {
		.rip = at + ENTRY64_OFFSET,
		.rsi = BOOT_PARAMS,
		.rsp = BOOT_STACK,
		.page_tables = BOOT_PAGE_TABLES,
		.gdt = BOOT_GDT,
		.gdt_bytes = sizeof(gdt),
		.code_selector = BOOT_CODE_SELECTOR,
		.data_selector = BOOT_DATA_SELECTOR,
	};
	return 0;
}
