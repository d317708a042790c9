// SPDX-License-Identifier: GPL-2.0-or-later
#include "port.h"
#include "stream.h"
#include "vmm/count/syscalls.h"

#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum {
	BUDGET = 64, /* chunks or chains in one go */
};

/* ---- its client; the port's lock is held ---- */

static void watch(int in, int *now, int wanted, uint32_t events)
{
	struct epoll_event ev = { .events = events };

	if (*now == wanted)
		return;
	syscalls_count((*now >= 0) + (wanted >= 0));
	if (*now >= 0)
		epoll_ctl(in, EPOLL_CTL_DEL, *now, NULL);
	*now = wanted >= 0 && epoll_ctl(in, EPOLL_CTL_ADD, wanted, &ev) == 0 ? wanted : -1;
}

/* A client's end would be heard all the time: it is listened to only when it can be read. */
static void watch_client(struct port *p)
{
	int in = p->client;

	if (in < 0)
		in = p->listener;
	else if (!p->guest_open || !p->has_buffers)
		in = -1;
	watch(p->in_fd, &p->watched_in, in, EPOLLIN);
	if (p->client < 0)
		watch(p->room_fd, &p->watched_room, p->always, EPOLLIN);
	else
		watch(p->room_fd, &p->watched_room, p->client, EPOLLOUT);
}

static void add_due(struct port *p, unsigned what)
{
	const uint64_t one = 1;
	ssize_t n;

	p->due |= what;
	syscalls_count(1);
	n = write(p->bell, &one, sizeof(one));
	(void)n; /* a full counter wakes just as well */
}

static void client_changed(struct port *p)
{
	watch_client(p);
	if (p->ready)
		add_due(p, PORT_DUE_OPEN);
}

static void welcome(struct port *p)
{
	socklen_t none = 0; /* of an address that is not asked for */

	if (p->client >= 0)
		return;
	syscalls_count(1);
	p->client = accept4(p->listener, NULL, &none, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (p->client < 0)
		return;
	p->clients++;
	client_changed(p);
}

static void hang_up(struct port *p)
{
	int client = p->client;

	p->client = -1;
	client_changed(p);
	syscalls_count(1);
	close(client);
}

static void set_open(struct port *p, bool open)
{
	if (open != p->guest_open)
		p->openings++;
	p->guest_open = open;
	watch_client(p);
}

/* ---- to the guest ---- */

static void read_client(struct port *p)
{
	ssize_t n;

	syscalls_count(1);
	n = read(p->client, p->bytes, sizeof(p->bytes));
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		hang_up(p);
	p->n_bytes = n > 0 ? (size_t)n : 0;
}

/* What a client has sent, if the guest wants it; false: nothing for now. */
static bool fetch(struct port *p)
{
	pthread_mutex_lock(&p->lock);
	if (p->opening != p->openings) {
		p->opening = p->openings;
		p->n_bytes = 0; /* was for a program that has gone */
	}
	welcome(p);
	if (p->guest_open && p->client >= 0 && !p->n_bytes)
		read_client(p);
	pthread_mutex_unlock(&p->lock);
	return p->n_bytes;
}

static void tell_buffers(struct port *p, bool has)
{
	pthread_mutex_lock(&p->lock);
	p->has_buffers = has;
	watch_client(p);
	pthread_mutex_unlock(&p->lock);
}

bool port_receive(struct port *p, struct virtq *q)
{
	unsigned n = 0;
	int r = 1;

	for (; n < BUDGET && r > 0 && fetch(p); n++)
		r = stream_deliver(q, p->rx_iov, ARRAY_SIZE(p->rx_iov), p->bytes, &p->n_bytes);
	virtq_publish(q);
	virtio_device_interrupt(p->dev, q);
	virtio_device_check(p->dev, q);
	tell_buffers(p, r > 0);
	return n == BUDGET;
}

/* While no driver is there, too; what the client sends waits in its socket. */
void port_look_in(struct port *p, struct virtq *q)
{
	if (virtio_device_runs(p->dev) && virtq_is_live(q)) {
		port_receive(p, q);
		return;
	}
	pthread_mutex_lock(&p->lock);
	welcome(p);
	p->has_buffers = false;
	watch_client(p);
	pthread_mutex_unlock(&p->lock);
}

/* ---- from the guest ---- */

/* A piece of the chain; false when it has to wait. Without a client nobody reads it. */
static bool write_piece(struct port *p)
{
	struct sg *out = &p->chain.out;
	bool waits = false;
	ssize_t n = -1;

	pthread_mutex_lock(&p->lock);
	if (p->client >= 0) {
		syscalls_count(1);
		n = write(p->client, out->v->iov_base, MIN(out->v->iov_len, (size_t)PORT_CHUNK));
		waits = n < 0 && (errno == EAGAIN || errno == EINTR);
		if (n < 0 && !waits)
			hang_up(p);
	}
	pthread_mutex_unlock(&p->lock);
	if (n >= 0)
		sg_skip(out, (size_t)n);
	else if (!waits)
		out->len = 0;
	return !waits;
}

static int next_chain(struct port *p, struct virtq *q, bool *last)
{
	int r = virtq_pop(q, p->tx_iov, ARRAY_SIZE(p->tx_iov), &p->chain);

	*last = r < 0 || virtq_arm(q);
	p->waiting = r > 0;
	return r;
}

bool port_transmit(struct port *p, struct virtq *q)
{
	bool stuck = false, last = false;
	unsigned n = 0;

	for (; !stuck && n < BUDGET; n++) {
		if (!p->waiting && (last || next_chain(p, q, &last) < 0))
			break;
		if (!p->waiting)
			continue;
		for (; p->chain.out.len && !stuck && n < BUDGET; n++)
			stuck = !write_piece(p);
		if (p->chain.out.len)
			continue;
		p->waiting = false;
		virtq_push(q, &p->chain, 0);
		virtio_device_interrupt(p->dev, q);
	}
	virtio_device_watch(p->dev, q, stuck);
	return !stuck && n >= BUDGET;
}

void port_queue_reset(struct port *p, struct virtq *q, bool receives)
{
	if (receives) {
		p->n_bytes = 0;
		tell_buffers(p, false);
		return;
	}
	p->waiting = false;
	virtio_device_watch(p->dev, q, false);
}

/* ---- what is said of it ---- */

void port_is_due(struct port *p, unsigned what)
{
	pthread_mutex_lock(&p->lock);
	add_due(p, what);
	pthread_mutex_unlock(&p->lock);
}

bool port_has_due(struct port *p)
{
	bool due;

	pthread_mutex_lock(&p->lock);
	due = p->due;
	pthread_mutex_unlock(&p->lock);
	return due;
}

unsigned port_take_due(struct port *p, bool *ret_open)
{
	unsigned what;

	pthread_mutex_lock(&p->lock);
	what = p->due & -p->due;
	p->due &= ~what;
	*ret_open = p->client >= 0;
	pthread_mutex_unlock(&p->lock);
	return what;
}

void port_set_ready(struct port *p, bool ready)
{
	pthread_mutex_lock(&p->lock);
	p->ready = ready;
	if (ready)
		add_due(p, PORT_DUE_NAME | (p->client >= 0 ? PORT_DUE_OPEN : 0));
	pthread_mutex_unlock(&p->lock);
}

void port_set_open(struct port *p, bool open)
{
	pthread_mutex_lock(&p->lock);
	set_open(p, open);
	pthread_mutex_unlock(&p->lock);
}

void port_reset(struct port *p)
{
	pthread_mutex_lock(&p->lock);
	p->due = 0;
	p->ready = false;
	set_open(p, false);
	pthread_mutex_unlock(&p->lock);
}

uint64_t port_clients(struct port *p)
{
	uint64_t n;

	pthread_mutex_lock(&p->lock);
	n = p->clients;
	pthread_mutex_unlock(&p->lock);
	return n;
}

int port_init(struct port *p, const struct port_params *params, const struct virtio_port_setup *s)
{
	*p = (struct port) {
		.dev = params->dev,
		.id = params->id,
		.bell = params->bell,
		.always = params->always,
		.listener = s->listener,
		.in_fd = epoll_create1(EPOLL_CLOEXEC),
		.room_fd = epoll_create1(EPOLL_CLOEXEC),
		.client = -1,
		.watched_in = -1,
		.watched_room = -1,
	};
	snprintf(p->name, sizeof(p->name), "%s", s->name);
	pthread_mutex_init(&p->lock, NULL);
	if (p->in_fd < 0 || p->room_fd < 0)
		return -EMFILE;
	watch_client(p);
	return p->watched_in >= 0 && p->watched_room >= 0 ? 0 : -EBADF;
}

void port_done(struct port *p)
{
	closep_(&p->client);
	closep_(&p->in_fd);
	closep_(&p->room_fd);
	pthread_mutex_destroy(&p->lock);
}
