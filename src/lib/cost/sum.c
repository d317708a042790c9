// SPDX-License-Identifier: GPL-2.0-or-later
#include "sum.h"

#include "base/str.h"

#include <stddef.h>

#define F(field) offsetof(struct cost_sum, field)

/* Which counter goes where. */
static const struct {
	enum counter_of of;
	const char *name;
	size_t to;
} parts[] = {
	{ COUNTER_QUEUE, "requests", F(operations) },
	{ COUNTER_QUEUE, "bytes-out", F(bytes) },
	{ COUNTER_QUEUE, "bytes-in", F(bytes) },
	{ COUNTER_QUEUE, "doorbells", F(doorbells) },
	{ COUNTER_QUEUE, "doorbells-suppressed", F(doorbells_suppressed) },
	{ COUNTER_QUEUE, "host-syscalls", F(host_syscalls) },
	{ COUNTER_QUEUE, "wakeups", F(wakeups) },
	{ COUNTER_QUEUE, "injections", F(injections) },
	{ COUNTER_QUEUE, "injections-merged", F(injections_merged) },
	{ COUNTER_QUEUE, "injections-kept", F(injections_kept) },
	{ COUNTER_DEVICE, "requests", F(operations) },
	{ COUNTER_DEVICE, "host-syscalls", F(host_syscalls) },
	{ COUNTER_DEVICE, "bar_reads", F(user_exits) },
	{ COUNTER_DEVICE, "bar_writes", F(user_exits) },
	{ COUNTER_DEVICE, "config_reads", F(user_exits) },
	{ COUNTER_DEVICE, "config_writes", F(user_exits) },
	{ COUNTER_DEVICE, "failed-requests", F(failed) },
};

static void put(struct cost_sum *sum, const struct cost_count *c, uint64_t n)
{
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (parts[i].of == c->of && str_eq(parts[i].name, c->name))
			*(uint64_t *)(void *)((char *)sum + parts[i].to) += n;
}

void cost_sum_device(const struct cost_sample *before, const struct cost_sample *s,
	const struct cost_device *d, struct cost_sum *ret)
{
	const char *doorbells = cost_trait(d, "doorbells"), *backend = cost_trait(d, "backend");

	*ret = (struct cost_sum) { 0 };
	for (size_t i = 0; i < s->n; i++) {
		const struct cost_count *c = &s->counts[i];

		if ((c->of == COUNTER_QUEUE || c->of == COUNTER_DEVICE) &&
			str_eq(c->whose, d->name))
			put(ret, c, cost_growth(before, s, i));
	}
	/* What is counted is the control queue's; its packets nobody here sees. */
	if (backend && str_starts(backend, "vhost"))
		ret->operations = 0;
	/* One that traps is among the writes to the BAR. */
	if (doorbells && str_eq(doorbells, "ioeventfd"))
		ret->kernel_exits = ret->doorbells;
}
