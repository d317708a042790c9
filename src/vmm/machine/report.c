/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report.h"

#include "base/str.h"
#include "vmm/irq/irq.h"
#include "vmm/pci/bus.h"

#include <linux/kvm.h>
#include <string.h>
#include <unistd.h>

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
	{ VMM_EXIT_SANDBOX, "sandbox" },
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

/* Counters of KVM itself: "exits" includes those that the kernel served alone. */
static const char *const kvm_counters[] = {
#define KVM_COUNTER(name, what) name,
#include "base/counter.def"
};

/* What this kernel does not count is left out. */
static void add_kvm_counters(struct strbuf *b, const struct cpus *c, unsigned cpu)
{
	uint64_t v[ARRAY_SIZE(kvm_counters)];

	memset(v, 0xff, sizeof(v));
	if (cpus_kvm_stats(c, cpu, kvm_counters, v, ARRAY_SIZE(v)) <= 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(v); i++)
		if (v[i] != UINT64_MAX)
			strbuf_add(
				b, ",\"kvm_%s\":%llu", kvm_counters[i], (unsigned long long)v[i]);
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
	strbuf_add_json(list->b, r->name);
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
	strbuf_add_json(b, name);
	strbuf_add(b, ":%llu", (unsigned long long)v);
}

struct words {
	struct strbuf *b;
	bool some;
};

static void add_trait(void *arg, const char *key, const char *word)
{
	struct words *w = arg;

	strbuf_add(w->b, "%s\"%s\":", w->some ? "," : "", key);
	strbuf_add_json(w->b, word);
	w->some = true;
}

static void add_traits(struct strbuf *b, struct pci_device *dev)
{
	struct words w = { .b = b };

	strbuf_add(b, ",\"traits\":{");
	if (dev->ops->traits)
		dev->ops->traits(dev, add_trait, &w);
	strbuf_add(b, "}");
}

static void add_migration(struct strbuf *b, struct pci_device *dev)
{
	const char *word;

	if (!dev->ops->migration)
		return;
	strbuf_add(b, ",\"migration\":[");
	for (unsigned i = 0; (word = dev->ops->migration(dev, i)); i++)
		strbuf_add(b, "%s\"%s\"", i ? "," : "", word);
	strbuf_add(b, "]");
}

/* What each device counted, by slot; names are the device's own. */
static void add_devices(struct strbuf *b, struct pci_bus *bus)
{
	bool some = false;

	strbuf_add(b, ",\"devices\":[");
	for (unsigned slot = 0; slot < PCI_SLOTS; slot++) {
		struct pci_device *dev = pci_bus_device(bus, slot);

		if (!dev)
			continue;
		strbuf_add(b, "%s{\"name\":", some ? "," : "");
		strbuf_add_json(b, dev->name);
		strbuf_add(b, ",\"slot\":%u", slot);
		pci_device_stats(dev, add_counter, b);
		if (dev->ops->stats)
			dev->ops->stats(dev, add_counter, b);
		add_traits(b, dev);
		add_migration(b, dev);
		strbuf_add(b, "}");
		some = true;
	}
	strbuf_add(b, "]");
}

static void add_u64(struct strbuf *b, const char *key, uint64_t v)
{
	strbuf_add(b, "\"%s\":%llu", key, (unsigned long long)v);
}

static void add_populate(struct strbuf *b, const struct memory_receipt *r)
{
	strbuf_add(b, ",\"populate\":");
	if (!r->populated) {
		strbuf_add(b, "null");
		return;
	}
	strbuf_add(b, "{\"threads\":%u,", r->prefault.threads);
	add_u64(b, "us", r->prefault.us);
	strbuf_add(b, ",");
	add_u64(b, "faults", r->prefault.faults + r->loaded_faults);
	strbuf_add(b, ",");
	add_u64(b, "waited_us", r->waited_us);
	strbuf_add(b, "}");
}

static void add_word(struct strbuf *b, const char *word)
{
	if (word)
		strbuf_add_json(b, word);
	else
		strbuf_add(b, "null");
}

static void add_dma(struct strbuf *b, const struct memory_receipt *r, const struct dma_usage *dma)
{
	strbuf_add(b, ",\"dma\":");
	if (!dma) {
		strbuf_add(b, "null");
		return;
	}
	strbuf_add(b,
		"{\"map_calls\":%u,\"entries\":%u,\"bar_entries\":%u,\"entry_limit\":", dma->calls,
		dma->entries, dma->bar_entries);
	if (dma->limit)
		strbuf_add(b, "%llu,", (unsigned long long)dma->limit);
	else
		strbuf_add(b, "null,");
	add_u64(b, "pinned_bytes", dma->pinned_bytes);
	strbuf_add(b, ",");
	add_u64(b, "map_us", r->map_us);
	strbuf_add(b, ",\"dirty_tracking\":");
	add_word(b, dma->dirty);
	strbuf_add(b, "}");
}

static void add_memory(
	struct strbuf *b, const struct memory_receipt *r, const struct dma_usage *dma)
{
	strbuf_add(b, ",\"memory\":{");
	add_u64(b, "bytes", r->bytes);
	strbuf_add(b, ",\"banks\":%zu,", r->banks);
	add_u64(b, "huge_page_bytes", r->huge_page);
	strbuf_add(b, ",");
	add_u64(b, "in_huge_pages_bytes", memory_receipt_huge_bytes(r));
	strbuf_add(b, ",\"why_not_larger\":");
	strbuf_add_json(b, memory_receipt_why(r));
	add_populate(b, r);
	add_dma(b, r, dma);
	strbuf_add(b, "}");
}

static void add_stages(struct strbuf *b, const struct machine_receipt *r)
{
	strbuf_add(b, ",\"start_us\":{");
	for (size_t i = 0; i < r->n_stages; i++) {
		strbuf_add(b, "%s", i ? "," : "");
		add_u64(b, r->stages[i].name, r->stages[i].us);
	}
	strbuf_add(b, "}");
}

/* "16 GiB" where it is that, else in MiB. */
static void add_bytes(struct strbuf *b, uint64_t v)
{
	if (v >= 1ULL << 30 && v % (1ULL << 30) == 0)
		strbuf_add(b, "%llu GiB", (unsigned long long)v >> 30);
	else
		strbuf_add(b, "%llu MiB", (unsigned long long)v >> 20);
}

static void add_ms(struct strbuf *b, uint64_t us)
{
	strbuf_add(b, "%llu.%llu ms", (unsigned long long)us / 1000,
		(unsigned long long)us / 100 % 10);
}

static void tell_pages(struct strbuf *b, const struct memory_receipt *r)
{
	uint64_t faults = r->prefault.faults + r->loaded_faults;

	strbuf_add(b, "memory: ");
	add_bytes(b, r->bytes);
	strbuf_add(b, " in %zu bank%s", r->banks, r->banks == 1 ? "" : "s");
	if (r->populated || r->huge_page) {
		strbuf_add(b, ", ");
		add_bytes(b, memory_receipt_huge_bytes(r));
		strbuf_add(b, " of it in pages of %s", r->huge_page >> 30 ? "1G" : "2M");
	}
	strbuf_add(b, "; why not larger: %s\n", memory_receipt_why(r));
	if (!r->populated)
		return;
	strbuf_add(b, "populated: by %u thread%s in ", r->prefault.threads,
		r->prefault.threads == 1 ? "" : "s");
	add_ms(b, r->prefault.us);
	strbuf_add(b, " with %llu faults%s; nothing else was left to do for ",
		(unsigned long long)faults,
		r->prefault.touched ? " (each page touched: the kernel is older than 5.14)" : "");
	add_ms(b, r->waited_us);
	strbuf_add(b, " of that\n");
}

static void tell_dma(struct strbuf *b, const struct memory_receipt *r, const struct dma_usage *dma)
{
	strbuf_add(b, "DMA: %u mapping%s", dma->entries, dma->entries == 1 ? "" : "s");
	if (dma->limit)
		strbuf_add(b, " of %llu", (unsigned long long)dma->limit);
	strbuf_add(b, " with %u call%s in ", dma->calls, dma->calls == 1 ? "" : "s");
	add_ms(b, r->map_us);
	strbuf_add(b, ", ");
	add_bytes(b, dma->pinned_bytes);
	strbuf_add(b, " pinned\n");
}

/* Who moves guests between hosts wants to know it of each function, and of the IOMMU. */
static void tell_migration(struct strbuf *b, struct pci_bus *bus, const struct dma_usage *dma)
{
	for (unsigned slot = 0; slot < PCI_SLOTS; slot++) {
		struct pci_device *dev = pci_bus_device(bus, slot);
		const char *word;

		if (!dev || !dev->ops->migration)
			continue;
		strbuf_add(b, "migration of %s:", dev->name);
		for (unsigned i = 0; (word = dev->ops->migration(dev, i)); i++)
			strbuf_add(b, " %s", word);
		strbuf_add(b, "%s; dirty pages that the IOMMU tells: %s\n",
			dev->ops->migration(dev, 0) ? "" : " none", dma->dirty ?: "unknown");
	}
}

char *report_start(const struct machine *m, const struct dma_usage *dma)
{
	const struct machine_receipt *r = machine_receipt(m);
	autostrbuf b = { 0 };
	uint64_t all = 0;

	tell_pages(&b, &r->memory);
	if (dma)
		tell_dma(&b, &r->memory, dma);
	if (dma)
		tell_migration(&b, machine_services(m)->pci, dma);
	for (size_t i = 0; i < r->n_stages; i++)
		all += r->stages[i].us;
	strbuf_add(&b, "start: ");
	add_ms(&b, all);
	for (size_t i = 0; i < r->n_stages; i++) {
		strbuf_add(&b, "%s%s ", i ? ", " : ": ", r->stages[i].name);
		add_ms(&b, r->stages[i].us);
	}
	return strbuf_take(&b);
}

static void add_machine(struct strbuf *b, const struct machine *m, const struct dma_usage *dma)
{
	const struct vmm_services *s = machine_services(m);

	add_memory(b, &machine_receipt(m)->memory, dma);
	add_stages(b, machine_receipt(m));

	add_exits(b, machine_cpus(m));
	add_bus(b, "pio", s->pio);
	add_bus(b, "mmio", s->mmio);
	add_devices(b, s->pci);
	strbuf_add(b, ",\"routing_updates\":%llu", (unsigned long long)irq_routing_updates(s->irq));
}

static void add_status(struct strbuf *b, enum vmm_exit status)
{
	strbuf_add(b, ",\"status\":%d,\"reason\":\"%s\",\"what\":", (int)status,
		report_reason(status));
}

static void add_end(struct strbuf *b, const struct report *r)
{
	if (r->running) {
		strbuf_add(b, ",\"status\":null,\"reason\":\"running\",\"what\":null");
		return;
	}
	add_status(b, r->status);
	if (*r->what)
		strbuf_add_json(b, r->what);
	else
		strbuf_add(b, "null");
}

static void add_vfio(struct strbuf *b, const char *backend)
{
	strbuf_add(b, ",\"vfio\":");
	add_word(b, backend);
}

static void add_lost(struct strbuf *b, char *const *lost)
{
	strbuf_add(b, ",\"lost\":[");
	for (char *const *s = lost; s && *s; s++) {
		strbuf_add(b, "%s", s == lost ? "" : ",");
		strbuf_add_json(b, *s);
	}
	strbuf_add(b, "]");
}

char *report_status(const struct report *r, unsigned cpus, uint64_t memory_bytes)
{
	autostrbuf b = { 0 };
	bool some = false;

	strbuf_add(&b, "{\"ok\":true,\"name\":");
	strbuf_add_json(&b, r->name);
	strbuf_add(&b, ",\"pid\":%d,\"cpus\":%u,\"memory_bytes\":%llu,\"reboots\":%u",
		(int)getpid(), cpus, (unsigned long long)memory_bytes, r->reboots);
	add_vfio(&b, r->vfio);
	add_lost(&b, r->lost);
	strbuf_add(&b, ",\"devices\":[");
	for (unsigned slot = 1; r->machine && slot < PCI_SLOTS; slot++) {
		struct pci_device *dev = pci_bus_device(machine_services(r->machine)->pci, slot);

		if (!dev)
			continue;
		strbuf_add(&b, "%s{\"name\":", some ? "," : "");
		strbuf_add_json(&b, dev->name);
		strbuf_add(&b, ",\"slot\":%u,\"removable\":%s}", slot,
			dev->removable ? "true" : "false");
		some = true;
	}
	strbuf_add(&b, "]}\n");
	return strbuf_take(&b);
}

const char report_tail[] = "\"}\n";

char *report_head(const char *name, enum vmm_exit status)
{
	autostrbuf b = { 0 };

	strbuf_add(&b, "{\"name\":");
	strbuf_add_json(&b, name);
	add_status(&b, status);
	strbuf_add(&b, "\"");
	return strbuf_take(&b);
}

/* What the sandbox is made of; numbers of rules per role, 0 without seccomp. */
static void add_sandbox(struct strbuf *b, const struct sandbox_applied *a)
{
	char names[64];

	strbuf_add(b, ",\"sandbox\":{\"mode\":\"%s\",\"relaxed\":%s,\"seccomp\":{",
		sandbox_mode_name(a->mode), a->relaxed ? "true" : "false");
	for (enum sandbox_role role = 0; role < SANDBOX_ROLES; role++)
		strbuf_add(
			b, "%s\"%s\":%u", role ? "," : "", sandbox_role_name(role), a->rules[role]);
	sandbox_namespaces(a, names, sizeof(names));
	strbuf_add(b, "},\"landlock_abi\":%d,\"namespaces\":", a->landlock_abi);
	strbuf_add_json(b, names);
	strbuf_add(b, ",\"empty_root\":%s,\"without\":", a->empty_root ? "true" : "false");
	strbuf_add_json(b, a->without);
	strbuf_add(b, "}");
}

char *report_line(const struct report *r)
{
	autostrbuf b = { 0 };

	strbuf_add(&b, "{\"name\":");
	strbuf_add_json(&b, r->name);
	add_end(&b, r);
	strbuf_add(&b, ",\"reboots\":%u", r->reboots);
	add_vfio(&b, r->vfio);
	add_lost(&b, r->lost);
	if (r->sandbox)
		add_sandbox(&b, r->sandbox);
	if (r->machine)
		add_machine(&b, r->machine, r->dma);
	strbuf_add(&b, "}\n");
	return strbuf_take(&b);
}
