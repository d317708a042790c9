// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Queues of one disk do not meet on the way of a request: what the threads of one write is on other
 * cache lines than what those of the other write, and they take other locks. Requests go through
 * one queue and then through the other; what has changed meanwhile in the heap and in the program's
 * data is compared.
 */
#include "cm.h"
#include "driver.h"
#include "fake-kvm.h"
#include "harness.h"
#include "vmm/block/engine.h"
#include "vmm/virtio/blk.h"
#include "vmm/virtio/virtio.h"

#include <linux/virtio_blk.h>
#include <stdio.h>
#include <sys/mman.h>

enum { SIZE = 16, SLOT = 1, QUEUES = 4, REQUESTS = 300, LINE = 64, AREAS = 16, LOCKS = 64 };

/* Memory of the tests' own, which is not looked at. */
struct notes {
	struct {
		char *at, *before;
		uint8_t *changed[2]; /* of each line, by phase */
		size_t bytes;
	} areas[AREAS];
	unsigned n_areas;
	bool recording; /* atomic */
	unsigned phase;
	const void *locks[2][LOCKS]; /* atomic */
	unsigned overflows;	     /* atomic */
	struct drv drv[QUEUES];
	int bells[QUEUES];
};

static struct notes *notes;

/* ---- locks ---- */

int __real_pthread_mutex_lock(pthread_mutex_t *lock);
int __wrap_pthread_mutex_lock(pthread_mutex_t *lock);

static void record(const void *lock)
{
	const void **locks = notes->locks[notes->phase];

	for (unsigned i = 0; i < LOCKS; i++) {
		const void *none = NULL;

		if (__atomic_compare_exchange_n(
			    &locks[i], &none, lock, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST) ||
			none == lock)
			return;
	}
	__atomic_fetch_add(&notes->overflows, 1, __ATOMIC_SEQ_CST);
}

int __wrap_pthread_mutex_lock(pthread_mutex_t *lock)
{
	if (notes && __atomic_load_n(&notes->recording, __ATOMIC_SEQ_CST))
		record(lock);
	return __real_pthread_mutex_lock(lock);
}

/* ---- memory ---- */

static void *map(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(p != MAP_FAILED);
	return p;
}

/* The heap, and what the program has of its own. */
static void find_areas(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512], mode[5], name[256];
	unsigned long from, to;
	char self[256] = "";

	assert_non_null(maps);
	assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	while (fgets(line, sizeof(line), maps)) {
		name[0] = 0;
		if (sscanf(line, "%lx-%lx %4s %*s %*s %*s %255s", &from, &to, mode, name) < 3 ||
			mode[1] != 'w' || (strcmp(name, "[heap]") != 0 && strcmp(name, self) != 0))
			continue;
		assert_true(notes->n_areas < AREAS);
		notes->areas[notes->n_areas].at = (char *)from; /* NOLINT: a line of maps */
		notes->areas[notes->n_areas].bytes = to - from;
		notes->areas[notes->n_areas].before = map(to - from);
		for (unsigned p = 0; p < 2; p++)
			notes->areas[notes->n_areas].changed[p] = map((to - from) / LINE);
		notes->n_areas++;
	}
	fclose(maps);
	assert_true(notes->n_areas >= 2);
}

static void picture(void)
{
	for (unsigned a = 0; a < notes->n_areas; a++)
		memcpy(notes->areas[a].before, notes->areas[a].at, notes->areas[a].bytes);
}

/* Lines that differ from the picture; how many that were not known to. */
static unsigned compare(unsigned phase)
{
	unsigned n = 0;

	for (unsigned a = 0; a < notes->n_areas; a++)
		for (size_t i = 0; i < notes->areas[a].bytes / LINE; i++) {
			uint8_t *changed = &notes->areas[a].changed[phase][i];

			if (*changed || memcmp(notes->areas[a].before + i * LINE,
						notes->areas[a].at + i * LINE, LINE) == 0)
				continue;
			*changed = 1;
			n++;
		}
	return n;
}

/* ---- a disk ---- */

struct fixture {
	struct fake_kvm *k;
	struct disk_engine *engine;
	struct virtio_device *d;
	struct pci_device *pci;
	int disk;
};

static struct virtio_device *opened;

void __real_virtio_device_set_rings(struct virtio_device *d, const struct virtio_rings *r);
void __wrap_virtio_device_set_rings(struct virtio_device *d, const struct virtio_rings *r);

/* What the transport gives away to nobody. */
void __wrap_virtio_device_set_rings(struct virtio_device *d, const struct virtio_rings *r)
{
	opened = d;
	__real_virtio_device_set_rings(d, r);
}

static void set_cfg(const struct fixture *f, unsigned reg, unsigned len, uint64_t v)
{
	fk_write(f->k, fk_config(SLOT, reg), len, v);
}

static uint64_t cfg(const struct fixture *f, unsigned reg, unsigned len)
{
	return fk_read(f->k, fk_config(SLOT, reg), len);
}

static void enable_msix(const struct fixture *f)
{
	unsigned cap = (unsigned)cfg(f, PCI_CAPABILITY_LIST, 1);
	uint64_t table;

	while (cap && cfg(f, cap, 1) != PCI_CAP_ID_MSIX)
		cap = (unsigned)cfg(f, cap + 1, 1);
	assert_true(cap);
	set_cfg(f, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	table = (cfg(f, PCI_BASE_ADDRESS_0, 4) & ~15ULL) +
		(cfg(f, cap + PCI_MSIX_TABLE, 4) & ~7ULL);
	for (unsigned i = 0; i <= QUEUES; i++) {
		fk_write(f->k, table + 16ULL * i, 4, 0xfee00000);
		fk_write(f->k, table + 16ULL * i + 4, 4, 0);
		fk_write(f->k, table + 16ULL * i + 8, 4, 0x40 + i);
		fk_write(f->k, table + 16ULL * i + 12, 4, 0);
	}
	set_cfg(f, cap + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE);
}

static void open_disk(struct fixture *f, enum disk_engine_kind kind, const struct virtio_serve *how)
{
	struct virtio_blk_params p = { .common = { .name = "virtio-blk0", .slot = PCI_SLOT_ANY } };
	struct disk_engine_params ep = {
		.kind = kind, .channels = QUEUES, .depth = VIRTIO_BLK_DEPTH
	};

	*f = (struct fixture) { .k = fk_open(DRV_RAM_BYTES) };
	p.fd = ep.fd = f->disk = memfd_create("disk", MFD_CLOEXEC);
	assert_int_equal(ftruncate(f->disk, 1 << 20), 0);
	assert_int_equal(disk_engine_new(&ep, &f->engine, NULL), 0);
	p.engine = f->engine;
	assert_int_equal(virtio_blk_new(&f->k->s, &p, NULL), 0);
	f->d = opened;
	assert_int_equal(f->d->n_queues, QUEUES);
	assert_int_equal(virtio_device_serve(f->d, how), 0);
	enable_msix(f);
	assert_true(harness_negotiate(f->d,
		VIRTIO_FEATURE(VIRTIO_RING_F_EVENT_IDX) | VIRTIO_FEATURE(VIRTIO_BLK_F_FLUSH)));
	for (unsigned i = 0; i < QUEUES; i++) {
		harness_queue(f->d, f->k->s.memory, i, &notes->drv[i], SIZE);
		notes->bells[i] = virtio_device_doorbell(f->d, i);
	}
	harness_ready(f->d);
}

static void close_disk(struct fixture *f)
{
	fk_close_all(f->k);
	disk_engine_free(f->engine);
	close(f->disk);
}

/* Reads of sectors in turn, one after the other, each with a doorbell and an interrupt. */
static bool requests(struct fixture *f, unsigned queue)
{
	struct drv *drv = &notes->drv[queue];
	uint64_t at = DRV_BUFFERS + queue * 0x4000, one = 1;
	struct drv_piece p[] = { { at, 16, false }, { at + 0x1000, 513, true } };
	bool good = true;

	for (unsigned i = 0; i < REQUESTS && good; i++) {
		struct virtio_blk_outhdr h = { .type = VIRTIO_BLK_T_IN, .sector = i };
		struct vring_used_elem e;
		unsigned t = 0;

		memcpy(drv_ptr(f->k->s.memory, at), &h, sizeof(h));
		__atomic_store_n(drv_used_event(drv), drv->used_seen, __ATOMIC_SEQ_CST);
		drv_chain(drv, p, 2);
		if (drv_publish(drv))
			good = write(notes->bells[queue], &one, sizeof(one)) == sizeof(one);
		while (!drv_used(drv, &e) && t++ < 50000)
			usleep(20);
		good = good && e.len == 513;
	}
	return good;
}

/* Threads that polled go to sleep, which is work of theirs. */
static void settle(const struct fixture *f)
{
	struct virtio_thread_stats before = { 0 }, now;

	for (unsigned quiet = 0; quiet < 5; quiet++) {
		usleep(10000);
		now = virtio_device_thread_stats(f->d);
		if (now.waits != before.waits || now.slept != before.slept)
			quiet = 0;
		before = now;
	}
}

/* Requests until all is quiet again, and who wrote what. */
static void run_phase(struct fixture *f, unsigned phase, unsigned queue)
{
	bool good;

	settle(f);
	notes->phase = phase;
	picture();
	__atomic_store_n(&notes->recording, true, __ATOMIC_SEQ_CST);
	good = requests(f, queue);
	while (compare(phase))
		usleep(5000);
	settle(f);
	compare(phase);
	__atomic_store_n(&notes->recording, false, __ATOMIC_SEQ_CST);
	assert_true(good);
}

/* A lock looks the same afterwards. */
static void add_lock(unsigned phase, const char *lock)
{
	for (unsigned a = 0; a < notes->n_areas; a++)
		for (const char *at = lock; at < lock + sizeof(pthread_mutex_t); at++)
			if (at >= notes->areas[a].at &&
				at < notes->areas[a].at + notes->areas[a].bytes)
				notes->areas[a].changed[phase][(at - notes->areas[a].at) / LINE] =
					1;
}

static void add_locks(void)
{
	for (unsigned phase = 0; phase < 2; phase++)
		for (unsigned i = 0; i < LOCKS && notes->locks[phase][i]; i++)
			add_lock(phase, notes->locks[phase][i]);
}

static void assert_no_common_line(void)
{
	unsigned n = 0, mine = 0;

	for (unsigned a = 0; a < notes->n_areas; a++)
		for (size_t i = 0; i < notes->areas[a].bytes / LINE; i++) {
			mine += notes->areas[a].changed[0][i];
			if (!notes->areas[a].changed[0][i] || !notes->areas[a].changed[1][i])
				continue;
			fprintf(stderr, "both write to the line at %p\n",
				(void *)(notes->areas[a].at + i * LINE));
			n++;
		}
	assert_int_equal(n, 0);
	assert_true(mine >= 3); /* it has looked at the right memory */
}

static void assert_no_common_lock(void)
{
	assert_int_equal(notes->overflows, 0);
	assert_non_null(notes->locks[0][0]);
	assert_non_null(notes->locks[1][0]);
	for (unsigned i = 0; i < LOCKS && notes->locks[0][i]; i++)
		for (unsigned k = 0; k < LOCKS && notes->locks[1][k]; k++)
			assert_ptr_not_equal(notes->locks[0][i], notes->locks[1][k]);
}

/* Each doorbell, each interrupt and each channel is one queue's. */
static void assert_own_descriptors(const struct fixture *f)
{
	int fds[3 * QUEUES];
	unsigned n = 0;

	for (unsigned i = 0; i < QUEUES; i++) {
		int channel = disk_channel_fd(disk_engine_channel(f->engine, i));

		fds[n++] = notes->bells[i];
		fds[n++] = fk_irqfd_of(f->k, 0x41 + i);
		if (channel >= 0)
			fds[n++] = channel;
	}
	for (unsigned i = 0; i < n; i++)
		for (unsigned k = 0; k < i; k++)
			assert_int_not_equal(fds[i], fds[k]);
}

static void apart(enum disk_engine_kind kind, enum virtio_poll poll)
{
	struct virtio_serve how = { .threads = VIRTIO_THREADS_QUEUE };

	for (unsigned first = 0; first + 1 < QUEUES; first++) {
		struct fixture f;

		notes = map(sizeof(*notes));
		open_disk(&f, kind, &how);
		assert_int_equal(virtio_device_set_poll(f.d, -1, poll), 0);
		for (unsigned i = 0; i < QUEUES; i++)
			assert_true(requests(&f, i));
		find_areas();
		run_phase(&f, 0, first);
		run_phase(&f, 1, first + 1);
		assert_no_common_lock();
		add_locks();
		assert_no_common_line();
		assert_own_descriptors(&f);
		close_disk(&f);
	}
}

static void with_rings(void **state UNUSED)
{
	apart(DISK_ENGINE_URING, VIRTIO_POLL_NOTIFY);
}

static void with_rings_and_polling(void **state UNUSED)
{
	apart(DISK_ENGINE_URING, VIRTIO_POLL_ADAPTIVE);
}

static void by_the_threads_themselves(void **state UNUSED)
{
	apart(DISK_ENGINE_SYNC, VIRTIO_POLL_NOTIFY);
}

static void by_a_pool(void **state UNUSED)
{
	apart(DISK_ENGINE_THREADS, VIRTIO_POLL_NOTIFY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(with_rings),
		cmocka_unit_test(with_rings_and_polling),
		cmocka_unit_test(by_the_threads_themselves),
		cmocka_unit_test(by_a_pool),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
