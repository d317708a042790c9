/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Functions that come and go under a running guest. VFIO and KVM are fakes that keep books; the
 * guest is the test, at the ports and in configuration space.
 */
#include "cm.h"

#include "fakevfio/fakekvm.h"
#include "fakevfio/fakevfio.h"
#include "vmm/dev/plug.h"
#include "vmm/devices/devices.h"
#include "vmm/bus/bus.h"
#include "vmm/irq/irq.h"
#include "vmm/loop/loop.h"
#include "vmm/pci/bus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/timerfd.h>

#define ECAM 0xe0000000ULL

enum { FIRST = 1, SECOND = 2, COME = PLUG_PORT, LEAVE = PLUG_PORT + 4, EJECT = PLUG_PORT + 8 };

struct env {
	struct fakekvm k;
	struct fakevfio v;
	struct fakevfio_function *one, *two;
	struct options options;
	struct devices *devices;
	struct vmm_services s;
	struct loop_source *quit;
	int quit_fd;
	char notes[4096], ended[200];
	unsigned done;
	int done_code;
};

static void make_config(uint8_t *c)
{
	memset(c, 0, 256);
	memcpy(c, (const uint8_t[]) { 0x36, 0x1b, 0x10, 0, 0, 0, 0, 0, 2, 2, 8, 1 }, 12);
	c[PCI_BASE_ADDRESS_0] = PCI_BASE_ADDRESS_MEM_TYPE_64;
}

static struct fakevfio_function *make_function(struct env *e, const char *name, unsigned group)
{
	uint8_t config[256];
	struct fakevfio_function *fn;

	make_config(config);
	fn = fakevfio_add(&e->v, name, group, config, sizeof(config));
	fakevfio_bar(fn, 0, 0x4000);
	return fn;
}

/* What a launcher does; with `container` -1 it opens one. */
static struct device_option open_function(
	struct env *e, const struct fakevfio_function *fn, int container)
{
	struct device_option o = { .kind = DEVICE_VFIO, .fd = -1, .iommufd = -1, .name = fn->name };
	struct host *h = &e->v.host;
	bool fresh = container < 0;
	char path[40], name[16];
	int32_t c;

	snprintf(path, sizeof(path), "/dev/vfio/%u", fn->group);
	snprintf(name, sizeof(name), "%s", fn->name);
	c = fresh ? host_open(h, "/dev/vfio/vfio", 0) : container;
	o.group = host_open(h, path, 0);
	o.container = fresh ? c : -1;
	assert_int_equal(host_ioctl(h, o.group, VFIO_GROUP_SET_CONTAINER, &c), 0);
	if (fresh)
		assert_int_equal(
			host_ioctl(h, c, VFIO_SET_IOMMU, (void *)(uintptr_t)VFIO_TYPE1v2_IOMMU), 0);
	o.device = host_ioctl(h, o.group, VFIO_GROUP_GET_DEVICE_FD, name);
	assert_true(o.device >= 0);
	return o;
}

static void take_note(void *arg, const char *text)
{
	struct env *e = arg;
	size_t n = strlen(e->notes);

	snprintf(e->notes + n, sizeof(e->notes) - n, "%s\n", text);
}

static void on_end(void *arg, const char *why)
{
	struct env *e = arg;

	snprintf(e->ended, sizeof(e->ended), "%s", why);
}

static void on_eject(void *arg, uint32_t slots)
{
	struct env *e = arg;

	devices_ejected(e->devices, slots);
}

static void on_quit(void *arg, uint32_t events UNUSED)
{
	struct env *e = arg;

	loop_quit(e->s.loop, 0);
}

static void on_done(void *arg, int r, const char *why UNUSED)
{
	struct env *e = arg;

	e->done++;
	e->done_code = r;
}

/* Everything that waits for the main loop, and what follows from that: on a busy machine the end
 * may come together with what it is to come after. */
static void pump(struct env *e)
{
	const struct itimerspec soon = { .it_value.tv_nsec = 1000000 };

	for (unsigned i = 0; i < 3; i++) {
		timerfd_settime(e->quit_fd, 0, &soon, NULL);
		assert_int_equal(loop_run(e->s.loop), 0);
	}
}

static void machine_up(struct env *e)
{
	struct pci_bus_params p = { .ecam = ECAM,
		.io = { 0x1000, 0x1000 },
		.mem32 = { 0xc0000000, 0x10000000 },
		.mem64 = { 0x1000000000, 1ULL << 32 } };
	struct guest_memory_params m = { .size = 2 << 20 };
	struct plug_params plug = { .eject = on_eject, .arg = e };

	assert_int_equal(bus_new("pio", &e->s.pio), 0);
	assert_int_equal(bus_new("mmio", &e->s.mmio), 0);
	assert_int_equal(kvm_vm_new(&e->v.host, e->k.fd, &e->s.kvm, NULL), 0);
	assert_int_equal(irq_chip_new(e->s.kvm, &e->s.irq, NULL), 0);
	assert_int_equal(guest_memory_new(&e->v.host, &m, &e->s.memory, NULL), 0);
	assert_int_equal(kvm_map_guest_memory(e->s.kvm, e->s.memory), 0);
	p.pio = plug.pio = e->s.pio;
	p.mmio = e->s.mmio;
	p.irq = plug.irq = e->s.irq;
	assert_int_equal(pci_bus_new(&p, &e->s.pci, NULL), 0);
	assert_int_equal(plug_new(&plug, &e->s.plug), 0);
	assert_int_equal(devices_attach(e->devices, &e->s, NULL), 0);
	for (size_t i = 0; i < e->s.memory->n_banks; i++)
		assert_int_equal(devices_map_bank(e->devices, i, NULL), 0);
}

static void machine_down(struct env *e)
{
	pci_bus_free(e->s.pci);
	devices_detach(e->devices);
	plug_free(e->s.plug);
	irq_chip_free(e->s.irq);
	kvm_vm_free(e->s.kvm);
	guest_memory_free(e->s.memory);
	bus_free(e->s.mmio);
	bus_free(e->s.pio);
	memset(e->k.slots, 0, sizeof(e->k.slots)); /* they went with the VM */
}

static int setup(void **state)
{
	struct env *e = calloc(1, sizeof(*e));

	fakekvm_init(&e->k);
	fakevfio_init(&e->v, &e->k.host);
	e->one = make_function(e, "0000:03:00.1", 15);
	e->two = make_function(e, "0000:04:00.2", 16);
	e->options.devices[0] = open_function(e, e->one, -1);
	e->options.n_devices = 1;
	e->s = (struct vmm_services) { .host = &e->v.host, .note = take_note, .note_arg = e };
	assert_int_equal(loop_new(&e->s.loop), 0);
	e->quit_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	assert_int_equal(loop_add_eventfd(e->s.loop, e->quit_fd, on_quit, e, &e->quit), 0);
	assert_int_equal(
		devices_new(&e->v.host, e->s.loop, &e->options, on_end, e, &e->devices, NULL), 0);
	machine_up(e);
	*state = e;
	return 0;
}

static int teardown(void **state)
{
	struct env *e = *state;
	unsigned left;

	machine_down(e);
	devices_free(e->devices);
	loop_remove(e->quit);
	close(e->quit_fd);
	loop_free(e->s.loop);
	left = fakevfio_done(&e->v) + fakekvm_irqfds(&e->k);
	fakekvm_done(&e->k);
	free(e);
	return left ? -1 : 0;
}

static void assert_sound(struct env *e)
{
	char why[160] = "";

	if (pci_bus_audit(e->s.pci, e->s.kvm, e->s.memory, why, sizeof(why)))
		fail_msg("%s", why);
}

/* ---- What the guest does ---- */

static uint32_t in(struct env *e, unsigned port)
{
	uint64_t v;

	assert_true(bus_read(e->s.pio, port, 4, &v));
	return (uint32_t)v;
}

static uint32_t id_in(struct env *e, unsigned slot)
{
	uint64_t v;

	assert_true(bus_read(e->s.mmio, ECAM + (slot << 15), 4, &v));
	return (uint32_t)v;
}

/* Its driver starts: memory is decoded. */
static void drive(struct env *e, unsigned slot)
{
	assert_true(bus_write(e->s.mmio, ECAM + (slot << 15) + PCI_COMMAND, 2, 6));
	assert_sound(e);
}

static void eject(struct env *e, unsigned slot)
{
	assert_true(bus_write(e->s.pio, EJECT, 4, 1U << slot));
	pump(e);
	assert_sound(e);
}

static void assert_closed(const struct fakevfio_function *fn)
{
	assert_int_equal(fn->devices_open, 0);
	assert_false(fn->group_open);
	assert_false(fn->in_container);
}

/* ---- Tests ---- */

static void the_guest_may_eject(void **state)
{
	struct env *e = *state;

	drive(e, FIRST);
	assert_int_equal(fakekvm_slots(&e->k), 2);
	assert_int_equal(e->v.n_mappings, 1);
	eject(e, FIRST);
	assert_int_equal(id_in(e, FIRST), UINT32_MAX);
	assert_int_equal(fakekvm_slots(&e->k), 1);
	assert_closed(e->one);
	assert_int_equal(e->v.n_objects, 0);
	assert_int_equal(e->k.n_groups, 0);
	assert_int_equal(in(e, LEAVE), 0); /* it knows */
	assert_null(devices_lost(e->devices));
	/* What is not there, and what is no function, may be ejected to no effect. */
	eject(e, FIRST);
	eject(e, 31);
	eject(e, 0);
}

static void the_host_gets_it_back_when_the_guest_lets_go(void **state)
{
	struct env *e = *state;

	drive(e, FIRST);
	assert_true(fakevfio_fire(e->one, VFIO_PCI_REQ_IRQ_INDEX, 0));
	pump(e);
	assert_int_equal(id_in(e, FIRST), 0x00101b36); /* its driver may stop in order */
	assert_int_equal(in(e, LEAVE), 1U << FIRST);
	assert_int_equal(in(e, LEAVE), 0);
	assert_true(fakevfio_fire(e->one, VFIO_PCI_REQ_IRQ_INDEX, 0)); /* the kernel repeats it */
	pump(e);
	eject(e, FIRST);
	assert_closed(e->one);
	assert_string_equal(devices_lost(e->devices)[0], "0000:03:00.1: the host took it back");
	assert_null(devices_lost(e->devices)[1]);
	assert_non_null(strstr(e->notes, "0000:03:00.1 was unplugged: the host took it back"));
	assert_string_equal(e->ended, "");
}

static void what_fails_is_taken_from_under_the_guest(void **state)
{
	struct env *e = *state;

	drive(e, FIRST);
	assert_true(fakevfio_fire(e->one, VFIO_PCI_ERR_IRQ_INDEX, 0));
	pump(e);
	assert_closed(e->one);
	assert_int_equal(id_in(e, FIRST), UINT32_MAX);
	assert_int_equal(in(e, LEAVE), 1U << FIRST); /* it is told all the same */
	assert_sound(e);
}

static void a_guest_may_be_tied_to_its_function(void **state)
{
	struct env *e = *state;

	machine_down(e);
	devices_free(e->devices);
	e->options.devices[0] = open_function(e, e->one, -1);
	e->options.devices[0].stop_on_loss = true;
	assert_int_equal(
		devices_new(&e->v.host, e->s.loop, &e->options, on_end, e, &e->devices, NULL), 0);
	machine_up(e);
	assert_true(fakevfio_fire(e->one, VFIO_PCI_REQ_IRQ_INDEX, 0));
	pump(e);
	assert_string_equal(e->ended, "0000:03:00.1 is lost: the host took it back");
	assert_int_equal(id_in(e, FIRST), 0x00101b36);
}

static void asked_and_not_answered(void **state)
{
	struct env *e = *state;

	assert_int_equal(devices_unplug(e->devices, "0000:03:00.1", false, 1, on_done, e, NULL), 0);
	/* One is enough to wait. */
	assert_int_equal(
		devices_unplug(e->devices, "0000:03:00.1", false, 1, on_done, e, NULL), -EBUSY);
	assert_int_equal(
		devices_unplug(e->devices, "0000:99:00.0", false, 1, on_done, e, NULL), -ENOENT);
	usleep(5000);
	pump(e);
	assert_int_equal(e->done, 1);
	assert_int_equal(e->done_code, -ETIMEDOUT);
	assert_int_equal(id_in(e, FIRST), 0x00101b36);
	/* By force it goes in any case, at its deadline or at once. */
	assert_int_equal(devices_unplug(e->devices, "0000:03:00.1", true, 1, on_done, e, NULL), 0);
	assert_int_equal(e->done, 1);
	usleep(5000);
	pump(e);
	assert_int_equal(e->done, 2);
	assert_int_equal(e->done_code, 0);
	assert_closed(e->one);
}

static void who_waits_may_go_away(void **state)
{
	struct env *e = *state;

	assert_int_equal(
		devices_unplug(e->devices, "0000:03:00.1", false, 60000, on_done, e, NULL), 0);
	devices_forget(e->devices, e);
	eject(e, FIRST);
	assert_int_equal(e->done, 0);
	assert_closed(e->one);
}

static unsigned plug(struct env *e, struct fakevfio_function *fn)
{
	struct device_option o = open_function(e, fn, devices_container(e->devices));
	struct problem *why = NULL;
	unsigned slot = 0;

	if (devices_plug(e->devices, &o, &slot, &why) < 0)
		fail_msg("%s", why ? why->what : "?");
	assert_sound(e);
	return slot;
}

static void another_comes_and_goes(void **state)
{
	struct env *e = *state;

	for (int round = 0; round < 3; round++) {
		assert_int_equal(plug(e, e->two), SECOND);
		assert_int_equal(in(e, COME), 1U << SECOND);
		assert_int_equal(id_in(e, SECOND), 0x00101b36);
		assert_int_equal(e->v.n_mappings, 1); /* the memory, once */
		assert_int_equal(e->k.n_groups, 2);
		drive(e, SECOND);
		assert_int_equal(
			devices_unplug(e->devices, "0000:04:00.2", false, 60000, on_done, e, NULL),
			0);
		assert_int_equal(in(e, LEAVE), 1U << SECOND);
		eject(e, SECOND);
		assert_int_equal(e->done, round + 1);
		assert_closed(e->two);
		assert_true(e->one->in_container);
		assert_int_equal(e->v.n_mappings, 1);
	}
}

/* The last one takes the container with it; the next brings one, and all memory is mapped anew. */
static void replugging_restores_dma(void **state)
{
	struct env *e = *state;
	uint32_t v = 0;

	drive(e, FIRST);
	eject(e, FIRST);
	assert_int_equal(devices_container(e->devices), -1);
	assert_int_equal(e->v.n_mappings, 0);
	assert_int_equal(plug(e, e->one), FIRST);
	drive(e, FIRST);
	assert_int_equal(e->v.n_mappings, e->s.memory->n_banks);
	assert_true(fakevfio_dma_read(e->one, 0x1000, &v, 4));
}

static unsigned plug_by_node(struct env *e, struct fakevfio_function *fn)
{
	bool fresh = devices_container(e->devices) < 0;
	struct host *h = &e->v.host;
	struct device_option o = {
		.kind = DEVICE_VFIO,
		.fd = -1,
		.container = -1,
		.group = -1,
		.iommufd = fresh ? host_open(h, "/dev/iommu", 0) : -1,
		.name = fn->name,
	};
	struct problem *why = NULL;
	unsigned slot = 0;
	char path[40];

	snprintf(path, sizeof(path), "/dev/vfio/devices/vfio%u", fn->node);
	o.device = host_open(h, path, 0);
	assert_true(o.device >= 0);
	if (devices_plug(e->devices, &o, &slot, &why) < 0)
		fail_msg("%s", why ? why->what : "?");
	assert_sound(e);
	return slot;
}

static void by_nodes_of_their_own_as_well(void **state)
{
	struct env *e = *state;
	uint32_t v = 0;

	e->v.iommufd = true;
	drive(e, FIRST);
	eject(e, FIRST);
	assert_int_equal(plug_by_node(e, e->one), FIRST);
	assert_string_equal(devices_vfio_backend(e->devices), "iommufd");
	assert_int_equal(plug_by_node(e, e->two), SECOND);
	assert_int_equal(e->v.n_mappings, 1); /* the memory, once */
	assert_int_equal(e->one->ioas, e->two->ioas);
	drive(e, FIRST);
	assert_true(fakevfio_dma_read(e->one, 0x1000, &v, 4));
	eject(e, FIRST);
	assert_false(e->one->bound);
	assert_int_equal(e->v.n_mappings, 1);
	eject(e, SECOND);
	assert_false(e->two->bound);
	assert_int_equal(e->v.n_objects, 0);
	/* And back to groups, which nothing blocks any more. */
	assert_int_equal(plug(e, e->one), FIRST);
	assert_string_equal(devices_vfio_backend(e->devices), "type1");
}

/* Somebody's driver is at the slot still: nobody else gets it before that one has noticed. */
static void a_slot_rests_until_the_guest_knows(void **state)
{
	struct env *e = *state;

	assert_int_equal(devices_unplug(e->devices, "0000:03:00.1", true, 0, on_done, e, NULL), 0);
	assert_int_equal(e->done, 1);
	assert_int_equal(plug(e, e->two), SECOND);
	eject(e, FIRST);
	assert_int_equal(plug(e, e->one), FIRST);
}

static void a_reboot_keeps_what_was_plugged(void **state)
{
	struct env *e = *state;

	plug(e, e->two);
	machine_down(e);
	machine_up(e);
	assert_int_equal(id_in(e, FIRST), 0x00101b36);
	assert_int_equal(id_in(e, SECOND), 0x00101b36);
	/* Whom the last life was asked to let go of does not come back. */
	assert_int_equal(
		devices_unplug(e->devices, "0000:03:00.1", false, 60000, on_done, e, NULL), 0);
	machine_down(e);
	machine_up(e);
	assert_int_equal(e->done, 1);
	assert_closed(e->one);
	assert_int_equal(id_in(e, FIRST), 0x00101b36); /* the other, in the first slot */
	assert_int_equal(id_in(e, SECOND), UINT32_MAX);
	assert_sound(e);
}

static void every_call_may_fail(void **state)
{
	struct env *e = *state;
	unsigned refused = 0, slot;

	for (unsigned n = 1;; n++) {
		unsigned objects = e->v.n_objects, slots = fakekvm_slots(&e->k);
		struct device_option o = open_function(e, e->two, devices_container(e->devices));
		struct problem *why = NULL;
		int r;

		e->v.fail_call = e->v.calls + n;
		e->v.fail_errno = -EIO;
		r = devices_plug(e->devices, &o, &slot, &why);
		assert_true((r < 0) == (why != NULL));
		problem_free(why);
		e->v.fail_call = 0;
		if (r < 0) {
			refused++;
			assert_int_equal(e->v.n_objects, objects);
			assert_int_equal(fakekvm_slots(&e->k), slots);
			assert_closed(e->two);
		} else {
			assert_int_equal(devices_unplug(e->devices, "0000:04:00.2", true, 0,
						 on_done, e, NULL),
				0);
			eject(e, slot);
		}
		assert_sound(e);
		if (r == 0 && n > 60)
			break;
	}
	assert_true(refused > 5);
	assert_int_equal(id_in(e, FIRST), 0x00101b36);
}

static void start_again(struct env *e, bool both)
{
	machine_down(e);
	devices_free(e->devices);
	e->one->can_reset = e->two->can_reset = false;
	e->one->slot = e->two->slot = 3;
	e->one->hot_resets = e->two->hot_resets = e->one->resets = e->two->resets = 0;
	*e->notes = '\0';
	e->options.devices[0] = open_function(e, e->one, -1);
	e->options.n_devices = both ? 2 : 1;
	if (both) {
		e->options.devices[1] = open_function(e, e->two, e->options.devices[0].container);
		e->options.devices[1].container = e->options.devices[0].container;
	}
	assert_int_equal(
		devices_new(&e->v.host, e->s.loop, &e->options, on_end, e, &e->devices, NULL), 0);
	machine_up(e);
}

static void who_cannot_be_reset_alone_is_reset_with_the_others(void **state)
{
	struct env *e = *state;

	start_again(e, true);
	assert_int_equal(e->one->hot_resets, 1); /* once for both */
	assert_int_equal(e->two->hot_resets, 1);
	assert_int_equal(e->one->resets + e->two->resets, 0);
	assert_string_equal(e->notes, "");
	/* A life later, and at the end. */
	machine_down(e);
	machine_up(e);
	assert_int_equal(e->one->hot_resets, 2);
	/* Opened through an iommufd: no groups. */
	e->one->by_iommufd = e->two->by_iommufd = true;
	machine_down(e);
	machine_up(e);
	assert_int_equal(e->two->hot_resets, 3);
}

static void others_functions_are_not_reset(void **state)
{
	struct env *e = *state;

	start_again(e, false);
	assert_int_equal(e->one->hot_resets, 0);
	assert_non_null(strstr(e->notes, "0000:03:00.1 cannot be reset without 0000:04:00.2"));
	/* Nor those that are at work in the guest, for the sake of one that comes. */
	*e->notes = '\0';
	plug(e, e->two);
	assert_int_equal(e->two->hot_resets, 0);
	assert_non_null(strstr(e->notes, "0000:04:00.2 cannot be reset without others"));
	eject(e, SECOND);
	/* Alone on its bus it can. */
	e->two->slot = 4;
	plug(e, e->two);
	assert_int_equal(e->two->hot_resets, 1);
	assert_int_equal(e->one->hot_resets, 0);
}

static void the_same_twice_is_refused(void **state)
{
	struct env *e = *state;
	struct device_option o;
	struct problem *why = NULL;
	unsigned slot;

	plug(e, e->two);
	o = e->options.devices[0];
	o.device = o.group = eventfd(0, EFD_CLOEXEC);
	o.group = -1;
	o.container = -1;
	assert_int_equal(devices_plug(e->devices, &o, &slot, &why), -EEXIST);
	assert_int_equal(why->kind, PROBLEM_IN_USE);
	problem_free(why);
}

/* A group is opened once: the second function of it comes through what the guest has. */
static void one_more_of_a_group_that_the_guest_has(void **state)
{
	struct env *e = *state;
	struct device_option o = { .kind = DEVICE_VFIO,
		.fd = -1,
		.iommufd = -1,
		.container = -1,
		.group = -1,
		.name = "0000:03:00.2",
		.beside = "0000:03:00.1" };
	struct fakevfio_function *sibling = make_function(e, "0000:03:00.2", 15);
	char name[16] = "0000:03:00.2";
	struct problem *why = NULL;
	uint32_t v;
	unsigned slot;
	int group;

	sibling->group_open = sibling->in_container = true; /* as the group is */
	drive(e, FIRST);
	assert_int_equal(devices_group(e->devices, "0000:09:00.0"), -1);
	group = devices_group(e->devices, "0000:03:00.1");
	assert_true(group >= 0);
	o.device = host_ioctl(&e->v.host, group, VFIO_GROUP_GET_DEVICE_FD, name);
	assert_int_equal(devices_plug(e->devices, &o, &slot, NULL), 0);
	assert_int_equal(slot, SECOND);
	assert_int_equal(e->k.n_groups, 1);
	assert_int_equal(e->v.n_mappings, 1 + 1); /* and the first one's BAR, for the second */
	drive(e, SECOND);
	assert_true(fakevfio_dma_read(sibling, 0x1000, &v, 4));
	/* The first goes, and the group stays for the other; that one goes, and all is closed. */
	eject(e, FIRST);
	assert_true(sibling->group_open && sibling->in_container);
	assert_int_equal(e->k.n_groups, 1);
	assert_true(fakevfio_dma_read(sibling, 0x1000, &v, 4));
	eject(e, SECOND);
	assert_closed(sibling);
	assert_int_equal(e->v.n_objects, 0);
	assert_int_equal(e->k.n_groups, 0);
	/* Beside whom? What came along is closed. */
	assert_int_equal(plug(e, e->two), FIRST);
	group = devices_group(e->devices, "0000:04:00.2");
	o.beside = "0000:03:00.1";
	snprintf(name, sizeof(name), "0000:04:00.2");
	o.device = host_ioctl(&e->v.host, group, VFIO_GROUP_GET_DEVICE_FD, name);
	assert_int_equal(devices_plug(e->devices, &o, &slot, &why), -ENOENT);
	assert_int_equal(why->kind, PROBLEM_NOT_FOUND);
	problem_free(why);
	assert_int_equal(e->two->devices_open, 1);
}

static size_t pages_there(const struct guest_memory *m)
{
	size_t n = m->banks[0].size / 4096, there = 0;
	autofree unsigned char *v = malloc(n);

	assert_int_equal(mincore(m->banks[0].host, m->banks[0].size, v), 0);
	for (size_t i = 0; i < n; i++)
		there += v[i] & 1;
	return there;
}

/* Who started without functions has touched next to nothing: its memory is brought before it is
 * mapped, not by the mapping (which here brings none). */
static void the_first_function_finds_the_memory_there(void **state)
{
	struct env *e = *state;

	eject(e, FIRST);
	machine_down(e);
	machine_up(e);
	assert_true(pages_there(e->s.memory) < 16);
	e->s.memory->banks[0].host[4096 * 100] = 0x5a;
	assert_int_equal(plug(e, e->one), FIRST);
	assert_int_equal(pages_there(e->s.memory), (2 << 20) / 4096);
	assert_int_equal(e->s.memory->banks[0].host[4096 * 100], 0x5a);
}

static void assert_told(struct env *e, const char *part)
{
	autofree char *text = devices_explain(e->devices);

	assert_non_null(text);
	if (!strstr(text, part))
		fail_msg("%s is not in %s", part, text);
}

static void how_the_guest_has_them_is_told(void **state)
{
	struct env *e = *state;
	struct device_option two;
	unsigned slot;

	assert_told(
		e, "\"functions\":[{\"name\":\"0000:03:00.1\",\"slot\":1,\"backend\":\"type1\"");
	assert_told(e,
		"\"size_bytes\":16384,\"at\":null,\"direct_bytes\":16384,\"why_trapped\":null}]");
	assert_told(e, "\"peers\":[]");
	drive(e, FIRST);
	e->two->regions[0].mmap_fails = true;
	two = open_function(e, e->two, devices_container(e->devices));
	assert_int_equal(devices_plug(e->devices, &two, &slot, NULL), 0);
	assert_told(e, "\"direct_bytes\":0,\"why_trapped\":\"Invalid argument\"");
	assert_told(e,
		"{\"from\":\"0000:03:00.1\",\"to\":\"0000:04:00.2\",\"bar\":0,\"at\":null,\"bytes\":0,"
		"\"why_not\":\"the guest does not decode it\"}");
	e->v.map_errno = -EFAULT;
	assert_true(bus_write(e->s.mmio, ECAM + (FIRST << 15) + PCI_BASE_ADDRESS_0, 4, 0x40000000));
	assert_told(e, "\"at\":69793218560,\"bytes\":0,\"why_not\":\"the kernel finds nothing");
	e->v.map_errno = 0;
	assert_true(bus_write(e->s.mmio, ECAM + (FIRST << 15) + PCI_BASE_ADDRESS_0, 4, 0xc0000000));
	assert_true(bus_write(e->s.mmio, ECAM + (FIRST << 15) + PCI_BASE_ADDRESS_1, 4, 0));
	assert_told(e, "\"at\":3221225472,\"bytes\":16384,\"why_not\":null}");
	drive(e, SECOND);
	assert_told(e, "\"why_not\":\"Invalid argument\"");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(the_guest_may_eject),
		T(how_the_guest_has_them_is_told),
		T(one_more_of_a_group_that_the_guest_has),
		T(the_first_function_finds_the_memory_there),
		T(the_host_gets_it_back_when_the_guest_lets_go),
		T(what_fails_is_taken_from_under_the_guest),
		T(a_guest_may_be_tied_to_its_function),
		T(asked_and_not_answered),
		T(who_waits_may_go_away),
		T(another_comes_and_goes),
		T(replugging_restores_dma),
		T(by_nodes_of_their_own_as_well),
		T(a_slot_rests_until_the_guest_knows),
		T(a_reboot_keeps_what_was_plugged),
		T(every_call_may_fail),
		T(the_same_twice_is_refused),
		T(who_cannot_be_reset_alone_is_reset_with_the_others),
		T(others_functions_are_not_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
