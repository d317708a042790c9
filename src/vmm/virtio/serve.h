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
 * Threads: virtio_device_serve() and _unserve() by one thread at a time, which holds no queue's
 * lock; a loop's lock (loop.h) is taken before a queue's, never after it.
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

struct virtio_serve {
	enum virtio_threads threads;
	struct loop *main; /* for VIRTIO_THREADS_MAIN */
};

/* From now on so; on failure all is as before. */
int virtio_device_serve(struct virtio_device *d, const struct virtio_serve *how);
/* By nobody any more; counters stay. */
void virtio_device_unserve(struct virtio_device *d);

/* The eventfd that rings queue `index`; it lives as long as the device. */
int virtio_device_doorbell(const struct virtio_device *d, unsigned index);
/* Has the queue looked at by whoever serves it. */
void virtio_device_poke(struct virtio_device *d, struct virtq *q);
/* Counts the doorbells since the last time into the queue's statistics. */
void virtio_device_count_doorbells(struct virtio_device *d, struct virtq *q);
/* How often its threads woke up, those of the past included; the main loop is not its. */
uint64_t virtio_device_wakeups(const struct virtio_device *d);

/* For virtio_device_init() and _done(). */
int virtio_service_new(struct virtio_device *d);
void virtio_service_free(struct virtio_device *d);
