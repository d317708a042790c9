/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rtc.h"

#include <stdbool.h>
#include <string.h>

enum {
	SECONDS = 0,
	MINUTES = 2,
	HOURS = 4,
	WEEK_DAY = 6,
	MONTH_DAY = 7,
	MONTH = 8,
	YEAR = 9,
	REG_A = 10, /* divider; bit 7 would say "update in progress" */
	REG_B = 11,
	REG_C = 12,
	REG_D = 13,
	CENTURY = 0x32,

	DIVIDER_32KHZ = 0x26,
	HOURS_24 = 0x02,
	BINARY = 0x04,
	TIME_VALID = 0x80,
};

void rtc_init(struct rtc *r)
{
	memset(r, 0, sizeof(*r));
	pthread_mutex_init(&r->lock, NULL);
	r->ram[REG_A] = DIVIDER_32KHZ;
	r->ram[REG_B] = HOURS_24;
}

void rtc_done(struct rtc *r)
{
	pthread_mutex_destroy(&r->lock);
}

static uint8_t number(const struct rtc *r, int v)
{
	return (uint8_t)(r->ram[REG_B] & BINARY ? v : v / 10 * 16 + v % 10);
}

static uint8_t hours(const struct rtc *r, int h)
{
	if (r->ram[REG_B] & HOURS_24)
		return number(r, h);
	return (uint8_t)(number(r, h % 12 ? h % 12 : 12) | (h >= 12 ? 0x80 : 0));
}

static bool is_leap(unsigned year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static unsigned days_of(unsigned month, unsigned year)
{
	static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return days[month] + (month == 1 && is_leap(year));
}

/* As gmtime_r(), which opens the file of the local time zone first: nothing is opened here. */
static struct tm utc(time_t now)
{
	enum { DAY = 86400, DAYS_OF_400_YEARS = 146097 };
	uint64_t t = now > 0 ? (uint64_t)now : 0, days = t / DAY;
	unsigned year = 1970 + 400 * (unsigned)(days / DAYS_OF_400_YEARS), month = 0;
	unsigned day = (unsigned)(days % DAYS_OF_400_YEARS);

	for (; day >= 365U + is_leap(year); year++)
		day -= 365U + is_leap(year);
	for (; day >= days_of(month, year); month++)
		day -= days_of(month, year);
	return (struct tm) {
		.tm_sec = (int)(t % 60),
		.tm_min = (int)(t / 60 % 60),
		.tm_hour = (int)(t / 3600 % 24),
		.tm_wday = (int)((days + 4) % 7), /* the first was a Thursday */
		.tm_mday = (int)day + 1,
		.tm_mon = (int)month,
		.tm_year = (int)year - 1900,
	};
}

static uint8_t read_register(const struct rtc *r, time_t now)
{
	struct tm tm = utc(now);

	switch (r->index) {
	case SECONDS:
		return number(r, tm.tm_sec);
	case MINUTES:
		return number(r, tm.tm_min);
	case HOURS:
		return hours(r, tm.tm_hour);
	case WEEK_DAY:
		return number(r, tm.tm_wday + 1);
	case MONTH_DAY:
		return number(r, tm.tm_mday);
	case MONTH:
		return number(r, tm.tm_mon + 1);
	case YEAR:
		return number(r, tm.tm_year % 100);
	case CENTURY:
		return number(r, (tm.tm_year + 1900) / 100);
	case REG_C: /* no interrupt is pending */
		return 0;
	case REG_D:
		return TIME_VALID;
	default:
		return r->ram[r->index];
	}
}

uint8_t rtc_read(struct rtc *r, unsigned port, time_t now)
{
	uint8_t v;

	if (port != RTC_PORT_DATA)
		return 0xff; /* the index is write-only */
	pthread_mutex_lock(&r->lock);
	v = read_register(r, now);
	pthread_mutex_unlock(&r->lock);
	return v;
}

/* The time registers are computed, so writing them into the RAM changes nothing. */
void rtc_write(struct rtc *r, unsigned port, uint8_t value)
{
	pthread_mutex_lock(&r->lock);
	if (port == RTC_PORT_INDEX)
		r->index = value & 0x7f; /* bit 7 masks the NMI */
	else if (r->index == REG_A)
		r->ram[REG_A] = value & 0x7f;
	else
		r->ram[r->index] = value;
	pthread_mutex_unlock(&r->lock);
}
