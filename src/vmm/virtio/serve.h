/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who serves a device's queues: a thread that sleeps until the driver rings or the back end has
 * something, and which may change while the guest runs.
 *
 * A queue is served by one thread at a time. It belongs to a server: the doorbell's eventfd, the
 * back end's descriptor, and the worker in whose loop both are. The eventfd is never read to be
 * cleared, but watched for edges: one system call less for each doorbell, and a queue that comes to
 * another worker is looked at there at once. Its counter tells, when somebody asks, how often the
 * driver rang.
 *
 * Threads: what changes anything here is called by one thread at a time (the main loop's), which
 * holds no queue's lock; a loop's lock (loop.h) is taken before a queue's, never after it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct virtio_device;
struct virtq;

enum virtio_threads {
	VIRTIO_THREADS_IO,	  /* one for the device */
	VIRTIO_THREADS_QUEUE,	  /* one for each queue */
	VIRTIO_THREADS_MAIN,	  /* none: the main loop does it */
	VIRTIO_THREADS_CPU,	  /* the vCPU that rings; one for what the back end has ready */
	VIRTIO_THREADS_DEDICATED, /* one for the device, which polls without ever sleeping */
};

enum virtio_poll {
	VIRTIO_POLL_NOTIFY,    /* the thread sleeps until somebody says something */
	VIRTIO_POLL_ADAPTIVE,  /* it looks for a while before that, see spin.h */
	VIRTIO_POLL_DEDICATED, /* it never sleeps while the driver is up */
};

struct virtio_serve {
	enum virtio_threads threads;
	struct loop *main; /* for VIRTIO_THREADS_MAIN */
};

enum { VIRTIO_ALL_QUEUES = -1, VIRTIO_NO_PIN = -1 };

/* From now on so; on failure all is as before. */
int virtio_device_serve(struct virtio_device *d, const struct virtio_serve *how);
const struct virtio_serve *virtio_device_served(const struct virtio_device *d);
/*
 * How a queue, or all, are looked after. -EOPNOTSUPP: the main loop and CPUs do not poll, and a
 * dedicated thread does nothing else.
 */
int virtio_device_set_poll(struct virtio_device *d, int queue, enum virtio_poll poll);
/* What is done: with the present threads, not what was asked for. */
enum virtio_poll virtio_device_polls(const struct virtio_device *d, unsigned queue);
/* The CPU of the queue's thread, or VIRTIO_NO_PIN. -EINVAL: it may not be used. */
int virtio_device_set_pin(struct virtio_device *d, int queue, int cpu);
/* By nobody any more; counters stay. */
void virtio_device_unserve(struct virtio_device *d);

/* The eventfd that rings queue `index`; it lives as long as the device. */
int virtio_device_doorbell(const struct virtio_device *d, unsigned index);
/* Has the queue looked at by whoever serves it. */
void virtio_device_poke(struct virtio_device *d, struct virtq *q);
/*
 * Somebody else serves the queue from now on (vhost), or does no more: nobody here listens to the
 * doorbell, which is rung once so that he sees what is there, nor touches the ring. No queue lock
 * held; once it returns whoever was working on the queue has finished.
 */
void virtio_device_outside(struct virtio_device *d, struct virtq *q, bool on);
/*
 * Counts the doorbells since the last time into the queue's statistics. When all is read that they
 * are looked at with, virtio_device_counted() has the threads look, which may have missed them.
 */
void virtio_device_count_doorbells(struct virtio_device *d, struct virtq *q);
void virtio_device_counted(struct virtio_device *d);
struct virtio_thread_stats {
	uint64_t wakeups; /* times that a thread slept and was woken */
	uint64_t waits;	  /* system calls to wait, or to see whether there is something */
	uint64_t polled;  /* requests and completions that were found without being told */
	uint64_t slept;	  /* times that a polling thread gave up and slept */
};
/* Of its threads, those of the past included; the main loop is not its. */
struct virtio_thread_stats virtio_device_thread_stats(const struct virtio_device *d);

/* For device.c. */
void virtio_service_started(struct virtio_device *d);
int virtio_service_new(struct virtio_device *d);
void virtio_service_free(struct virtio_device *d);
