// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The life of a function, in which the n-th call fails, for every n: each ioctl of VFIO, iommufd
 * and KVM, each access, each mapping, each eventfd. Whatever fails, nothing is left behind, all
 * tables agree, and somebody is told: who called, by a problem; the user, by a note; or the guest,
 * whose register then reads all ones.
 */
#include "cm.h"

#include "fakevfio/fakekvm.h"
#include "fakevfio/fakevfio.h"
#include "vfio/abi.h"
#include "vfio/iommufd.h"
#include "vmm/bus/bus.h"
#include "vmm/irq/irq.h"
#include "vmm/loop/loop.h"
#include "vmm/pci/bus.h"
#include "vmm/vfio/function.h"
#include "vmm/vfio/session.h"
#include "vmm/vfio/together.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>

#define ECAM  0xe0000000ULL
#define MEM64 0x1000000000ULL

enum {
	CONFIG_BYTES = 256,
	MSI_AT = 0x50,
	MSIX_AT = 0x70,
	EXPRESS_AT = 0x80,
	TABLE = 0x2000,
	PBA = 0x3000,
	BAR_BYTES = 0x4000,
};

/* ---- A host that fails on request, in front of the fakes ---- */

struct failing {
	struct host host;
	struct host *inner;
	unsigned calls, fail_call; /* 0: none */
	int fail_errno;
	char what[64]; /* the call that failed */
	bool quiet;    /* that costs nothing, so nobody need be told */
	bool irqfd_off;
	bool forever;	      /* so do all calls after that one */
	bool living, leaving; /* the function has a guest; it loses it */
	int maps;	      /* that are there */
};

static struct failing *armed; /* where eventfd() counts */

static bool fails(struct failing *f, const char *what, unsigned long request)
{
	f->calls++;
	if (f->forever ? !f->fail_call || f->calls < f->fail_call : f->calls != f->fail_call)
		return false;
	snprintf(f->what, sizeof(f->what), "%s 0x%lx", what, request);
	/* KVM does without knowing; a function that cannot be quietened goes with its descriptor.
	 */
	f->quiet = request == KVM_CREATE_DEVICE || request == KVM_SET_DEVICE_ATTR;
	return true;
}

/*
 * What costs nobody anything: KVM does without knowing of VFIO, what is not switched off or
 * unmapped goes with the descriptor or is tried again, and whether other functions reach a BAR is
 * told to who asks (peers.h).
 */
static bool is_quiet(const struct failing *f, unsigned long request, const void *arg)
{
	const struct vfio_irq_set *s = arg;

	switch (request) {
	case KVM_CREATE_DEVICE:
	case KVM_SET_DEVICE_ATTR:
	case VFIO_DEVICE_FEATURE:
	case VFIO_IOMMU_UNMAP_DMA:
	case ABI_OPTION:
	case ABI_IOMMU_HW_INFO:
	case ABI_IOAS_UNMAP:
	case ABI_IOMMU_DESTROY:
		return true;
	case VFIO_IOMMU_MAP_DMA:
	case ABI_IOAS_MAP:
		return f->living;
	case VFIO_DEVICE_SET_IRQS:
		return s->flags & VFIO_IRQ_SET_DATA_NONE;
	default:
		return f->leaving;
	}
}

static void consider(struct failing *f, unsigned long request, const void *arg)
{
	const struct kvm_irqfd *q = arg;

	f->irqfd_off = request == KVM_IRQFD && q->flags & KVM_IRQFD_FLAG_DEASSIGN;
	f->quiet = f->irqfd_off || is_quiet(f, request, arg);
}

static struct failing *failing_of(struct host *h)
{
	return container_of(h, struct failing, host);
}

static int failing_ioctl(struct host *h, int fd, unsigned long request, void *arg)
{
	struct failing *f = failing_of(h);

	if (!fails(f, "ioctl", request))
		return host_ioctl(f->inner, fd, request, arg);
	consider(f, request, arg);
	return f->fail_errno;
}

static ssize_t failing_pread(struct host *h, int fd, void *buf, size_t len, uint64_t offset)
{
	struct failing *f = failing_of(h);

	if (!fails(f, "read at", offset))
		return host_pread(f->inner, fd, buf, len, offset);
	f->quiet = f->living; /* the guest sees all ones */
	return f->fail_errno;
}

static ssize_t failing_pwrite(struct host *h, int fd, const void *buf, size_t len, uint64_t offset)
{
	struct failing *f = failing_of(h);

	if (!fails(f, "write at", offset))
		return host_pwrite(f->inner, fd, buf, len, offset);
	/* A register of the device that does not take it is the guest's matter. */
	f->quiet = f->leaving || (offset & 0xffffffffff) != PCI_COMMAND;
	return f->fail_errno;
}

static int failing_mmap(
	struct host *h, int fd, uint64_t offset, size_t len, int prot, int flags, void **ret)
{
	struct failing *f = failing_of(h);
	int r = fails(f, "mmap at", offset)
			? f->fail_errno
			: host_mmap(f->inner, fd, offset, len, prot, flags, ret);

	f->maps += r >= 0;
	return r;
}

static int failing_munmap(struct host *h, void *addr, size_t len)
{
	failing_of(h)->maps--;
	return host_munmap(failing_of(h)->inner, addr, len);
}

static void failing_close(struct host *h, int fd)
{
	host_close(failing_of(h)->inner, fd);
}

static const struct host_ops failing_ops = {
	.close = failing_close,
	.ioctl = failing_ioctl,
	.pread = failing_pread,
	.pwrite = failing_pwrite,
	.mmap = failing_mmap,
	.munmap = failing_munmap,
};

int __real_eventfd(unsigned count, int flags);
int __wrap_eventfd(unsigned count, int flags);

int __wrap_eventfd(unsigned count, int flags)
{
	if (armed && fails(armed, "eventfd", 0)) {
		errno = EMFILE;
		return -1;
	}
	return __real_eventfd(count, flags);
}

/* ---- The machine ---- */

struct env {
	struct fakekvm k;
	struct fakevfio v;
	struct fakevfio_function *fn;
	struct failing f;
	struct vfio_session *session;
	struct kvm_vm *vm;
	struct guest_memory *memory;
	struct vmm_services s;
	struct pci_device *dev;
	bool iommufd;
	char notes[4096];
};

static void make_config(uint8_t *c)
{
	const uint8_t head[] = { 0x36, 0x1b, 0x10, 0x00, 0, 0, 0x10, 0, 2, 0x02, 0x08, 0x01 };

	memset(c, 0, CONFIG_BYTES);
	memcpy(c, head, sizeof(head));
	c[PCI_BASE_ADDRESS_0] = PCI_BASE_ADDRESS_MEM_TYPE_64;
	c[PCI_CAPABILITY_LIST] = MSI_AT;
	c[MSI_AT] = PCI_CAP_ID_MSI;
	c[MSI_AT + 1] = MSIX_AT;
	c[MSI_AT + 2] = 2 << 1; /* 4 vectors */
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

static void lose(void *arg UNUSED, struct vfio_device *d UNUSED, enum function_loss how UNUSED)
{
}

static int setup_with(void **state, bool iommufd, bool no_resize)
{
	struct env *e = calloc(1, sizeof(*e));
	uint8_t config[CONFIG_BYTES];

	make_config(config);
	fakekvm_init(&e->k);
	fakevfio_init(&e->v, &e->k.host);
	e->v.iommufd = e->iommufd = iommufd;
	e->fn = fakevfio_add(&e->v, "0000:03:00.1", 15, config, sizeof(config));
	e->fn->regions[VFIO_PCI_CONFIG_REGION_INDEX].size = CONFIG_BYTES;
	e->fn->irq_counts[VFIO_PCI_INTX_IRQ_INDEX] = 1;
	e->fn->irq_counts[VFIO_PCI_MSI_IRQ_INDEX] = 4;
	e->fn->no_resize = no_resize;
	fakevfio_bar(e->fn, 0, BAR_BYTES);
	e->f = (struct failing) { .host.ops = &failing_ops, .inner = &e->v.host };
	*state = e;
	return 0;
}

static int by_group(void **state)
{
	return setup_with(state, false, false);
}

static int by_node(void **state)
{
	return setup_with(state, true, false);
}

static int on_old_kernel(void **state)
{
	return setup_with(state, false, true);
}

static int teardown(void **state)
{
	struct env *e = *state;
	unsigned left = fakevfio_done(&e->v);

	fakekvm_done(&e->k);
	free(e);
	return left ? -1 : 0;
}

static struct vfio_fds open_fds(struct env *e)
{
	struct vfio_fds f = { .container = -1, .group = -1, .iommufd = -1, .name = e->fn->name };
	struct host *h = &e->v.host;
	char name[] = "0000:03:00.1";
	int32_t container;

	if (e->iommufd) {
		f.iommufd = host_open(h, "/dev/iommu", O_RDWR);
		f.device = host_open(h, "/dev/vfio/devices/vfio0", O_RDWR);
		assert_true(f.iommufd >= 0 && f.device >= 0);
		return f;
	}
	f.container = container = host_open(h, "/dev/vfio/vfio", 0);
	f.group = host_open(h, "/dev/vfio/15", 0);
	assert_int_equal(host_ioctl(h, f.group, VFIO_GROUP_SET_CONTAINER, &container), 0);
	assert_int_equal(
		host_ioctl(h, container, VFIO_SET_IOMMU, (void *)(uintptr_t)VFIO_TYPE1v2_IOMMU), 0);
	f.device = host_ioctl(h, f.group, VFIO_GROUP_GET_DEVICE_FD, name);
	assert_true(f.device >= 0);
	return f;
}

static void machine_up(struct env *e)
{
	const struct guest_memory_params m = { .size = 2 << 20 };
	struct pci_bus_params p = { .ecam = ECAM,
		.io = { 0x1000, 0x1000 },
		.mem32 = { 0xc0000000, 0x10000000 },
		.mem64 = { MEM64, 1ULL << 38 } };

	e->s = (struct vmm_services) { .host = &e->f.host, .note = take_note, .note_arg = e };
	assert_int_equal(bus_new("pio", &e->s.pio), 0);
	assert_int_equal(bus_new("mmio", &e->s.mmio), 0);
	assert_int_equal(loop_new(&e->s.loop), 0);
	assert_int_equal(kvm_vm_new(&e->f.host, e->k.fd, &e->vm, NULL), 0);
	e->s.kvm = e->vm;
	assert_int_equal(irq_chip_new(e->vm, &e->s.irq, NULL), 0);
	assert_int_equal(guest_memory_new(&e->f.host, &m, &e->memory, NULL), 0);
	p.pio = e->s.pio;
	p.mmio = e->s.mmio;
	p.irq = e->s.irq;
	assert_int_equal(pci_bus_new(&p, &e->s.pci, NULL), 0);
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

static unsigned open_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* ---- The guest ---- */

static void sound(struct env *e, const char *when)
{
	char why[160] = "";

	if (!e->f.forever && pci_bus_audit(e->s.pci, e->vm, NULL, why, sizeof(why)))
		fail_msg("%s (call %u, %s): %s", when, e->f.fail_call, e->f.what, why);
}

static uint32_t get(struct env *e, unsigned at, unsigned len)
{
	uint64_t v;

	assert_true(bus_read(e->s.mmio, ECAM + (e->dev->slot << 15) + at, len, &v));
	return (uint32_t)v;
}

static void set(struct env *e, unsigned at, unsigned len, uint32_t v)
{
	char when[64];

	snprintf(when, sizeof(when), "config 0x%x = 0x%x", at, v);
	assert_true(bus_write(e->s.mmio, ECAM + (e->dev->slot << 15) + at, len, v));
	sound(e, when);
}

/* The guest's own registers never ask the device where its BAR is. */
static void store(struct env *e, uint64_t at, unsigned len, uint64_t v)
{
	uint64_t bar = (uint64_t)pci_get32(e->dev, PCI_BASE_ADDRESS_1) << 32 |
		       (pci_get32(e->dev, PCI_BASE_ADDRESS_0) & ~15U);

	bus_write(e->s.mmio, bar + at, len, v);
	sound(e, "BAR");
}

static void entry(struct env *e, unsigned vector, uint32_t data, bool masked)
{
	store(e, TABLE + 16 * vector, 8, 0xfee00000);
	store(e, TABLE + 16 * vector + 8, 4, data);
	store(e, TABLE + 16 * vector + 12, 4, masked);
}

static void live(struct env *e)
{
	unsigned before;
	uint32_t seen;

	set(e, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	entry(e, 0, 0x41, false);
	entry(e, 1, 0x42, true);
	set(e, MSIX_AT + 2, 2, PCI_MSIX_FLAGS_ENABLE);
	entry(e, 2, 0x43, false);
	entry(e, 0, 0x41, true);
	entry(e, 0, 0x51, false);
	store(e, TABLE + 0x100, 4, 0xcafe);
	set(e, PCI_BASE_ADDRESS_1, 4, 0x20); /* it moves while it is decoded */
	set(e, MSIX_AT + 2, 2, 0);
	set(e, MSI_AT + PCI_MSI_ADDRESS_LO, 4, 0xfee00000);
	set(e, MSI_AT + PCI_MSI_DATA_64, 2, 0x60);
	set(e, MSI_AT + PCI_MSI_FLAGS, 2, PCI_MSI_FLAGS_ENABLE | 2 << 4);
	set(e, MSI_AT + PCI_MSI_DATA_64, 2, 0x70);
	set(e, MSI_AT + PCI_MSI_FLAGS, 2, 0);
	set(e, EXPRESS_AT + PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_BCR_FLR);
	set(e, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	before = e->f.calls;
	seen = get(e, EXPRESS_AT + PCI_EXP_DEVCTL, 2);
	if (!e->f.forever)
		assert_int_equal(seen & 0x7fff,
			e->f.fail_call > before && e->f.fail_call <= e->f.calls ? 0x7fff : 0);
}

static int map_all(struct env *e, struct problem **reterr)
{
	int r = 0;

	for (size_t i = 0; i < e->memory->n_banks && r == 0; i++)
		r = vfio_session_map_bank(e->session, i, reterr);
	return r;
}

/* From the descriptors to the guest's last access, and back. */
static int life(struct env *e, struct problem **reterr)
{
	struct vfio_fds fds = open_fds(e);
	struct vfio_function_params p = { .lost = lose, .lost_arg = e };
	struct vfio_device *d;
	int r;

	assert_int_equal(vfio_session_new(&e->f.host, PEERS_ON, &e->session), 0);
	armed = &e->f;
	r = vfio_session_add(e->session, &fds, reterr);
	if (r < 0) {
		armed = NULL;
		vfio_session_free(e->session);
		for (size_t i = 0; i < ARRAY_SIZE(e->v.objects); i++)
			if (e->v.objects[i].kind)
				host_close(&e->v.host, e->v.objects[i].fd);
		return r;
	}
	p.device = d = vfio_session_device(e->session, 0);
	p.peers = vfio_session_peers(e->session);
	vfio_reset_together(e->session, take_note, e);
	r = vfio_session_enter(e->session, e->vm, e->memory, reterr);
	if (r == 0)
		r = map_all(e, reterr);
	if (r == 0)
		r = vfio_function_add(&e->s, &p, &e->dev, reterr);
	sound(e, "adding");
	if (r == 0) {
		e->f.living = true;
		live(e);
		e->f.leaving = true;
		pci_bus_remove(e->s.pci, e->dev);
		sound(e, "removing");
	}
	vfio_session_remove(e->session, d);
	vfio_session_leave(e->session);
	vfio_session_free(e->session);
	armed = NULL;
	e->f.living = e->f.leaving = false;
	return r;
}

/* A life with that call failing; how many calls it had. */
static unsigned live_with(struct env *e, unsigned call, int code)
{
	unsigned files, calls;
	struct problem *why = NULL;
	int r;

	*e->notes = '\0';
	machine_up(e);
	files = open_files();
	e->f.calls = 0;
	e->f.fail_call = call;
	e->f.fail_errno = code;
	*e->f.what = '\0';
	e->f.quiet = e->f.irqfd_off = false;
	r = life(e, &why);
	calls = e->f.calls;
	e->f.fail_call = 0;
	if ((r < 0) != (why != NULL))
		fail_msg("call %u (%s): %d, and %s", call, e->f.what, r, why ? "told" : "not told");
	if (why) {
		autofree char *text = problem_text(why);

		assert_true(strlen(text) > 10);
		if (!strstr(text, "0000:03:00.1") && !strstr(text, "memory") &&
			!strstr(text, "DMA") && !strstr(text, "IOVA") && !strstr(text, "container"))
			fail_msg("call %u (%s): whom does that mean: %s", call, e->f.what, text);
	}
	if (getenv("SHOW_FAILURES") && *e->f.what)
		fprintf(stderr, "%u %s: %d %s | %s\n", call, e->f.what, r, why ? why->what : "",
			e->notes);
	if (*e->f.what && r == 0 && !*e->notes && !e->f.quiet)
		fail_msg("call %u (%s) failed, and nobody was told", call, e->f.what);
	problem_free(why);
	if (open_files() != files)
		fail_msg("call %u (%s): descriptors are left open", call, e->f.what);
	assert_int_equal(e->v.n_objects, 0);
	assert_int_equal(e->v.n_mappings, 0);
	/* KVM lets go of an irqfd when its eventfd is closed, which it is. */
	for (int i = 0; e->f.irqfd_off && i < FAKEKVM_IRQFDS; i++)
		e->k.irqfds[i].used = false;
	if (fakekvm_slots(&e->k) || fakekvm_irqfds(&e->k))
		fail_msg("call %u (%s): %u slots, %u irqfds are left", call, e->f.what,
			fakekvm_slots(&e->k), fakekvm_irqfds(&e->k));
	machine_down(e);
	assert_int_equal(e->f.maps, 0);
	return calls;
}

static void whatever_fails_nothing_is_left_behind(void **state)
{
	static const int codes[] = { -EIO, -ENOMEM, -ENOSPC, -EMFILE };
	struct env *e = *state;
	unsigned total = live_with(e, 0, 0);

	assert_true(total > 150);
	assert_string_equal(e->notes, "");
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		for (unsigned n = 1; n <= total + 50; n++)
			if (live_with(e, n, codes[i]) < n)
				break; /* it was never reached: the life was shorter */
}

/*
 * A kernel that refuses everything from then on, as one that is out of memory does. What KVM does
 * not take out of the guest stays mapped: nothing else may come to lie there.
 */
static void a_kernel_that_refuses_all_is_survived(void **state)
{
	struct env *e = *state;
	unsigned total = live_with(e, 0, 0), slots;

	for (unsigned n = 1; n <= total; n++) {
		struct problem *why = NULL;
		unsigned files;

		machine_up(e);
		files = open_files();
		e->f.calls = 0;
		e->f.fail_call = n;
		e->f.fail_errno = n % 2 ? -ENOMEM : -EMFILE;
		e->f.forever = true;
		assert_true((life(e, &why) < 0) == (why != NULL));
		e->f.fail_call = 0;
		e->f.forever = false;
		problem_free(why);
		assert_int_equal(open_files(), files);
		assert_int_equal(e->v.n_objects, 0);
		slots = fakekvm_slots(&e->k);
		memset(e->k.slots, 0, sizeof(e->k.slots));
		memset(e->k.irqfds, 0, sizeof(e->k.irqfds));
		machine_down(e);
		assert_int_equal(e->f.maps, slots);
		e->f.maps = 0;
	}
}

int main(void)
{
#define T(f, how)                                                                                  \
	{                                                                                          \
#f " (" #how ")", f, how, teardown, NULL                                           \
	}
	const struct CMUnitTest tests[] = {
		T(whatever_fails_nothing_is_left_behind, by_group),
		T(whatever_fails_nothing_is_left_behind, by_node),
		T(whatever_fails_nothing_is_left_behind, on_old_kernel),
		T(a_kernel_that_refuses_all_is_survived, by_group),
		T(a_kernel_that_refuses_all_is_survived, by_node),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
