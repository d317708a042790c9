// SPDX-License-Identifier: GPL-2.0-or-later
/* A thread that sleeps in its queue's back end: a disk on a ring, and one whose kernel cannot. */
#include "cm.h"
#include "harness.h"
#include "host/host.h"
#include "vmm/block/engine.h"
#include "vmm/loop/loop.h"
#include "vmm/virtio/blk.h"

#include <fcntl.h>
#include <linux/virtio_blk.h>
#include <sys/eventfd.h>
#include <time.h>

enum {
	SIZE = 64,
	BLOCK = 4096,
	BLOCKS = 64,
	MANY = 16, /* at once */
	HEADER = DRV_BUFFERS,
	STATUS = DRV_BUFFERS + 64,
	DATA = DRV_BUFFERS + BLOCK,
};

#define EVT VIRTIO_FEATURE(VIRTIO_RING_F_EVENT_IDX)

struct fixture {
	struct host *host;
	struct drv_ram ram;
	struct drv drv;
	struct drv_transport t;
	int file;
	struct disk_engine *engine;
	struct virtio_device *dev;
	struct loop *main;
	pthread_t main_thread, driver;
	bool silent;	/* the driver does not ring */
	bool trapped;	/* the doorbell: the CPU that rings does the work */
	unsigned reads; /* atomic */
	bool stop;	/* atomic: the driver */
};

static void *run_main(void *arg)
{
	loop_run(((struct fixture *)arg)->main);
	return NULL;
}

static int patterned_file(void)
{
	int fd = open(".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	uint32_t words[BLOCK / 4];

	assert_true(fd >= 0);
	for (unsigned i = 0; i < BLOCKS; i++) {
		for (unsigned k = 0; k < ARRAY_SIZE(words); k++)
			words[k] = i << 16 | k;
		assert_int_equal(pwrite(fd, words, BLOCK, (off_t)i * BLOCK), BLOCK);
	}
	return fd;
}

static void up(struct fixture *f)
{
	assert_true(harness_negotiate(f->dev, EVT));
	harness_queue(f->dev, f->ram.memory, 0, &f->drv, SIZE);
	harness_ready(f->dev);
}

static struct fixture *open_disk(void)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct disk_engine_params p = {
		.kind = DISK_ENGINE_URING, .channels = 1, .depth = VIRTIO_BLK_DEPTH
	};
	struct disk *disk;

	assert_int_equal(host_new_fds_only(&f->host), 0);
	drv_ram_open(&f->ram);
	assert_int_equal(loop_new(&f->main), 0);
	assert_int_equal(pthread_create(&f->main_thread, NULL, run_main, f), 0);
	f->file = p.fd = patterned_file();
	assert_int_equal(disk_engine_new(&p, &f->engine, NULL), 0);
	assert_non_null(disk_engine_doorbells(f->engine));
	assert_int_equal(disk_raw_new(f->host, f->file, false, &disk, NULL), 0);
	assert_int_equal(
		virtio_blk_device_new(f->ram.memory, "virtio-blk0", disk, f->engine, "S", &f->dev),
		0);
	harness_attach(f->dev, &f->t);
	harness_serve(f->dev);
	up(f);
	return f;
}

static void close_disk(struct fixture *f)
{
	harness_free(f->dev);
	loop_quit(f->main, 0);
	pthread_join(f->main_thread, NULL);
	loop_free(f->main);
	disk_engine_free(f->engine);
	close(f->file);
	drv_ram_close(&f->ram);
	host_free(f->host);
	free(f);
}

static void serve(struct fixture *f, enum virtio_threads threads)
{
	const struct virtio_serve how = { .threads = threads, .main = f->main };

	assert_int_equal(virtio_device_serve(f->dev, &how), 0);
}

/* What a driver does: the write to the eventfd is KVM's part. */
static void offer(struct fixture *f, unsigned block)
{
	const struct drv_piece p[] = { { HEADER, 16, false }, { DATA, BLOCK, true },
		{ STATUS, 1, true } };
	const struct virtio_blk_outhdr h = { .type = VIRTIO_BLK_T_IN,
		.sector = block * (BLOCK / 512) };

	memcpy(drv_ptr(f->ram.memory, HEADER), &h, sizeof(h));
	memset(drv_ptr(f->ram.memory, DATA), 0xee, BLOCK);
	*(uint8_t *)drv_ptr(f->ram.memory, STATUS) = 0xee;
	drv_chain(&f->drv, p, ARRAY_SIZE(p));
}

static void submit(struct fixture *f, unsigned block)
{
	uint64_t one = 1;

	offer(f, block);
	if (!drv_publish(&f->drv) || f->silent)
		return;
	if (f->trapped)
		virtio_device_ring(f->dev, &f->dev->queues[0], 1, true);
	else
		assert_int_equal(
			write(virtio_device_doorbell(f->dev, 0), &one, sizeof(one)), sizeof(one));
}

static void await(struct fixture *f, unsigned block)
{
	const uint32_t *words = drv_ptr(f->ram.memory, DATA);
	struct vring_used_elem e;
	struct timespec start, now;

	clock_gettime(CLOCK_MONOTONIC, &start);
	while (!drv_used(&f->drv, &e)) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec - start.tv_sec > 20)
			fail_msg("a read is lost");
		sched_yield();
	}
	assert_int_equal(*(uint8_t *)drv_ptr(f->ram.memory, STATUS), VIRTIO_BLK_S_OK);
	for (unsigned k = 0; k < BLOCK / 4; k++)
		assert_int_equal(words[k], block << 16 | k);
}

static void reads(struct fixture *f, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		submit(f, i % BLOCKS);
		await(f, i % BLOCKS);
		__atomic_fetch_add(&f->reads, 1, __ATOMIC_SEQ_CST);
	}
}

/* What was in the queue before the device started is begun although its thread is asleep. */
static void what_came_before_the_start_begins(void **state UNUSED)
{
	struct fixture *f = open_disk();

	for (unsigned i = 0; i < 20; i++) {
		virtio_device_set_status(f->dev, 0);
		assert_true(harness_negotiate(f->dev, EVT));
		harness_queue(f->dev, f->ram.memory, 0, &f->drv, SIZE);
		f->silent = true;
		submit(f, i);
		f->silent = false;
		harness_ready(f->dev);
		await(f, i);
	}
	close_disk(f);
}

static uint64_t waits_in(struct fixture *f, unsigned ms)
{
	uint64_t before = virtio_device_thread_stats(f->dev).waits + loop_waits(f->main);

	usleep(ms * 1000);
	return virtio_device_thread_stats(f->dev).waits + loop_waits(f->main) - before;
}

/* Until the thread sleeps, which takes its time on a busy machine; who never does fails. */
static void settle(struct fixture *f)
{
	for (unsigned i = 0; i < 100; i++)
		if (waits_in(f, 20) == 0)
			return;
	fail_msg("it does not sleep");
}

/* One sleeps until the doorbell rings, one begins the read and sleeps until it is done. */
static void a_read_costs_two_calls(void **state UNUSED)
{
	struct fixture *f = open_disk();
	struct virtio_thread_stats before, after;
	struct virtq_stats a, b;

	reads(f, 10);
	settle(f);
	a = virtq_stats_get(&f->dev->queues[0]);
	before = virtio_device_thread_stats(f->dev);
	reads(f, 1000);
	settle(f);
	b = virtq_stats_get(&f->dev->queues[0]);
	after = virtio_device_thread_stats(f->dev);
	assert_int_equal(b.requests - a.requests, 1000);
	assert_in_range(b.host_syscalls - a.host_syscalls, 1000, 2010);
	assert_in_range(after.waits - before.waits, 1000, 2100);
	close_disk(f);
}

/* Of the same block, so that they may share their memory. */
static void reads_at_once(struct fixture *f, unsigned n, unsigned block)
{
	for (unsigned i = 1; i < n; i++)
		offer(f, block);
	submit(f, block);
	for (unsigned i = 0; i < n; i++)
		await(f, block);
}

/* Whoever had many has few: they cost what they always cost, and nobody is woken by the clock. */
static void one_by_one_after_many(void **state UNUSED)
{
	struct fixture *f = open_disk();
	struct virtq_stats a, b;

	for (unsigned i = 0; i < 200; i++)
		reads_at_once(f, MANY, i % BLOCKS);
	settle(f);
	assert_int_equal(waits_in(f, 100), 0);
	reads(f, 100);
	settle(f);
	a = virtq_stats_get(&f->dev->queues[0]);
	reads(f, 1000);
	settle(f);
	b = virtq_stats_get(&f->dev->queues[0]);
	assert_in_range(b.host_syscalls - a.host_syscalls, 1000, 2010);
	close_disk(f);
}

/* What is left in the ring by who slept there wakes nobody, again and again. */
static void whoever_is_idle_sleeps(void **state UNUSED)
{
	static const enum virtio_threads models[] = { VIRTIO_THREADS_IO, VIRTIO_THREADS_MAIN,
		VIRTIO_THREADS_QUEUE, VIRTIO_THREADS_CPU, VIRTIO_THREADS_IO };
	struct fixture *f = open_disk();

	for (size_t i = 0; i < ARRAY_SIZE(models); i++) {
		reads(f, 20);
		serve(f, models[i]);
		f->trapped = models[i] == VIRTIO_THREADS_CPU;
		settle(f);
		assert_int_equal(waits_in(f, 100), 0);
		reads(f, 20);
		settle(f);
		assert_int_equal(waits_in(f, 100), 0);
	}
	virtio_device_set_status(f->dev, 0);
	settle(f);
	assert_int_equal(waits_in(f, 100), 0);
	up(f);
	reads(f, 20);
	close_disk(f);
}

static void *read_all_the_time(void *arg)
{
	struct fixture *f = arg;

	while (!__atomic_load_n(&f->stop, __ATOMIC_SEQ_CST)) {
		reads(f, 1);
		reads_at_once(f, MANY, 1);
	}
	return NULL;
}

/* Whoever counts takes the doorbell's edge away from who is about to sleep. */
static void count(struct fixture *f)
{
	virtio_device_count_doorbells(f->dev, &f->dev->queues[0]);
	virtio_device_counted(f->dev);
}

static void changes_while_reads_come(void **state UNUSED)
{
	struct fixture *f = open_disk();

	assert_int_equal(pthread_create(&f->driver, NULL, read_all_the_time, f), 0);
	for (unsigned i = 0; i < 300; i++) {
		serve(f, (enum virtio_threads)(i * 7 % (VIRTIO_THREADS_DEDICATED + 1)));
		virtio_device_set_poll(f->dev, 0, (enum virtio_poll)(i % 3));
		count(f);
		usleep(i % 5 * 100);
		count(f);
	}
	__atomic_store_n(&f->stop, true, __ATOMIC_SEQ_CST);
	pthread_join(f->driver, NULL);
	assert_true(f->reads > 0);
	close_disk(f);
}

/* The driver goes, and the device with it, while the thread is in the ring with a read. */
static void ends_with_a_read_in_flight(void **state UNUSED)
{
	for (unsigned i = 0; i < 30; i++) {
		struct fixture *f = open_disk();

		reads(f, i % 3);
		submit(f, 1);
		if (i % 2) {
			virtio_device_set_status(f->dev, 0);
			up(f);
			reads(f, 3);
			submit(f, 1);
		}
		usleep(i * 10);
		close_disk(f);
	}
}

/* ---- a driver that means harm ---- */

static void ring(struct fixture *f)
{
	uint64_t one = 1;

	assert_int_equal(write(virtio_device_doorbell(f->dev, 0), &one, sizeof(one)), sizeof(one));
}

static void far_index(struct drv *d)
{
	d->avail_idx = (uint16_t)(d->avail_idx + SIZE + 1);
}

static void head_that_is_none(struct drv *d)
{
	drv_offer(d, SIZE);
}

static void loop_of_one(struct drv *d)
{
	const struct drv_piece p = { HEADER, 16, false };
	uint16_t head = drv_chain(d, &p, 1);

	d->desc[head].flags |= VRING_DESC_F_NEXT;
	d->desc[head].next = head;
}

static void address_that_is_none(struct drv *d)
{
	const struct drv_piece p = { DRV_RAM_BYTES, 16, false };

	drv_chain(d, &p, 1);
}

static void length_that_wraps(struct drv *d)
{
	const struct drv_piece p = { HEADER, UINT32_MAX, false };

	drv_chain(d, &p, 1);
}

static void request_without_status(struct drv *d)
{
	const struct drv_piece p = { HEADER, 16, false };

	drv_chain(d, &p, 1);
}

static void await_break(struct fixture *f)
{
	for (unsigned i = 0; virtio_device_runs(f->dev); i++) {
		if (i > 20000)
			fail_msg("nobody has looked");
		usleep(1000);
	}
}

/*
 * The ring breaks while the thread sleeps in it, before or after a read: however often the doorbell
 * is rung then it sleeps again, and a reset mends it.
 */
static void a_broken_ring_keeps_nobody_awake(void **state UNUSED)
{
	static void (*const harms[])(struct drv * d) = { far_index, head_that_is_none, loop_of_one,
		address_that_is_none, length_that_wraps, request_without_status };
	struct fixture *f = open_disk();

	for (unsigned i = 0; i < 2 * ARRAY_SIZE(harms); i++) {
		reads(f, 3);
		usleep(5000);
		if (i % 2)
			submit(f, 1);
		harms[i / 2](&f->drv);
		drv_publish(&f->drv);
		ring(f);
		await_break(f);
		for (unsigned k = 0; k < 20; k++)
			ring(f);
		settle(f);
		assert_int_equal(waits_in(f, 50), 0);
		virtio_device_set_status(f->dev, 0);
		up(f);
	}
	reads(f, 20);
	close_disk(f);
}

/* ---- a back end that cannot, after all ---- */

struct echo {
	struct virtio_device dev;
	struct iovec iov[VIRTQ_SIZE_MAX];
	int doorbell;
	unsigned dozed; /* atomic */
	int attended;	/* the queue's lock */
};

static struct echo *echo_of(struct virtio_device *d)
{
	return container_of(d, struct echo, dev);
}

static bool echo_kicked(struct virtio_device *d, struct virtq *q)
{
	struct virtq_chain c;
	bool last = false;

	while (!last) {
		int r = virtq_pop(q, echo_of(d)->iov, VIRTQ_SIZE_MAX, &c);

		last = r < 0 || virtq_arm(q);
		if (r > 0)
			virtq_push(q, &c, 0);
	}
	return false;
}

static void echo_attend(struct virtio_device *d, struct virtq *q UNUSED, bool on)
{
	echo_of(d)->attended += on ? 1 : -1;
}

/* Two naps, and never again. */
static int echo_doze(struct virtio_device *d, struct virtq *q UNUSED)
{
	return __atomic_fetch_add(&echo_of(d)->dozed, 1, __ATOMIC_SEQ_CST) < 2 ? 1 : -EOPNOTSUPP;
}

static void who_cannot_sleep_there_sleeps_in_the_loop(void **state UNUSED)
{
	static const struct virtio_device_ops ops = {
		.kicked = echo_kicked, .attend = echo_attend, .doze = echo_doze
	};
	struct echo e = { .doorbell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC) };
	const struct virtio_device_params p = { .ops = &ops,
		.name = "echo0",
		.id = 42,
		.n_queues = 1,
		.queue_size = SIZE,
		.doorbells = &e.doorbell };
	const struct drv_piece piece = { DRV_BUFFERS, 16, false };
	struct fixture f = { .dev = &e.dev };
	struct vring_used_elem used;
	uint64_t one = 1;

	drv_ram_open(&f.ram);
	assert_int_equal(virtio_device_init(&e.dev, f.ram.memory, &p), 0);
	harness_attach(&e.dev, &f.t);
	harness_serve(&e.dev);
	up(&f);
	for (unsigned i = 0; i < 100; i++) {
		drv_chain(&f.drv, &piece, 1);
		if (drv_publish(&f.drv))
			assert_int_equal(write(e.doorbell, &one, sizeof(one)), sizeof(one));
		while (!drv_used(&f.drv, &used))
			sched_yield();
	}
	virtio_device_stop(&e.dev);
	assert_int_equal(e.dozed, 3);
	assert_int_equal(e.attended, 0);
	virtio_device_done(&e.dev);
	assert_true(fcntl(e.doorbell, F_GETFD) >= 0); /* it is the device's own */
	close(e.doorbell);
	drv_ram_close(&f.ram);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_came_before_the_start_begins),
		cmocka_unit_test(a_read_costs_two_calls),
		cmocka_unit_test(one_by_one_after_many),
		cmocka_unit_test(whoever_is_idle_sleeps),
		cmocka_unit_test(changes_while_reads_come),
		cmocka_unit_test(ends_with_a_read_in_flight),
		cmocka_unit_test(a_broken_ring_keeps_nobody_awake),
		cmocka_unit_test(who_cannot_sleep_there_sleeps_in_the_loop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
