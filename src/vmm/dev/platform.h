/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The small things that a PC has at fixed ports: the CMOS clock, the keyboard controller's reset
 * line, the POST port, and ACPI's sleep and reset registers (ACPI 6.5, 4.8.3.7 and 4.8.3.6).
 */
#pragma once

#include "base/attr.h"

#include <stdbool.h>
#include <stdint.h>

struct bus;
struct platform;

enum {
	PLATFORM_ACPI_SLEEP_CONTROL = 0x600,
	PLATFORM_ACPI_SLEEP_STATUS = 0x601,
	PLATFORM_ACPI_RESET = 0x602,
	PLATFORM_ACPI_RESET_VALUE = 1,
	PLATFORM_ACPI_S5 = 5, /* the sleep type of \_S5 in dsdt.asl */
};

struct platform_params {
	struct bus *pio;
	/* From a vCPU's thread. */
	void (*power_off)(void *arg);
	void (*reset)(void *arg);
	void *arg;
};

int platform_new(const struct platform_params *params, struct platform **ret);
void platform_free(struct platform *p);
DEFINE_AUTO(struct platform, platform_free);
