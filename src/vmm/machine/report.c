/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report.h"

#include "base/str.h"
#include "vmm/irq/irq.h"
#include "vmm/pci/bus.h"

#include <linux/kvm.h>

static const struct {
	enum vmm_exit status;
	const char *reason;
} reasons[] = {
	{ VMM_EXIT_POWER_OFF, "power-off" },
	{ VMM_EXIT_FAILED, "failed" },
	{ VMM_EXIT_USAGE, "usage" },
	{ VMM_EXIT_REBOOT, "reboot" },
	{ VMM_EXIT_STOPPED, "stopped" },
	{ VMM_EXIT_CRASHED, "crashed" },
	{ VMM_EXIT_INTERNAL_ERROR, "internal-error" },
};

/* Exits to user space that are worth a name of their own. */
static const struct {
	unsigned reason;
	const char *name;
} exits[] = {
	{ KVM_EXIT_IO, "io" },
	{ KVM_EXIT_MMIO, "mmio" },
	{ KVM_EXIT_HLT, "halt" },
	{ KVM_EXIT_INTR, "signal" },
};

const char *report_reason(enum vmm_exit status)
{
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "failed";
}

/* Anything that is not plain ASCII is escaped, so the line is ASCII whatever the name was. */
static void add_string(struct strbuf *b, const char *s)
{
	strbuf_add(b, "\"");
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\')
			strbuf_add(b, "\\u%04x", c);
		else
			strbuf_add(b, "%c", c);
	}
	strbuf_add(b, "\"");
}

/* Counters of KVM itself: "exits" includes those that the kernel served alone. */
static const char *const kvm_counters[] = { "exits", "halt_exits", "irq_exits", "irq_injections" };

/* Absent when this KVM keeps no such counters. */
static void add_kvm_counters(struct strbuf *b, const struct cpus *c, unsigned cpu)
{
	uint64_t v[ARRAY_SIZE(kvm_counters)] = { 0 };

	if (cpus_kvm_stats(c, cpu, kvm_counters, v, ARRAY_SIZE(v)) <= 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(v); i++)
		strbuf_add(b, ",\"kvm_%s\":%llu", kvm_counters[i], (unsigned long long)v[i]);
}

static void add_exits(struct strbuf *b, const struct cpus *c)
{
	strbuf_add(b, ",\"cpus\":[");
	for (unsigned cpu = 0; cpu < cpus_count(c); cpu++) {
		uint64_t all = 0;

		for (unsigned r = 0; r < CPU_EXIT_REASONS; r++)
			all += cpus_exits(c, cpu, r);
		strbuf_add(b, "%s{\"user_exits\":%llu", cpu ? "," : "", (unsigned long long)all);
		for (size_t i = 0; i < ARRAY_SIZE(exits); i++)
			strbuf_add(b, ",\"%s_exits\":%llu", exits[i].name,
				(unsigned long long)cpus_exits(c, cpu, exits[i].reason));
		add_kvm_counters(b, c, cpu);
		strbuf_add(b, ",\"rip\":\"0x%llx\"}", (unsigned long long)cpus_rip(c, cpu));
	}
	strbuf_add(b, "]");
}

struct regions {
	struct strbuf *b;
	bool some;
};

static void add_region(const struct bus_region *r, void *arg)
{
	struct regions *list = arg;

	strbuf_add(list->b, "%s{\"name\":", list->some ? "," : "");
	add_string(list->b, r->name);
	strbuf_add(list->b, ",\"start\":%llu,\"reads\":%llu,\"writes\":%llu}",
		(unsigned long long)r->start, (unsigned long long)atomic_load(&r->reads),
		(unsigned long long)atomic_load(&r->writes));
	list->some = true;
}

static void add_bus(struct strbuf *b, const char *name, struct bus *bus)
{
	struct regions list = { .b = b };

	strbuf_add(b, ",\"%s\":[", name);
	bus_foreach(bus, add_region, &list);
	strbuf_add(b, "],\"%s_unclaimed\":%llu", name, (unsigned long long)bus_unclaimed(bus));
}

static void add_counter(void *arg, const char *name, uint64_t v)
{
	struct strbuf *b = arg;

	strbuf_add(b, ",");
	add_string(b, name);
	strbuf_add(b, ":%llu", (unsigned long long)v);
}

/* What each device counted, by slot; names are the device's own. */
static void add_devices(struct strbuf *b, struct pci_bus *bus)
{
	bool some = false;

	strbuf_add(b, ",\"devices\":[");
	for (unsigned slot = 0; slot < PCI_SLOTS; slot++) {
		struct pci_device *dev = pci_bus_device(bus, slot);

		if (!dev || !dev->ops->stats)
			continue;
		strbuf_add(b, "%s{\"name\":", some ? "," : "");
		add_string(b, dev->name);
		strbuf_add(b, ",\"slot\":%u", slot);
		dev->ops->stats(dev, add_counter, b);
		strbuf_add(b, "}");
		some = true;
	}
	strbuf_add(b, "]");
}

static void add_machine(struct strbuf *b, const struct machine *m)
{
	const struct vmm_services *s = machine_services(m);

	add_exits(b, machine_cpus(m));
	add_bus(b, "pio", s->pio);
	add_bus(b, "mmio", s->mmio);
	add_devices(b, s->pci);
	strbuf_add(b, ",\"routing_updates\":%llu", (unsigned long long)irq_routing_updates(s->irq));
}

char *report_line(const struct report *r)
{
	autostrbuf b = { 0 };

	strbuf_add(&b, "{\"name\":");
	add_string(&b, r->name);
	strbuf_add(&b, ",\"status\":%d,\"reason\":\"%s\",\"what\":", (int)r->status,
		report_reason(r->status));
	if (*r->what)
		add_string(&b, r->what);
	else
		strbuf_add(&b, "null");
	strbuf_add(&b, ",\"reboots\":%u", r->reboots);
	if (r->machine)
		add_machine(&b, r->machine);
	strbuf_add(&b, "}\n");
	return strbuf_take(&b);
}
