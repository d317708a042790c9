// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Two functions of one guest, which reach each other's BARs by DMA. The fakes keep the kernel's
 * books: after every step KVM's slots and the IOMMU's entries have to be the same memory at the
 * same addresses, and nothing else.
 */
#include "cm.h"

#include "fakevfio/fakekvm.h"
#include "fakevfio/fakevfio.h"
#include "vmm/bus/bus.h"
#include "vmm/irq/irq.h"
#include "vmm/pci/bus.h"
#include "vmm/vfio/function.h"
#include "vmm/vfio/session.h"

#include <fcntl.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <string.h>

#define ECAM  0xe0000000ULL
#define MEM64 0x100000000ULL

enum { MSIX_AT = 0x70, TABLE = 0x2000, BAR_BYTES = 0x4000, WINDOWS = 2, MASTER = 4, MEMORY = 2 };

struct env {
	struct fakekvm k;
	struct fakevfio v;
	struct fakevfio_function *fn[2];
	struct vfio_session *session;
	struct guest_memory *memory;
	struct vmm_services s;
	struct pci_device *dev[2];
	char notes[4096];
};

/* Registers, the table of MSI-X in a page of its own, more registers: two windows. */
static void make_config(uint8_t *c)
{
	memset(c, 0, 256);
	memcpy(c, (const uint8_t[]) { 0x36, 0x1b, 0x10, 0, 0, 0, 0x10, 0, 2, 2, 8, 1 }, 12);
	c[PCI_BASE_ADDRESS_0] = PCI_BASE_ADDRESS_MEM_TYPE_64;
	c[PCI_CAPABILITY_LIST] = MSIX_AT;
	c[MSIX_AT] = PCI_CAP_ID_MSIX;
	c[MSIX_AT + PCI_MSIX_FLAGS] = 2;
	c[MSIX_AT + PCI_MSIX_TABLE + 1] = TABLE >> 8;
	c[MSIX_AT + PCI_MSIX_PBA] = 0;
	c[MSIX_AT + PCI_MSIX_PBA + 1] = (TABLE + 0x800) >> 8;
}

static void take_note(void *arg, const char *text)
{
	struct env *e = arg;
	size_t n = strlen(e->notes);

	snprintf(e->notes + n, sizeof(e->notes) - n, "%s\n", text);
}

static struct vfio_fds open_group(struct env *e, unsigned i, int container)
{
	struct vfio_fds f = { .container = container, .iommufd = -1, .name = e->fn[i]->name };
	struct host *h = &e->v.host;
	char path[40], name[16];
	int32_t c = container;

	snprintf(path, sizeof(path), "/dev/vfio/%u", e->fn[i]->group);
	snprintf(name, sizeof(name), "%s", e->fn[i]->name);
	f.group = host_open(h, path, 0);
	assert_int_equal(host_ioctl(h, f.group, VFIO_GROUP_SET_CONTAINER, &c), 0);
	if (i == 0)
		assert_int_equal(
			host_ioctl(h, c, VFIO_SET_IOMMU, (void *)(uintptr_t)VFIO_TYPE1v2_IOMMU), 0);
	f.device = host_ioctl(h, f.group, VFIO_GROUP_GET_DEVICE_FD, name);
	return f;
}

static struct vfio_fds open_node(struct env *e, unsigned i, int iommufd)
{
	static const char *const nodes[] = { "/dev/vfio/devices/vfio0", "/dev/vfio/devices/vfio1" };

	return (struct vfio_fds) { .container = -1,
		.group = -1,
		.iommufd = iommufd,
		.device = host_open(&e->v.host, nodes[i], O_RDWR),
		.name = e->fn[i]->name };
}

static void open_session(struct env *e, enum peers_wish wish, unsigned functions)
{
	int fd = host_open(&e->v.host, e->v.iommufd ? "/dev/iommu" : "/dev/vfio/vfio", O_RDWR);

	assert_int_equal(vfio_session_new(&e->v.host, wish, &e->session), 0);
	for (unsigned i = 0; i < functions; i++) {
		struct vfio_fds f = e->v.iommufd ? open_node(e, i, fd) : open_group(e, i, fd);

		assert_int_equal(vfio_session_add(e->session, &f, NULL), 0);
	}
}

static void make_machine(struct env *e)
{
	struct pci_bus_params p = { .ecam = ECAM,
		.io = { 0x1000, 0x1000 },
		.mem32 = { 0xc0000000, 0x10000000 },
		.mem64 = { MEM64, 1ULL << 40 } };
	struct guest_memory_params m = { .size = 2 << 20 };

	assert_int_equal(bus_new("pio", &e->s.pio), 0);
	assert_int_equal(bus_new("mmio", &e->s.mmio), 0);
	assert_int_equal(kvm_vm_new(&e->v.host, e->k.fd, &e->s.kvm, NULL), 0);
	assert_int_equal(irq_chip_new(e->s.kvm, &e->s.irq, NULL), 0);
	assert_int_equal(guest_memory_new(&e->v.host, &m, &e->memory, NULL), 0);
	assert_int_equal(kvm_map_guest_memory(e->s.kvm, e->memory), 0);
	e->s.memory = e->memory;
	p.pio = e->s.pio;
	p.mmio = e->s.mmio;
	p.irq = e->s.irq;
	assert_int_equal(pci_bus_new(&p, &e->s.pci, NULL), 0);
}

static void add_function(struct env *e, unsigned i)
{
	const struct vfio_function_params p = { .device = vfio_session_device(e->session, i),
		.peers = vfio_session_peers(e->session) };

	assert_int_equal(vfio_function_add(&e->s, &p, &e->dev[i], NULL), 0);
}

static void start(struct env *e, enum peers_wish wish, unsigned functions)
{
	open_session(e, wish, functions);
	make_machine(e);
	assert_int_equal(vfio_session_enter(e->session, e->s.kvm, e->memory, NULL), 0);
	for (unsigned i = 0; i < functions; i++)
		add_function(e, i);
	for (size_t i = 0; i < e->memory->n_banks; i++)
		assert_int_equal(vfio_session_map_bank(e->session, i, NULL), 0);
}

static int setup(void **state)
{
	struct env *e = calloc(1, sizeof(*e));
	uint8_t config[256];

	make_config(config);
	fakekvm_init(&e->k);
	fakevfio_init(&e->v, &e->k.host);
	e->fn[0] = fakevfio_add(&e->v, "0000:03:00.1", 15, config, sizeof(config));
	e->fn[1] = fakevfio_add(&e->v, "0000:04:00.2", 16, config, sizeof(config));
	fakevfio_bar(e->fn[0], 0, BAR_BYTES);
	fakevfio_bar(e->fn[1], 0, BAR_BYTES);
	e->s = (struct vmm_services) { .host = &e->v.host, .note = take_note, .note_arg = e };
	*state = e;
	return 0;
}

static void end_machine(struct env *e)
{
	pci_bus_free(e->s.pci);
	vfio_session_leave(e->session);
	assert_int_equal(e->v.n_mappings, 0);
	irq_chip_free(e->s.irq);
	kvm_vm_free(e->s.kvm);
	guest_memory_free(e->memory);
	bus_free(e->s.mmio);
	bus_free(e->s.pio);
	memset(e->k.slots, 0, sizeof(e->k.slots)); /* they went with the VM */
}

static int teardown(void **state)
{
	struct env *e = *state;
	unsigned left;

	e->v.fail_call = e->k.fail_slot_call = 0;
	end_machine(e);
	vfio_session_free(e->session);
	left = fakevfio_done(&e->v);
	fakekvm_done(&e->k);
	free(e);
	return left ? -1 : 0;
}

/* ---- What the kernel has ---- */

static bool same_as_a_slot(const struct env *e, const struct fakevfio_mapping *m)
{
	for (unsigned i = 0; i < FAKEKVM_SLOTS; i++) {
		const struct kvm_userspace_memory_region *s = &e->k.slots[i];

		if (s->memory_size == m->size && s->guest_phys_addr == m->iova &&
			s->userspace_addr == (uintptr_t)m->memory)
			return true;
	}
	return false;
}

/* How many parts of BARs the IOMMU has; all books agree. */
static unsigned sound(struct env *e)
{
	char why[200] = "";

	if (pci_bus_audit(e->s.pci, e->s.kvm, e->memory, why, sizeof(why)) ||
		vfio_session_check(e->session, why, sizeof(why)))
		fail_msg("%s", why);
	for (unsigned i = 0; i < e->v.n_mappings; i++)
		if (!same_as_a_slot(e, &e->v.mappings[i]))
			fail_msg("the IOMMU has something at 0x%llx that the guest has not",
				(unsigned long long)e->v.mappings[i].iova);
	return e->v.n_mappings - (unsigned)e->memory->n_banks;
}

static void set(struct env *e, unsigned i, unsigned at, unsigned len, uint32_t v)
{
	assert_true(bus_write(e->s.mmio, ECAM + (e->dev[i]->slot << 15) + at, len, v));
	sound(e);
}

static uint64_t bar_at(struct env *e, unsigned i)
{
	return (uint64_t)pci_get32(e->dev[i], PCI_BASE_ADDRESS_1) << 32 |
	       (pci_get32(e->dev[i], PCI_BASE_ADDRESS_0) & ~15U);
}

static void move(struct env *e, unsigned i, uint64_t to)
{
	set(e, i, PCI_BASE_ADDRESS_0, 4, (uint32_t)to);
	set(e, i, PCI_BASE_ADDRESS_1, 4, (uint32_t)(to >> 32));
}

static void on(struct env *e, unsigned i)
{
	set(e, i, PCI_COMMAND, 2, MEMORY | MASTER);
}

static bool reaches(struct env *e, unsigned from, uint64_t at)
{
	uint32_t v = 0;

	return fakevfio_dma_read(e->fn[from], at, &v, sizeof(v));
}

/* ---- Tests ---- */

static void each_reaches_the_others_registers(void **state)
{
	struct env *e = *state;
	uint32_t v = 0x0ddba11, got = 0;
	struct dma_usage usage;

	start(e, PEERS_AUTO, 2);
	assert_int_equal(sound(e), 0);
	on(e, 0);
	assert_int_equal(sound(e), WINDOWS);
	on(e, 1);
	assert_int_equal(sound(e), 2 * WINDOWS);
	assert_true(fakevfio_dma_write(e->fn[0], bar_at(e, 1) + 0x3010, &v, sizeof(v)));
	fakevfio_peek(e->fn[1], 0, 0x3010, &got, sizeof(got));
	assert_int_equal(got, v);
	assert_true(reaches(e, 1, bar_at(e, 0)));
	/* Where interrupts are sent is nobody's to write. */
	assert_false(reaches(e, 0, bar_at(e, 1) + TABLE));
	vfio_session_usage(e->session, &usage);
	assert_int_equal(usage.calls, e->memory->n_banks + 2 * WINDOWS);
	assert_int_equal(usage.bar_entries, 2 * WINDOWS);
	assert_int_equal(usage.entries, e->memory->n_banks + 2 * WINDOWS);
	assert_int_equal(usage.pinned_bytes, 2 << 20); /* registers are not memory of the host's */
	assert_string_equal(e->notes, "");
}

static void one_alone_needs_nothing_and_may_have_it(void **state)
{
	struct env *e = *state;

	start(e, PEERS_AUTO, 1);
	on(e, 0);
	assert_int_equal(sound(e), 0);
	assert_int_equal(e->v.maps, e->memory->n_banks);
	end_machine(e);
	vfio_session_free(e->session);
	start(e, PEERS_ON, 1);
	on(e, 0);
	assert_int_equal(sound(e), WINDOWS);
}

static void off_is_off(void **state)
{
	struct env *e = *state;

	start(e, PEERS_OFF, 2);
	on(e, 0);
	on(e, 1);
	assert_int_equal(sound(e), 0);
	assert_false(reaches(e, 0, bar_at(e, 1)));
}

static void who_comes_and_goes_changes_it_for_the_others(void **state)
{
	struct env *e = *state;
	struct vfio_fds f;

	start(e, PEERS_AUTO, 1);
	on(e, 0);
	f = open_group(e, 1, vfio_session_container(e->session));
	f.container = -1;
	assert_int_equal(vfio_session_add(e->session, &f, NULL), 0);
	assert_int_equal(
		vfio_session_admit(e->session, vfio_session_device(e->session, 1), NULL), 0);
	assert_int_equal(sound(e), WINDOWS);
	add_function(e, 1);
	on(e, 1);
	assert_int_equal(sound(e), 2 * WINDOWS);
	pci_bus_remove(e->s.pci, e->dev[1]);
	assert_int_equal(sound(e), WINDOWS);
	vfio_session_remove(e->session, vfio_session_device(e->session, 1));
	assert_int_equal(sound(e), 0);
	assert_true(reaches(e, 0, 0)); /* the memory, still */
}

static void it_moves_with_the_bar(void **state)
{
	struct env *e = *state;
	uint64_t before, other;

	start(e, PEERS_AUTO, 2);
	on(e, 0);
	on(e, 1);
	before = bar_at(e, 1);
	other = bar_at(e, 0);
	move(e, 1, 0x200000000);
	assert_int_equal(sound(e), 2 * WINDOWS);
	assert_false(reaches(e, 0, before));
	assert_true(reaches(e, 0, 0x200000000));
	/* On top of the other, of memory, out of the windows: gone, and nobody else is harmed. */
	move(e, 1, other);
	assert_int_equal(sound(e), WINDOWS);
	assert_true(reaches(e, 1, other));
	move(e, 1, 0);
	assert_int_equal(sound(e), WINDOWS);
	move(e, 1, 0xf00000000000);
	assert_int_equal(sound(e), WINDOWS);
	assert_true(reaches(e, 1, 0));
	move(e, 1, before);
	assert_int_equal(sound(e), 2 * WINDOWS);
	set(e, 1, PCI_COMMAND, 2, MASTER);
	assert_int_equal(sound(e), WINDOWS);
	assert_false(reaches(e, 0, before));
	assert_null(fakekvm_at(&e->k, before));
	on(e, 1);
	assert_int_equal(sound(e), 2 * WINDOWS);
}

static int error_of(struct env *e, unsigned from, unsigned to)
{
	struct peers *p = vfio_session_peers(e->session);
	struct peer_entry entry;

	for (size_t i = 0; i < p->n_windows; i++)
		if (strcmp(p->windows[i]->name, e->fn[to]->name) == 0) {
			assert_true(peers_look(p,
				vfio_session_space_of(
					e->session, vfio_session_device(e->session, from)),
				p->windows[i], &entry));
			return entry.error;
		}
	fail_msg("no window");
	return 0;
}

static void what_cannot_be_reached_has_a_reason(void **state)
{
	struct env *e = *state;
	unsigned maps;

	start(e, PEERS_AUTO, 2);
	on(e, 0);
	on(e, 1);
	/* Where this IOMMU has no addresses; the guest has it there all the same. */
	move(e, 1, 0x8000000000);
	assert_int_equal(sound(e), WINDOWS);
	assert_int_equal(error_of(e, 0, 1), -ERANGE);
	assert_non_null(fakekvm_at(&e->k, 0x8000000000));
	/* What the kernel says, which is asked once only for each place. */
	e->v.map_errno = -EFAULT;
	move(e, 1, 0x300000000);
	assert_int_equal(sound(e), WINDOWS);
	assert_int_equal(error_of(e, 0, 1), -EFAULT);
	assert_non_null(strstr(peers_why(-EFAULT), "Bad address"));
	maps = vfio_session_peers(e->session)->calls;
	set(e, 0, PCI_COMMAND, 2, MEMORY | MASTER);
	assert_int_equal(vfio_session_peers(e->session)->calls, maps);
	e->v.map_errno = 0;
	move(e, 1, 0x400000000);
	assert_int_equal(error_of(e, 0, 1), 0);
	assert_int_equal(sound(e), 2 * WINDOWS);
}

static void entries_are_for_the_memory_first(void **state)
{
	struct env *e = *state;

	e->v.dma_limit = 3;
	start(e, PEERS_AUTO, 2);
	on(e, 0);
	on(e, 1);
	assert_int_equal(sound(e), 2);
	assert_int_equal(error_of(e, 0, 1), -ENOSPC);
}

static void by_iommufd_nothing_is_even_tried(void **state)
{
	struct env *e = *state;

	e->v.iommufd = true;
	start(e, PEERS_ON, 2);
	on(e, 0);
	on(e, 1);
	assert_int_equal(sound(e), 0);
	assert_int_equal(e->v.maps, e->memory->n_banks);
	assert_int_equal(error_of(e, 0, 1), -EOPNOTSUPP);
	assert_string_equal(e->notes, "");
}

/* What a guest may do to a BAR, in one go. */
static void trip(struct env *e)
{
	on(e, 1);
	move(e, 1, 0x200000000);
	set(e, 1, PCI_COMMAND, 2, MASTER);
	on(e, 1);
	move(e, 1, bar_at(e, 0));
	move(e, 1, 0x300000000);
	set(e, 1, PCI_COMMAND, 2, 0);
}

/* Whatever the failure left behind, the next steps put in order. */
static void recovers(struct env *e)
{
	uint16_t command;

	e->v.fail_call = e->k.fail_slot_call = 0;
	set(e, 1, PCI_COMMAND, 2, 0);
	move(e, 1, 0x500000000);
	fakevfio_peek(e->fn[1], VFIO_PCI_CONFIG_REGION_INDEX, PCI_COMMAND, &command, 2);
	assert_int_equal(command, 0);
	assert_int_equal(sound(e), WINDOWS);
	on(e, 1);
	assert_int_equal(sound(e), 2 * WINDOWS);
	assert_true(reaches(e, 0, 0x500000000));
	assert_int_equal(fakekvm_slots(&e->k), e->memory->n_banks + 2 * WINDOWS);
}

static void any_call_to_vfio_may_fail_in_the_middle(void **state)
{
	struct env *e = *state;
	unsigned first, total;

	start(e, PEERS_AUTO, 2);
	on(e, 0);
	first = e->v.calls;
	trip(e);
	total = e->v.calls - first;
	assert_true(total > 20);
	e->v.fail_errno = -EIO;
	for (unsigned n = 1; n <= total; n++) {
		e->v.fail_call = e->v.calls + n;
		trip(e);
		recovers(e);
	}
}

static void any_slot_may_fail_in_the_middle(void **state)
{
	struct env *e = *state;
	unsigned first, total;

	start(e, PEERS_AUTO, 2);
	on(e, 0);
	first = e->k.slot_calls;
	trip(e);
	total = e->k.slot_calls - first;
	assert_true(total >= 16);
	for (unsigned n = 1; n <= total; n++) {
		e->k.fail_slot_call = e->k.slot_calls + n;
		trip(e);
		recovers(e);
	}
}

/* The guest switched decoding off, and its BAR could not be taken away: the device goes on
 * decoding. */
static void what_stays_in_the_guest_is_decoded(void **state)
{
	struct env *e = *state;
	uint64_t at;
	uint16_t command;

	start(e, PEERS_AUTO, 2);
	on(e, 0);
	on(e, 1);
	at = bar_at(e, 1);
	e->k.fail_slot_call = e->k.slot_calls + 2; /* the second of its windows */
	set(e, 1, PCI_COMMAND, 2, 0);
	fakevfio_peek(e->fn[1], VFIO_PCI_CONFIG_REGION_INDEX, PCI_COMMAND, &command, 2);
	assert_int_equal(command, MEMORY);
	assert_non_null(fakekvm_at(&e->k, at));
	assert_non_null(fakekvm_at(&e->k, at + 0x3000));
	assert_int_equal(sound(e), 2 * WINDOWS);
	assert_non_null(strstr(e->notes, "it stays there"));
	set(e, 1, PCI_COMMAND, 2, MASTER);
	fakevfio_peek(e->fn[1], VFIO_PCI_CONFIG_REGION_INDEX, PCI_COMMAND, &command, 2);
	assert_int_equal(command, MASTER);
	assert_null(fakekvm_at(&e->k, at));
}

/* A device that does not decode is not mapped: an access would be a SIGBUS. */
static void what_does_not_decode_is_not_mapped(void **state)
{
	struct env *e = *state;

	start(e, PEERS_AUTO, 2);
	e->v.fail_call = e->v.calls + 1;
	e->v.fail_errno = -EIO;
	on(e, 1);
	assert_int_equal(fakekvm_slots(&e->k), e->memory->n_banks);
	assert_int_equal(pci_get16(e->dev[1], PCI_COMMAND), MASTER);
	assert_non_null(strstr(e->notes, "cannot be made to decode"));
	e->v.fail_call = 0;
	on(e, 1);
	assert_int_equal(fakekvm_slots(&e->k), e->memory->n_banks + WINDOWS);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(each_reaches_the_others_registers),
		T(one_alone_needs_nothing_and_may_have_it),
		T(off_is_off),
		T(who_comes_and_goes_changes_it_for_the_others),
		T(it_moves_with_the_bar),
		T(what_cannot_be_reached_has_a_reason),
		T(entries_are_for_the_memory_first),
		T(by_iommufd_nothing_is_even_tried),
		T(any_call_to_vfio_may_fail_in_the_middle),
		T(any_slot_may_fail_in_the_middle),
		T(what_stays_in_the_guest_is_decoded),
		T(what_does_not_decode_is_not_mapped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
