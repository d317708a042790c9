/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One port of a virtio-console with several (ports.h): its client, and its two queues. */
#pragma once

#include "ports.h"

enum { PORT_QUEUE_SIZE = 64, PORT_CHUNK = 4096 };

/* What the driver has to hear of a port, in this order. */
enum port_due { PORT_DUE_ADD = 1, PORT_DUE_NAME = 2, PORT_DUE_OPEN = 4 };

struct port {
	struct virtio_device *dev;
	unsigned id;
	char name[VIRTIO_PORT_NAME_MAX + 1];
	int listener, bell, always; /* borrowed; the last two: port_params */
	int in_fd;   /* readable: there is a client to be taken, or something to be read */
	int room_fd; /* readable: what the guest writes can go */

	pthread_mutex_t lock;
	int client;		      /* -1: none */
	int watched_in, watched_room; /* what is in in_fd, room_fd; -1: nothing */
	bool ready, guest_open;	      /* as the driver says */
	bool has_buffers;	      /* as far as is known */
	unsigned openings, due;
	uint64_t clients;

	/* The receive queue's lock. */
	uint8_t bytes[PORT_CHUNK];
	size_t n_bytes;
	unsigned opening; /* that they are for */
	struct iovec rx_iov[PORT_QUEUE_SIZE];
	/* The transmit queue's lock. */
	struct virtq_chain chain;
	struct iovec tx_iov[PORT_QUEUE_SIZE];
	bool waiting; /* the chain, to be written */
};

struct port_params {
	struct virtio_device *dev;
	unsigned id;
	int bell;   /* an eventfd to be written when something is due */
	int always; /* readable: in the place of a client's room */
};

/*
 * Takes clients from now on, one at a time. -EMFILE; -EBADF: s->listener is nothing that can be
 * waited for. port_done() is due on failure, too.
 */
int port_init(struct port *p, const struct port_params *params, const struct virtio_port_setup *s);
void port_done(struct port *p);

/* Work on the queue, whose lock is held. True: there may be more, others' turn first. */
bool port_receive(struct port *p, struct virtq *q);
bool port_transmit(struct port *p, struct virtq *q);
/* There is a client to be taken, or something to be read. */
void port_look_in(struct port *p, struct virtq *q);
/* One of its queues was reset. */
void port_queue_reset(struct port *p, struct virtq *q, bool receives);

/* The rest takes the port's lock. `what`, bits of enum port_due, is to be said. */
void port_is_due(struct port *p, unsigned what);
/* What is due first, which is not any more; 0: nothing. *ret_open: whether there is a client. */
unsigned port_take_due(struct port *p, bool *ret_open);
bool port_has_due(struct port *p);
/* As the driver says. */
void port_set_ready(struct port *p, bool ready);
void port_set_open(struct port *p, bool open);
/* The device was reset. */
void port_reset(struct port *p);
/* How many there have been. */
uint64_t port_clients(struct port *p);
