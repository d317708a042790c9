// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who serves a queue, with a device that gives back what it is sent, and whose second queue has a
 * back end that finishes later, in a thread of its own.
 */
#include "cm.h"
#include "harness.h"
#include "vmm/loop/loop.h"
#include "vmm/virtio/spin.h"

#include <sys/eventfd.h>
#include <time.h>

enum { SIZE = 64, ECHO = 0, LATER = 1 };

struct device {
	struct virtio_device dev;
	struct iovec iov[2][VIRTQ_SIZE_MAX];
	int fd;		     /* the back end's: something is done */
	uint16_t work[SIZE]; /* heads that the back end has, oldest first; the queue's lock */
	unsigned n_work;
	unsigned done;	  /* atomic: of those */
	bool must_signal; /* atomic */
	unsigned signals; /* atomic: that it made */
};

struct fixture {
	struct drv_ram ram;
	struct drv drv[2];
	struct drv_transport t;
	struct device d;
	struct loop *main;
	pthread_t main_thread, back_end;
	bool stop; /* atomic: the back end */
};

static struct device *device_of(struct virtio_device *d)
{
	return container_of(d, struct device, dev);
}

static bool kicked(struct virtio_device *vd, struct virtq *q)
{
	struct device *d = device_of(vd);
	struct virtq_chain c;
	bool last = false;

	while (!last) {
		int r = virtq_pop(q, d->iov[q->index], VIRTQ_SIZE_MAX, &c);

		last = r < 0 || virtq_arm(q);
		if (r > 0 && q->index == LATER) {
			d->work[d->n_work] = c.head;
			d->n_work++;
		} else if (r > 0) {
			virtq_push(q, &c, 0);
			virtio_device_interrupt(vd, q);
		}
	}
	return false;
}

static int back_fd(struct virtio_device *vd, struct virtq *q)
{
	return q->index == LATER ? device_of(vd)->fd : -1;
}

static unsigned completed(struct virtio_device *vd, struct virtq *q)
{
	struct device *d = device_of(vd);
	unsigned n;
	uint64_t count;

	if (!q->polled && read(d->fd, &count, sizeof(count)) < 0)
		assert_int_equal(errno, EAGAIN);
	n = __atomic_exchange_n(&d->done, 0, __ATOMIC_SEQ_CST);
	for (unsigned i = 0; i < n; i++)
		virtq_fill(q, d->work[i], 0);
	memmove(d->work, d->work + n, (d->n_work - n) * sizeof(d->work[0]));
	d->n_work -= n;
	if (n) {
		virtq_publish(q);
		virtio_device_interrupt(vd, q);
	}
	return n;
}

static void on_sleep(struct virtio_device *vd, struct virtq *q, bool asleep)
{
	if (q->index == LATER)
		__atomic_store_n(&device_of(vd)->must_signal, asleep, __ATOMIC_SEQ_CST);
}

/* What the back end has is not the queue's any more. */
static void queue_reset(struct virtio_device *vd, struct virtq *q)
{
	struct device *d = device_of(vd);

	if (q->index != LATER)
		return;
	d->n_work = 0;
	__atomic_store_n(&d->done, 0, __ATOMIC_SEQ_CST);
}

static const struct virtio_device_ops ops = {
	.kicked = kicked,
	.fd = back_fd,
	.completed = completed,
	.sleep = on_sleep,
	.queue_reset = queue_reset,
};

/* Finishes what it has, all at once, and signals if somebody sleeps on it. */
static void *back_end(void *arg)
{
	struct fixture *f = arg;
	struct device *d = &f->d;
	uint64_t one = 1;

	while (!__atomic_load_n(&f->stop, __ATOMIC_SEQ_CST)) {
		struct virtq *q = &d->dev.queues[LATER];
		unsigned n;

		virtq_lock(q);
		n = d->n_work - __atomic_load_n(&d->done, __ATOMIC_SEQ_CST);
		__atomic_fetch_add(&d->done, n, __ATOMIC_SEQ_CST);
		virtq_unlock(q);
		if (n && __atomic_load_n(&d->must_signal, __ATOMIC_SEQ_CST)) {
			__atomic_fetch_add(&d->signals, 1, __ATOMIC_SEQ_CST);
			assert_int_equal(write(d->fd, &one, sizeof(one)), sizeof(one));
		}
		usleep(20);
	}
	return NULL;
}

static void *run_main(void *arg)
{
	loop_run(((struct fixture *)arg)->main);
	return NULL;
}

static struct fixture *open_with(uint64_t features)
{
	const struct virtio_device_params p = {
		.ops = &ops, .name = "test0", .id = 42, .n_queues = 2, .queue_size = SIZE
	};
	struct fixture *f = calloc(1, sizeof(*f));

	drv_ram_open(&f->ram);
	assert_int_equal(loop_new(&f->main), 0);
	assert_int_equal(pthread_create(&f->main_thread, NULL, run_main, f), 0);
	f->d.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	f->d.must_signal = true;
	assert_int_equal(virtio_device_init(&f->d.dev, f->ram.memory, &p), 0);
	harness_attach(&f->d.dev, &f->t);
	assert_int_equal(pthread_create(&f->back_end, NULL, back_end, f), 0);
	harness_serve(&f->d.dev);
	assert_true(harness_negotiate(&f->d.dev, features));
	for (unsigned i = 0; i < 2; i++)
		harness_queue(&f->d.dev, f->ram.memory, i, &f->drv[i], SIZE);
	harness_ready(&f->d.dev);
	return f;
}

static void close_all(struct fixture *f)
{
	virtio_device_stop(&f->d.dev);
	loop_quit(f->main, 0);
	pthread_join(f->main_thread, NULL);
	__atomic_store_n(&f->stop, true, __ATOMIC_SEQ_CST);
	pthread_join(f->back_end, NULL);
	virtio_device_done(&f->d.dev);
	loop_free(f->main);
	close(f->d.fd);
	drv_ram_close(&f->ram);
	free(f);
}

static void serve(struct fixture *f, enum virtio_threads threads)
{
	const struct virtio_serve how = { .threads = threads, .main = f->main };

	assert_int_equal(virtio_device_serve(&f->d.dev, &how), 0);
}

/* What a driver does: the write to the eventfd is KVM's part. */
static void submit(struct fixture *f, unsigned queue)
{
	const struct drv_piece p = { DRV_BUFFERS, 16, false };
	uint64_t one = 1;

	drv_chain(&f->drv[queue], &p, 1);
	if (drv_publish(&f->drv[queue]))
		assert_int_equal(write(virtio_device_doorbell(&f->d.dev, queue), &one, sizeof(one)),
			sizeof(one));
}

static void await(struct fixture *f, unsigned queue)
{
	struct drv *d = &f->drv[queue];
	struct vring_used_elem e;
	struct timespec start, now;

	clock_gettime(CLOCK_MONOTONIC, &start);
	while (!drv_used(d, &e)) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec - start.tv_sec > 20)
			fail_msg("a request of queue %u is lost", queue);
		sched_yield();
	}
}

static void requests(struct fixture *f, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		submit(f, ECHO);
		submit(f, LATER);
		await(f, ECHO);
		await(f, LATER);
	}
}

#define EVT VIRTIO_FEATURE(VIRTIO_RING_F_EVENT_IDX)

static void each_model_in_each_mode(void **state UNUSED)
{
	static const uint64_t features[] = { 0, EVT };

	for (unsigned k = 0; k < ARRAY_SIZE(features); k++) {
		struct fixture *f = open_with(features[k]);

		for (enum virtio_threads t = VIRTIO_THREADS_IO; t <= VIRTIO_THREADS_DEDICATED;
			t++) {
			serve(f, t);
			for (int p = VIRTIO_POLL_NOTIFY; p <= VIRTIO_POLL_DEDICATED; p++) {
				int r = virtio_device_set_poll(
					&f->d.dev, VIRTIO_ALL_QUEUES, (enum virtio_poll)p);

				assert_true(r == 0 || r == -EOPNOTSUPP);
				requests(f, 200);
			}
		}
		close_all(f);
	}
}

static void whoever_polls_is_not_rung_for(void **state UNUSED)
{
	struct fixture *f = open_with(EVT);
	struct virtio_thread_stats before, after;
	uint64_t rings;
	unsigned signals;

	serve(f, VIRTIO_THREADS_DEDICATED);
	requests(f, 10);
	rings = f->drv[ECHO].rings + f->drv[LATER].rings;
	signals = __atomic_load_n(&f->d.signals, __ATOMIC_SEQ_CST);
	before = virtio_device_thread_stats(&f->d.dev);
	/* Beyond where 16-bit indices start again. */
	for (unsigned i = 0; i < 70000; i++) {
		submit(f, ECHO);
		await(f, ECHO);
	}
	requests(f, 1000);
	after = virtio_device_thread_stats(&f->d.dev);
	assert_int_equal(f->drv[ECHO].rings + f->drv[LATER].rings, rings);
	assert_int_equal(__atomic_load_n(&f->d.signals, __ATOMIC_SEQ_CST), signals);
	assert_int_equal(after.waits, before.waits);
	assert_true(after.polled >= before.polled + 71000);
	close_all(f);
}

static void whoever_is_idle_sleeps(void **state UNUSED)
{
	struct fixture *f = open_with(EVT);
	struct virtio_thread_stats before, after;

	assert_int_equal(
		virtio_device_set_poll(&f->d.dev, VIRTIO_ALL_QUEUES, VIRTIO_POLL_ADAPTIVE), 0);
	requests(f, 500);
	usleep(100000);
	before = virtio_device_thread_stats(&f->d.dev);
	usleep(500000);
	after = virtio_device_thread_stats(&f->d.dev);
	assert_int_equal(after.wakeups, before.wakeups);
	assert_int_equal(after.waits, before.waits);
	requests(f, 10); /* it hears of them all the same */
	close_all(f);
}

/* A driver that comes and goes is followed: a thread that never sleeps does while there is none. */
static void without_a_driver_nobody_polls(void **state UNUSED)
{
	struct fixture *f = open_with(EVT);
	struct virtio_thread_stats before, after;

	serve(f, VIRTIO_THREADS_DEDICATED);
	requests(f, 10);
	for (unsigned i = 0; i < 20; i++) {
		virtio_device_set_status(&f->d.dev, 0);
		assert_true(harness_negotiate(&f->d.dev, EVT));
		for (unsigned q = 0; q < 2; q++)
			harness_queue(&f->d.dev, f->ram.memory, q, &f->drv[q], SIZE);
		harness_ready(&f->d.dev);
		requests(f, 10);
	}
	virtio_device_set_status(&f->d.dev, 0);
	usleep(50000);
	before = virtio_device_thread_stats(&f->d.dev);
	usleep(200000);
	after = virtio_device_thread_stats(&f->d.dev);
	assert_int_equal(after.waits, before.waits);
	assert_int_equal(after.polled, before.polled);
	close_all(f);
}

struct switcher {
	struct fixture *f;
	bool stop; /* atomic */
};

static void *ask_all_the_time(void *arg)
{
	struct switcher *s = arg;

	while (!__atomic_load_n(&s->stop, __ATOMIC_SEQ_CST))
		requests(s->f, 1);
	return NULL;
}

static void changes_while_requests_come(void **state UNUSED)
{
	struct switcher s = { .f = open_with(EVT) };
	pthread_t driver;

	assert_int_equal(pthread_create(&driver, NULL, ask_all_the_time, &s), 0);
	for (unsigned i = 0; i < 300; i++) {
		serve(s.f, (enum virtio_threads)(i * 7 % (VIRTIO_THREADS_DEDICATED + 1)));
		for (int q = 0; q < 2; q++)
			virtio_device_set_poll(
				&s.f->d.dev, q, (enum virtio_poll)((i + (unsigned)q) % 3));
		usleep(i % 5 * 100);
	}
	__atomic_store_n(&s.stop, true, __ATOMIC_SEQ_CST);
	pthread_join(driver, NULL);
	close_all(s.f);
}

static void watch(struct fixture *f, bool on)
{
	struct virtq *q = &f->d.dev.queues[LATER];

	virtq_lock(q);
	virtio_device_watch(&f->d.dev, q, on);
	virtq_unlock(q);
}

/* Back pressure: what the back end has is left there, by whoever, until it is wanted. */
static void what_is_not_watched_is_left_alone(void **state UNUSED)
{
	static const enum virtio_poll modes[] = { VIRTIO_POLL_NOTIFY, VIRTIO_POLL_DEDICATED };

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		struct fixture *f = open_with(EVT);
		struct vring_used_elem e;

		virtio_device_set_poll(&f->d.dev, VIRTIO_ALL_QUEUES, modes[i]);
		requests(f, 10);
		watch(f, false);
		submit(f, LATER);
		usleep(50000);
		assert_false(drv_used(&f->drv[LATER], &e));
		serve(f, VIRTIO_THREADS_QUEUE); /* who takes it over leaves it, too */
		usleep(50000);
		assert_false(drv_used(&f->drv[LATER], &e));
		watch(f, true);
		await(f, LATER);
		close_all(f);
	}
}

static void nonsense_is_refused(void **state UNUSED)
{
	const struct virtio_serve nowhere = { .threads = VIRTIO_THREADS_MAIN };
	struct fixture *f = open_with(EVT);
	struct virtio_device *d = &f->d.dev;

	assert_int_equal(virtio_device_serve(d, &nowhere), -EINVAL);
	assert_int_equal(virtio_device_served(d)->threads, VIRTIO_THREADS_IO);
	assert_int_equal(virtio_device_set_poll(d, 2, VIRTIO_POLL_NOTIFY), -EINVAL);
	assert_int_equal(virtio_device_set_pin(d, 2, 0), -EINVAL);
	assert_int_equal(virtio_device_set_pin(d, VIRTIO_ALL_QUEUES, 1 << 20), -EINVAL);
	serve(f, VIRTIO_THREADS_MAIN);
	assert_int_equal(virtio_device_set_poll(d, 0, VIRTIO_POLL_ADAPTIVE), -EOPNOTSUPP);
	assert_int_equal(virtio_device_polls(d, 0), VIRTIO_POLL_NOTIFY);
	serve(f, VIRTIO_THREADS_DEDICATED);
	assert_int_equal(virtio_device_set_poll(d, 0, VIRTIO_POLL_NOTIFY), -EOPNOTSUPP);
	serve(f, VIRTIO_THREADS_IO);
	assert_int_equal(virtio_device_polls(d, 0), VIRTIO_POLL_NOTIFY);
	requests(f, 10);
	close_all(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_model_in_each_mode),
		cmocka_unit_test(whoever_polls_is_not_rung_for),
		cmocka_unit_test(whoever_is_idle_sleeps),
		cmocka_unit_test(without_a_driver_nobody_polls),
		cmocka_unit_test(changes_while_requests_come),
		cmocka_unit_test(what_is_not_watched_is_left_alone),
		cmocka_unit_test(nonsense_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
