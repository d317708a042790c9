// SPDX-License-Identifier: GPL-2.0-or-later
/* A reset ends what the function does and leaves its configuration as it was found. */
#include "run.h"

#include "base/str.h"
#include "cause/cause.h"

#include <string.h>

enum {
	/* A function has 100 ms (PCIe 5.0, 6.6.2), and the kernel and emulators their share. */
	RESET_MS_MAX = 5000,
	CAPABILITIES_MAX = 128,
	REG_STATUS = 0x06,
	BAR0 = 0x10,
	BAR_END = 0x28,
};

/* Registers that change by themselves, by capability: [from, to) of it. */
static const struct volatile_part {
	uint16_t id;
	bool extended;
	uint16_t from, to;
} volatile_parts[] = {
	{ CAP_PM, false, 4, 6 },	 /* power state, PME status */
	{ CAP_VPD, false, 2, 8 },	 /* the window's address and data */
	{ CAP_PCIE, false, 0x0a, 0x0c }, /* device status */
	{ CAP_PCIE, false, 0x12, 0x14 }, /* link status */
	{ CAP_PCIE, false, 0x1a, 0x1c }, /* slot status */
	{ CAP_PCIE, false, 0x2a, 0x2c }, /* device status 2 */
	{ CAP_PCIE, false, 0x32, 0x34 }, /* link status 2 */
	{ ECAP_AER, true, 0x04, 0x08 },	 /* uncorrectable error status */
	{ ECAP_AER, true, 0x10, 0x14 },	 /* correctable error status */
	{ ECAP_AER, true, 0x1c, 0x38 },	 /* header log, root status */
};

static void mask(struct config_space *c, size_t from, size_t to)
{
	for (size_t i = from; i < MIN(to, c->len); i++)
		c->b[i] = 0;
}

static void mask_volatile(struct config_space *c, const struct config_space *layout)
{
	struct capability caps[CAPABILITIES_MAX];
	size_t n = config_capabilities(layout, caps, ARRAY_SIZE(caps));

	mask(c, REG_STATUS, REG_STATUS + 2);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < ARRAY_SIZE(volatile_parts); k++) {
			const struct volatile_part *v = &volatile_parts[k];

			if (v->id == caps[i].id && v->extended == caps[i].extended)
				mask(c, caps[i].offset + v->from, caps[i].offset + v->to);
		}
}

char *config_difference(const struct config_space *before, const struct config_space *after)
{
	struct config_space a = *before, b = *after;

	mask_volatile(&a, before);
	mask_volatile(&b, before);
	for (size_t i = 0; i < a.len; i++) {
		size_t at = i & ~(size_t)3;
		uint32_t was, is;

		if (i < b.len && a.b[i] == b.b[i])
			continue;
		config_u32(before, (unsigned)at, &was);
		config_u32(after, (unsigned)at, &is);
		return str_printf("%s 0x%03zx was 0x%08x, is 0x%08x",
			at >= BAR0 && at < BAR_END ? "BAR at" : "register", at, was, is);
	}
	return NULL;
}

/* 0 and the time that it took. */
static int reset(struct proof_run *r, struct proof_check *c)
{
	uint64_t start = host_now_ms(r->host);
	struct problem *p = NULL;
	struct cause_query q = { .action = CAUSE_RESET, .bdf = r->target->bdf };
	autocausemark mark = cause_mark(r->host);
	int e = vfio_device_reset(r->device, &p);

	if (e < 0) {
		q.code = e;
		cause_explain(r->host, &q, &mark, &p);
		check_problem(c, p, e);
		return e;
	}
	r->proof->reset_ms = (int)(host_now_ms(r->host) - start);
	return 0;
}

static void judge(struct proof_run *r, struct proof_check *c)
{
	autofree char *difference = NULL;
	struct config_space now;
	int e = proof_config_read(r, &now);

	if (e == 0)
		difference = config_difference(&r->config, &now);
	if (e < 0)
		check_failed(
			c, "after the reset its configuration cannot be read: %s", strerror(-e));
	else if (difference)
		check_failed(c, "the reset does not leave it as it was: %s", difference);
	else if (r->proof->reset_ms > RESET_MS_MAX)
		check_failed(c, "the reset took %d ms", r->proof->reset_ms);
	else
		check_proved(c, "reset in %d ms; command, BARs and all else as found, MSI-X off",
			r->proof->reset_ms);
}

void prove_reset(struct proof_run *r)
{
	struct proof_check *c = check_start(r, "reset");

	if (!r->device->can_reset) {
		check_unproved(c, "the function has no reset of its own");
		check_hint(c, "what one guest leaves in it the next may find");
		c->kind = PROBLEM_UNSUPPORTED;
		return;
	}
	/* It is at work, with interrupts on: the kernel restores those, then they are taken off. */
	if (reset(r, c) < 0)
		return;
	irq_disarm(r);
	config_command_restore(r);
	judge(r, c);
}
