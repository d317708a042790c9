/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "platform.h"

#include "rtc.h"
#include "vmm/bus/bus.h"

#include <time.h>

enum {
	POST_PORT = 0x80,
	KEYBOARD_DATA = 0x60,
	KEYBOARD_COMMAND = 0x64,
	KEYBOARD_RESET = 0xfe, /* "pulse output line 0", which is wired to the CPU's reset */
	SLEEP_TYPE_SHIFT = 2,
	SLEEP_TYPE_MASK = 7,
	SLEEP_ENABLE = 1 << 5,
};

struct platform {
	struct platform_params params;
	struct rtc rtc;
	struct bus_region regions[5];
	unsigned n_regions;
};

static uint64_t rtc_port_read(void *opaque, uint64_t offset, unsigned len)
{
	struct platform *p = opaque;
	uint64_t v = 0;

	for (unsigned i = 0; i < len; i++)
		v |= (uint64_t)rtc_read(&p->rtc, RTC_PORT_INDEX + (unsigned)offset + i, time(NULL))
		     << (8 * i);
	return v;
}

static void rtc_port_write(void *opaque, uint64_t offset, unsigned len, uint64_t value)
{
	struct platform *p = opaque;

	for (unsigned i = 0; i < len; i++)
		rtc_write(&p->rtc, RTC_PORT_INDEX + (unsigned)offset + i,
			(uint8_t)(value >> (8 * i)));
}

/* No keyboard, but always ready for a command: software waits for that before the reset. */
static uint64_t keyboard_read(void *opaque UNUSED, uint64_t offset UNUSED, unsigned len UNUSED)
{
	return 0;
}

static void keyboard_write(
	void *opaque, uint64_t offset UNUSED, unsigned len UNUSED, uint64_t value)
{
	struct platform *p = opaque;

	if ((value & 0xff) == KEYBOARD_RESET)
		p->params.reset(p->params.arg);
}

static uint64_t acpi_read(void *opaque UNUSED, uint64_t offset UNUSED, unsigned len UNUSED)
{
	return 0; /* the wake status is never set: there is no way to sleep but S5 */
}

static void acpi_byte(struct platform *p, unsigned port, uint8_t value)
{
	if (port == PLATFORM_ACPI_RESET && value == PLATFORM_ACPI_RESET_VALUE)
		p->params.reset(p->params.arg);
	if (port == PLATFORM_ACPI_SLEEP_CONTROL && (value & SLEEP_ENABLE) &&
		(value >> SLEEP_TYPE_SHIFT & SLEEP_TYPE_MASK) == PLATFORM_ACPI_S5)
		p->params.power_off(p->params.arg);
}

static void acpi_write(void *opaque, uint64_t offset, unsigned len, uint64_t value)
{
	for (unsigned i = 0; i < len; i++)
		acpi_byte(opaque, PLATFORM_ACPI_SLEEP_CONTROL + (unsigned)offset + i,
			(uint8_t)(value >> (8 * i)));
}

static uint64_t post_read(void *opaque UNUSED, uint64_t offset UNUSED, unsigned len)
{
	return bus_all_ones(len);
}

static void post_write(
	void *opaque UNUSED, uint64_t offset UNUSED, unsigned len UNUSED, uint64_t value UNUSED)
{
}

static const struct {
	const char *name;
	uint64_t start, size;
	struct bus_ops ops;
} ports[] = {
	{ "rtc", RTC_PORT_INDEX, 2, { rtc_port_read, rtc_port_write } },
	{ "keyboard-data", KEYBOARD_DATA, 1, { keyboard_read, post_write } },
	{ "keyboard-command", KEYBOARD_COMMAND, 1, { keyboard_read, keyboard_write } },
	{ "acpi", PLATFORM_ACPI_SLEEP_CONTROL, 3, { acpi_read, acpi_write } },
	{ "post", POST_PORT, 1, { post_read, post_write } },
};

int platform_new(const struct platform_params *params, struct platform **ret)
{
	CLEANUP(platform_freep) struct platform *p = calloc(1, sizeof(*p));

	_Static_assert(ARRAY_SIZE(ports) == ARRAY_SIZE(p->regions), "one region for each port");
	if (!p)
		return -ENOMEM;
	p->params = *params;
	rtc_init(&p->rtc);
	for (size_t i = 0; i < ARRAY_SIZE(ports); i++) {
		struct bus_region *r = &p->regions[i];
		int e;

		r->name = ports[i].name;
		r->start = ports[i].start;
		r->size = ports[i].size;
		r->ops = &ports[i].ops;
		r->opaque = p;
		e = bus_add(params->pio, r);
		if (e < 0)
			return e;
		p->n_regions++;
	}
	*ret = TAKE_PTR(p);
	return 0;
}

void platform_free(struct platform *p)
{
	if (!p)
		return;
	while (p->n_regions)
		bus_remove(p->params.pio, &p->regions[--p->n_regions]);
	rtc_done(&p->rtc);
	free(p);
}
