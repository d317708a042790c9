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
#include "vmm/vfio/rom.h"
#include "vmm/vfio/session.h"

#include <linux/pci_regs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

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
	enum function_rom rom;
	int rom_fd;
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

static void lose(void *arg, struct vfio_device *d, enum function_loss how)
{
	struct env *e = arg;

	assert_string_equal(d->name, "0000:03:00.1");
	assert_int_equal(how, FUNCTION_WANTED);
	e->lost++;
	loop_quit(e->s.loop, 7);
}

/* What a launcher does before it starts the VMM. */
static int open_fds(struct env *e, struct vfio_fds *ret)
{
	struct host *h = &e->v.host;
	char name[] = "0000:03:00.1";
	int32_t container = host_open(h, "/dev/vfio/vfio", 0);

	*ret = (struct vfio_fds) { .container = container, .iommufd = -1 };
	ret->name = e->fn->name;
	ret->group = host_open(h, "/dev/vfio/15", 0);
	if (host_ioctl(h, ret->group, VFIO_GROUP_SET_CONTAINER, &container) < 0 ||
		host_ioctl(h, container, VFIO_SET_IOMMU, (void *)(uintptr_t)VFIO_TYPE1v2_IOMMU) < 0)
		return -1;
	ret->device = host_ioctl(h, ret->group, VFIO_GROUP_GET_DEVICE_FD, name);
	return ret->device;
}

/* A session on descriptors of its own. */
static int again(struct env *e)
{
	struct vfio_fds fds;

	if (open_fds(e, &fds) < 0 || vfio_session_new(&e->v.host, PEERS_AUTO, &e->session) < 0)
		return -1;
	return vfio_session_add(e->session, &fds, NULL);
}

static int machine_up(struct env *e)
{
	const struct pci_window io = { 0x1000, 0x1000 }, mem32 = { 0xc0000000, 0x10000000 },
				mem64 = { MEM64, 1ULL << 38 };
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
	uint8_t config[256];

	make_config(config);
	fakekvm_init(&e->k);
	fakevfio_init(&e->v, &e->k.host);
	e->fn = fakevfio_add(&e->v, "0000:03:00.1", 15, config, sizeof(config));
	e->fn->irq_counts[VFIO_PCI_MSI_IRQ_INDEX] = 4;
	fakevfio_bar(e->fn, 0, BAR_BYTES);
	if (again(e) < 0 || machine_up(e) < 0)
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

static int try_to_add(struct env *e, struct problem **reterr)
{
	const struct vfio_function_params p = {
		.device = vfio_session_device(e->session, 0),
		.peers = vfio_session_peers(e->session),
		.lost = lose,
		.lost_arg = e,
		.rom = e->rom,
		.rom_fd = e->rom_fd,
	};
	struct pci_device *dev;

	return vfio_function_add(&e->s, &p, &dev, reterr);
}

static void add(struct env *e)
{
	assert_int_equal(try_to_add(e, NULL), 0);
}

/* The oracle: after every step of the guest all tables agree. */
static void assert_sound(struct env *e)
{
	char why[160] = "";
	unsigned wrong = pci_bus_audit(e->s.pci, e->vm, NULL, why, sizeof(why));

	if (wrong)
		fail_msg("%u things are wrong: %s", wrong, why);
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
	assert_sound(e);
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
	assert_sound(e);
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

struct wanted {
	const char *name;
	uint64_t v;
};

static void take_named(void *arg, const char *name, uint64_t v)
{
	struct wanted *w = arg;

	if (strcmp(name, w->name) == 0)
		w->v = v;
}

/* UINT64_MAX: it is not told. */
static uint64_t stat_of(struct env *e, const char *name)
{
	struct pci_device *dev = pci_bus_device(e->s.pci, SLOT);
	struct wanted w = { name, UINT64_MAX };

	dev->ops->stats(dev, take_named, &w);
	return w.v;
}

/* A signal that comes between the look into the eventfd and its being connected. */
static void fire_once_more(struct fakekvm *k, int fd)
{
	k->on_irqfd = NULL;
	eventfd_write(fd, 1);
}

static void what_came_while_masked_is_counted(void **state)
{
	struct env *e = *state;
	unsigned fired = 0, got = 0;

	add(e);
	on(e);
	entry(e, 0, 0x41, true);
	set(e, MSIX_AT + 2, 2, PCI_MSIX_FLAGS_ENABLE);
	assert_int_equal(stat_of(e, "vector0_signalled"), UINT64_MAX); /* nothing to tell yet */
	for (unsigned round = 0; round < 5; round++) {
		for (unsigned i = 0; i < round; i++)
			fired += fakevfio_fire(e->fn, MSIX_INDEX, 0);
		entry(e, 0, 0x41, false);
		got += fakekvm_deliver(&e->k, 0x41);
		entry(e, 0, 0x41, true);
	}
	assert_int_equal(got, 4);
	assert_int_equal(stat_of(e, "vector0_signalled"), fired);
	assert_int_equal(stat_of(e, "vector0_injected"), got);
	assert_int_equal(stat_of(e, "vector0_merged"), fired - got);
	/* Live, it goes by without us. */
	entry(e, 0, 0x41, false);
	assert_true(fakevfio_fire(e->fn, MSIX_INDEX, 0));
	assert_int_equal(fakekvm_deliver(&e->k, 0x41), 1);
	assert_int_equal(stat_of(e, "interrupts_signalled"), fired);
	/* Switched off with two waiting: they are nobody's any more, and not forgotten. */
	entry(e, 0, 0x41, true);
	fakevfio_fire(e->fn, MSIX_INDEX, 0);
	fakevfio_fire(e->fn, MSIX_INDEX, 0);
	set(e, MSIX_AT + 2, 2, 0);
	assert_int_equal(stat_of(e, "vector0_dropped"), 2);
	assert_int_equal(stat_of(e, "vector0_signalled"), fired + 2);
}

static void a_signal_during_the_unmasking_is_counted_too(void **state)
{
	struct env *e = *state;

	add(e);
	on(e);
	entry(e, 0, 0x41, true);
	set(e, MSIX_AT + 2, 2, PCI_MSIX_FLAGS_ENABLE);
	fakevfio_fire(e->fn, MSIX_INDEX, 0);
	fakevfio_fire(e->fn, MSIX_INDEX, 0);
	e->k.on_irqfd = fire_once_more;
	entry(e, 0, 0x41, false);
	assert_int_equal(fakekvm_deliver(&e->k, 0x41), 1);
	assert_int_equal(stat_of(e, "vector0_signalled"), 3);
	assert_int_equal(stat_of(e, "vector0_merged"), 2);
	assert_int_equal(stat_of(e, "vector0_injected"), 1);
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
	assert_int_equal(stat_of(e, "vector0_spurious"), 1);
	assert_int_equal(stat_of(e, "vector0_signalled"), 1);
	assert_int_equal(stat_of(e, "vector0_injected"), 1);
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

/* Each reset takes a tenth of a second, in which nobody else may wait for it either. */
static void one_reset_is_enough(void **state)
{
	struct env *e = *state;
	struct vfio_device *d = vfio_session_device(e->session, 0);

	d->clean = true; /* as who opened it says */
	add(e);
	assert_int_equal(e->fn->resets, 0);
	assert_false(d->clean);
	on(e);
	set(e, EXPRESS_AT + PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_BCR_FLR);
	assert_int_equal(e->fn->resets, 1);
	assert_false(d->clean); /* for the guest goes on with it */
	/* A reboot. */
	pci_bus_stop(e->s.pci);
	machine_down(e);
	assert_int_equal(e->fn->resets, 2);
	assert_int_equal(machine_up(e), 0);
	add(e);
	assert_int_equal(e->fn->resets, 2);
	on(e);
	/* The end. */
	pci_bus_stop(e->s.pci);
	machine_down(e);
	assert_int_equal(e->fn->resets, 3);
	vfio_session_free(TAKE_PTR(e->session));
	assert_int_equal(e->fn->resets, 3);
	assert_int_equal(again(e), 0);
	assert_int_equal(machine_up(e), 0);
	add(e);
	assert_int_equal(e->fn->resets, 4); /* nobody said anything */
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

/* The kernel uses pages of 2 MiB or 1 GiB for a BAR only where both addresses allow it. */
static void huge_bars_lie_so_that_huge_pages_fit(void **state)
{
	static const struct {
		uint64_t size, page;
	} cases[] = { { 4ULL << 20, 2 << 20 }, { 512ULL << 20, 2 << 20 }, { 1ULL << 30, 2 << 20 },
		{ 16ULL << 30, 1 << 30 }, { 64ULL << 30, 1 << 30 } };
	struct env *e = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		/* Behind the trapped pages of table and PBA goes on what was before them. */
		uint64_t last = cases[i].size - 4096;
		uint32_t v = 0;
		char *first, *behind;

		e->fn->regions[0].size = cases[i].size;
		add(e);
		on(e);
		assert_int_equal(bar_at(e) & (cases[i].size - 1), 0);
		assert_int_equal(fakekvm_slots(&e->k), 2);
		first = fakekvm_at(&e->k, bar_at(e));
		behind = fakekvm_at(&e->k, bar_at(e) + last);
		assert_non_null(first);
		assert_non_null(behind);
		assert_int_equal(((uintptr_t)behind - last) & (cases[i].page - 1), 0);
		*(volatile uint32_t *)behind = (uint32_t)i + 1;
		fakevfio_peek(e->fn, 0, last, &v, 4);
		assert_int_equal(v, i + 1);
		assert_int_equal(pci_bus_check(e->s.pci, NULL, 0), 0);
		machine_down(e);
		assert_int_equal(machine_up(e), 0);
	}
}

static void a_bar_larger_than_the_address_space_is_a_story(void **state)
{
	struct env *e = *state;
	autoproblem *why = NULL;
	autofree char *text = NULL;

	e->fn->regions[0].size = 1ULL << 39;
	assert_int_equal(try_to_add(e, &why), -ENOSPC);
	text = problem_text(why);
	assert_non_null(strstr(text, "the largest has 524288 MiB"));
	assert_non_null(strstr(text, "262144 MiB at 0x1000000000"));
}

/* Kernels and variant drivers say what can be mapped; the rest traps, and is told. */
static void only_what_can_be_mapped_is(void **state)
{
	struct env *e = *state;
	struct fakevfio_region *r = &e->fn->regions[0];
	uint32_t v = 0;

	r->size = 4 << 20;
	r->sparse = true;
	r->msix_mappable = true;
	r->areas[0].offset = 2 << 20;
	r->areas[0].size = 2 << 20;
	r->n_areas = 1;
	add(e);
	on(e);
	assert_int_equal(fakekvm_slots(&e->k), 1);
	assert_null(fakekvm_at(&e->k, bar_at(e)));
	assert_int_equal((uintptr_t)fakekvm_at(&e->k, bar_at(e) + (2 << 20)) % (2 << 20), 0);
	store(e, 0x10, 4, 0xabcd);
	fakevfio_peek(e->fn, 0, 0x10, &v, 4);
	assert_int_equal(v, 0xabcd);
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
		r = try_to_add(e, &why);
		assert_true((r < 0) == (why != NULL));
		refused += r < 0;
		problem_free(why);
		assert_int_equal(fakekvm_irqfds(&e->k), 0);
	}
	e->v.fail_call = 0;
	assert_true(refused > 5);
}

/* Where a driver would write, and where none would; values that are likely to mean something. */
static void random_step(struct env *e, unsigned *seed)
{
	static const unsigned places[] = { PCI_COMMAND, PCI_BASE_ADDRESS_0, PCI_BASE_ADDRESS_1,
		MSIX_AT, MSI_AT, MSI_AT + 12, MSI_AT + 16, EXPRESS_AT + 8, PCI_ROM_ADDRESS };
	static const uint32_t values[] = { 0, UINT32_MAX, 0x10, 6, 0x80000000, 0x8000, 0x00100000,
		PCI_MSI_FLAGS_ENABLE << 16, PCI_MSIX_FLAGS_MASKALL << 16 };
	unsigned kind = rand_r(seed) % 4, len = 1U << rand_r(seed) % 3;
	unsigned at = places[(unsigned)rand_r(seed) % ARRAY_SIZE(places)];
	uint32_t v = values[(unsigned)rand_r(seed) % ARRAY_SIZE(values)];

	if (kind == 0)
		at = (unsigned)rand_r(seed) % 256;
	if (kind == 1)
		v = (uint32_t)rand_r(seed);
	if (kind < 3)
		bus_write(e->s.mmio, ECAM + (SLOT << 15) + (at & ~(len - 1)), len, v);
	else
		bus_write(e->s.mmio, bar_at(e) + TABLE + (unsigned)rand_r(seed) % 64, len, v);
	if (rand_r(seed) % 16 == 0) { /* a driver comes to its senses */
		set(e, PCI_BASE_ADDRESS_0, 4, 0x00800000);
		set(e, PCI_BASE_ADDRESS_1, 4, 0x10);
		on(e);
		set(e, MSIX_AT + 2, 2, PCI_MSIX_FLAGS_ENABLE);
	}
	if (rand_r(seed) % 8 == 0)
		fakevfio_fire(e->fn, MSIX_INDEX, (unsigned)rand_r(seed) % 3);
}

static void whatever_the_guest_writes_all_tables_agree(void **state)
{
	struct env *e = *state;
	unsigned seed = 4711, mapped = 0, live = 0;

	e->fn->irq_counts[VFIO_PCI_INTX_IRQ_INDEX] = 1;
	add(e);
	for (unsigned i = 0; i < 20000; i++) {
		random_step(e, &seed);
		assert_sound(e);
		mapped += fakekvm_slots(&e->k) > 0;
		live += fakekvm_irqfds(&e->k) > 0;
	}
	/* It was not all in vain. */
	assert_true(mapped > 1000 && mapped < 19000);
	assert_true(live > 1000);
}

static void a_bar_that_gets_no_slot_traps_and_is_no_mistake(void **state)
{
	struct env *e = *state;
	uint32_t v = 0x11223344;
	char why[160];
	int slot;

	add(e);
	slot = kvm_slot_map(e->vm, GPA(bar_at(e)), e->memory->banks[0].host, 4096, 0);
	assert_true(slot >= 0);
	assert_true(bus_write(e->s.mmio, ECAM + (SLOT << 15) + PCI_COMMAND, 2, 6));
	assert_non_null(strstr(e->notes, "no memory slot"));
	assert_int_equal(pci_bus_audit(e->s.pci, e->vm, NULL, why, sizeof(why)), 1);
	assert_non_null(strstr(why, "is nobody's")); /* ours, not the function's */
	assert_int_equal(kvm_slot_unmap(e->vm, slot), 0);
	assert_sound(e);
	fakevfio_poke(e->fn, 0, 0x14, &v, 4);
	assert_int_equal(load(e, 0x14, 4), v);
}

static void the_checker_finds_what_is_wrong(void **state)
{
	struct env *e = *state;
	struct msi_vector stray;
	char why[160] = "";
	int slot;

	add(e);
	on(e);
	/* Memory that nobody knows of. */
	slot = kvm_slot_map(e->vm, GPA(0x40000000), e->memory->banks[0].host, 4096, 0);
	assert_int_equal(pci_bus_audit(e->s.pci, e->vm, NULL, why, sizeof(why)), 1);
	assert_non_null(strstr(why, "0x40000000 is nobody's"));
	assert_int_equal(kvm_slot_unmap(e->vm, slot), 0);
	assert_int_equal(pci_bus_audit(e->s.pci, e->vm, NULL, why, sizeof(why)), 0);
	/* Memory that is expected and absent. */
	assert_int_equal(pci_bus_audit(e->s.pci, e->vm, e->memory, why, sizeof(why)), 1);
	assert_non_null(strstr(why, "memory"));
	/* The function's own taken from under it. */
	for (slot = 0; slot < KVM_VM_SLOTS && !e->vm->slot_used[slot]; slot++)
		;
	e->vm->slot_used[slot] = false;
	assert_int_equal(pci_bus_audit(e->s.pci, e->vm, NULL, why, sizeof(why)), 1);
	assert_non_null(strstr(why, "is in no slot"));
	e->vm->slot_used[slot] = true;
	/* A route that leads nowhere. */
	msi_vector_init(&stray, e->s.irq);
	assert_int_equal(msi_vector_attach(&stray, (struct msi_message) { 0xfee00000, 1 }), 0);
	assert_int_equal(pci_bus_audit(e->s.pci, e->vm, NULL, why, sizeof(why)), 1);
	assert_non_null(strstr(why, "route"));
	msi_vector_done(&stray);
	assert_sound(e);
}

static int map_all(struct env *e, const struct guest_memory *m, struct problem **reterr)
{
	int r = 0;

	for (size_t i = 0; i < m->n_banks && r == 0; i++)
		r = vfio_session_map_bank(e->session, i, reterr);
	return r;
}

static void the_session_maps_memory_and_tells_kvm(void **state)
{
	struct env *e = *state;
	struct dma_usage usage;
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
		assert_int_equal(e->v.n_mappings, 0);
		assert_int_equal(map_all(e, e->memory, NULL), 0);
		assert_int_equal(e->v.n_mappings, e->memory->n_banks);
		assert_int_equal(vfio_session_check(e->session, NULL, 0), 0);
		vfio_session_usage(e->session, &usage);
		assert_int_equal(usage.calls, e->memory->n_banks);
		assert_int_equal(usage.entries, e->memory->n_banks);
		assert_int_equal(usage.limit, FAKEVFIO_MAPPINGS);
		assert_int_equal(usage.pinned_bytes, 2 << 20);
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
	assert_int_equal(map_all(e, &fake, NULL), 0); /* nobody is in: nothing to do */
	assert_int_equal(e->v.maps, 0);
}

/* Three refusals that look alike in the kernel; a start that fails leaves nothing mapped. */
static void limits_are_told_apart(void **state)
{
	struct env *e = *state;
	struct guest_memory fake = *e->memory;
	static const struct {
		int code;
		enum problem_kind kind;
	} late[] = { { -ENOSPC, PROBLEM_DMA_LIMIT }, { -ENOMEM, PROBLEM_NO_MEMORY } };
	struct problem *why = NULL;
	char *text;

	fake.n_banks = 2;
	fake.banks[0].size = 1 << 20;
	fake.banks[1] = fake.banks[0];
	fake.banks[1].start = GPA(0x200000);
	for (size_t i = 0; i < ARRAY_SIZE(late); i++) {
		assert_int_equal(vfio_session_enter(e->session, e->vm, &fake, NULL), 0);
		assert_int_equal(vfio_session_map_bank(e->session, 0, NULL), 0);
		e->v.map_errno = late[i].code;
		assert_int_equal(vfio_session_map_bank(e->session, 1, &why), late[i].code);
		assert_int_equal(why->kind, late[i].kind);
		problem_free(why);
		why = NULL;
		e->v.map_errno = 0;
		vfio_session_leave(e->session);
		assert_int_equal(e->v.n_mappings, 0);
	}
	/* The kernel has told how many there are: no page is brought for nothing. */
	vfio_session_free(e->session);
	e->v.dma_limit = 1;
	assert_int_equal(again(e), 0);
	assert_int_equal(vfio_session_enter(e->session, e->vm, &fake, &why), -ENOSPC);
	assert_int_equal(why->kind, PROBLEM_DMA_LIMIT);
	text = problem_text(why);
	assert_non_null(strstr(text, "needs 2 DMA mappings, the IOMMU has 1 left"));
	free(text);
	problem_free(why);
	assert_int_equal(e->v.n_mappings, 0);
}

/* One image of 1 KiB for this function, its last. */
static void make_rom(uint8_t *rom, uint16_t device)
{
	const uint8_t pcir[] = { 'P', 'C', 'I', 'R', 0x36, 0x1b, (uint8_t)device,
		(uint8_t)(device >> 8), 0, 0, 0x18, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0x80 };

	memset(rom, 0xab, 1024);
	rom[0] = 0x55;
	rom[1] = 0xaa;
	rom[0x18] = 0x40;
	rom[0x19] = 0;
	memcpy(&rom[0x40], pcir, sizeof(pcir));
}

static void give_rom(struct env *e, const uint8_t *rom, size_t len, uint64_t region)
{
	e->fn->regions[VFIO_PCI_ROM_REGION_INDEX].size = region;
	e->fn->regions[VFIO_PCI_ROM_REGION_INDEX].flags = VFIO_REGION_INFO_FLAG_READ;
	if (len)
		fakevfio_poke(e->fn, VFIO_PCI_ROM_REGION_INDEX, 0, rom, len);
	e->rom = FUNCTION_ROM_DEVICE;
}

static void anew(struct env *e)
{
	machine_down(e);
	assert_int_equal(machine_up(e), 0);
	e->notes[0] = '\0';
}

static void a_rom_is_shown_on_request(void **state)
{
	struct env *e = *state;
	uint8_t rom[1024];
	uint64_t v, at;

	make_rom(rom, 0x0010);
	give_rom(e, rom, sizeof(rom), 0x10000);
	e->rom = FUNCTION_ROM_OFF;
	add(e);
	set(e, PCI_ROM_ADDRESS, 4, UINT32_MAX);
	assert_int_equal(get(e, PCI_ROM_ADDRESS, 4), 0); /* usually there is none */
	anew(e);
	e->rom = FUNCTION_ROM_DEVICE;
	add(e);
	assert_string_equal(e->notes, "");
	at = get(e, PCI_ROM_ADDRESS, 4);
	assert_true(at && !(at & PCI_ROM_ADDRESS_ENABLE));
	set(e, PCI_ROM_ADDRESS, 4, 0xfffff800);
	assert_int_equal(get(e, PCI_ROM_ADDRESS, 4), 0xffff0000); /* 64 KiB, as the region has */
	set(e, PCI_ROM_ADDRESS, 4, (uint32_t)at);
	on(e);
	assert_false(bus_read(e->s.mmio, at, 4, &v)); /* not without its own bit */
	set(e, PCI_ROM_ADDRESS, 4, (uint32_t)at | PCI_ROM_ADDRESS_ENABLE);
	assert_true(bus_read(e->s.mmio, at, 4, &v));
	assert_int_equal(v, 0xababaa55);
	assert_true(bus_read(e->s.mmio, at + 0x40, 4, &v));
	assert_int_equal(v, 0x52494350);
	/* Read once: what it says now is too late; and nobody can write to it. */
	fakevfio_poke(e->fn, VFIO_PCI_ROM_REGION_INDEX, 0, "xxxx", 4);
	assert_true(bus_write(e->s.mmio, at, 4, 0));
	assert_true(bus_read(e->s.mmio, at, 4, &v));
	assert_int_equal(v, 0xababaa55);
	set(e, PCI_COMMAND, 2, 0);
	assert_false(bus_read(e->s.mmio, at, 4, &v));
}

static void a_rom_that_is_none_is_not_shown(void **state)
{
	struct env *e = *state;
	uint8_t rom[1024];

	give_rom(e, NULL, 0, 0);
	add(e);
	assert_non_null(strstr(e->notes, "it has none"));
	assert_int_equal(get(e, PCI_ROM_ADDRESS, 4), 0);
	anew(e);
	give_rom(e, (const uint8_t *)"no ROM", 6, 0x1000);
	add(e);
	assert_non_null(strstr(e->notes, "it does not begin with 0x55 0xaa"));
	assert_int_equal(real_command(e), 0);
	anew(e);
	make_rom(rom, 0x0010);
	rom[0x19] = 0xff; /* its PCIR is far away */
	give_rom(e, rom, sizeof(rom), 0x1000);
	add(e);
	assert_non_null(strstr(e->notes, "it has no PCIR structure"));
	anew(e);
	e->fn->regions[VFIO_PCI_ROM_REGION_INDEX].size = 1ULL << 33; /* it lies */
	add(e);
	assert_non_null(strstr(e->notes, "more than 16 MiB"));
	assert_int_equal(get(e, PCI_ROM_ADDRESS, 4), 0);
	/* One for somebody else, and longer than it is, does no harm. */
	anew(e);
	make_rom(rom, 0x4711);
	rom[0x51] = 1; /* 258 units */
	give_rom(e, rom, sizeof(rom), 0x1000);
	add(e);
	assert_non_null(strstr(e->notes, "the ROM is for another device"));
	assert_non_null(strstr(e->notes, "says that it has 132096 bytes, and has 4096"));
	assert_true(get(e, PCI_ROM_ADDRESS, 4));
}

static void a_file_may_stand_for_the_rom(void **state)
{
	struct env *e = *state;
	struct problem *why = NULL;
	uint8_t rom[3000] = { 0 };
	uint64_t v, at;

	make_rom(rom, 0x0010);
	e->rom = FUNCTION_ROM_FILE;
	e->rom_fd = memfd_create("rom", MFD_CLOEXEC);
	assert_int_equal(try_to_add(e, &why), -EINVAL);
	assert_int_equal(why->kind, PROBLEM_USAGE);
	problem_free(why);
	assert_int_equal(pwrite(e->rom_fd, rom, sizeof(rom), 0), sizeof(rom));
	add(e);
	at = get(e, PCI_ROM_ADDRESS, 4);
	on(e);
	set(e, PCI_ROM_ADDRESS, 4, (uint32_t)at | PCI_ROM_ADDRESS_ENABLE);
	assert_true(bus_read(e->s.mmio, at + 2996, 4, &v));
	assert_int_equal(v, 0);
	assert_true(bus_read(e->s.mmio, at + 2998, 4, &v)); /* across its end */
	assert_int_equal(v, 0xffff0000);
	assert_true(bus_read(e->s.mmio, at + 4092, 4, &v));
	assert_int_equal(v, UINT32_MAX);
	close(e->rom_fd);
}

/* Whatever bytes it is made of. */
static void any_rom_is_looked_at_safely(void **state UNUSED)
{
	unsigned seed = 42;
	struct rom_facts f;

	for (unsigned i = 0; i < 20000; i++) {
		size_t len = (size_t)rand_r(&seed) % 1100;
		uint8_t *rom = malloc(len ? len : 1); /* exactly: the sanitizers watch */

		for (size_t k = 0; k < len; k++)
			rom[k] = (uint8_t)rand_r(&seed);
		if (len >= 1024 && i % 4)
			make_rom(rom, 0x0010);
		for (unsigned k = 0; len && k < i % 3; k++)
			rom[(size_t)rand_r(&seed) % len] = (uint8_t)rand_r(&seed);
		rom_look(rom, len, 0x1b36, 0x0010, &f);
		free(rom);
	}
}

static void what_its_driver_can_move_is_told(void **state)
{
	struct env *e = *state;
	struct pci_device *dev;

	e->fn->migration = VFIO_MIGRATION_STOP_COPY | VFIO_MIGRATION_P2P;
	add(e);
	dev = pci_bus_device(e->s.pci, 1);
	assert_string_equal(dev->ops->migration(dev, 0), "stop-copy");
	assert_string_equal(dev->ops->migration(dev, 1), "p2p");
	assert_null(dev->ops->migration(dev, 2));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(the_guest_sees_an_ordinary_function),
		T(what_its_driver_can_move_is_told),
		T(registers_are_memory_and_the_table_traps),
		T(bars_follow_the_guest),
		T(msix_vectors_come_when_unmasked),
		T(a_masked_vector_keeps_its_interrupt),
		T(what_came_while_masked_is_counted),
		T(a_signal_during_the_unmasking_is_counted_too),
		T(kernels_that_cannot_add_vectors_lose_nothing),
		T(msi_works_with_masks),
		T(intx_gives_way_and_comes_back),
		T(the_guest_can_reset_it),
		T(one_reset_is_enough),
		T(device_control_reaches_the_device),
		T(stopping_ends_dma_and_interrupts),
		T(a_bar_that_cannot_be_mapped_still_works),
		T(bars_smaller_than_a_page_trap),
		T(huge_bars_lie_so_that_huge_pages_fit),
		T(a_bar_larger_than_the_address_space_is_a_story),
		T(only_what_can_be_mapped_is),
		T(a_rom_is_shown_on_request),
		T(a_rom_that_is_none_is_not_shown),
		T(a_file_may_stand_for_the_rom),
		T(any_rom_is_looked_at_safely),
		T(the_host_may_want_it_back),
		T(every_call_may_fail),
		T(whatever_the_guest_writes_all_tables_agree),
		T(a_bar_that_gets_no_slot_traps_and_is_no_mistake),
		T(the_checker_finds_what_is_wrong),
		T(the_session_maps_memory_and_tells_kvm),
		T(memory_in_a_reserved_range_is_refused_whole),
		T(limits_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
