// SPDX-License-Identifier: GPL-2.0-or-later
/* The task file: registers, commands, data by PIO. */
#include "cm.h"
#include "fixture.h"

static void take_sector(struct fixture *f, uint8_t *to, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i += 2) {
		uint64_t v = ide_command_read(&f->c, PORT_DATA, 2);

		memcpy(to + i, &v, 2);
	}
}

static void give(struct fixture *f, const uint8_t *from, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i += 4) {
		uint32_t v;

		memcpy(&v, from + i, 4);
		ide_command_write(&f->c, PORT_DATA, 4, v);
	}
}

static void aborts(struct fixture *f, uint8_t error)
{
	assert_true(atomic_load(&f->line));
	assert_int_equal(get(f, PORT_FEATURE), error);
	assert_int_equal(get(f, PORT_COMMAND), ATA_GOOD | ATA_FAILED);
	assert_false(atomic_load(&f->line));
}

static void succeeds(struct fixture *f)
{
	assert_true(atomic_load(&f->line));
	assert_int_equal(peek(f), ATA_GOOD);
	assert_true(atomic_load(&f->line)); /* the shadow takes nothing */
	assert_int_equal(get(f, PORT_COMMAND), ATA_GOOD);
	assert_false(atomic_load(&f->line));
}

static void it_says_what_it_is(void **state UNUSED)
{
	struct fixture *f = open_channel(true, false);
	uint8_t page[512], sum = 0;
	uint32_t sectors;

	put(f, PORT_COMMAND, 0xec);
	assert_true(atomic_load(&f->line));
	assert_int_equal(get(f, PORT_COMMAND), ATA_GOOD | ATA_DATA);
	take_sector(f, page, sizeof(page));
	assert_int_equal(get(f, PORT_COMMAND), ATA_GOOD);
	for (unsigned i = 0; i < sizeof(page); i++)
		sum = (uint8_t)(sum + page[i]);
	assert_int_equal(sum, 0);
	memcpy(&sectors, page + 120, 4);
	assert_int_equal(sectors, SECTORS);
	assert_memory_equal(page + 20, "1S", 2);
	/* What is read behind the end is no more data. */
	assert_int_equal(ide_command_read(&f->c, PORT_DATA, 2), 0xffff);
	close_channel(f);
}

static void sectors_come_and_go_by_pio(void **state UNUSED)
{
	struct fixture *f = open_channel(true, false);
	uint8_t two[1024], back[1024];

	for (unsigned i = 0; i < sizeof(two); i++)
		two[i] = (uint8_t)(i * 3);
	address(f, 9, 2);
	put(f, PORT_COMMAND, 0x30);
	assert_false(atomic_load(&f->line)); /* the first block is not asked for */
	give(f, two, 512);
	assert_int_equal(get(f, PORT_COMMAND), ATA_GOOD | ATA_DATA);
	give(f, two + 512, 512);
	succeeds(f);
	assert_memory_equal(f->fake.bytes + 9 * 512, two, sizeof(two));
	address48(f, 9, 2);
	put(f, PORT_COMMAND, 0x24);
	take_sector(f, back, 512);
	assert_int_equal(get(f, PORT_COMMAND), ATA_GOOD | ATA_DATA);
	take_sector(f, back + 512, 512);
	assert_int_equal(get(f, PORT_COMMAND), ATA_GOOD);
	assert_memory_equal(two, back, sizeof(two));
	close_channel(f);
}

/* Odd lengths across the end of a block leave nothing behind. */
static void reads_of_any_length(void **state UNUSED)
{
	struct fixture *f = open_channel(true, false);

	for (unsigned len = 1; len <= 8; len++) {
		unsigned taken = 0;

		address(f, 1, 1);
		put(f, PORT_COMMAND, 0x20);
		while (peek(f) & ATA_DATA) {
			uint64_t v = ide_command_read(&f->c, PORT_DATA, len);

			assert_int_equal(v & 0xff, f->fake.bytes[512 + taken]);
			taken += len;
		}
		assert_in_range(taken, 512, 512 + len - 1);
	}
	close_channel(f);
}

static void nothing_lies_outside(void **state UNUSED)
{
	static const struct {
		uint64_t lba;
		unsigned count;
	} wrong[] = {
		{ SECTORS, 1 },
		{ SECTORS - 1, 2 },
		{ SECTORS - 255, 0 }, /* 0 is 65536 */
		{ 0xffffffffffff, 1 },
		{ 0xffffffffffff, 0xffff },
		{ 1ULL << 32, 1 },
	};
	static const uint8_t opcodes[] = { 0x24, 0x25, 0x34, 0x35, 0x3d, 0x42 };
	struct fixture *f = open_channel(true, false);

	for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++)
		for (unsigned k = 0; k < ARRAY_SIZE(opcodes); k++) {
			address48(f, wrong[i].lba, wrong[i].count);
			put(f, PORT_COMMAND, opcodes[k]);
			aborts(f, ATA_NOT_FOUND);
		}
	address(f, 0xfffffff, 1);
	put(f, PORT_COMMAND, 0x20);
	aborts(f, ATA_NOT_FOUND);
	assert_int_equal(atomic_load(&f->fake.inside), 0);
	close_channel(f);
}

static void places_by_cylinder(void **state UNUSED)
{
	static const struct {
		uint8_t sector, cylinder, head;
		bool there;
		unsigned lba;
	} all[] = {
		{ 1, 0, 0, true, 0 },
		{ 63, 0, 1, true, 125 },
		{ 1, 1, 0, true, 1008 },
		{ 0, 0, 0, false, 0 }, /* they begin with 1 */
		{ 64, 0, 0, false, 0 },
		{ 63, 255, 15, false, 0 },
	};
	struct fixture *f = open_channel(true, false);
	uint8_t b[512];

	for (unsigned i = 0; i < ARRAY_SIZE(all); i++) {
		put(f, PORT_COUNT, 1);
		put(f, PORT_LOW, all[i].sector);
		put(f, PORT_MID, all[i].cylinder);
		put(f, PORT_HIGH, 0);
		put(f, PORT_DEVICE, all[i].head);
		put(f, PORT_COMMAND, 0x20);
		if (!all[i].there) {
			aborts(f, ATA_NOT_FOUND);
			continue;
		}
		take_sector(f, b, sizeof(b));
		assert_memory_equal(b, f->fake.bytes + all[i].lba * 512, sizeof(b));
	}
	/* A geometry without sectors is refused, and nothing is divided by it. */
	put(f, PORT_COUNT, 0);
	put(f, PORT_COMMAND, 0x91);
	aborts(f, ATA_ABORTED);
	put(f, PORT_COMMAND, 0xec);
	take_sector(f, b, sizeof(b));
	close_channel(f);
}

static void settings(void **state UNUSED)
{
	static const struct {
		uint8_t opcode, feature, count;
		bool good;
	} all[] = {
		{ 0xef, 0x03, 0x42, true }, /* ultra DMA 2 */
		{ 0xef, 0x03, 0x46, false },
		{ 0xef, 0x03, 0x23, false },
		{ 0xef, 0x03, 0xff, false },
		{ 0xef, 0x99, 0, false },
		{ 0xef, 0x82, 0, true },
		{ 0xc6, 0, 16, true },
		{ 0xc6, 0, 17, false },
		{ 0xc6, 0, 32, false },
		{ 0xc6, 0, 255, false },
		{ 0xc6, 0, 0, true },  /* switches it off */
		{ 0xc4, 0, 1, false }, /* … and then there is no READ MULTIPLE */
		{ 0x06, 2, 1, false },
		{ 0x06, 1, 9, false }, /* more ranges than it takes */
		{ 0x00, 0, 0, false },
		{ 0xff, 0, 0, false },
		{ 0xa1, 0, 0, false }, /* it is no ATAPI device */
		{ 0xe5, 0, 0, true },
	};
	struct fixture *f = open_channel(true, false);

	for (unsigned i = 0; i < ARRAY_SIZE(all); i++) {
		put(f, PORT_FEATURE, all[i].feature);
		put(f, PORT_COUNT, 0);
		put(f, PORT_COUNT, all[i].count);
		put(f, PORT_COMMAND, all[i].opcode);
		if (all[i].good)
			succeeds(f);
		else
			aborts(f, ATA_ABORTED);
	}
	close_channel(f);
}

static void blocks_of_several_sectors(void **state UNUSED)
{
	struct fixture *f = open_channel(true, false);
	uint8_t b[40 * 512];

	put(f, PORT_COUNT, 16);
	put(f, PORT_COMMAND, 0xc6);
	succeeds(f);
	address(f, 3, 40);
	put(f, PORT_COMMAND, 0xc4);
	take_sector(f, b, 16 * 512);
	assert_true(atomic_load(&f->line));
	take_sector(f, b + 16 * 512, 16 * 512);
	assert_int_equal(get(f, PORT_COMMAND), ATA_GOOD | ATA_DATA);
	take_sector(f, b + 32 * 512, 8 * 512);
	assert_int_equal(get(f, PORT_COMMAND), ATA_GOOD);
	assert_memory_equal(b, f->fake.bytes + 3 * 512, sizeof(b));
	assert_int_equal(atomic_load(&f->fake.inside), 3);
	close_channel(f);
}

static void a_disk_that_is_only_read(void **state UNUSED)
{
	static const uint8_t opcodes[] = { 0x30, 0x34, 0x35, 0x3d, 0xca, 0x06 };
	struct fixture *f = open_channel(true, true);

	for (unsigned i = 0; i < ARRAY_SIZE(opcodes); i++) {
		put(f, PORT_FEATURE, 1);
		address48(f, 0, 1);
		put(f, PORT_COMMAND, opcodes[i]);
		aborts(f, ATA_ABORTED);
	}
	close_channel(f);
}

static void errors_of_the_disk(void **state UNUSED)
{
	struct fixture *f = open_channel(true, false);

	f->fake.fail = -EIO;
	address(f, 0x123, 1);
	put(f, PORT_COMMAND, 0x20);
	aborts(f, ATA_UNCORRECTABLE);
	assert_int_equal(get(f, PORT_LOW), 0x23); /* where it was */
	assert_int_equal(get(f, PORT_MID), 0x01);
	put(f, PORT_COMMAND, 0xe7);
	aborts(f, ATA_UNCORRECTABLE);
	address(f, 0, 255);
	put(f, PORT_COMMAND, 0x40);
	aborts(f, ATA_UNCORRECTABLE);
	assert_int_equal(f->failures, 3);
	assert_int_equal(f->c.counts.io_errors, 3);
	f->fake.fail = -ENOSPC;
	put(f, PORT_COMMAND, 0xe7);
	aborts(f, ATA_UNCORRECTABLE);
	assert_int_equal(f->failures, 4);
	assert_int_equal(f->c.counts.io_errors, 3);
	assert_int_equal(f->c.counts.no_space, 1);
	f->fake.fail = 0;
	put(f, PORT_COMMAND, 0xe7);
	succeeds(f);
	close_channel(f);
}

/* Who waits for stable writes gets them: by FUA, and with the cache switched off. */
static void stable_writes(void **state UNUSED)
{
	struct fixture *f = open_channel(true, false);
	uint8_t b[512] = { 1 };

	address(f, 0, 1);
	put(f, PORT_COMMAND, 0x30);
	give(f, b, sizeof(b));
	assert_int_equal(f->fake.flushes, 0);
	put(f, PORT_FEATURE, 0x82);
	put(f, PORT_COMMAND, 0xef);
	address(f, 0, 1);
	put(f, PORT_COMMAND, 0x30);
	give(f, b, sizeof(b));
	assert_int_equal(f->fake.flushes, 1);
	close_channel(f);
}

static void the_line_can_be_silenced(void **state UNUSED)
{
	struct fixture *f = open_channel(true, false);

	set_control(f, CONTROL_SILENT);
	put(f, PORT_COMMAND, 0xe5);
	assert_false(atomic_load(&f->line));
	assert_int_equal(master_status(f) & MASTER_INTERRUPT, 0);
	set_control(f, 0);
	assert_true(atomic_load(&f->line));
	set_control(f, CONTROL_RESET);
	assert_false(atomic_load(&f->line));
	assert_int_equal(peek(f), ATA_BUSY);
	put(f, PORT_COMMAND, 0xec); /* lost */
	assert_int_equal(peek(f), ATA_BUSY);
	set_control(f, 0);
	assert_int_equal(get(f, PORT_COMMAND), ATA_GOOD);
	assert_int_equal(get(f, PORT_FEATURE), ATA_PASSED);
	assert_int_equal(get(f, PORT_COUNT), 1);
	assert_int_equal(get(f, PORT_LOW), 1);
	assert_int_equal(get(f, PORT_MID), 0);
	assert_int_equal(get(f, PORT_HIGH), 0);
	close_channel(f);
}

static void what_was_written_before(void **state UNUSED)
{
	struct fixture *f = open_channel(true, false);

	address48(f, 0x0605040302ULL << 8 | 1, 0x0807);
	assert_int_equal(get(f, PORT_LOW), 1);
	set_control(f, CONTROL_BEFORE);
	assert_int_equal(get(f, PORT_COUNT), 8);
	assert_int_equal(get(f, PORT_LOW), 4);
	assert_int_equal(get(f, PORT_MID), 5);
	assert_int_equal(get(f, PORT_HIGH), 6);
	put(f, PORT_LOW, 9); /* any write ends it */
	assert_int_equal(get(f, PORT_LOW), 9);
	close_channel(f);
}

static void a_drive_that_is_not_there(void **state UNUSED)
{
	struct fixture *f = open_channel(true, false);

	put(f, PORT_DEVICE, DEVICE_SECOND);
	assert_int_equal(get(f, PORT_COMMAND), 0);
	put(f, PORT_COUNT, 0x55);
	assert_int_equal(get(f, PORT_COUNT), 0);
	for (unsigned opcode = 0; opcode < 256; opcode++)
		put(f, PORT_COMMAND, opcode);
	assert_false(atomic_load(&f->line));
	assert_int_equal(atomic_load(&f->fake.inside), 0);
	put(f, PORT_DEVICE, 0);
	put(f, PORT_COMMAND, 0xe5);
	succeeds(f);
	close_channel(f);
}

/* Each command in each phase that another one has begun; after a reset all is well. */
static void commands_on_top_of_commands(void **state UNUSED)
{
	static const uint8_t first[] = { 0xec, 0x20, 0x30, 0xc8, 0xca };
	struct fixture *f = open_channel(true, false);
	uint8_t b[512];

	for (unsigned i = 0; i < ARRAY_SIZE(first); i++)
		for (unsigned opcode = 0; opcode < 256; opcode++) {
			address(f, 1, 2);
			put(f, PORT_COMMAND, first[i]);
			put(f, PORT_COMMAND, opcode);
			ide_command_write(&f->c, PORT_DATA, 8, UINT64_MAX);
			ide_command_read(&f->c, PORT_DATA, 8);
			set_control(f, CONTROL_RESET);
			set_control(f, 0);
			address(f, 7, 1);
			put(f, PORT_COMMAND, 0x20);
			take_sector(f, b, sizeof(b));
			assert_memory_equal(b, f->fake.bytes + 7 * 512, sizeof(b));
		}
	close_channel(f);
}

/* The drive whose transfer was given up by a command to the other one wants no data any more. */
static void a_command_to_the_other_drive(void **state UNUSED)
{
	struct fixture *f = open_channel(true, false);

	ata_drive_init(&f->c.drives[1], &f->fake.disk, "S2");
	address(f, 1, 2);
	put(f, PORT_COMMAND, 0xc8);
	assert_int_equal(peek(f), ATA_GOOD | ATA_DATA);
	put(f, PORT_DEVICE, DEVICE_SECOND);
	put(f, PORT_COMMAND, 0xe5);
	succeeds(f);
	put(f, PORT_DEVICE, 0);
	assert_int_equal(peek(f), ATA_GOOD);
	close_channel(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_says_what_it_is),
		cmocka_unit_test(sectors_come_and_go_by_pio),
		cmocka_unit_test(reads_of_any_length),
		cmocka_unit_test(nothing_lies_outside),
		cmocka_unit_test(places_by_cylinder),
		cmocka_unit_test(settings),
		cmocka_unit_test(blocks_of_several_sectors),
		cmocka_unit_test(a_disk_that_is_only_read),
		cmocka_unit_test(errors_of_the_disk),
		cmocka_unit_test(stable_writes),
		cmocka_unit_test(the_line_can_be_silenced),
		cmocka_unit_test(what_was_written_before),
		cmocka_unit_test(a_drive_that_is_not_there),
		cmocka_unit_test(commands_on_top_of_commands),
		cmocka_unit_test(a_command_to_the_other_drive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
