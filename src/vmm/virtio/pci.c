// SPDX-License-Identifier: GPL-2.0-or-later
#include "transport.h"
#include "base/checked.h"
#include "vmm/count/syscalls.h"

#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_pci.h>
#include <stdio.h>
#include <string.h>

enum {
	VIRTIO_VENDOR = 0x1af4,
	VIRTIO_DEVICE_BASE = 0x1040, /* 4.1.2.1: plus the device's id */
};

static struct virtio_pci *vpci_of(struct pci_device *pci)
{
	return container_of(pci, struct virtio_pci, pci);
}

/* ---- doorbells ---- */

static bool is_trapped(const struct virtio_pci *v)
{
	return __atomic_load_n(&v->trapped, __ATOMIC_SEQ_CST);
}

static void signal_doorbell(int fd)
{
	uint64_t one = 1;
	ssize_t n = write(fd, &one, sizeof(one));

	(void)n; /* a full counter rings as well */
}

/*
 * A doorbell that reached user space. That is the normal way without ioeventfd; with it, it is an
 * access that KVM's address match did not take, and goes where that would have gone.
 */
static void ring_trapped(struct virtio_pci *v, uint64_t offset)
{
	uint64_t i = (offset - VPCI_NOTIFY) / VPCI_PAGE, times = 1;

	if (i >= v->dev->n_queues)
		return;
	if (!is_trapped(v) || virtq_is_outside(&v->dev->queues[i])) {
		signal_doorbell(virtio_device_doorbell(v->dev, (unsigned)i));
		return;
	}
	syscalls_take();
	while (virtio_device_ring(v->dev, &v->dev->queues[i], times, false))
		times = 0;
}

static struct kvm_doorbell doorbell_at(struct gpa bar, unsigned i)
{
	return (struct kvm_doorbell) { .addr = bar.v + VPCI_NOTIFY + i * VPCI_PAGE };
}

static void disconnect(struct virtio_pci *v, struct gpa bar, unsigned n)
{
	while (n--) {
		struct kvm_doorbell d = doorbell_at(bar, n);

		kvm_doorbell_remove(v->services.kvm, &d, virtio_device_doorbell(v->dev, n));
	}
}

static int connect(struct virtio_pci *v, struct gpa at)
{
	for (unsigned i = 0; i < v->dev->n_queues; i++) {
		struct kvm_doorbell d = doorbell_at(at, i);
		int r = kvm_doorbell_add(v->services.kvm, &d, virtio_device_doorbell(v->dev, i));

		if (r < 0) {
			disconnect(v, at, i);
			return r;
		}
	}
	return 0;
}

static int bar_mapped(struct pci_device *pci, unsigned bar UNUSED, struct gpa at)
{
	struct virtio_pci *v = vpci_of(pci);

	return is_trapped(v) ? 0 : connect(v, at);
}

static int bar_unmapped(struct pci_device *pci, unsigned bar UNUSED, struct gpa at)
{
	struct virtio_pci *v = vpci_of(pci);

	if (!is_trapped(v))
		disconnect(v, at, v->dev->n_queues);
	return 0;
}

struct trapping {
	struct virtio_pci *v;
	bool trapped;
	int r;
};

/*
 * No doorbell is lost on the way: one that comes to a CPU while there is a thread is work for
 * either, and what an ioeventfd was told the thread has seen, or sees.
 */
static void set_trapped(void *arg)
{
	struct trapping *t = arg;
	const struct pci_bar *bar = &t->v->pci.bars[VPCI_BAR];
	struct gpa at = GPA(bar->region.start);

	if (t->trapped == is_trapped(t->v))
		return;
	if (bar->mapped && t->trapped)
		disconnect(t->v, at, t->v->dev->n_queues);
	else if (bar->mapped)
		t->r = connect(t->v, at);
	if (t->r == 0)
		__atomic_store_n(&t->v->trapped, t->trapped, __ATOMIC_SEQ_CST);
}

int vpci_set_trapped(struct virtio_pci *v, bool trapped)
{
	struct trapping t = { v, trapped, 0 };

	pci_bus_hold(v->pci.bus, set_trapped, &t);
	return t.r;
}

/* ---- the BAR ---- */

static uint64_t read_device_config(struct virtio_pci *v, uint64_t offset, unsigned len)
{
	uint64_t value = 0;

	virtio_device_read_config(v->dev, offset, &value, len);
	return value;
}

static uint64_t bar_read(struct pci_device *pci, unsigned bar, uint64_t offset, unsigned len)
{
	struct virtio_pci *v = vpci_of(pci);
	uint64_t value;

	if (msix_bar_read(v->msix, bar, offset, len, &value))
		return value;
	switch (offset & ~(uint64_t)(VPCI_PAGE - 1)) {
	case VPCI_COMMON:
		return vpci_common_read(v, offset - VPCI_COMMON, len);
	case VPCI_ISR:
		return offset == VPCI_ISR ? vpci_isr_read(v) : 0;
	case VPCI_DEVICE:
		return read_device_config(v, offset - VPCI_DEVICE, len);
	default:
		return 0;
	}
}

static void bar_write(
	struct pci_device *pci, unsigned bar, uint64_t offset, unsigned len, uint64_t value)
{
	struct virtio_pci *v = vpci_of(pci);

	if (msix_bar_write(v->msix, bar, offset, len, value))
		return;
	if (offset < VPCI_ISR)
		vpci_common_write(v, offset - VPCI_COMMON, len, value);
	else if (offset >= VPCI_NOTIFY)
		ring_trapped(v, offset);
	else if (offset >= VPCI_DEVICE && offset < VPCI_MSIX)
		virtio_device_write_config(v->dev, offset - VPCI_DEVICE, &value, len);
}

/* ---- configuration space ---- */

/*
 * 4.1.4.9: a window into the BAR for those who cannot map it (firmware). The capability says where;
 * what cannot be is read as zero and not written.
 */
static bool window(struct virtio_pci *v, unsigned offset, unsigned len, uint32_t *ret_at)
{
	unsigned cap = v->pci_cfg_cap;
	uint32_t at = pci_get32(&v->pci, cap + offsetof(struct virtio_pci_cap, offset));
	uint32_t n = pci_get32(&v->pci, cap + offsetof(struct virtio_pci_cap, length));
	uint8_t bar = pci_get8(&v->pci, cap + offsetof(struct virtio_pci_cap, bar));

	*ret_at = at;
	return offset == cap + offsetof(struct virtio_pci_cfg_cap, pci_cfg_data) && len == n &&
	       bar == VPCI_BAR && (n == 1 || n == 2 || n == 4) && at % n == 0 &&
	       range_fits(at, n, v->pci.bars[VPCI_BAR].size);
}

static uint32_t config_read(struct pci_device *pci, unsigned offset, unsigned len)
{
	struct virtio_pci *v = vpci_of(pci);
	uint32_t at;

	if (window(v, offset, len, &at))
		return (uint32_t)bar_read(pci, VPCI_BAR, at, len);
	return pci_config_default_read(pci, offset, len);
}

static void config_write(struct pci_device *pci, unsigned offset, unsigned len, uint32_t value)
{
	struct virtio_pci *v = vpci_of(pci);
	uint32_t at;
	bool before;

	if (window(v, offset, len, &at)) {
		bar_write(pci, VPCI_BAR, at, len, value);
		return;
	}
	before = msix_is_enabled(v->msix);
	pci_config_default_write(pci, offset, len, value);
	msix_config_written(v->msix, offset, len);
	vpci_intx_update(v);
	if (msix_is_enabled(v->msix) != before)
		virtio_device_rewire(v->dev);
}

static int add_cap(struct virtio_pci *v, uint8_t type, unsigned bytes, uint32_t offset,
	uint32_t length, uint32_t extra)
{
	int r = pci_add_capability(&v->pci, PCI_CAP_ID_VNDR, bytes);
	unsigned cap = (unsigned)r;

	if (r < 0)
		return r;
	pci_set8(&v->pci, cap + offsetof(struct virtio_pci_cap, cap_len), (uint8_t)bytes);
	pci_set8(&v->pci, cap + offsetof(struct virtio_pci_cap, cfg_type), type);
	pci_set8(&v->pci, cap + offsetof(struct virtio_pci_cap, bar), VPCI_BAR);
	pci_set32(&v->pci, cap + offsetof(struct virtio_pci_cap, offset), offset);
	pci_set32(&v->pci, cap + offsetof(struct virtio_pci_cap, length), length);
	if (bytes > sizeof(struct virtio_pci_cap))
		pci_set32(&v->pci, cap + sizeof(struct virtio_pci_cap), extra);
	return r;
}

static int add_window(struct virtio_pci *v)
{
	int cap = add_cap(v, VIRTIO_PCI_CAP_PCI_CFG, sizeof(struct virtio_pci_cfg_cap), 0, 0, 0);

	if (cap < 0)
		return cap;
	v->pci_cfg_cap = (unsigned)cap;
	v->pci.write_mask[v->pci_cfg_cap + offsetof(struct virtio_pci_cap, bar)] = 0xff;
	memset(&v->pci.write_mask[v->pci_cfg_cap + offsetof(struct virtio_pci_cap, offset)], 0xff,
		8);
	return 0;
}

static int add_capabilities(struct virtio_pci *v)
{
	const uint32_t notify_bytes = v->dev->n_queues * VPCI_PAGE;
	const struct {
		uint8_t type;
		unsigned bytes;
		uint32_t offset, length, extra;
	} caps[] = {
		{ VIRTIO_PCI_CAP_COMMON_CFG, sizeof(struct virtio_pci_cap), VPCI_COMMON,
			VPCI_COMMON_BYTES, 0 },
		{ VIRTIO_PCI_CAP_ISR_CFG, sizeof(struct virtio_pci_cap), VPCI_ISR, 1, 0 },
		{ VIRTIO_PCI_CAP_DEVICE_CFG, sizeof(struct virtio_pci_cap), VPCI_DEVICE,
			(uint32_t)v->dev->config_bytes, 0 },
		{ VIRTIO_PCI_CAP_NOTIFY_CFG, sizeof(struct virtio_pci_notify_cap), VPCI_NOTIFY,
			notify_bytes, VPCI_PAGE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(caps); i++) {
		int r;

		if (!caps[i].length) /* no device configuration: 4.1.4.6 leaves the capability out
				      */
			continue;
		r = add_cap(v, caps[i].type, caps[i].bytes, caps[i].offset, caps[i].length,
			caps[i].extra);
		if (r < 0)
			return r;
	}
	return add_window(v);
}

/* ---- life ---- */

static void vpci_stop(struct pci_device *pci)
{
	virtio_device_stop(vpci_of(pci)->dev);
}

static void vpci_free(struct pci_device *pci)
{
	struct virtio_pci *v = vpci_of(pci);

	virtio_device_stop(v->dev);
	if (v->intx_ready)
		intx_done(&v->intx);
	msix_free(v->msix);
	v->dev->ops->free(v->dev);
	pthread_mutex_destroy(&v->intx_lock);
	pci_device_done(pci);
	free(v);
}

static void queue_stats(
	const struct virtq *q, void (*each)(void *arg, const char *name, uint64_t v), void *arg)
{
	struct virtq_stats s = virtq_stats_get(q);
	const struct {
		const char *name;
		uint64_t v;
	} all[] = {
#define QUEUE_COUNTER(field, name, unit, what) { name, s.field },
#include "base/counter.def"
	};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		char name[40];

		snprintf(name, sizeof(name), "queue%u-%s", q->index, all[i].name);
		each(arg, name, all[i].v);
	}
}

static void thread_stats(const struct virtio_device *d,
	void (*each)(void *arg, const char *name, uint64_t v), void *arg)
{
	struct virtio_thread_stats s = virtio_device_thread_stats(d);

	each(arg, "thread-wakeups", s.wakeups);
	each(arg, "thread-waits", s.waits);
	each(arg, "polled", s.polled);
	each(arg, "poll-sleeps", s.slept);
}

static void vpci_stats(
	struct pci_device *pci, void (*each)(void *arg, const char *name, uint64_t v), void *arg)
{
	struct virtio_pci *v = vpci_of(pci);

	for (unsigned i = 0; i < v->dev->n_queues; i++) {
		virtio_device_count_doorbells(v->dev, &v->dev->queues[i]);
		queue_stats(&v->dev->queues[i], each, arg);
	}
	each(arg, "queue-breaks", __atomic_load_n(&v->dev->breaks, __ATOMIC_RELAXED));
	thread_stats(v->dev, each, arg);
	msix_stats(v->msix, each, arg);
	if (v->dev->ops->stats)
		v->dev->ops->stats(v->dev, each, arg);
	virtio_device_counted(v->dev);
}

static const char *model_of(uint16_t id)
{
	switch (id) {
	case VIRTIO_ID_NET:
		return "virtio-net";
	case VIRTIO_ID_BLOCK:
		return "virtio-blk";
	case VIRTIO_ID_CONSOLE:
		return "virtio-console";
	case VIRTIO_ID_RNG:
		return "virtio-rng";
	case VIRTIO_ID_BALLOON:
		return "virtio-balloon";
	case VIRTIO_ID_VSOCK:
		return "virtio-vsock";
	default:
		return "virtio";
	}
}

static const char *threads_name(const struct virtio_device *d)
{
	static const char *const names[] = {
		[VIRTIO_THREADS_IO] = "io",
		[VIRTIO_THREADS_QUEUE] = "queue",
		[VIRTIO_THREADS_MAIN] = "main",
		[VIRTIO_THREADS_CPU] = "cpu",
		[VIRTIO_THREADS_DEDICATED] = "dedicated",
	};

	return names[virtio_device_served(d)->threads];
}

/* Of queues that differ, the one that is polled most. */
static const char *poll_name(const struct virtio_device *d)
{
	static const char *const names[] = {
		[VIRTIO_POLL_NOTIFY] = "notify",
		[VIRTIO_POLL_ADAPTIVE] = "adaptive",
		[VIRTIO_POLL_DEDICATED] = "dedicated",
	};
	enum virtio_poll most = VIRTIO_POLL_NOTIFY;

	for (unsigned i = 0; i < d->n_queues; i++)
		most = MAX(most, virtio_device_polls(d, i));
	return names[most];
}

static void vpci_traits(struct pci_device *pci,
	void (*each)(void *arg, const char *key, const char *word), void *arg)
{
	struct virtio_pci *v = vpci_of(pci);

	each(arg, "model", model_of(v->dev->id));
	each(arg, "doorbells", is_trapped(v) ? "trapped" : "ioeventfd");
	each(arg, "threads", vpci_threads(v));
	each(arg, "poll", vpci_poll(v));
	each(arg, "interrupts", msix_is_enabled(v->msix) ? "msix" : "intx");
	each(arg, "ring",
		v->dev->features & VIRTIO_FEATURE(VIRTIO_F_RING_PACKED) ? "packed" : "split");
	each(arg, "threads", threads_name(v->dev));
	each(arg, "poll", poll_name(v->dev));
	if (v->dev->ops->traits)
		v->dev->ops->traits(v->dev, each, arg);
}

static void vpci_claim(struct pci_device *pci, struct pci_claims *c)
{
	msix_claim(vpci_of(pci)->msix, c);
}

static const struct pci_device_ops vpci_ops = {
	.config_read = config_read,
	.config_write = config_write,
	.bar_mapped = bar_mapped,
	.bar_unmapped = bar_unmapped,
	.bar_read = bar_read,
	.bar_write = bar_write,
	.stop = vpci_stop,
	.free = vpci_free,
	.claim = vpci_claim,
	.set = vpci_set,
	.stats = vpci_stats,
	.traits = vpci_traits,
};

static uint32_t class_of(uint16_t id)
{
	switch (id) {
	case VIRTIO_ID_NET:
		return 0x020000; /* Ethernet controller */
	case VIRTIO_ID_BLOCK:
		return 0x010000; /* SCSI storage controller, as all virtio disks call themselves */
	case VIRTIO_ID_CONSOLE:
		return 0x078000; /* other communication controller */
	default:
		return 0xff0000; /* unassigned */
	}
}

static uint64_t bar_bytes(unsigned n_queues)
{
	uint64_t bytes = VPCI_PAGE;

	while (bytes < VPCI_NOTIFY + (uint64_t)n_queues * VPCI_PAGE)
		bytes *= 2;
	return bytes;
}

static int set_up(struct virtio_pci *v)
{
	struct msix_params msix = {
		.irq = v->services.irq,
		.vectors = v->dev->n_queues + 1, /* and one for configuration changes */
		.table_bar = VPCI_BAR,
		.pba_bar = VPCI_BAR,
		.table_offset = VPCI_MSIX,
		.pba_offset = VPCI_PBA,
	};
	const struct virtio_serve how = { .threads = v->trapped ? VIRTIO_THREADS_CPU
								: VIRTIO_THREADS_IO,
		.main = v->services.loop };
	int r;

	if (msix_table_bytes(msix.vectors) > VPCI_PBA - VPCI_MSIX)
		return -E2BIG;
	v->pci.config[PCI_INTERRUPT_PIN] = 1;
	r = pci_set_bar(&v->pci, VPCI_BAR, PCI_BAR_MEM32, false, bar_bytes(v->dev->n_queues));
	if (r == 0)
		r = msix_new(&v->pci, &msix, 0, &v->msix);
	if (r == 0)
		msix_lend(v->msix, v->dev->bells, v->dev->n_bells);
	if (r == 0)
		r = add_capabilities(v);
	return r < 0 ? r : virtio_device_serve(v->dev, &how);
}

static struct virtio_pci *allocate(const struct vmm_services *s, struct virtio_device *d)
{
	const struct pci_ids ids = {
		.vendor = VIRTIO_VENDOR,
		.device = (uint16_t)(VIRTIO_DEVICE_BASE + d->id),
		.subsystem_vendor = VIRTIO_VENDOR,
		.subsystem = (uint16_t)(VIRTIO_DEVICE_BASE + d->id),
		.revision = 1,
		.class = class_of(d->id),
	};
	struct virtio_pci *v = calloc(1, sizeof(*v));

	if (!v)
		return NULL;
	v->dev = d;
	v->services = *s;
	v->config_vector = VIRTIO_MSI_NO_VECTOR;
	pthread_mutex_init(&v->intx_lock, NULL);
	pci_device_init(&v->pci, &vpci_ops, d->name, &ids);
	return v;
}

int virtio_pci_add(const struct vmm_services *s, struct virtio_device *d,
	const struct virtio_pci_options *options, struct problem **reterr)
{
	struct virtio_pci *v = allocate(s, d);
	int r = v ? 0 : -ENOMEM;

	if (r == 0) {
		v->trapped = options->no_ioeventfd;
		v->may_trap = options->may_trap || options->no_ioeventfd;
		r = set_up(v);
	}
	if (r < 0) {
		problem(reterr, r, problem_kind_from_errno(r), NULL, "cannot set up %s: %s",
			d->name, strerror(-r));
		if (v)
			vpci_free(&v->pci);
		else
			d->ops->free(d);
		return r;
	}
	r = pci_bus_add(s->pci, &v->pci, options->slot, reterr);
	if (r < 0)
		return r;
	intx_init(&v->intx, s->irq, pci_intx_gsi(v->pci.slot));
	v->intx_ready = true;
	d->transport = v;
	d->transport_ops = &vpci_transport_ops;
	return 0;
}
