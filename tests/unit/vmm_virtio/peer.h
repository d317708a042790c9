/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Another process that serves an interface, played by a thread: it dials for the device, moves
 * packets, ends at any message that it is told, and comes back.
 */
#pragma once

#include "driver.h"
#include "vmm/vhost/message.h"

#include <linux/virtio_config.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	SIZE = 64,
	RINGS = 2,
	GREETING = 5, /* messages, the last of which sets the owner */
	HEADER = 12,
	FRAME = 64,
	TIMEOUT_MS = 20000,
	P_MQ = 1 << 0,
	P_REPLY_ACK = 1 << 3,
};

#define F_PROTOCOL (1ULL << 30)

/* At its n-th message a connection … */
enum end {
	GOES_ON,
	REFUSES, /* cannot be written to: EPIPE */
	ENDS,	 /* is closed when it has come */
};

struct ring {
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	uint16_t size, next;
	int kick, call;
	bool enabled;
};

struct peer {
	pthread_t thread;
	const struct guest_memory *memory;
	int channel, wake;
	/* What the test asks for, before a connection; atomic. */
	enum end end;
	uint32_t at; /* its n-th message, and of the next connection the one after it */
	uint32_t most;
	uint64_t features; /* of virtio, that it offers */
	uint32_t pairs;
	/* What the thread says; atomic. */
	uint32_t dials, messages, drivers, handled, delivered, sent, discarded;
	uint32_t wrong; /* asked about a ring that it was not told of */
	bool begun[RINGS], enabled[RINGS];
	/* The thread's alone. */
	struct ring rings[RINGS];
	uint32_t packet;
};

#define READ(x)	  __atomic_load_n(&(x), __ATOMIC_SEQ_CST)
#define SET(x, v) __atomic_store_n(&(x), v, __ATOMIC_SEQ_CST)
#define ADD(x, v) __atomic_fetch_add(&(x), v, __ATOMIC_SEQ_CST)

/* ---- the other process: rings ---- */

static inline bool take(struct ring *r, uint16_t *ret)
{
	if (!r->avail || r->next == READ(r->avail->idx))
		return false;
	*ret = r->avail->ring[r->next++ % r->size];
	return true;
}

static inline void give_back(struct ring *r, uint16_t head, uint32_t len)
{
	r->used->ring[r->used->idx % r->size] = (struct vring_used_elem) { head, len };
	SET(r->used->idx, (uint16_t)(r->used->idx + 1));
	eventfd_write(r->call, 1);
}

/* Its number is in it. */
static inline void packet_comes(struct peer *p)
{
	struct ring *r = &p->rings[0];
	uint32_t number = p->packet++;
	uint16_t head;
	uint8_t *at;

	if (r->enabled && take(r, &head)) {
		at = drv_ptr(p->memory, r->desc[head].addr);
		memset(at, 0, HEADER);
		memcpy(at + HEADER, &number, sizeof(number));
		give_back(r, head, HEADER + sizeof(number));
		ADD(p->delivered, 1);
	}
	ADD(p->handled, 1);
}

/* A ring that is not enabled has no effects: what is sent is dropped (vhost-user.rst). */
static inline void send_all(struct peer *p)
{
	struct ring *r = &p->rings[1];
	uint16_t head;

	while (take(r, &head)) {
		ADD(*(r->enabled ? &p->sent : &p->discarded), 1);
		give_back(r, head, 0);
	}
}

/* ---- the other process: messages ---- */

static inline int keep_fd(int *fd, struct vu_message *m)
{
	closep_(fd);
	*fd = m->n_fds ? m->fds[--m->n_fds] : -1;
	return *fd;
}

static inline void set_address(struct peer *p, const struct vhost_vring_addr *a)
{
	struct ring *r = &p->rings[a->index % RINGS];

	if (!READ(p->drivers))
		return;
	r->desc = (void *)(uintptr_t)a->desc_user_addr; /* the VMM is this process, too */
	r->avail = (void *)(uintptr_t)a->avail_user_addr;
	r->used = (void *)(uintptr_t)a->used_user_addr;
}

static inline void obey(struct peer *p, struct vu_message *m)
{
	struct ring *r = &p->rings[m->u64 % RINGS];

	switch (m->request) {
	case VU_SET_VRING_NUM:
		r->size = (uint16_t)m->state.num;
		break;
	case VU_SET_VRING_BASE:
		r->next = (uint16_t)m->state.num;
		break;
	case VU_SET_VRING_ADDR:
		set_address(p, &m->addr);
		break;
	case VU_SET_VRING_CALL:
		keep_fd(&r->call, m);
		break;
	case VU_SET_VRING_KICK:
		keep_fd(&r->kick, m);
		SET(p->begun[r - p->rings], true);
		break;
	case VU_SET_VRING_ENABLE:
		r->enabled = m->state.num;
		SET(p->enabled[r - p->rings], r->enabled);
		break;
	}
	m->u64 = 0;
}

/* The size of the answer that is wanted; else it is an order. */
static inline uint32_t get(struct peer *p, struct vu_message *m)
{
	switch (m->request) {
	case VU_GET_FEATURES:
		m->u64 = F_PROTOCOL | READ(p->features);
		return sizeof(m->u64);
	case VU_GET_PROTOCOL_FEATURES:
		m->u64 = P_MQ | P_REPLY_ACK;
		return sizeof(m->u64);
	case VU_GET_QUEUE_NUM:
		m->u64 = READ(p->pairs);
		return sizeof(m->u64);
	case VU_GET_VRING_BASE:
		ADD(p->wrong, !READ(p->begun[m->state.index % RINGS]));
		m->state.num = p->rings[m->state.index % RINGS].next;
		p->rings[m->state.index % RINGS].avail = NULL;
		SET(p->begun[m->state.index % RINGS], false);
		return sizeof(m->state);
	default:
		return 0;
	}
}

/* False: the connection is over. */
static inline bool message(struct peer *p, int fd)
{
	struct vu_message m;
	uint32_t size, n;
	bool over;

	if (vu_receive(fd, &m, UINT64_MAX) < 0)
		return false;
	n = ADD(p->messages, 1) + 1;
	over = READ(p->end) == ENDS && n == READ(p->at);
	if (!over && READ(p->end) == REFUSES && n + 1 == READ(p->at)) {
		shutdown(fd, SHUT_RD); /* before the answer, after which the next one would come */
		over = true;
	} else if (over) {
		vu_close_fds(&m);
		return false;
	}
	size = get(p, &m);
	if (!size) {
		obey(p, &m);
		size = m.flags & VU_NEED_REPLY ? sizeof(m.u64) : 0;
	}
	vu_close_fds(&m);
	m.flags = VU_VERSION | VU_REPLY;
	m.size = size;
	if (size)
		vu_send(fd, &m, UINT64_MAX);
	return !over;
}

/* True: there was no order to end. */
static inline bool woken(struct peer *p)
{
	eventfd_t n;

	if (eventfd_read(p->wake, &n) < 0)
		return true;
	for (eventfd_t i = 0; i < n % SIZE; i++)
		packet_comes(p);
	return n < SIZE;
}

static inline void serve(struct peer *p, int fd)
{
	for (;;) {
		struct pollfd f[] = { { fd, POLLIN, 0 }, { p->wake, POLLIN, 0 },
			{ p->rings[1].kick, POLLIN, 0 } };
		eventfd_t n;

		poll(f, 3, -1);
		if (f[0].revents && !message(p, fd))
			return;
		if (f[2].revents && eventfd_read(p->rings[1].kick, &n) == 0)
			send_all(p);
		if (f[1].revents && !woken(p))
			return;
	}
}

static inline void connection_begins(struct peer *p, int fd)
{
	SET(p->messages, 0);
	if (READ(p->end) == REFUSES && READ(p->at) == 1)
		shutdown(fd, SHUT_RD);
	ADD(p->dials, 1);
}

/* Whatever was asked for happens one message later the next time, until it goes on. */
static inline void connection_is_over(struct peer *p, int fd)
{
	close(fd);
	for (unsigned i = 0; i < RINGS; i++) {
		closep_(&p->rings[i].kick);
		closep_(&p->rings[i].call);
		p->rings[i] = (struct ring) { .kick = -1, .call = -1 };
		SET(p->begun[i], false);
		SET(p->enabled[i], false);
	}
	if (READ(p->end) && ADD(p->at, 1) + 1 > READ(p->most))
		SET(p->end, GOES_ON);
}

static inline void hand_over(int channel, int fd)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	int32_t answer = 0;
	struct iovec v = { &answer, sizeof(answer) };
	struct msghdr h = { .msg_iov = &v,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&h);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	sendmsg(channel, &h, MSG_NOSIGNAL);
	close(fd);
}

static inline void *peer_main(void *arg)
{
	struct peer *p = arg;
	int ends[2];
	char byte;

	while (recv(p->channel, &byte, 1, 0) == 1 &&
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0) {
		connection_begins(p, ends[0]);
		hand_over(p->channel, ends[1]);
		if (READ(p->end) != REFUSES || READ(p->at) != 1)
			serve(p, ends[0]);
		connection_is_over(p, ends[0]);
	}
	return NULL;
}
