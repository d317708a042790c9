/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is in guest memory when the first CPU starts. */
#include "cm.h"

#include "image.h"
#include "vmm/boot/map.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define MIB (1ULL << 20)

struct env {
	struct host *h;
	struct guest_memory *m;
	uint8_t image[IMAGE_BYTES];
	struct boot_image_params p;
	struct cpu_entry entry;
	struct problem *problem;
};

static int file_of(const void *data, size_t len)
{
	int fd = memfd_create("file", 0);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), (ssize_t)len);
	return fd;
}

static void make_memory(struct env *e, uint64_t size)
{
	struct guest_memory_params p = { .size = size };

	guest_memory_free(e->m);
	assert_int_equal(guest_memory_new(e->h, &p, &e->m, NULL), 0);
}

static int set_up(void **state)
{
	struct env *e = calloc(1, sizeof(*e));

	assert_int_equal(host_new_fds_only(&e->h), 0);
	make_memory(e, 64 * MIB);
	image_make(e->image);
	e->p = (struct boot_image_params) {
		.kernel_fd = -1,
		.initrd_fd = -1,
		.cmdline = "console=ttyS0 quiet",
		.ecam = 0xe0000000,
		.rsdp = GPA(0xe0000),
	};
	*state = e;
	return 0;
}

static int tear_down(void **state)
{
	struct env *e = *state;

	if (e->p.kernel_fd > 2)
		close(e->p.kernel_fd);
	if (e->p.initrd_fd > 2)
		close(e->p.initrd_fd);
	problem_free(e->problem);
	guest_memory_free(e->m);
	host_free(e->h);
	free(e);
	return 0;
}

static int load(struct env *e)
{
	if (e->p.kernel_fd < 0)
		e->p.kernel_fd = file_of(e->image, sizeof(e->image));
	problem_free(e->problem);
	e->problem = NULL;
	return boot_load(e->h, e->m, &e->p, &e->entry, &e->problem);
}

static const struct boot_params *params(struct env *e)
{
	return guest_memory_at(e->m, GPA(e->entry.rsi), sizeof(struct boot_params));
}

/* Follows the page tables as the CPU would. */
static uint64_t translate(struct env *e, uint64_t va)
{
	uint64_t table = e->entry.page_tables, entry = 0;

	for (int shift = 39; shift >= 21; shift -= 9) {
		const uint64_t *t = guest_memory_at(e->m, GPA(table), 4096);

		entry = t[va >> shift & 511];
		assert_int_equal(entry & 3, 3);
		table = entry & 0xffffffffff000;
		if (entry & 0x80)
			break;
	}
	return (entry & 0xfffffffe00000) + va % 0x200000;
}

static void kernel_is_where_it_wants_to_be(void **state)
{
	struct env *e = *state;

	assert_int_equal(load(e), 0);
	assert_int_equal(e->entry.rip, 0x1000200);
	assert_memory_equal(guest_memory_at(e->m, GPA(0x1000000), IMAGE_CODE),
		e->image + IMAGE_SETUP, IMAGE_CODE);
	assert_int_equal(params(e)->hdr.header, 0x53726448);
	assert_int_equal(params(e)->hdr.type_of_loader, 0xff);
	assert_true(params(e)->acpi_rsdp_addr == 0xe0000);
	assert_string_equal(
		guest_memory_at(e->m, GPA(params(e)->hdr.cmd_line_ptr), 20), "console=ttyS0 quiet");
	assert_int_equal(params(e)->hdr.ramdisk_size, 0);
}

static void cpu_can_start(void **state)
{
	static const uint64_t places[] = { 0, 0x7000, 0x1000200, 0x3fffff, 0xbfffffff, 0xffffffff };
	struct env *e = *state;
	const uint64_t *gdt;

	assert_int_equal(load(e), 0);
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		assert_true(translate(e, places[i]) == places[i]);
	gdt = guest_memory_at(e->m, GPA(e->entry.gdt), e->entry.gdt_bytes);
	assert_true(gdt[e->entry.code_selector / 8] & 1ULL << 53); /* L: 64-bit code */
	assert_true(gdt[e->entry.data_selector / 8] & 1ULL << 47); /* present */
	assert_int_equal(e->entry.code_selector, 0x10);
	assert_int_equal(e->entry.data_selector, 0x18);
}

/* In real mode, from f000:fff0: al = 0xfe to port 0x64. */
static void a_jump_to_the_bios_resets(void **state)
{
	static const uint8_t code[] = { 0xb0, 0xfe, 0xe6, 0x64 };
	struct env *e = *state;
	uint8_t seen[sizeof(code)];

	assert_int_equal(load(e), 0);
	assert_int_equal(guest_memory_read(e->m, GPA(0xffff0), seen, sizeof(seen)), 0);
	assert_memory_equal(seen, code, sizeof(code));
}

static void memory_map(void **state)
{
	struct env *e = *state;
	const struct boot_params *bp;
	uint64_t ram = 0, last = 0;
	bool ecam = false;

	make_memory(e, 5ULL << 30);
	assert_int_equal(load(e), 0);
	bp = params(e);
	for (int i = 0; i < bp->e820_entries; i++) {
		const struct boot_e820_entry *r = &bp->e820_table[i];

		assert_true(r->size > 0 && r->addr >= last);
		last = r->addr + r->size;
		if (r->type == 1) {
			ram += r->size;
			/* What is called RAM is RAM, and holds no table of ours. */
			assert_non_null(guest_memory_at(e->m, GPA(r->addr), r->size));
			assert_false(r->addr < BOOT_ACPI_END && last > BOOT_ACPI);
		}
		ecam |= r->type == 2 && r->addr == 0xe0000000 && r->size == MIB;
	}
	assert_true(ecam);
	assert_true(ram == (5ULL << 30) - (BOOT_HIGH_START - BOOT_LOW_END));
	assert_true(last == 6ULL << 30);
}

static void initrd_is_high_but_reachable(void **state)
{
	struct env *e = *state;
	uint8_t initrd[10000];
	uint32_t at;

	for (size_t i = 0; i < sizeof(initrd); i++)
		initrd[i] = (uint8_t)(i * 13);
	e->p.initrd_fd = file_of(initrd, sizeof(initrd));
	assert_int_equal(load(e), 0);
	at = params(e)->hdr.ramdisk_image;
	assert_int_equal(params(e)->hdr.ramdisk_size, sizeof(initrd));
	assert_int_equal(at % 4096, 0);
	assert_true(at >= 64 * MIB - 16384);
	assert_memory_equal(guest_memory_at(e->m, GPA(at), sizeof(initrd)), initrd, sizeof(initrd));
	/* Not above what the kernel can take. */
	image_header(e->image)->initrd_addr_max = 0x2ffffff;
	image_header(e->image)->xloadflags = XLF_KERNEL_64;
	close(e->p.kernel_fd);
	e->p.kernel_fd = -1;
	assert_int_equal(load(e), 0);
	at = params(e)->hdr.ramdisk_image;
	assert_true(at + sizeof(initrd) <= 0x3000000 && at >= 0x2f00000);
}

static void kernel_moves_when_it_must(void **state)
{
	struct env *e = *state;

	make_memory(e, 8 * MIB); /* the preferred 16 MiB are not there */
	assert_int_equal(load(e), 0);
	assert_int_equal(e->entry.rip, 0x200200);
	image_header(e->image)->relocatable_kernel = 0;
	close(e->p.kernel_fd);
	e->p.kernel_fd = -1;
	assert_int_equal(load(e), -ENOMEM);
	assert_string_equal(problem_best_hint(e->problem), "give the guest more memory");
}

static void too_much_is_refused(void **state)
{
	struct env *e = *state;
	char *line = calloc(1, 3000);
	int zero[2];

	memset(line, 'x', 2999);
	e->p.cmdline = line;
	assert_int_equal(load(e), -E2BIG);
	assert_int_equal(e->problem->kind, PROBLEM_USAGE);
	e->p.cmdline = "";
	e->p.initrd_fd = memfd_create("big", 0);
	assert_int_equal(ftruncate(e->p.initrd_fd, 63 << 20), 0);
	assert_int_equal(load(e), -ENOMEM);
	assert_non_null(strstr(e->problem->what, "63 MiB"));
	close(e->p.initrd_fd);
	e->p.initrd_fd = -1;
	assert_int_equal(pipe(zero), 0);
	close(e->p.kernel_fd);
	e->p.kernel_fd = zero[0];
	assert_int_equal(load(e), -EINVAL);
	assert_int_equal(e->problem->kind, PROBLEM_BAD_IMAGE);
	close(zero[1]);
	free(line);
}

/* Huge numbers in the header must not wrap anything. */
static void hostile_headers(void **state)
{
	struct env *e = *state;
	struct setup_header *h = image_header(e->image);

	h->pref_address = UINT64_MAX - 100;
	h->init_size = UINT32_MAX;
	h->kernel_alignment = 1U << 31;
	assert_int_equal(load(e), -ENOMEM);
	close(e->p.kernel_fd);
	e->p.kernel_fd = -1;
	image_make(e->image);
	h->pref_address = 0; /* on top of our own tables */
	assert_int_equal(load(e), 0);
	assert_int_equal(e->entry.rip, 0x200200);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(kernel_is_where_it_wants_to_be),
		TEST(cpu_can_start),
		TEST(a_jump_to_the_bios_resets),
		TEST(memory_map),
		TEST(initrd_is_high_but_reachable),
		TEST(kernel_moves_when_it_must),
		TEST(too_much_is_refused),
		TEST(hostile_headers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
