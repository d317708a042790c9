// SPDX-License-Identifier: GPL-2.0-or-later
/* The bus master, its lists that lie, and what ends it early. */
#include "cm.h"
#include "fixture.h"

#include <pthread.h>

enum { IN_FLIGHT_SECTORS = 2 };

static uint8_t settled(struct fixture *f)
{
	for (unsigned i = 0; i < 5000 && (peek(f) & ATA_BUSY); i++)
		usleep(1000);
	return peek(f);
}

static void sectors_come_and_go(void **state UNUSED)
{
	struct fixture *f = open_channel(false, false);

	/* Pieces that cut sectors, and one of 64 KiB, which is written as 0. */
	prd(f, 0, DATA, 10);
	prd(f, 1, DATA + 0x20000, 0);
	prd(f, 2, DATA + 10, 502 | PRD_LAST);
	address(f, 5, 129);
	start_dma(f, 0xc8, TABLE);
	assert_int_equal(settled(f), ATA_GOOD);
	assert_true(atomic_load(&f->line));
	assert_int_equal(master_status(f), MASTER_INTERRUPT);
	assert_memory_equal(guest(f, DATA), f->fake.bytes + 5 * 512, 10);
	assert_memory_equal(guest(f, DATA + 0x20000), f->fake.bytes + 5 * 512 + 10, 0x10000);
	assert_memory_equal(guest(f, DATA + 10), f->fake.bytes + 5 * 512 + 10 + 0x10000, 502);
	memset(guest(f, DATA), 0x5a, 512);
	prd(f, 0, DATA, 512 | PRD_LAST);
	address48(f, SECTORS - 1, 1);
	start_dma(f, 0x35, TABLE);
	assert_int_equal(settled(f), ATA_GOOD);
	assert_memory_equal(f->fake.bytes + (SECTORS - 1) * 512, guest(f, DATA), 512);
	close_channel(f);
}

/* Shorter than the transfer: the drive waits for ever, the bus master is idle (1.0, table 2). */
static void a_list_that_is_too_short(void **state UNUSED)
{
	struct fixture *f = open_channel(true, false);

	prd(f, 0, DATA, 700 | PRD_LAST);
	address(f, 0, 3);
	start_dma(f, 0xc8, TABLE);
	assert_int_equal(peek(f), ATA_GOOD | ATA_DATA);
	assert_int_equal(master_status(f), 0);
	assert_false(atomic_load(&f->line));
	/* Starting it again does not begin it anew. */
	master(f, 0);
	master(f, MASTER_START | MASTER_TO_MEMORY);
	assert_int_equal(peek(f), ATA_GOOD | ATA_DATA);
	set_control(f, CONTROL_RESET);
	set_control(f, 0);
	assert_int_equal(peek(f), ATA_GOOD);
	close_channel(f);
}

static void a_list_that_is_too_long(void **state UNUSED)
{
	struct fixture *f = open_channel(true, false);

	prd(f, 0, DATA, 0x1000);
	prd(f, 1, DATA, 0x1000 | PRD_LAST);
	memset(guest(f, DATA), 0xee, 0x1000);
	address(f, 0, 1);
	start_dma(f, 0xc8, TABLE);
	assert_int_equal(peek(f), ATA_GOOD);
	assert_int_equal(master_status(f), MASTER_ACTIVE | MASTER_INTERRUPT);
	assert_int_equal(guest(f, DATA)[512], 0xee);
	master(f, 0);
	assert_int_equal(master_status(f), MASTER_INTERRUPT);
	close_channel(f);
}

static void fill_table(struct fixture *f, uint32_t at, uint32_t rest)
{
	for (unsigned i = 0; i < 0x10000 / 8 + 16; i++)
		prd(f, i, at, rest);
}

/* No entry is the last one: what is read ends with the transfer, or with 64 KiB of list. */
static void a_list_without_end(void **state UNUSED)
{
	struct fixture *f = open_channel(true, false);

	fill_table(f, DATA, 2);
	address48(f, 0, 32); /* 16 KiB in 8192 pieces: all of the table */
	start_dma(f, 0x25, TABLE);
	assert_int_equal(peek(f), ATA_GOOD);
	address48(f, 0, 33);
	start_dma(f, 0x25, TABLE);
	assert_int_equal(peek(f), ATA_GOOD | ATA_DATA);
	assert_int_equal(master_status(f), 0);
	close_channel(f);
}

static void fails_as_bus_error(struct fixture *f, uint8_t command, uint32_t table)
{
	address48(f, 0, 8);
	start_dma(f, command, table);
	assert_int_equal(peek(f), ATA_GOOD | ATA_FAILED);
	assert_int_equal(get(f, PORT_FEATURE), ATA_ABORTED);
	assert_int_equal(master_status(f), MASTER_ERROR | MASTER_INTERRUPT);
	assert_true(atomic_load(&f->line));
	get(f, PORT_COMMAND);
	assert_false(atomic_load(&f->line));
}

static void addresses_out_of_ram(void **state UNUSED)
{
	static const uint32_t nowhere[] = { FAKE_RAM, FAKE_RAM - 0x800, 0xc0000000, 0xfffff000,
		0xfffffffe };
	struct fixture *f = open_channel(true, false);
	uint8_t before[512];

	memcpy(before, f->fake.bytes, sizeof(before));
	for (unsigned i = 0; i < ARRAY_SIZE(nowhere); i++) {
		prd(f, 0, nowhere[i], 0x1000 | PRD_LAST);
		fails_as_bus_error(f, 0x25, TABLE);
		fails_as_bus_error(f, 0x35, TABLE);
		fails_as_bus_error(
			f, 0x25, nowhere[i] == FAKE_RAM - 0x800 ? FAKE_RAM - 4 : nowhere[i]);
	}
	assert_memory_equal(before, f->fake.bytes, sizeof(before));
	assert_int_equal(f->failures, 0); /* the disk is innocent */
	close_channel(f);
}

/* Both sides must want the same direction, and the function must be a bus master. */
static void who_does_not_want_it(void **state UNUSED)
{
	struct fixture *f = open_channel(true, false);

	prd(f, 0, DATA, 512 | PRD_LAST);
	ide_master_write(&f->c, MASTER_TABLE, 4, TABLE);
	address(f, 0, 1);
	put(f, PORT_COMMAND, 0xc8);
	master(f, MASTER_START);
	assert_int_equal(peek(f), ATA_GOOD | ATA_DATA);
	master(f, 0);
	atomic_store(&f->c.may_master, false);
	master(f, MASTER_START | MASTER_TO_MEMORY);
	assert_int_equal(peek(f), ATA_GOOD | ATA_DATA);
	master(f, 0);
	atomic_store(&f->c.may_master, true);
	master(f, MASTER_START | MASTER_TO_MEMORY);
	assert_int_equal(peek(f), ATA_GOOD);
	assert_int_equal(atomic_load(&f->fake.inside), 1);
	/* The direction stands while it is started, and a started one starts nothing again. */
	address(f, 0, 1);
	put(f, PORT_COMMAND, 0xc8);
	master(f, MASTER_START | MASTER_TO_MEMORY);
	assert_int_equal(peek(f), ATA_GOOD | ATA_DATA);
	close_channel(f);
}

static void master_registers(void **state UNUSED)
{
	struct fixture *f = open_channel(true, false);

	ide_master_write(&f->c, MASTER_TABLE, 4, 0xffffffff);
	assert_int_equal(ide_master_read(&f->c, MASTER_TABLE, 4), 0xfffffffc);
	ide_master_write(&f->c, 0, 8, 0x12345678ULL << 32);
	assert_int_equal(ide_master_read(&f->c, MASTER_TABLE, 4), 0x12345678);
	ide_master_write(&f->c, MASTER_STATUS, 1, 0xff);
	assert_int_equal(master_status(f), MASTER_CAPABLE);
	assert_int_equal(ide_master_read(&f->c, 1, 1), 0);
	close_channel(f);
}

static void put_ranges(struct fixture *f, uint64_t first, uint64_t second)
{
	memset(guest(f, DATA), 0, 512);
	memcpy(guest(f, DATA), &first, 8);
	memcpy(guest(f, DATA + 8), &second, 8);
	prd(f, 0, DATA, 512 | PRD_LAST);
	put(f, PORT_FEATURE, 1);
	address48(f, 0, 1);
	start_dma(f, 0x06, TABLE);
}

static void ranges_to_trim(void **state UNUSED)
{
	struct fixture *f = open_channel(true, false);

	put_ranges(f, 3 | 2ULL << 48, 8 | 1ULL << 48);
	assert_int_equal(peek(f), ATA_GOOD);
	assert_int_equal(f->fake.discards, 2);
	assert_int_equal(f->fake.bytes[3 * 512 + 9], 0);
	assert_int_equal(f->fake.bytes[5 * 512 + 9], (uint8_t)(5 * 7 + 9));
	put_ranges(f, (SECTORS - 1) | 2ULL << 48, 0);
	assert_int_equal(peek(f), ATA_GOOD | ATA_FAILED);
	put_ranges(f, 0xffffffffffff | 0xffffULL << 48, 0);
	assert_int_equal(peek(f), ATA_GOOD | ATA_FAILED);
	assert_int_equal(f->fake.discards, 2);
	f->fake.fail = -EOPNOTSUPP; /* a hint, which need not be taken */
	put_ranges(f, 3 | 2ULL << 48, 0);
	assert_int_equal(peek(f), ATA_GOOD);
	close_channel(f);
}

/* ---- what ends it early ---- */

static void begin_and_wait_inside(struct fixture *f)
{
	unsigned before = atomic_load(&f->fake.inside);

	atomic_store(&f->fake.shut, true);
	prd(f, 0, DATA, IN_FLIGHT_SECTORS * 512 | PRD_LAST);
	address(f, 20, IN_FLIGHT_SECTORS);
	start_dma(f, 0xc8, TABLE);
	for (unsigned i = 0; i < 5000 && atomic_load(&f->fake.inside) == before; i++)
		usleep(1000);
	assert_int_equal(atomic_load(&f->fake.inside), before + 1);
	assert_int_equal(peek(f), ATA_BUSY | ATA_GOOD);
}

static void busy_drives_hear_nothing(struct fixture *f)
{
	for (unsigned reg = PORT_FEATURE; reg <= PORT_COMMAND; reg++)
		put(f, reg, 0x31);
	ide_command_write(&f->c, PORT_DATA, 4, 0);
	assert_int_equal(get(f, PORT_COUNT), IN_FLIGHT_SECTORS);
	assert_int_equal(ide_command_read(&f->c, PORT_DATA, 2), 0xffff);
	assert_int_equal(peek(f), ATA_BUSY | ATA_GOOD);
}

static void *open_later(void *arg)
{
	struct fixture *f = arg;

	usleep(20000);
	atomic_store(&f->fake.shut, false);
	return NULL;
}

struct waiter {
	struct fixture *f;
	atomic_bool done;
};

static void *stop_master(void *arg)
{
	struct waiter *w = arg;

	master(w->f, 0);
	atomic_store(&w->done, true);
	return NULL;
}

/* A reset waits for the disk, so that nothing writes to memory behind it, and tells of nothing. */
static void a_reset_in_between(void **state UNUSED)
{
	struct fixture *f = open_channel(false, false);

	for (unsigned i = 0; i < 20; i++) {
		struct waiter w = { .f = f };
		pthread_t t, second;

		begin_and_wait_inside(f);
		busy_drives_hear_nothing(f);
		assert_int_equal(pthread_create(&t, NULL, open_later, f), 0);
		assert_int_equal(pthread_create(&second, NULL, stop_master, &w), 0);
		set_control(f, CONTROL_RESET);
		assert_false(atomic_load(&f->fake.shut));
		pthread_join(t, NULL);
		pthread_join(second, NULL);
		assert_false(atomic_load(&f->line));
		set_control(f, 0);
		assert_int_equal(peek(f), ATA_GOOD);
		address(f, 0, 1);
		start_dma(f, 0xc8, TABLE);
		assert_int_equal(settled(f), ATA_GOOD);
		assert_true(atomic_load(&f->line));
		get(f, PORT_COMMAND);
	}
	close_channel(f);
}

static void the_master_is_stopped_in_between(void **state UNUSED)
{
	struct fixture *f = open_channel(false, false);
	pthread_t t;

	begin_and_wait_inside(f);
	assert_int_equal(pthread_create(&t, NULL, open_later, f), 0);
	master(f, 0);
	assert_false(atomic_load(&f->fake.shut));
	pthread_join(t, NULL);
	assert_int_equal(master_status(f) & MASTER_ACTIVE, 0);
	assert_int_equal(peek(f), ATA_GOOD); /* it has got what it asked for */
	assert_memory_equal(guest(f, DATA), f->fake.bytes + 20 * 512, IN_FLIGHT_SECTORS * 512);
	close_channel(f);
}

/* What waits for work that a reset has taken back hears of it. */
static void a_reset_wakes_who_waits(void **state UNUSED)
{
	struct fixture *f = open_channel(false, false);
	struct waiter w = { .f = f };
	pthread_t t;

	ide_channel_stop(&f->c); /* the thread does not come to it */
	prd(f, 0, DATA, 512 | PRD_LAST);
	address(f, 0, 1);
	start_dma(f, 0xc8, TABLE);
	assert_int_equal(peek(f), ATA_BUSY | ATA_GOOD);
	assert_int_equal(pthread_create(&t, NULL, stop_master, &w), 0);
	usleep(50000);
	assert_false(atomic_load(&w.done));
	set_control(f, CONTROL_RESET);
	for (unsigned i = 0; i < 5000 && !atomic_load(&w.done); i++)
		usleep(1000);
	assert_true(atomic_load(&w.done));
	pthread_join(t, NULL);
	assert_int_equal(atomic_load(&f->fake.inside), 0);
	close_channel(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sectors_come_and_go),
		cmocka_unit_test(a_list_that_is_too_short),
		cmocka_unit_test(a_list_that_is_too_long),
		cmocka_unit_test(a_list_without_end),
		cmocka_unit_test(addresses_out_of_ram),
		cmocka_unit_test(who_does_not_want_it),
		cmocka_unit_test(master_registers),
		cmocka_unit_test(ranges_to_trim),
		cmocka_unit_test(a_reset_in_between),
		cmocka_unit_test(the_master_is_stopped_in_between),
		cmocka_unit_test(a_reset_wakes_who_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
