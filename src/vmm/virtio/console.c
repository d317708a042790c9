// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the guest writes goes out in pieces that do not block, so that a reader who is slow or has
 * stopped reading holds up nobody: the request waits until there is room, and the guest with it.
 * What is typed waits here until the driver has a buffer for it.
 */
#include "console.h"
#include "stream.h"
#include "base/checked.h"
#include "vmm/count/syscalls.h"

#include <linux/virtio_config.h>
#include <linux/virtio_console.h>
#include <linux/virtio_ids.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>

enum {
	RX,
	TX,
	QUEUES,
	QUEUE_SIZE = 64,
	TYPED = 4096,
	CHUNK = 4096, /* PIPE_BUF: what a pipe that polls writable takes without blocking */
	BUDGET = 64,  /* chunks in one go */
	SIZE_TOLD = 4,
};

struct virtio_console {
	struct virtio_device dev;
	struct virtio_console_setup setup;
	struct virtio_console_config config;
	int room_fd;		    /* readable when the output can be written; -1: it always can */
	unsigned size_told[QUEUES]; /* how often; each queue's lock */
	/* The receive queue's lock. */
	uint8_t typed[TYPED];
	size_t n_typed;
	bool starved; /* somebody was told that there is no room */
	struct iovec rx_iov[VIRTQ_SIZE_MAX];
	/* The transmit queue's lock. */
	struct virtq_chain chain;
	struct iovec tx_iov[VIRTQ_SIZE_MAX];
	bool waiting; /* the chain, to be written */
	bool deaf;    /* nobody will ever read it */
};

struct virtio_console *virtio_console_of(struct virtio_device *d)
{
	return container_of(d, struct virtio_console, dev);
}

/* ---- to the guest ---- */

/* The driver rings for buffers that it adds while something waits for them. */
static void deliver(struct virtio_console *c, struct virtq *q)
{
	if (!virtio_device_runs(&c->dev) || !virtq_is_live(q))
		return;
	stream_deliver(q, c->rx_iov, ARRAY_SIZE(c->rx_iov), c->typed, &c->n_typed);
	virtq_publish(q);
	virtio_device_interrupt(&c->dev, q);
	virtio_device_check(&c->dev, q);
	if (c->starved && c->n_typed < TYPED) {
		c->starved = false;
		if (c->setup.more)
			c->setup.more(c->setup.arg);
	}
}

size_t virtio_console_room(struct virtio_console *c)
{
	struct virtq *q = &c->dev.queues[RX];
	size_t room;

	virtq_lock(q);
	room = TYPED - c->n_typed;
	c->starved = room == 0;
	virtq_unlock(q);
	return room;
}

void virtio_console_type(struct virtio_console *c, const uint8_t *bytes, size_t n)
{
	struct virtq *q = &c->dev.queues[RX];

	virtq_lock(q);
	n = MIN(n, TYPED - c->n_typed);
	memcpy(c->typed + c->n_typed, bytes, n);
	c->n_typed += n;
	deliver(c, q);
	virtq_unlock(q);
}

void virtio_console_resize(struct virtio_console *c, uint16_t columns, uint16_t rows)
{
	const uint16_t size[2] = { columns, rows };

	virtio_device_change_config(&c->dev, &c->config.cols, size, sizeof(size), true);
}

/* ---- from the guest ---- */

static bool can_write(const struct virtio_console *c)
{
	struct pollfd p = { .fd = c->setup.out_fd, .events = POLLOUT };

	syscalls_count(1);
	return poll(&p, 1, 0) == 1;
}

/* A piece of the chain; 1, 0 when it has to wait. */
static int write_piece(struct virtio_console *c)
{
	struct sg *out = &c->chain.out;
	const struct iovec *v = out->v;
	ssize_t n;

	if (c->deaf) {
		out->len = 0;
		return 1;
	}
	if (!can_write(c))
		return 0;
	syscalls_count(1);
	n = write(c->setup.out_fd, v->iov_base, MIN(v->iov_len, (size_t)CHUNK));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	c->deaf = n <= 0;
	if (n > 0)
		sg_skip(out, (size_t)n);
	return 1;
}

static int next_chain(struct virtio_console *c, struct virtq *q, bool *last)
{
	int r = virtq_pop(q, c->tx_iov, ARRAY_SIZE(c->tx_iov), &c->chain);

	*last = r < 0 || virtq_arm(q);
	c->waiting = r > 0;
	return r;
}

static void finish(struct virtio_console *c, struct virtq *q)
{
	c->waiting = false;
	virtq_push(q, &c->chain, 0);
	virtio_device_interrupt(&c->dev, q);
}

/* True: there is more, others' turn first. */
static bool transmit(struct virtio_console *c, struct virtq *q)
{
	bool stuck = false, last = false;
	unsigned n = 0;

	for (; !stuck && n < BUDGET; n++) {
		if (!c->waiting && (last || next_chain(c, q, &last) < 0))
			break;
		if (!c->waiting)
			continue;
		for (; c->chain.out.len && !stuck && n < BUDGET; n++)
			stuck = write_piece(c) == 0;
		if (!c->chain.out.len)
			finish(c, q);
	}
	virtio_device_watch(&c->dev, q, stuck && c->room_fd >= 0);
	return !stuck && n >= BUDGET;
}

/* ---- both ---- */

/*
 * Linux (6.12) takes the size when it is told of a change, and not before its port is there: at
 * some time between its first buffer and what it does with it.
 */
static void tell_size(struct virtio_console *c, const struct virtq *q)
{
	if (c->size_told[q->index] >= SIZE_TOLD || !virtio_has(&c->dev, VIRTIO_CONSOLE_F_SIZE))
		return;
	c->size_told[q->index]++;
	virtio_device_tell_config(&c->dev);
}

static bool console_kicked(struct virtio_device *d, struct virtq *q)
{
	struct virtio_console *c = virtio_console_of(d);

	tell_size(c, q);
	if (q->index == TX)
		return transmit(c, q);
	deliver(c, q);
	return false;
}

static int console_fd(struct virtio_device *d, struct virtq *q)
{
	return q->index == TX ? virtio_console_of(d)->room_fd : -1;
}

/* The output can be written again. */
static unsigned console_completed(struct virtio_device *d, struct virtq *q)
{
	struct virtio_console *c = virtio_console_of(d);
	uint64_t before = q->stats.requests;

	if (q->index != TX || !virtio_device_runs(d) || !virtq_is_live(q))
		virtio_device_watch(d, q, false);
	else if (transmit(c, q))
		virtio_device_poke(d, q);
	return (unsigned)(q->stats.requests - before);
}

static void console_queue_reset(struct virtio_device *d, struct virtq *q)
{
	struct virtio_console *c = virtio_console_of(d);

	c->size_told[q->index] = 0;
	if (q->index != TX)
		return;
	c->waiting = false;
	virtio_device_watch(d, q, false);
}

static void console_free(struct virtio_device *d)
{
	struct virtio_console *c = virtio_console_of(d);

	virtio_device_done(d);
	closep_(&c->room_fd);
	free(c);
}

static const struct virtio_device_ops console_ops = {
	.kicked = console_kicked,
	.fd = console_fd,
	.completed = console_completed,
	.queue_reset = console_queue_reset,
	.free = console_free,
};

/* A file cannot be waited for (EPERM), and need not be. */
static int watch_output(struct virtio_console *c)
{
	struct epoll_event ev = { .events = EPOLLOUT };

	c->room_fd = epoll_create1(EPOLL_CLOEXEC);
	if (c->room_fd < 0)
		return -errno;
	if (epoll_ctl(c->room_fd, EPOLL_CTL_ADD, c->setup.out_fd, &ev) < 0)
		closep_(&c->room_fd);
	return 0;
}

static int start(struct virtio_console *c, const struct guest_memory *m, const char *name)
{
	const struct virtio_device_params params = {
		.ops = &console_ops,
		.name = name,
		.id = VIRTIO_ID_CONSOLE,
		.features =
			VIRTIO_FEATURE(VIRTIO_F_IN_ORDER) | VIRTIO_FEATURE(VIRTIO_CONSOLE_F_SIZE),
		.n_queues = QUEUES,
		.queue_size = QUEUE_SIZE,
		.config = &c->config,
		.config_bytes = offsetof(struct virtio_console_config, max_nr_ports),
	};
	int r = watch_output(c);

	return r < 0 ? r : virtio_device_init(&c->dev, m, &params);
}

int virtio_console_device_new(const struct guest_memory *m, const char *name,
	const struct virtio_console_setup *s, struct virtio_device **ret)
{
	struct virtio_console *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	c->setup = *s;
	r = start(c, m, name);
	if (r < 0) {
		closep_(&c->room_fd);
		free(c);
		return r;
	}
	/* Every look at the output is a system call: poll the ring, not that. */
	c->dev.queues[TX].pollable = false;
	*ret = &c->dev;
	return 0;
}
