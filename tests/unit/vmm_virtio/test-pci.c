// SPDX-License-Identifier: GPL-2.0-or-later
#include "cm.h"
#include "driver.h"
#include "fake-kvm.h"
#include "vmm/block/engine.h"
#include "vmm/virtio/blk.h"
#include "vmm/virtio/virtio.h"

#include <stdio.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <sys/mman.h>

enum { SIZE = 16, SLOT = 1, GSI = 17, HEADER = DRV_BUFFERS, DATA = DRV_BUFFERS + 0x1000 };

#define C(field) offsetof(struct virtio_pci_common_cfg, field)

/* A virtio-blk function as a driver finds it. */
struct fixture {
	struct fake_kvm *k;
	int disk;
	struct disk_engine *engine;
	struct drv drv;
	uint64_t bar, common, isr, device, notify;
	unsigned multiplier, msix, window;
};

static uint64_t cfg(struct fixture *f, unsigned reg, unsigned len)
{
	return fk_read(f->k, fk_config(SLOT, reg), len);
}

static void set_cfg(struct fixture *f, unsigned reg, unsigned len, uint64_t v)
{
	fk_write(f->k, fk_config(SLOT, reg), len, v);
}

static void take_cap(struct fixture *f, unsigned cap)
{
	uint64_t at = f->bar + cfg(f, cap + offsetof(struct virtio_pci_cap, offset), 4);

	switch (cfg(f, cap + offsetof(struct virtio_pci_cap, cfg_type), 1)) {
	case VIRTIO_PCI_CAP_COMMON_CFG:
		f->common = at;
		break;
	case VIRTIO_PCI_CAP_NOTIFY_CFG:
		f->notify = at;
		f->multiplier = (unsigned)cfg(f, cap + sizeof(struct virtio_pci_cap), 4);
		break;
	case VIRTIO_PCI_CAP_ISR_CFG:
		f->isr = at;
		break;
	case VIRTIO_PCI_CAP_DEVICE_CFG:
		f->device = at;
		break;
	case VIRTIO_PCI_CAP_PCI_CFG:
		f->window = cap;
		break;
	}
}

static void discover(struct fixture *f)
{
	assert_int_equal(cfg(f, PCI_VENDOR_ID, 4), 0x10421af4);
	set_cfg(f, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	f->bar = cfg(f, PCI_BASE_ADDRESS_0, 4) & ~15ULL;
	for (unsigned cap = (unsigned)cfg(f, PCI_CAPABILITY_LIST, 1); cap;
		cap = (unsigned)cfg(f, cap + 1, 1)) {
		uint64_t id = cfg(f, cap, 1);

		if (id == PCI_CAP_ID_MSIX)
			f->msix = cap;
		else if (id == PCI_CAP_ID_VNDR)
			take_cap(f, cap);
	}
	assert_true(f->common && f->notify && f->isr && f->device && f->window && f->msix);
	assert_int_equal(f->multiplier % 4096, 0);
}

static struct fixture *open_pci(bool no_ioeventfd)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct virtio_blk_params p = { .common = { "virtio-blk0", PCI_SLOT_ANY, no_ioeventfd },
		.serial = "S" };
	struct disk_engine_params ep = {
		.kind = DISK_ENGINE_SYNC, .channels = 1, .depth = VIRTIO_BLK_DEPTH
	};

	f->k = fk_open(DRV_RAM_BYTES);
	p.fd = f->disk = memfd_create("disk", MFD_CLOEXEC);
	assert_int_equal(ftruncate(f->disk, 1 << 20), 0);
	assert_int_equal(pwrite(f->disk, "written", 8, 512), 8);
	ep.fd = f->disk;
	assert_int_equal(disk_engine_new(&ep, &f->engine, NULL), 0);
	p.engine = f->engine;
	assert_int_equal(virtio_blk_new(&f->k->s, &p, NULL), 0);
	discover(f);
	return f;
}

static void close_pci(struct fixture *f)
{
	fk_close_all(f->k);
	disk_engine_free(f->engine);
	close(f->disk);
	free(f);
}

static uint64_t get(struct fixture *f, uint64_t field, unsigned len)
{
	return fk_read(f->k, f->common + field, len);
}

static void set(struct fixture *f, uint64_t field, unsigned len, uint64_t v)
{
	fk_write(f->k, f->common + field, len, v);
}

static void want(struct fixture *f, uint64_t features)
{
	for (unsigned half = 0; half < 2; half++) {
		set(f, C(guest_feature_select), 4, half);
		set(f, C(guest_feature), 4, (uint32_t)(features >> 32 * half));
	}
}

static bool negotiate(struct fixture *f, uint64_t features)
{
	set(f, C(device_status), 1, VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER);
	want(f, features | 1ULL << VIRTIO_F_VERSION_1);
	set(f, C(device_status), 1, get(f, C(device_status), 1) | VIRTIO_CONFIG_S_FEATURES_OK);
	return get(f, C(device_status), 1) & VIRTIO_CONFIG_S_FEATURES_OK;
}

static void enable_msix(struct fixture *f, unsigned vectors)
{
	uint64_t table = f->bar + (cfg(f, f->msix + PCI_MSIX_TABLE, 4) & ~7ULL);

	for (unsigned i = 0; i < vectors; i++) {
		fk_write(f->k, table + 16ULL * i, 4, 0xfee00000);
		fk_write(f->k, table + 16ULL * i + 4, 4, 0);
		fk_write(f->k, table + 16ULL * i + 8, 4, 0x40 + i);
		fk_write(f->k, table + 16ULL * i + 12, 4, 0);
	}
	set_cfg(f, f->msix + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE);
}

static void start_queue(struct fixture *f)
{
	drv_init(&f->drv, f->k->s.memory, 0, SIZE, true);
	set(f, C(queue_select), 2, 0);
	set(f, C(queue_size), 2, SIZE);
	set(f, C(queue_desc_lo), 4, f->drv.desc_at);
	set(f, C(queue_desc_hi), 4, 0);
	set(f, C(queue_avail_lo), 8, f->drv.avail_at);
	set(f, C(queue_used_lo), 4, f->drv.used_at);
	set(f, C(queue_used_hi), 4, 0);
	set(f, C(queue_enable), 2, 1);
	assert_int_equal(get(f, C(queue_enable), 2), 1);
}

static void ready(struct fixture *f)
{
	set(f, C(device_status), 1, get(f, C(device_status), 1) | VIRTIO_CONFIG_S_DRIVER_OK);
}

static void up(struct fixture *f, bool msix)
{
	assert_true(negotiate(f, 1ULL << VIRTIO_BLK_F_FLUSH | 1ULL << VIRTIO_RING_F_EVENT_IDX));
	if (msix) {
		enable_msix(f, 2);
		set(f, C(msix_config), 2, 0);
		set(f, C(queue_select), 2, 0);
		set(f, C(queue_msix_vector), 2, 1);
		assert_int_equal(get(f, C(queue_msix_vector), 2), 1);
	}
	start_queue(f);
	ready(f);
}

/* Rings as the guest would: KVM's ioeventfd takes it, or the exit reaches the bus. */
static void ring(struct fixture *f)
{
	uint64_t at = f->notify + get(f, C(queue_notify_off), 2) * f->multiplier, one = 1;

	for (unsigned i = 0; i < f->k->n_doorbells; i++)
		if (f->k->doorbells[i].addr == at) {
			assert_int_equal(write(f->k->doorbells[i].fd, &one, 8), 8);
			return;
		}
	fk_write(f->k, at, 2, 0);
}

/* Reads what the header in guest memory says. */
static void submit(struct fixture *f)
{
	struct drv_piece p[] = { { HEADER, 16, false }, { DATA, 513, true } };

	drv_chain(&f->drv, p, 2);
	if (drv_publish(&f->drv))
		ring(f);
}

static void read_sector(struct fixture *f, uint64_t sector)
{
	struct virtio_blk_outhdr h = { .type = VIRTIO_BLK_T_IN, .sector = sector };

	memcpy(drv_ptr(f->k->s.memory, HEADER), &h, sizeof(h));
	memset(drv_ptr(f->k->s.memory, DATA), 0xff, 513);
	submit(f);
}

static bool completed(struct fixture *f)
{
	struct vring_used_elem e;

	for (unsigned i = 0; i < 5000; i++) {
		if (drv_used(&f->drv, &e)) {
			__atomic_store_n(
				drv_used_event(&f->drv), f->drv.used_seen, __ATOMIC_SEQ_CST);
			return e.len == 513;
		}
		usleep(1000);
	}
	return false;
}

/* Takes the signals of the irqfd of vector i, waiting for the first. */
static uint64_t signals(struct fixture *f, unsigned i)
{
	int fd = fk_irqfd_of(f->k, 0x40 + i);
	uint64_t n = 0;

	assert_true(fd >= 0);
	for (unsigned t = 0; t < 5000 && read(fd, &n, 8) != 8; t++)
		usleep(1000);
	return n;
}

/* One look: a second one is another thread's work, too. */
struct counted {
	struct {
		char name[40];
		uint64_t v;
	} all[128];
	size_t n;
};

static void take(void *arg, const char *name, uint64_t v)
{
	struct counted *c = arg;

	assert_true(c->n < ARRAY_SIZE(c->all));
	snprintf(c->all[c->n].name, sizeof(c->all[0].name), "%s", name);
	c->all[c->n++].v = v;
}

static struct counted counted(struct fixture *f)
{
	struct pci_device *d = pci_bus_device(f->k->s.pci, SLOT);
	struct counted c = { .n = 0 };

	d->ops->stats(d, take, &c);
	return c;
}

static uint64_t counter(const struct counted *c, const char *name)
{
	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->all[i].name, name) == 0)
			return c->all[i].v;
	fail_msg("nobody counts %s", name);
	return 0;
}

static void a_request_through_ioeventfd_and_irqfd(void **state UNUSED)
{
	struct fixture *f = open_pci(false);
	struct counted c;
	enum { N = 500 };

	assert_int_equal(f->k->n_doorbells, 1);
	assert_int_equal(f->k->doorbells[0].len, 0);
	assert_int_equal(f->k->doorbells[0].flags & KVM_IOEVENTFD_FLAG_DATAMATCH, 0);
	up(f, true);
	for (unsigned i = 0; i < N; i++) {
		read_sector(f, 1);
		assert_int_equal(signals(f, 1), 1);
		assert_true(completed(f));
		assert_string_equal(drv_ptr(f->k->s.memory, DATA), "written");
	}
	assert_int_equal(f->drv.rings, N);
	c = counted(f);
	assert_int_equal(counter(&c, "queue0-doorbells"), N);
	assert_int_equal(counter(&c, "queue0-wakeups"), N);
	assert_int_equal(counter(&c, "queue0-requests"), N);
	assert_int_equal(counter(&c, "queue0-injections"), N);
	assert_int_equal(counter(&c, "queue0-injections-kept"), 0);
	assert_int_equal(counter(&c, "queue0-injections-merged"), 0);
	assert_int_equal(counter(&c, "queue0-doorbells-suppressed"), 0);
	/* To wait, to read, to interrupt. */
	assert_int_equal(counter(&c, "queue0-host-syscalls"), 3 * N);
	assert_int_equal(counter(&c, "thread-wakeups"), N);
	assert_int_equal(fk_read(f->k, f->isr, 1), 0);
	close_pci(f);
}

/* Reading a doorbell's counter is not to take it from the thread that is on its way to it. */
static void who_looks_takes_no_doorbell_away(void **state UNUSED)
{
	struct fixture *f = open_pci(false);
	struct counted c;

	up(f, true);
	for (unsigned i = 0; i < 3000; i++) {
		read_sector(f, 1);
		c = counted(f);
		assert_int_equal(signals(f, 1), 1);
		assert_true(completed(f));
	}
	c = counted(f);
	assert_int_equal(counter(&c, "queue0-doorbells"), 3000);
	assert_int_equal(counter(&c, "queue0-requests"), 3000);
	close_pci(f);
}

static void without_ioeventfd_the_vcpu_works(void **state UNUSED)
{
	struct fixture *f = open_pci(true);
	struct counted c;

	assert_int_equal(f->k->n_doorbells, 0);
	up(f, true);
	for (unsigned i = 0; i < 10; i++) {
		uint16_t before = f->drv.used->idx;

		read_sector(f, 1);
		assert_int_equal(
			f->drv.used->idx, (uint16_t)(before + 1)); /* done when it returns */
		assert_true(completed(f));
		assert_int_equal(signals(f, 1), 1);
	}
	c = counted(f);
	assert_int_equal(counter(&c, "queue0-doorbells"), 10);
	assert_int_equal(counter(&c, "queue0-wakeups"), 0);
	assert_int_equal(counter(&c, "queue0-host-syscalls"), 20); /* to read, to interrupt */
	assert_int_equal(counter(&c, "thread-wakeups"), 0);
	close_pci(f);
}

static int line(struct fixture *f)
{
	return __atomic_load_n(&f->k->level[GSI], __ATOMIC_SEQ_CST);
}

static void intx_when_msix_is_off(void **state UNUSED)
{
	struct fixture *f = open_pci(true);

	assert_int_equal(cfg(f, PCI_INTERRUPT_PIN, 1), 1);
	assert_int_equal(cfg(f, PCI_INTERRUPT_LINE, 1), GSI);
	up(f, false);
	read_sector(f, 1);
	assert_true(completed(f));
	assert_int_equal(line(f), 1);
	assert_int_equal(fk_read(f->k, f->isr, 1), 1);
	assert_int_equal(line(f), 0);
	assert_int_equal(fk_read(f->k, f->isr, 1), 0);
	/* Interrupt Disable holds the line down, the status stays. */
	read_sector(f, 1);
	assert_int_equal(line(f), 1);
	set_cfg(f, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_INTX_DISABLE);
	assert_int_equal(line(f), 0);
	set_cfg(f, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_int_equal(line(f), 1);
	set(f, C(device_status), 1, 0);
	assert_int_equal(line(f), 0);
	assert_int_equal(fk_read(f->k, f->isr, 1), 0);
	close_pci(f);
}

static void no_vector_no_interrupt(void **state UNUSED)
{
	struct fixture *f = open_pci(true);
	struct counted c;

	assert_true(negotiate(f, 0));
	enable_msix(f, 2);
	set(f, C(queue_msix_vector), 2, 2);
	assert_int_equal(get(f, C(queue_msix_vector), 2), VIRTIO_MSI_NO_VECTOR);
	set(f, C(msix_config), 2, 77);
	assert_int_equal(get(f, C(msix_config), 2), VIRTIO_MSI_NO_VECTOR);
	start_queue(f);
	f->drv.event_idx = false;
	ready(f);
	read_sector(f, 1);
	assert_true(completed(f));
	c = counted(f);
	assert_int_equal(counter(&c, "queue0-injections"), 0);
	assert_int_equal(line(f), 0);
	close_pci(f);
}

static void a_broken_queue_asks_for_a_reset(void **state UNUSED)
{
	struct fixture *f = open_pci(false);

	up(f, true);
	read_sector(f, 1);
	assert_true(completed(f));
	f->drv.avail_idx = (uint16_t)(f->drv.avail_idx + SIZE + 1);
	drv_publish(&f->drv);
	ring(f);
	assert_int_equal(signals(f, 0), 1);
	assert_true(get(f, C(device_status), 1) & VIRTIO_CONFIG_S_NEEDS_RESET);
	for (unsigned i = 0; i < 5000 && !__atomic_load_n(&f->k->notes, __ATOMIC_SEQ_CST); i++)
		usleep(1000);
	assert_string_equal(f->k->note,
		"virtio-blk0: queue 0 stopped until the guest's driver resets it: "
		"the available index jumped");
	set(f, C(device_status), 1, 0);
	assert_int_equal(get(f, C(device_status), 1), 0);
	up(f, true);
	read_sector(f, 1);
	assert_true(completed(f));
	close_pci(f);
}

static void registers_keep_the_order(void **state UNUSED)
{
	struct fixture *f = open_pci(true);

	assert_int_equal(get(f, C(num_queues), 2), 1);
	set(f, C(device_feature_select), 4, 1);
	assert_int_equal(get(f, C(device_feature), 4) & 1, 1); /* VERSION_1 */
	set(f, C(device_feature_select), 4, 7);
	assert_int_equal(get(f, C(device_feature), 4), 0);
	assert_int_equal(get(f, C(queue_size), 2), 256);
	/* A queue is not enabled before the features are. */
	set(f, C(queue_enable), 2, 1);
	assert_int_equal(get(f, C(queue_enable), 2), 0);
	assert_false(negotiate(f, 1ULL << VIRTIO_BLK_F_MQ));
	set(f, C(device_status), 1, 0);
	assert_true(negotiate(f, 0));
	start_queue(f);
	/* Enabled, it is fixed. */
	set(f, C(queue_size), 2, 4);
	set(f, C(queue_desc_lo), 4, 0);
	set(f, C(queue_enable), 2, 0);
	assert_int_equal(get(f, C(queue_size), 2), SIZE);
	assert_int_equal(get(f, C(queue_desc_lo), 8), f->drv.desc_at);
	assert_int_equal(get(f, C(queue_enable), 2), 1);
	/* There is no second queue. */
	set(f, C(queue_select), 2, 1);
	assert_int_equal(get(f, C(queue_size), 2), 0);
	set(f, C(queue_size), 2, 4);
	set(f, C(queue_enable), 2, 1);
	set(f, C(queue_msix_vector), 2, 0);
	assert_int_equal(get(f, C(queue_enable), 2), 0);
	/* A reset brings everything back. */
	set(f, C(device_status), 1, 0);
	set(f, C(queue_select), 2, 0);
	assert_int_equal(get(f, C(queue_size), 2), 256);
	assert_int_equal(get(f, C(queue_enable), 2), 0);
	assert_int_equal(get(f, C(queue_desc_lo), 8), 0);
	assert_int_equal(fk_read(f->k, f->device, 8), (1 << 20) / 512);
	close_pci(f);
}

/* Every register, every width, every alignment, beyond the ends: nothing happens to the VMM. */
static void odd_accesses_are_harmless(void **state UNUSED)
{
	struct fixture *f = open_pci(true);
	uint64_t bytes = 0x8000;

	up(f, true);
	for (unsigned len = 1; len <= 8; len++)
		for (uint64_t at = 0; at < bytes; at += at % 4096 < 80 ? 1 : 509) {
			if (at % 4096 + len > 4096)
				continue;
			fk_read(f->k, f->bar + at, len);
			fk_write(f->k, f->bar + at, len, 0xdeadbeefcafef00dULL * (at + len));
		}
	set(f, C(device_status), 1, 0);
	set_cfg(f, f->msix + PCI_MSIX_FLAGS, 2, 0);
	up(f, true);
	read_sector(f, 1);
	assert_true(completed(f));
	close_pci(f);
}

static void the_window_reaches_the_bar(void **state UNUSED)
{
	struct fixture *f = open_pci(true);
	unsigned bar = f->window + offsetof(struct virtio_pci_cap, bar),
		 offset = f->window + offsetof(struct virtio_pci_cap, offset),
		 length = f->window + offsetof(struct virtio_pci_cap, length),
		 data = f->window + offsetof(struct virtio_pci_cfg_cap, pci_cfg_data);

	set_cfg(f, bar, 1, 0);
	set_cfg(f, offset, 4, (uint32_t)(f->common - f->bar + C(device_status)));
	set_cfg(f, length, 4, 1);
	set_cfg(f, data, 1, VIRTIO_CONFIG_S_ACKNOWLEDGE);
	assert_int_equal(get(f, C(device_status), 1), VIRTIO_CONFIG_S_ACKNOWLEDGE);
	assert_int_equal(cfg(f, data, 1), VIRTIO_CONFIG_S_ACKNOWLEDGE);
	/* Outside, misaligned, another BAR, an impossible width: zero, and nothing written. */
	set_cfg(f, offset, 4, 0xfffffffe);
	assert_int_equal(cfg(f, data, 1), 0);
	set_cfg(f, data, 1, 0);
	set_cfg(f, offset, 4, 2);
	set_cfg(f, length, 4, 4);
	assert_int_equal(cfg(f, data, 4), 0);
	set_cfg(f, length, 4, 3);
	assert_int_equal(cfg(f, data, 1), 0);
	set_cfg(f, bar, 1, 1);
	set_cfg(f, length, 4, 1);
	set_cfg(f, offset, 4, (uint32_t)(f->common - f->bar + C(device_status)));
	set_cfg(f, data, 1, 0);
	assert_int_equal(cfg(f, data, 1), 0);
	assert_int_equal(get(f, C(device_status), 1), VIRTIO_CONFIG_S_ACKNOWLEDGE);
	close_pci(f);
}

static void doorbells_move_with_the_bar(void **state UNUSED)
{
	struct fixture *f = open_pci(false);

	set_cfg(f, PCI_COMMAND, 2, 0);
	assert_int_equal(f->k->n_doorbells, 0);
	set_cfg(f, PCI_BASE_ADDRESS_0, 4, FK_MEM32 + 0x40000);
	set_cfg(f, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_int_equal(f->k->n_doorbells, 1);
	assert_int_equal(f->k->doorbells[0].addr, FK_MEM32 + 0x40000 + (f->notify - f->bar));
	discover(f);
	up(f, true);
	read_sector(f, 1);
	assert_true(completed(f));
	close_pci(f);
}

/* Resets in the midst of work, from another thread than the one that works. */
static void resets_while_working(void **state UNUSED)
{
	struct fixture *f = open_pci(false);

	for (unsigned i = 0; i < 200; i++) {
		up(f, true);
		for (unsigned k = 0; k < i % 8; k++)
			submit(f);
		set(f, C(device_status), 1, 0);
		assert_int_equal(get(f, C(device_status), 1), 0);
	}
	up(f, true);
	read_sector(f, 1);
	assert_true(completed(f));
	close_pci(f);
}

static void failures_leave_nothing(void **state UNUSED)
{
	struct fake_kvm *k = fk_open(DRV_RAM_BYTES);
	struct virtio_blk_params p = { .common = { "virtio-blk0", PCI_SLOT_ANY, false }, .fd = -1 };
	struct virtio_net_params n = { .common = { "virtio-net0", PCI_SLOT_ANY, false },
		.fds = (const int[]) { -1 },
		.n_fds = 1 };
	struct virtio_options rng = { "virtio-rng0", 40, false };
	autoproblem *e = NULL, *e2 = NULL, *e3 = NULL;
	autofree char *text = NULL;

	assert_int_equal(virtio_blk_new(&k->s, &p, &e), -EBADF);
	text = problem_text(e);
	assert_string_equal(text, "virtio-blk0: the disk's descriptor -1 is not open");
	assert_int_equal(virtio_net_new(&k->s, &n, &e2), -EBADF);
	assert_int_equal(virtio_rng_new(&k->s, &rng, &e3), -EINVAL);
	assert_non_null(e3);
	fk_close_all(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_through_ioeventfd_and_irqfd),
		cmocka_unit_test(who_looks_takes_no_doorbell_away),
		cmocka_unit_test(without_ioeventfd_the_vcpu_works),
		cmocka_unit_test(intx_when_msix_is_off),
		cmocka_unit_test(no_vector_no_interrupt),
		cmocka_unit_test(a_broken_queue_asks_for_a_reset),
		cmocka_unit_test(registers_keep_the_order),
		cmocka_unit_test(odd_accesses_are_harmless),
		cmocka_unit_test(the_window_reaches_the_bar),
		cmocka_unit_test(doorbells_move_with_the_bar),
		cmocka_unit_test(resets_while_working),
		cmocka_unit_test(failures_leave_nothing),
	};

	return cmocka_run_group_tests_name("pci", tests, NULL, NULL);
}
