/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A function that lies: its configuration space, what VFIO says of its regions and interrupts, and
 * what it says later, when it is gone or changes its mind. It is refused with a reason, or
 * assigned; then a guest uses it, and after every step all tables agree. Nothing is left in either
 * case.
 */
#include "fuzz.h"

#include "fakevfio/fakekvm.h"
#include "fakevfio/fakevfio.h"
#include "vmm/bus/bus.h"
#include "vmm/irq/irq.h"
#include "vmm/loop/loop.h"
#include "vmm/pci/bus.h"
#include "vmm/vfio/function.h"
#include "vmm/vfio/session.h"

#include <stdio.h>
#include <stdlib.h>

#define ECAM 0xe0000000ULL

enum { SLOT = 1, LIES = 24, STEPS = 64 };

static void must(bool ok)
{
	if (!ok)
		__builtin_trap();
}

/* What is added to an answer of VFIO's: bytes at places, of the n-th region or interrupt asked for.
 */
static struct input *liar;

static void lie(unsigned long request, void *arg)
{
	struct vfio_region_info *r = arg;
	struct vfio_irq_info *q = arg;
	unsigned what = (unsigned)take(liar, 1);

	if (request == VFIO_DEVICE_GET_IRQ_INFO && what & 1)
		q->count = (uint32_t)take(liar, what & 2 ? 4 : 1);
	if (request == VFIO_DEVICE_GET_INFO && what == 0xff) {
		struct vfio_device_info *d = arg;

		d->num_regions = (uint32_t)take(liar, 1);
		d->num_irqs = (uint32_t)take(liar, 1);
	}
	if (request != VFIO_DEVICE_GET_REGION_INFO || !(what & 1))
		return;
	if (what & 2)
		r->size = take(liar, what & 4 ? 8 : 3);
	if (what & 8)
		r->flags = (uint32_t)take(liar, 1);
	if (what & 16)
		r->cap_offset = (uint32_t)take(liar, 2);
	if (what & 32)
		r->offset = take(liar, 8);
	/* A chain behind the head, as far as there is room for it. */
	for (uint32_t at = sizeof(*r); what & 64 && at < MIN(r->argsz, 256U); at++)
		((char *)arg)[at] = (char)take(liar, 1);
	if (what & 128)
		r->argsz = (uint32_t)take(liar, 2);
}

struct machine {
	struct fakekvm k;
	struct fakevfio v;
	struct fakevfio_function *fn;
	struct vfio_session *session;
	struct vmm_services s;
	struct pci_device *dev;
};

static void note(void *arg, const char *text)
{
	(void)arg;
	must(text && *text);
}

static void make_config(struct input *in, uint8_t *c)
{
	const uint8_t head[] = { 0x36, 0x1b, 0x10, 0, 0, 0, 0x10, 0, 2, 2, 8, 1 };

	memset(c, 0, 4096);
	memcpy(c, head, sizeof(head));
	c[PCI_BASE_ADDRESS_0] = PCI_BASE_ADDRESS_MEM_TYPE_64;
	c[PCI_CAPABILITY_LIST] = 0x50;
	c[0x50] = PCI_CAP_ID_MSI;
	c[0x51] = 0x70;
	c[0x52] = 4;
	c[0x70] = PCI_CAP_ID_MSIX;
	c[0x71] = 0x80;
	c[0x70 + PCI_MSIX_FLAGS] = 2;
	c[0x70 + PCI_MSIX_TABLE + 1] = 0x20;
	c[0x70 + PCI_MSIX_PBA + 1] = 0x30;
	c[0x80] = PCI_CAP_ID_EXP;
	c[0x82] = 2;
	for (uint64_t n = take(in, 1) % LIES; n > 0; n--) {
		unsigned at = (unsigned)take(in, 2) & 4095, bytes = (unsigned)take(in, 1) % 5;

		for (unsigned i = 0; i < bytes && at + i < 4096; i++)
			c[at + i] = (uint8_t)take(in, 1);
	}
}

static void make_function(struct machine *m, struct input *in)
{
	static uint8_t config[4096];

	make_config(in, config);
	m->fn = fakevfio_add(&m->v, "0000:03:00.1", 15, config, sizeof(config));
	fakevfio_bar(m->fn, 0, 0x4000);
	for (unsigned bar = 1; bar < 6; bar++)
		if (take(in, 1) & 1)
			fakevfio_bar(m->fn, bar, 1ULL << (take(in, 1) % 24));
	for (unsigned i = 0; i < VFIO_PCI_NUM_IRQS; i++)
		m->fn->irq_counts[i] = (uint32_t)take(in, 1) % FAKEVFIO_VECTORS;
	m->fn->can_reset = take(in, 1) & 1;
	m->fn->no_resize = take(in, 1) & 1;
	m->fn->regions[VFIO_PCI_CONFIG_REGION_INDEX].size = take(in, 1) & 1 ? 256 : 4096;
}

static void machine_up(struct machine *m)
{
	struct pci_bus_params p = { .ecam = ECAM,
		.io = { 0x1000, 0x1000 },
		.mem32 = { 0xc0000000, 0x10000000 },
		.mem64 = { 0x1000000000, 1ULL << 38 } };
	struct vmm_services *s = &m->s;

	*s = (struct vmm_services) { .host = &m->v.host, .note = note };
	must(bus_new("pio", &s->pio) == 0 && bus_new("mmio", &s->mmio) == 0);
	must(loop_new(&s->loop) == 0 && kvm_vm_new(&m->v.host, m->k.fd, &s->kvm, NULL) == 0);
	must(irq_chip_new(s->kvm, &s->irq, NULL) == 0);
	p.pio = s->pio;
	p.mmio = s->mmio;
	p.irq = s->irq;
	must(pci_bus_new(&p, &s->pci, NULL) == 0);
}

static void machine_down(struct machine *m)
{
	pci_bus_free(m->s.pci);
	irq_chip_free(m->s.irq);
	kvm_vm_free(m->s.kvm);
	loop_free(m->s.loop);
	bus_free(m->s.mmio);
	bus_free(m->s.pio);
}

static void sound(struct machine *m)
{
	char why[160];

	if (pci_bus_audit(m->s.pci, m->s.kvm, NULL, why, sizeof(why))) {
		fprintf(stderr, "%s\n", why);
		__builtin_trap();
	}
}

/* From time to time it is gone, or says something else than before. */
static void step(struct machine *m, struct input *in)
{
	unsigned kind = (unsigned)take(in, 1), len = 1U << (kind >> 2 & 3);
	uint64_t at = take(in, 2), v;

	switch (kind & 3) {
	case 0:
		bus_write(m->s.mmio, ECAM + (SLOT << 15) + (at & 0xfff), len, take(in, len));
		break;
	case 1:
		bus_read(m->s.mmio, ECAM + (SLOT << 15) + (at & 0xfff), len, &v);
		break;
	case 2:
		for (unsigned bar = 0; bar < PCI_BARS; bar++)
			if (m->dev->bars[bar].mapped && m->dev->bars[bar].kind != PCI_BAR_IO)
				bus_write(m->s.mmio, m->dev->bars[bar].region.start + at, len,
					take(in, len));
		break;
	default:
		m->v.fail_call = kind & 0x80 ? m->v.calls + 1 + (unsigned)at % 8 : 0;
		m->v.fail_errno = -EIO;
		break;
	}
	sound(m);
}

/* A group in a container, as a launcher makes them; then what the VMM does. */
static int adopt(struct machine *m)
{
	struct vfio_fds f = { .iommufd = -1, .name = m->fn->name };
	struct host *h = &m->v.host;
	char name[] = "0000:03:00.1";
	int32_t container = f.container = host_open(h, "/dev/vfio/vfio", 0);
	int r;

	f.group = host_open(h, "/dev/vfio/15", 0);
	must(host_ioctl(h, f.group, VFIO_GROUP_SET_CONTAINER, &container) == 0);
	must(host_ioctl(h, container, VFIO_SET_IOMMU, (void *)(uintptr_t)VFIO_TYPE1v2_IOMMU) == 0);
	f.device = host_ioctl(h, f.group, VFIO_GROUP_GET_DEVICE_FD, name);
	must(f.device >= 0);
	m->v.lie = lie;
	r = vfio_session_add(m->session, &f, NULL);
	if (r == 0)
		return 0;
	host_close(h, f.device);
	host_close(h, f.group);
	if (!vfio_session_prune(m->session, f.container))
		host_close(h, f.container);
	return r;
}

static void assign(struct machine *m, struct input *in)
{
	struct vfio_function_params p = { .peers = vfio_session_peers(m->session) };
	struct problem *why = NULL;

	p.device = vfio_session_device(m->session, 0);
	if (vfio_function_add(&m->s, &p, &m->dev, &why) < 0) {
		must(why && why->what && *why->what);
		problem_free(why);
		sound(m);
		return;
	}
	sound(m);
	for (unsigned i = 0; i < STEPS && in->left; i++)
		step(m, in);
	m->v.fail_call = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	struct machine *m = calloc(1, sizeof(*m));

	must(m);
	liar = &in;
	fakekvm_init(&m->k);
	fakevfio_init(&m->v, &m->k.host);
	make_function(m, &in);
	must(vfio_session_new(&m->v.host, PEERS_OFF, &m->session) == 0);
	machine_up(m);
	if (adopt(m) == 0)
		assign(m, &in);
	machine_down(m);
	must(fakekvm_slots(&m->k) == 0 && fakekvm_irqfds(&m->k) == 0);
	vfio_session_free(m->session);
	must(fakevfio_done(&m->v) == 0);
	fakekvm_done(&m->k);
	free(m);
	return 0;
}
