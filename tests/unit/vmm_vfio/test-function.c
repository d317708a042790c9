/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An assigned function as the guest meets it: through ECAM, through its BARs, through interrupts.
 * VFIO and KVM are fakes with real memory and real eventfds; everything between is the VMM's own.
 */
#include "cm.h"

#include "fakevfio/fakekvm.h"
#include "fakevfio/fakevfio.h"
#include "vmm/bus/bus.h"
#include "vmm/irq/irq.h"
#include "vmm/loop/loop.h"
#include "vmm/pci/bus.h"
#include "vmm/vfio/function.h"
#include "vmm/vfio/session.h"

#include <linux/pci_regs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ECAM  0xe0000000ULL
#define MEM64 0x1000000000ULL

enum {
	SLOT = 1,
	MSI_AT = 0x50,
	MSIX_AT = 0x70,
	EXPRESS_AT = 0x80,
	TABLE = 0x2000,
	PBA = 0x3000,
	BAR_BYTES = 0x4000,
	MSIX_INDEX = VFIO_PCI_MSIX_IRQ_INDEX,
};

struct env {
	struct fakekvm k;
	struct fakevfio v;
	struct fakevfio_function *fn;
	struct vfio_session *session;
	struct kvm_vm *vm;
	struct guest_memory *memory;
	struct vmm_services s;
	char notes[2048];
	unsigned lost;
};

/* Registers, MSI-X table and PBA in one 64-bit BAR, as NVMe functions have it. */
static void make_config(uint8_t *c)
{
	const uint8_t head[] = { 0x36, 0x1b, 0x10, 0x00, 0, 0, 0x10, 0, 2, 0x02, 0x08, 0x01 };

	memset(c, 0, 256);
	memcpy(c, head, sizeof(head));
	c[PCI_BASE_ADDRESS_0] = PCI_BASE_ADDRESS_MEM_TYPE_64;
	c[PCI_CAPABILITY_LIST] = MSI_AT;
	c[MSI_AT] = PCI_CAP_ID_MSI;
	c[MSI_AT + 1] = MSIX_AT;
	c[MSI_AT + 2] = 2 << 1; /* 4 vectors */
	c[MSI_AT + 3] = PCI_MSI_FLAGS_MASKBIT >> 8;
	c[MSI_AT + 2] |= PCI_MSI_FLAGS_64BIT;
	c[MSIX_AT] = PCI_CAP_ID_MSIX;
	c[MSIX_AT + 1] = EXPRESS_AT;
	c[MSIX_AT + PCI_MSIX_FLAGS] = 2; /* 3 vectors */
	c[MSIX_AT + PCI_MSIX_TABLE + 1] = TABLE >> 8;
	c[MSIX_AT + PCI_MSIX_PBA + 1] = PBA >> 8;
	c[EXPRESS_AT] = PCI_CAP_ID_EXP;
	c[EXPRESS_AT + 2] = 2;
}

static void take_note(void *arg, const char *text)
{
	struct env *e = arg;
	size_t n = strlen(e->notes);

	snprintf(e->notes + n, sizeof(e->notes) - n, "%s\n", text);
}

static void lose(void *arg, const char *name)
{
	struct env *e = arg;

	assert_string_equal(name, "0000:03:00.1");
	e->lost++;
	loop_quit(e->s.loop, 7);
}

/* What a launcher does before it starts the VMM. */
static int open_fds(struct env *e, struct vfio_fds *ret)
{
	struct host *h = &e->v.host;
	char name[] = "0000:03:00.1";
	int32_t container = host_open(h, "/dev/vfio/vfio", 0);

	ret->container = container;
	ret->name = e->fn->name;
	ret->group = host_open(h, "/dev/vfio/15", 0);
	if (host_ioctl(h, ret->group, VFIO_GROUP_SET_CONTAINER, &container) < 0 ||
		host_ioctl(h, container, VFIO_SET_IOMMU, (void *)(uintptr_t)VFIO_TYPE1v2_IOMMU) < 0)
		return -1;
	ret->device = host_ioctl(h, ret->group, VFIO_GROUP_GET_DEVICE_FD, name);
	return ret->device;
}

static int machine_up(struct env *e)
{
	const struct pci_window io = { 0x1000, 0x1000 }, mem32 = { 0xc0000000, 0x10000000 },
				mem64 = { MEM64, 1ULL << 32 };
	struct pci_bus_params p = { .ecam = ECAM, .io = io, .mem32 = mem32, .mem64 = mem64 };
	struct guest_memory_params m = { .size = 2 << 20 };

	e->s = (struct vmm_services) { .host = &e->v.host, .note = take_note, .note_arg = e };
	if (bus_new("pio", &e->s.pio) < 0 || bus_new("mmio", &e->s.mmio) < 0 ||
		loop_new(&e->s.loop) < 0 || kvm_vm_new(&e->v.host, e->k.fd, &e->vm, NULL) < 0)
		return -1;
	e->s.kvm = e->vm;
	if (irq_chip_new(e->vm, &e->s.irq, NULL) < 0 ||
		guest_memory_new(&e->v.host, &m, &e->memory, NULL) < 0)
		return -1;
	e->s.memory = e->memory;
	p.pio = e->s.pio;
	p.mmio = e->s.mmio;
	p.irq = e->s.irq;
	return pci_bus_new(&p, &e->s.pci, NULL);
}

static void machine_down(struct env *e)
{
	pci_bus_free(e->s.pci);
	irq_chip_free(e->s.irq);
	kvm_vm_free(e->vm);
	guest_memory_free(e->memory);
	loop_free(e->s.loop);
	bus_free(e->s.mmio);
	bus_free(e->s.pio);
}

static int setup(void **state)
{
	struct env *e = calloc(1, sizeof(*e));
	struct vfio_fds fds;
	uint8_t config[256];

	make_config(config);
	fakekvm_init(&e->k);
	fakevfio_init(&e->v, &e->k.host);
	e->fn = fakevfio_add(&e->v, "0000:03:00.1", 15, config, sizeof(config));
	e->fn->irq_counts[VFIO_PCI_MSI_IRQ_INDEX] = 4;
	fakevfio_bar(e->fn, 0, BAR_BYTES);
	if (open_fds(e, &fds) < 0 || vfio_session_new(&e->v.host, &e->session) < 0 ||
		vfio_session_add(e->session, &fds, NULL) < 0 || machine_up(e) < 0)
		return -1;
	*state = e;
	return 0;
}

static int teardown(void **state)
{
	struct env *e = *state;
	unsigned left, irqfds, slots;

	machine_down(e);
	irqfds = fakekvm_irqfds(&e->k);
	slots = fakekvm_slots(&e->k);
	vfio_session_free(e->session);
	left = fakevfio_done(&e->v);
	fakekvm_done(&e->k);
	free(e);
	return left || irqfds || slots ? -1 : 0;
}

static void add(struct env *e)
{
	struct problem *why = NULL;

	assert_int_equal(
		vfio_function_add(&e->s, vfio_session_device(e->session, 0), lose, e, &why), 0);
}

static uint32_t get(struct env *e, unsigned at, unsigned len)
{
	uint64_t v;

	assert_true(bus_read(e->s.mmio, ECAM + (SLOT << 15) + at, len, &v));
	return (uint32_t)v;
}

static void set(struct env *e, unsigned at, unsigned len, uint32_t v)
{
	assert_true(bus_write(e->s.mmio, ECAM + (SLOT << 15) + at, len, v));
}

static uint64_t bar_at(struct env *e)
{
	return (uint64_t)get(e, PCI_BASE_ADDRESS_1, 4) << 32 |
	       (get(e, PCI_BASE_ADDRESS_0, 4) & ~15U);
}

static uint64_t load(struct env *e, uint64_t offset, unsigned len)
{
	uint64_t v;

	assert_true(bus_read(e->s.mmio, bar_at(e) + offset, len, &v));
	return v;
}

static void store(struct env *e, uint64_t offset, unsigned len, uint64_t v)
{
	assert_true(bus_write(e->s.mmio, bar_at(e) + offset, len, v));
}

static uint16_t real_command(struct env *e)
{
	uint16_t v;

	fakevfio_peek(e->fn, VFIO_PCI_CONFIG_REGION_INDEX, PCI_COMMAND, &v, 2);
	return v;
}

static void on(struct env *e)
{
	set(e, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

static void entry(struct env *e, unsigned vector, uint32_t data, bool masked)
{
	uint64_t at = TABLE + 16 * vector;

	store(e, at, 8, 0xfee00000);
	store(e, at + 8, 4, data);
	store(e, at + 12, 4, masked);
}

static void the_guest_sees_an_ordinary_function(void **state)
{
	struct env *e = *state;

	add(e);
	assert_int_equal(get(e, PCI_VENDOR_ID, 4), 0x00101b36);
	assert_int_equal(get(e, PCI_CLASS_REVISION, 4), 0x01080202);
	set(e, PCI_BASE_ADDRESS_0, 4, UINT32_MAX);
	set(e, PCI_BASE_ADDRESS_1, 4, UINT32_MAX);
	assert_int_equal(get(e, PCI_BASE_ADDRESS_0, 4), ~(BAR_BYTES - 1U) | 4);
	assert_int_equal(get(e, PCI_BASE_ADDRESS_1, 4), UINT32_MAX);
	assert_int_equal(get(e, PCI_STATUS, 2) & PCI_STATUS_CAP_LIST, PCI_STATUS_CAP_LIST);
	assert_int_equal(e->fn->resets, 1);
	assert_int_equal(real_command(e), 0);
	assert_string_equal(e->notes, "");
}

static void registers_are_memory_and_the_table_traps(void **state)
{
	struct env *e = *state;
	uint32_t *reg, v = 0;

	add(e);
	assert_true(bar_at(e) >= MEM64);
	assert_null(fakekvm_at(&e->k, bar_at(e)));
	on(e);
	assert_int_equal(real_command(e), PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	reg = fakekvm_at(&e->k, bar_at(e) + 0x1004);
	assert_non_null(reg);
	*reg = 0x1badb002; /* a store of the guest, no exit */
	fakevfio_peek(e->fn, 0, 0x1004, &v, 4);
	assert_int_equal(v, 0x1badb002);
	assert_non_null(fakekvm_at(&e->k, bar_at(e) + 0x1fff));
	assert_null(fakekvm_at(&e->k, bar_at(e) + TABLE));
	assert_null(fakekvm_at(&e->k, bar_at(e) + PBA));
	/* What shares the trapped pages with the table is the device's still. */
	store(e, TABLE + 0x100, 4, 0xcafe);
	fakevfio_peek(e->fn, 0, TABLE + 0x100, &v, 4);
	assert_int_equal(v, 0xcafe);
	/* The table itself never is. */
	entry(e, 0, 0x41, true);
	fakevfio_peek(e->fn, 0, TABLE + 8, &v, 4);
	assert_int_equal(v, 0);
	assert_int_equal(load(e, TABLE + 8, 4), 0x41);
}

static void bars_follow_the_guest(void **state)
{
	struct env *e = *state;
	uint64_t before;

	add(e);
	on(e);
	before = bar_at(e);
	set(e, PCI_COMMAND, 2, 0);
	assert_null(fakekvm_at(&e->k, before));
	assert_int_equal(real_command(e), 0);
	set(e, PCI_BASE_ADDRESS_0, 4, 0x00800000);
	set(e, PCI_BASE_ADDRESS_1, 4, 0x10);
	on(e);
	assert_null(fakekvm_at(&e->k, before));
	assert_non_null(fakekvm_at(&e->k, 0x1000800000));
	/* While decoding, by halves, and to where no window is: it vanishes, and comes back. */
	set(e, PCI_BASE_ADDRESS_1, 4, 0x7000);
	assert_int_equal(fakekvm_slots(&e->k), 0);
	set(e, PCI_BASE_ADDRESS_1, 4, 0x10);
	assert_int_equal(fakekvm_slots(&e->k), 1);
	assert_int_equal(pci_bus_check(e->s.pci, NULL, 0), 0);
}

static void msix_vectors_come_when_unmasked(void **state)
{
	struct env *e = *state;

	add(e);
	on(e);
	set(e, MSIX_AT + 2, 2, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	/* The device must be in MSI-X mode already. */
	assert_int_equal(e->fn->on, MSIX_INDEX);
	assert_int_equal(e->fn->on_count, 1);
	entry(e, 2, 0x43, false);
	assert_int_equal(e->fn->on_count, 1);
	set(e, MSIX_AT + 2, 2, PCI_MSIX_FLAGS_ENABLE);
	assert_int_equal(e->fn->on_count, 3);
	assert_true(fakevfio_fire(e->fn, MSIX_INDEX, 2));
	assert_int_equal(fakekvm_deliver(&e->k, 0x43), 1);
	assert_false(fakevfio_fire(e->fn, MSIX_INDEX, 1)); /* nobody asked for it */
	assert_int_equal(fakekvm_irqfds(&e->k), 1);
	set(e, MSIX_AT + 2, 2, 0);
	assert_int_equal(e->fn->on, -1);
	assert_int_equal(fakekvm_irqfds(&e->k), 0);
}

static void a_masked_vector_keeps_its_interrupt(void **state)
{
	struct env *e = *state;

	add(e);
	on(e);
	entry(e, 0, 0x41, true);
	set(e, MSIX_AT + 2, 2, PCI_MSIX_FLAGS_ENABLE);
	assert_int_equal(load(e, PBA, 8), 0);
	for (int round = 0; round < 3; round++) {
		assert_true(fakevfio_fire(e->fn, MSIX_INDEX, 0));
		assert_true(fakevfio_fire(e->fn, MSIX_INDEX, 0));
		assert_int_equal(fakekvm_deliver(&e->k, 0x41), 0);
		assert_int_equal(load(e, PBA, 8), 1);
		assert_int_equal(load(e, PBA, 8), 1); /* looking does not consume */
		entry(e, 0, 0x41, false);
		assert_int_equal(fakekvm_deliver(&e->k, 0x41), 1);
		assert_int_equal(load(e, PBA, 8), 0);
		assert_int_equal(fakekvm_deliver(&e->k, 0x41), 0);
		entry(e, 0, 0x41, true);
	}
	/* The message may change while it is masked. */
	assert_true(fakevfio_fire(e->fn, MSIX_INDEX, 0));
	entry(e, 0, 0x51, false);
	assert_int_equal(fakekvm_deliver(&e->k, 0x51), 1);
}

static void kernels_that_cannot_add_vectors_lose_nothing(void **state)
{
	struct env *e = *state;

	e->fn->no_resize = true;
	add(e);
	on(e);
	entry(e, 0, 0x41, false);
	set(e, MSIX_AT + 2, 2, PCI_MSIX_FLAGS_ENABLE);
	assert_int_equal(e->fn->on_count, 1);
	entry(e, 2, 0x43, false);
	assert_int_equal(e->fn->on_count, 3);
	/* It was off for a moment: whoever was on gets one to be sure. */
	assert_int_equal(fakekvm_deliver(&e->k, 0x41), 1);
	assert_true(fakevfio_fire(e->fn, MSIX_INDEX, 0) && fakevfio_fire(e->fn, MSIX_INDEX, 2));
	assert_int_equal(fakekvm_deliver(&e->k, 0x43), 1);
	assert_string_equal(e->notes, "");
}

static void msi_works_with_masks(void **state)
{
	struct env *e = *state;
	const unsigned mask = MSI_AT + PCI_MSI_MASK_64, index = VFIO_PCI_MSI_IRQ_INDEX;

	add(e);
	on(e);
	set(e, MSI_AT + PCI_MSI_ADDRESS_LO, 4, 0xfee00000);
	set(e, MSI_AT + PCI_MSI_DATA_64, 2, 0x60);
	set(e, mask, 4, 2);
	set(e, MSI_AT + PCI_MSI_FLAGS, 2, PCI_MSI_FLAGS_ENABLE | 2 << 4);
	assert_int_equal(e->fn->on, index);
	assert_int_equal(e->fn->on_count, 4);
	assert_true(fakevfio_fire(e->fn, index, 3));
	assert_int_equal(fakekvm_deliver(&e->k, 0x63), 1);
	assert_true(fakevfio_fire(e->fn, index, 1));
	assert_int_equal(fakekvm_deliver(&e->k, 0x61), 0);
	assert_int_equal(get(e, mask + 4, 4), 2);
	set(e, mask, 4, 0);
	assert_int_equal(fakekvm_deliver(&e->k, 0x61), 1);
	assert_int_equal(get(e, mask + 4, 4), 0);
	/* More than it was offered cannot be had. */
	set(e, MSI_AT + PCI_MSI_FLAGS, 2, 0);
	assert_int_equal(e->fn->on, -1);
	set(e, MSI_AT + PCI_MSI_FLAGS, 2, PCI_MSI_FLAGS_ENABLE | 5 << 4);
	assert_int_equal(e->fn->on_count, 4);
	/* MSI-X displaces it. */
	set(e, MSIX_AT + 2, 2, PCI_MSIX_FLAGS_ENABLE);
	assert_int_equal(e->fn->on, MSIX_INDEX);
	assert_int_equal(fakekvm_irqfds(&e->k), 0);
}

static void intx_gives_way_and_comes_back(void **state)
{
	struct env *e = *state;
	const unsigned pin = FAKEKVM_PIN + 16 + SLOT;

	e->fn->irq_counts[VFIO_PCI_INTX_IRQ_INDEX] = 1;
	add(e);
	assert_int_equal(get(e, PCI_INTERRUPT_PIN, 1), 1);
	assert_int_equal(get(e, PCI_INTERRUPT_LINE, 1), 16 + SLOT);
	assert_int_equal(e->fn->on, VFIO_PCI_INTX_IRQ_INDEX);
	assert_true(fakevfio_fire(e->fn, VFIO_PCI_INTX_IRQ_INDEX, 0));
	assert_int_equal(fakekvm_deliver(&e->k, pin), 1);
	set(e, MSIX_AT + 2, 2, PCI_MSIX_FLAGS_ENABLE);
	assert_int_equal(e->fn->on, MSIX_INDEX);
	set(e, MSIX_AT + 2, 2, 0);
	assert_int_equal(e->fn->on, VFIO_PCI_INTX_IRQ_INDEX);
	assert_true(fakevfio_fire(e->fn, VFIO_PCI_INTX_IRQ_INDEX, 0));
	assert_int_equal(fakekvm_deliver(&e->k, pin), 1);
}

static void the_guest_can_reset_it(void **state)
{
	struct env *e = *state;

	add(e);
	on(e);
	entry(e, 0, 0x41, false);
	set(e, MSIX_AT + 2, 2, PCI_MSIX_FLAGS_ENABLE);
	assert_true(get(e, EXPRESS_AT + PCI_EXP_DEVCAP, 4) & PCI_EXP_DEVCAP_FLR);
	set(e, EXPRESS_AT + PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_BCR_FLR | 0x2000);
	assert_int_equal(e->fn->resets, 2);
	assert_int_equal(e->fn->on, -1);
	assert_int_equal(get(e, PCI_COMMAND, 2), 0);
	assert_int_equal(get(e, PCI_BASE_ADDRESS_0, 4), 4);
	assert_int_equal(get(e, MSIX_AT + 2, 2), 2);
	assert_int_equal(fakekvm_slots(&e->k), 0);
	assert_int_equal(fakekvm_irqfds(&e->k), 0);
	/* The bit itself is ours: had it reached the device, VFIO would have reset it again. */
	assert_int_equal(get(e, EXPRESS_AT + PCI_EXP_DEVCTL, 2) & PCI_EXP_DEVCTL_BCR_FLR, 0);
	/* And it works again. */
	set(e, PCI_BASE_ADDRESS_1, 4, 0x10);
	on(e);
	assert_non_null(fakekvm_at(&e->k, MEM64));
}

static void device_control_reaches_the_device(void **state)
{
	struct env *e = *state;
	uint16_t v = 0x0f00;

	add(e);
	set(e, EXPRESS_AT + PCI_EXP_DEVCTL, 2, 0x5810);
	fakevfio_peek(e->fn, VFIO_PCI_CONFIG_REGION_INDEX, EXPRESS_AT + PCI_EXP_DEVCTL, &v, 2);
	assert_int_equal(v, 0x5810);
	v = 0x0020; /* transactions pending */
	fakevfio_poke(e->fn, VFIO_PCI_CONFIG_REGION_INDEX, EXPRESS_AT + PCI_EXP_DEVSTA, &v, 2);
	assert_int_equal(get(e, EXPRESS_AT + PCI_EXP_DEVCTL, 4), 0x00205810);
	/* No link: nothing to be seen, nothing to be written. */
	set(e, EXPRESS_AT + PCI_EXP_LNKCTL, 2, 0xffff);
	assert_int_equal(get(e, EXPRESS_AT + PCI_EXP_LNKCTL, 2), 0);
}

static void stopping_ends_dma_and_interrupts(void **state)
{
	struct env *e = *state;

	add(e);
	on(e);
	entry(e, 0, 0x41, false);
	set(e, MSIX_AT + 2, 2, PCI_MSIX_FLAGS_ENABLE);
	pci_bus_stop(e->s.pci);
	assert_int_equal(e->fn->on, -1);
	assert_int_equal(real_command(e), 0);
	assert_int_equal(e->fn->resets, 2);
	pci_bus_stop(e->s.pci);
	assert_int_equal(e->fn->resets, 2);
}

static void a_bar_that_cannot_be_mapped_still_works(void **state)
{
	struct env *e = *state;
	uint32_t v = 0x11223344;

	e->fn->regions[0].mmap_fails = true;
	add(e);
	assert_non_null(strstr(e->notes, "0000:03:00.1: BAR 0 at 0x0 cannot be mapped"));
	on(e);
	assert_int_equal(fakekvm_slots(&e->k), 0);
	fakevfio_poke(e->fn, 0, 0x14, &v, 4);
	assert_int_equal(load(e, 0x14, 4), v);
	store(e, 0x18, 8, 0x1122334455667788);
	assert_int_equal(load(e, 0x18, 8), 0x1122334455667788);
	assert_int_equal(load(e, 0x19, 2), 0x6677);
}

static void bars_smaller_than_a_page_trap(void **state)
{
	struct env *e = *state;
	uint8_t type = 0;

	e->fn->regions[2].size = 256;
	e->fn->regions[2].flags = e->fn->regions[0].flags;
	fakevfio_poke(e->fn, VFIO_PCI_CONFIG_REGION_INDEX, PCI_BASE_ADDRESS_2, &type, 1);
	add(e);
	on(e);
	assert_true(bus_write(e->s.mmio, get(e, PCI_BASE_ADDRESS_2, 4) + 4, 4, 0x77));
	fakevfio_peek(e->fn, 2, 4, &type, 1);
	assert_int_equal(type, 0x77);
	assert_int_equal(fakekvm_slots(&e->k), 1);
}

static void the_host_may_want_it_back(void **state)
{
	struct env *e = *state;

	add(e);
	assert_true(fakevfio_fire(e->fn, VFIO_PCI_REQ_IRQ_INDEX, 0));
	assert_int_equal(loop_run(e->s.loop), 7);
	assert_int_equal(e->lost, 1);
	assert_non_null(strstr(e->notes, "wants the function back"));
}

static void every_call_may_fail(void **state)
{
	struct env *e = *state;
	unsigned first = e->v.calls, total, refused = 0;

	add(e);
	total = e->v.calls - first;
	for (unsigned n = 1; n <= total; n++) {
		struct problem *why = NULL;
		int r;

		machine_down(e);
		assert_int_equal(machine_up(e), 0);
		e->v.fail_call = e->v.calls + n;
		e->v.fail_errno = -EIO;
		r = vfio_function_add(&e->s, vfio_session_device(e->session, 0), lose, e, &why);
		assert_true((r < 0) == (why != NULL));
		refused += r < 0;
		problem_free(why);
		assert_int_equal(fakekvm_irqfds(&e->k), 0);
	}
	e->v.fail_call = 0;
	assert_true(refused > 5);
}

static void the_session_maps_memory_and_tells_kvm(void **state)
{
	struct env *e = *state;
	struct guest_range *reserved;
	size_t n;

	assert_int_equal(vfio_session_count(e->session), 1);
	assert_int_equal(vfio_session_reserved(e->session, &reserved, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(reserved[0].start, 0xfee00000);
	assert_int_equal(reserved[0].last, 0xfeefffff);
	assert_int_equal(reserved[1].start, 0x8000000000);
	assert_int_equal(reserved[1].last, UINT64_MAX);
	free(reserved);
	for (int boot = 0; boot < 2; boot++) { /* as a reboot does */
		assert_int_equal(vfio_session_enter(e->session, e->vm, e->memory, NULL), 0);
		assert_int_equal(e->v.n_mappings, e->memory->n_banks);
		assert_int_equal(e->v.mappings[0].size, 2 << 20);
		assert_int_equal(e->k.n_groups, 1);
		assert_true(vfio_session_known_to_kvm(e->session));
		vfio_session_leave(e->session);
		assert_int_equal(e->v.n_mappings, 0);
		assert_int_equal(e->k.vfio_device, -1);
	}
	e->k.knows_vfio = false;
	assert_int_equal(vfio_session_enter(e->session, e->vm, e->memory, NULL), 0);
	assert_false(vfio_session_known_to_kvm(e->session));
	vfio_session_leave(e->session);
}

static void memory_in_a_reserved_range_is_refused_whole(void **state)
{
	struct env *e = *state;
	struct problem *why = NULL;
	struct guest_memory fake = *e->memory;

	fake.n_banks = 2;
	fake.banks[0] = e->memory->banks[0];
	fake.banks[0].size = 1 << 20;
	fake.banks[1] = fake.banks[0];
	fake.banks[1].start = GPA(0xfee00000);
	assert_int_equal(vfio_session_enter(e->session, e->vm, &fake, &why), -ERANGE);
	assert_int_equal(why->kind, PROBLEM_RESERVED_IOVA);
	problem_free(why);
	assert_int_equal(e->v.maps, 0);
	fake.banks[1].start = GPA(0x200000);
	e->v.dma_limit = 1;
	assert_int_equal(vfio_session_enter(e->session, e->vm, &fake, NULL), -ENOSPC);
	assert_int_equal(e->v.maps, 1);
	assert_int_equal(e->v.n_mappings, 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(the_guest_sees_an_ordinary_function),
		T(registers_are_memory_and_the_table_traps),
		T(bars_follow_the_guest),
		T(msix_vectors_come_when_unmasked),
		T(a_masked_vector_keeps_its_interrupt),
		T(kernels_that_cannot_add_vectors_lose_nothing),
		T(msi_works_with_masks),
		T(intx_gives_way_and_comes_back),
		T(the_guest_can_reset_it),
		T(device_control_reaches_the_device),
		T(stopping_ends_dma_and_interrupts),
		T(a_bar_that_cannot_be_mapped_still_works),
		T(bars_smaller_than_a_page_trap),
		T(the_host_may_want_it_back),
		T(every_call_may_fail),
		T(the_session_maps_memory_and_tells_kvm),
		T(memory_in_a_reserved_range_is_refused_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
