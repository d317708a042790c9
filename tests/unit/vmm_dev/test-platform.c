/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cm.h"

#include "vmm/bus/bus.h"
#include "vmm/dev/platform.h"
#include "vmm/dev/rtc.h"

#include <stdlib.h>

static struct bus *pio;
static struct platform *platform;
static unsigned offs, resets;

static void on_off(void *arg UNUSED)
{
	offs++;
}

static void on_reset(void *arg UNUSED)
{
	resets++;
}

static int set_up(void **state UNUSED)
{
	struct platform_params p = { .power_off = on_off, .reset = on_reset };

	offs = resets = 0;
	assert_int_equal(bus_new("pio", &pio), 0);
	p.pio = pio;
	assert_int_equal(platform_new(&p, &platform), 0);
	return 0;
}

static int tear_down(void **state UNUSED)
{
	uint64_t v;

	platform_free(platform);
	assert_false(bus_read(pio, 0x70, 1, &v)); /* nothing stays in the bus */
	assert_false(bus_read(pio, 0x64, 1, &v));
	bus_free(pio);
	return 0;
}

static uint64_t in(uint64_t port)
{
	uint64_t v;

	bus_read(pio, port, 1, &v);
	return v;
}

static void only_s5_powers_off(void **state UNUSED)
{
	for (unsigned type = 0; type < 8; type++) {
		bus_write(pio, PLATFORM_ACPI_SLEEP_CONTROL, 1, type << 2);
		if (type != PLATFORM_ACPI_S5)
			bus_write(pio, PLATFORM_ACPI_SLEEP_CONTROL, 1, type << 2 | 0x20);
	}
	assert_int_equal(offs, 0);
	bus_write(pio, PLATFORM_ACPI_SLEEP_CONTROL, 1, PLATFORM_ACPI_S5 << 2 | 0x20);
	assert_int_equal(offs, 1);
	assert_int_equal(resets, 0);
}

static void two_ways_to_reset(void **state UNUSED)
{
	bus_write(pio, PLATFORM_ACPI_RESET, 1, 0);
	bus_write(pio, 0x64, 1, 0xd1);
	assert_int_equal(resets, 0);
	bus_write(pio, PLATFORM_ACPI_RESET, 1, PLATFORM_ACPI_RESET_VALUE);
	assert_int_equal(resets, 1);
	assert_int_equal(in(0x64) & 2, 0); /* "ready for a command" */
	bus_write(pio, 0x64, 1, 0xfe);
	assert_int_equal(resets, 2);
	assert_int_equal(offs, 0);
}

static uint8_t reading(struct rtc *r, uint8_t reg, time_t now)
{
	rtc_write(r, RTC_PORT_INDEX, reg);
	return rtc_read(r, RTC_PORT_DATA, now);
}

static void clock_tells_the_time(void **state UNUSED)
{
	const time_t t = 1709210096; /* Thu 2024-02-29 12:34:56 UTC */
	struct rtc r;

	rtc_init(&r);
	assert_int_equal(reading(&r, 0, t), 0x56);
	assert_int_equal(reading(&r, 2, t), 0x34);
	assert_int_equal(reading(&r, 4, t), 0x12);
	assert_int_equal(reading(&r, 6, t), 5);
	assert_int_equal(reading(&r, 7, t), 0x29);
	assert_int_equal(reading(&r, 8, t), 0x02);
	assert_int_equal(reading(&r, 9, t), 0x24);
	assert_int_equal(reading(&r, 0x32, t), 0x20);
	assert_int_equal(reading(&r, 10, t) & 0x80, 0); /* never in the middle of an update */
	assert_int_equal(reading(&r, 13, t), 0x80);
	/* The other formats. */
	rtc_write(&r, RTC_PORT_INDEX, 11);
	rtc_write(&r, RTC_PORT_DATA, 4);
	assert_int_equal(reading(&r, 0, t), 56);
	assert_int_equal(reading(&r, 4, t), 12 | 0x80);
	assert_int_equal(reading(&r, 4, t - 12 * 3600), 12);
	assert_int_equal(reading(&r, 4, t + 3600), 1 | 0x80);
	rtc_done(&r);
}

static uint8_t bcd(int v)
{
	return (uint8_t)(v / 10 * 16 + v % 10);
}

/* The C library knows the calendar too: each day of 1970 to 2470, at another time. */
static void clock_knows_the_calendar(void **state UNUSED)
{
	struct rtc r;

	rtc_init(&r);
	for (time_t t = 0; t < 500LL * 366 * 86400; t += 86400 + 61) {
		struct tm tm;

		gmtime_r(&t, &tm);
		assert_int_equal(reading(&r, 0, t), bcd(tm.tm_sec));
		assert_int_equal(reading(&r, 4, t), bcd(tm.tm_hour));
		assert_int_equal(reading(&r, 6, t), tm.tm_wday + 1);
		assert_int_equal(reading(&r, 7, t), bcd(tm.tm_mday));
		assert_int_equal(reading(&r, 8, t), bcd(tm.tm_mon + 1));
		assert_int_equal(reading(&r, 9, t), bcd(tm.tm_year % 100));
		assert_int_equal(reading(&r, 0x32, t), bcd((tm.tm_year + 1900) / 100));
	}
	rtc_done(&r);
}

static void clock_cannot_be_set_but_ram_can(void **state UNUSED)
{
	struct rtc r;

	rtc_init(&r);
	rtc_write(&r, RTC_PORT_INDEX, 0);
	rtc_write(&r, RTC_PORT_DATA, 0x11);
	assert_int_equal(reading(&r, 0, 22), 0x22);
	rtc_write(&r, RTC_PORT_INDEX, 0x80 | 0x40); /* bit 7 is the NMI's */
	rtc_write(&r, RTC_PORT_DATA, 0x99);
	assert_int_equal(reading(&r, 0x40, 0), 0x99);
	assert_int_equal(rtc_read(&r, RTC_PORT_INDEX, 0), 0xff);
	rtc_done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(only_s5_powers_off, set_up, tear_down),
		cmocka_unit_test_setup_teardown(two_ways_to_reset, set_up, tear_down),
		cmocka_unit_test(clock_tells_the_time),
		cmocka_unit_test(clock_knows_the_calendar),
		cmocka_unit_test(clock_cannot_be_set_but_ram_can),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
