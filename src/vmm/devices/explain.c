/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The assigned functions, for people: see facts.h. */
#include "entries.h"

#include "base/str.h"
#include "vmm/vfio/facts.h"

/* Texts are written while the bus is held. */
struct explanation {
	struct devices *d;
	struct strbuf *b;
};

static const char *kind_name(enum pci_bar_kind kind)
{
	return kind == PCI_BAR_IO ? "io" : kind == PCI_BAR_MEM64 ? "mem64" : "mem32";
}

static void add_text(struct strbuf *b, const char *key, const char *v)
{
	strbuf_add(b, ",\"%s\":", key);
	if (v)
		strbuf_add_json(b, v);
	else
		strbuf_add(b, "null");
}

static void add_at(struct strbuf *b, const struct bar_facts *f)
{
	if (f->decoded)
		strbuf_add(b, ",\"at\":%llu", (unsigned long long)f->at);
	else
		strbuf_add(b, ",\"at\":null");
}

static void add_rom(struct strbuf *b, struct pci_device *pci)
{
	const char *why;
	size_t bytes;

	add_text(b, "rom", function_rom_facts(pci, &bytes, &why));
	strbuf_add(b, ",\"rom_bytes\":%zu", bytes);
	add_text(b, "why_no_rom", why);
}

static void add_bars(struct strbuf *b, struct pci_device *pci)
{
	struct bar_facts v[PCI_STD_NUM_BARS];
	size_t n = function_bar_facts(pci, v);

	strbuf_add(b, ",\"bars\":[");
	for (size_t i = 0; i < n; i++) {
		strbuf_add(b, "%s{\"bar\":%u,\"kind\":\"%s\",\"size_bytes\":%llu", i ? "," : "",
			v[i].bar, kind_name(v[i].kind), (unsigned long long)v[i].size);
		add_at(b, &v[i]);
		strbuf_add(b, ",\"direct_bytes\":%llu", (unsigned long long)v[i].direct);
		add_text(b, "why_trapped", v[i].why);
		strbuf_add(b, "}");
	}
	strbuf_add(b, "]");
}

/* What one entry's function reaches of another's. */
static bool add_reach(
	struct explanation *x, const struct entry *from, const struct entry *to, bool some)
{
	const struct vfio_space *space = vfio_session_space_of(x->d->vfio, from->vfio);
	struct bar_facts v[PCI_STD_NUM_BARS];
	size_t n = function_bar_facts(to->pci, v);

	for (size_t i = 0; i < n; i++) {
		struct reach_facts r;

		if (v[i].kind == PCI_BAR_IO)
			continue; /* nobody's DMA reaches ports */
		function_reach_facts(to->pci, v[i].bar, space, &r);
		strbuf_add(x->b, "%s{\"from\":", some ? "," : "");
		strbuf_add_json(x->b, from->option.name);
		add_text(x->b, "to", to->option.name);
		strbuf_add(x->b, ",\"bar\":%u", v[i].bar);
		add_at(x->b, &v[i]);
		strbuf_add(x->b, ",\"bytes\":%llu", (unsigned long long)r.bytes);
		add_text(x->b, "why_not", r.why);
		strbuf_add(x->b, "}");
		some = true;
	}
	return some;
}

static void add_all(void *arg)
{
	struct explanation *x = arg;
	struct devices *d = x->d;
	bool some = false;

	for (size_t i = 0; i < d->n_entries; i++) {
		if (!d->entries[i].pci)
			continue;
		strbuf_add(x->b, "%s{\"name\":", some ? "," : "");
		strbuf_add_json(x->b, d->entries[i].option.name);
		strbuf_add(x->b, ",\"slot\":%u", d->entries[i].pci->slot);
		add_text(x->b, "backend",
			vfio_session_space_of(d->vfio, d->entries[i].vfio)->ops->name);
		add_text(x->b, "interrupts", d->entries[i].interrupts);
		add_rom(x->b, d->entries[i].pci);
		add_bars(x->b, d->entries[i].pci);
		strbuf_add(x->b, "}");
		some = true;
	}
	strbuf_add(x->b, "],\"peers\":[");
	some = false;
	for (size_t i = 0; i < d->n_entries; i++)
		for (size_t k = 0; k < d->n_entries; k++)
			if (i != k && d->entries[i].pci && d->entries[k].pci)
				some = add_reach(x, &d->entries[i], &d->entries[k], some);
}

char *devices_explain(struct devices *d)
{
	autostrbuf b = { 0 };
	struct explanation x = { d, &b };

	strbuf_add(&b, "\"functions\":[");
	/* Outside of the bus's lock: it takes those of the functions. */
	for (size_t i = 0; i < d->n_entries; i++)
		if (d->entries[i].pci)
			d->entries[i].interrupts = function_interrupts(d->entries[i].pci);
	if (d->services)
		pci_bus_hold(d->services->pci, add_all, &x);
	else
		strbuf_add(&b, "],\"peers\":[");
	strbuf_add(&b, "]");
	return strbuf_take(&b);
}
