/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The MC146818 clock with its RAM. The time is the host's, in UTC, and cannot be set; there are no
 * alarms and no interrupts.
 */
#pragma once

#include <pthread.h>
#include <stdint.h>
#include <time.h>

enum {
	RTC_PORT_INDEX = 0x70,
	RTC_PORT_DATA = 0x71,
};

struct rtc {
	pthread_mutex_t lock;
	uint8_t index;
	uint8_t ram[128];
};

void rtc_init(struct rtc *r);
void rtc_done(struct rtc *r);
uint8_t rtc_read(struct rtc *r, unsigned port, time_t now);
void rtc_write(struct rtc *r, unsigned port, uint8_t value);
