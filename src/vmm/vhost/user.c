// SPDX-License-Identifier: GPL-2.0-or-later
#include "user.h"

#include "message.h"

#include "base/checked.h"
#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define F_PROTOCOL (1ULL << 30) /* VHOST_USER_F_PROTOCOL_FEATURES, in the place of a virtio bit */

enum {
	P_MQ = 1 << 0,
	P_REPLY_ACK = 1 << 3,
	P_CONFIG = 1 << 9,
	P_INFLIGHT = 1 << 12,
	P_SLOTS = 1 << 15,
	P_KNOWN = P_MQ | P_REPLY_ACK | P_CONFIG | P_INFLIGHT | P_SLOTS,
};

struct user {
	struct vhost base;
	int fd;
	unsigned timeout_ms;
	bool has_protocol;
	uint32_t protocol;
};

static struct user *user_of(struct vhost *v)
{
	return container_of(v, struct user, base);
}

static uint64_t deadline(const struct user *u)
{
	return clock_us() / 1000 + u->timeout_ms;
}

static const char *request_name(uint32_t request)
{
	static const char *const names[] = {
		[VU_GET_FEATURES] = "GET_FEATURES",
		[VU_SET_FEATURES] = "SET_FEATURES",
		[VU_SET_OWNER] = "SET_OWNER",
		[VU_SET_MEM_TABLE] = "SET_MEM_TABLE",
		[VU_SET_VRING_NUM] = "SET_VRING_NUM",
		[VU_SET_VRING_ADDR] = "SET_VRING_ADDR",
		[VU_SET_VRING_BASE] = "SET_VRING_BASE",
		[VU_GET_VRING_BASE] = "GET_VRING_BASE",
		[VU_SET_VRING_KICK] = "SET_VRING_KICK",
		[VU_SET_VRING_CALL] = "SET_VRING_CALL",
		[VU_GET_PROTOCOL_FEATURES] = "GET_PROTOCOL_FEATURES",
		[VU_SET_PROTOCOL_FEATURES] = "SET_PROTOCOL_FEATURES",
		[VU_GET_QUEUE_NUM] = "GET_QUEUE_NUM",
		[VU_SET_VRING_ENABLE] = "SET_VRING_ENABLE",
		[VU_GET_CONFIG] = "GET_CONFIG",
		[VU_GET_INFLIGHT_FD] = "GET_INFLIGHT_FD",
		[VU_SET_INFLIGHT_FD] = "SET_INFLIGHT_FD",
		[VU_GET_MAX_MEM_SLOTS] = "GET_MAX_MEM_SLOTS",
		[VU_ADD_MEM_REG] = "ADD_MEM_REG",
	};

	return request < ARRAY_SIZE(names) && names[request] ? names[request] : "a message";
}

static int failed(struct user *u, int r, uint32_t request, const char *what)
{
	if (!*u->base.why)
		snprintf(u->base.why, sizeof(u->base.why), "%s: %s", request_name(request),
			what ? what : strerror(-r));
	return r;
}

static int lies(struct user *u, struct vu_message *m, uint32_t request, const char *what)
{
	vu_close_fds(m);
	return failed(u, -EBADMSG, request, what);
}

static int say(struct user *u, struct vu_message *m, bool need_reply)
{
	int r;

	m->flags = VU_VERSION | (need_reply ? VU_NEED_REPLY : 0);
	r = vu_send(u->fd, m, deadline(u));
	return r < 0 ? failed(u, r, m->request, NULL) : 0;
}

/* The answer to `request`, with exactly that many bytes and descriptors. */
static int receive(
	struct user *u, uint32_t request, uint32_t size, unsigned fds, struct vu_message *ret)
{
	int r = vu_receive(u->fd, ret, deadline(u));

	if (r < 0)
		return failed(u, r, request,
			r == -ETIMEDOUT	   ? "no answer"
			: r == -ECONNRESET ? "the connection has ended"
			: r == -EBADMSG	   ? "the answer is too long"
					   : NULL);
	if (ret->request != request)
		return lies(u, ret, request, "the answer is to another question");
	if ((ret->flags & VU_VERSION_MASK) != VU_VERSION || !(ret->flags & VU_REPLY))
		return lies(u, ret, request, "the answer is none");
	if (ret->size != size)
		return lies(u, ret, request, "the answer has an impossible length");
	if (ret->n_fds != fds)
		return lies(
			u, ret, request, "the answer has descriptors that it should not, or none");
	return 0;
}

static int ask(struct user *u, struct vu_message *m, uint32_t size, unsigned fds)
{
	const uint32_t request = m->request;
	int r = say(u, m, false);

	return r < 0 ? r : receive(u, request, size, fds, m);
}

static int ask_u64(struct user *u, uint32_t request, uint64_t *ret)
{
	struct vu_message m = { .request = request };
	int r = ask(u, &m, sizeof(m.u64), 0);

	if (r == 0)
		*ret = m.u64;
	return r;
}

/* An order; where it can be had, its success is waited for. */
static int order(struct user *u, struct vu_message *m)
{
	const bool ack = u->protocol & P_REPLY_ACK;
	const uint32_t request = m->request;
	int r = say(u, m, ack);

	if (r < 0 || !ack)
		return r;
	r = receive(u, request, sizeof(m->u64), 0, m);
	if (r == 0 && m->u64)
		return failed(u, -EREMOTEIO, request, "the back end refused");
	return r;
}

static int order_u64(struct user *u, uint32_t request, uint64_t v)
{
	struct vu_message m = { .request = request, .size = sizeof(m.u64), .u64 = v };

	return order(u, &m);
}

static int order_state(struct user *u, uint32_t request, unsigned index, unsigned num)
{
	struct vu_message m = {
		.request = request, .size = sizeof(m.state), .state = { index, num }
	};

	return order(u, &m);
}

static int order_fd(struct user *u, uint32_t request, unsigned index, int fd)
{
	struct vu_message m = {
		.request = request, .size = sizeof(m.u64), .u64 = index, .fds = { fd }, .n_fds = 1
	};

	return order(u, &m);
}

/* ---- operations ---- */

static struct vu_region region_of(const struct guest_bank *b)
{
	return (struct vu_region) { b->start.v, b->size, (uintptr_t)b->host, 0 };
}

static int add_slots(struct user *u, const struct guest_memory *m)
{
	uint64_t max;
	int r = ask_u64(u, VU_GET_MAX_MEM_SLOTS, &max);

	if (r == 0 && max < m->n_banks)
		r = failed(u, -E2BIG, VU_GET_MAX_MEM_SLOTS, "too few for the guest's memory");
	for (size_t i = 0; i < m->n_banks && r == 0; i++) {
		struct vu_message msg = {
			.request = VU_ADD_MEM_REG,
			.size = sizeof(msg.slot),
			.slot.region = region_of(&m->banks[i]),
			.fds = { m->banks[i].fd },
			.n_fds = 1,
		};

		r = order(u, &msg);
	}
	return r;
}

static int set_memory(struct user *u, const struct guest_memory *m)
{
	struct vu_message msg = { .request = VU_SET_MEM_TABLE };

	if (!m->shared)
		return failed(u, -EINVAL, msg.request, "the guest's memory is not shared");
	if (m->n_banks > VU_REGIONS_MAX && (u->protocol & P_SLOTS))
		return add_slots(u, m);
	if (m->n_banks > VU_REGIONS_MAX)
		return failed(u, -E2BIG, msg.request, "the guest's memory is in too many pieces");
	msg.memory.n = (uint32_t)m->n_banks;
	msg.n_fds = (unsigned)m->n_banks;
	for (size_t i = 0; i < m->n_banks; i++) {
		msg.memory.regions[i] = region_of(&m->banks[i]);
		msg.fds[i] = m->banks[i].fd;
	}
	msg.size = (uint32_t)(offsetof(struct vu_memory, regions) +
			      m->n_banks * sizeof(struct vu_region));
	return order(u, &msg);
}

static int user_set_up(struct vhost *v, const struct guest_memory *m, uint64_t features)
{
	struct user *u = user_of(v);
	int r = order_u64(u, VU_SET_FEATURES, features | (u->has_protocol ? F_PROTOCOL : 0));

	return r < 0 ? r : set_memory(u, m);
}

static int set_addresses(struct user *u, const struct vhost_ring *ring)
{
	struct vu_message m = {
		.request = VU_SET_VRING_ADDR,
		.size = sizeof(m.addr),
		.addr = {
			.index = ring->index,
			.desc_user_addr = (uintptr_t)ring->desc,
			.avail_user_addr = (uintptr_t)ring->driver,
			.used_user_addr = (uintptr_t)ring->device,
		},
	};

	return order(u, &m);
}

/* The kick comes last: it is what sets the ring going. */
static int user_start(struct vhost *v, const struct vhost_ring *ring)
{
	struct user *u = user_of(v);
	int r = order_state(u, VU_SET_VRING_NUM, ring->index, ring->size);

	if (r == 0)
		r = order_state(u, VU_SET_VRING_BASE, ring->index, ring->base);
	if (r == 0)
		r = set_addresses(u, ring);
	if (r == 0)
		r = order_fd(u, VU_SET_VRING_CALL, ring->index, ring->call);
	if (r == 0)
		r = order_fd(u, VU_SET_VRING_KICK, ring->index, ring->kick);
	return r;
}

static int user_enable(struct vhost *v, unsigned index, bool on)
{
	struct user *u = user_of(v);

	return u->has_protocol ? order_state(u, VU_SET_VRING_ENABLE, index, on) : 0;
}

/* Without acknowledgements, this answer tells that all before it was read. */
static int user_run(struct vhost *v)
{
	uint64_t features;

	return ask_u64(user_of(v), VU_GET_FEATURES, &features);
}

static int user_call(struct vhost *v, unsigned index, int fd)
{
	return order_fd(user_of(v), VU_SET_VRING_CALL, index, fd);
}

static int user_stop(struct vhost *v, unsigned index, uint16_t *ret_base)
{
	struct user *u = user_of(v);
	struct vu_message m = {
		.request = VU_GET_VRING_BASE, .size = sizeof(m.state), .state = { index, 0 }
	};
	int r = ask(u, &m, sizeof(m.state), 0);

	if (r == 0 && m.state.index != index)
		return failed(u, -EBADMSG, VU_GET_VRING_BASE, "the answer is about another ring");
	if (r == 0)
		*ret_base = (uint16_t)m.state.num;
	return r;
}

static void user_free(struct vhost *v)
{
	struct user *u = user_of(v);

	close(u->fd);
	free(u);
}

static const struct vhost_ops user_ops = {
	.set_up = user_set_up,
	.start = user_start,
	.run = user_run,
	.call = user_call,
	.enable = user_enable,
	.stop = user_stop,
	.free = user_free,
};

/* ---- the beginning ---- */

static int agree(struct user *u)
{
	uint64_t offered;
	int r;

	if (!u->has_protocol)
		return 0;
	r = ask_u64(u, VU_GET_PROTOCOL_FEATURES, &offered);
	if (r < 0)
		return r;
	u->protocol = 0; /* not acknowledged yet, so neither is this message */
	r = order_u64(u, VU_SET_PROTOCOL_FEATURES, offered & P_KNOWN);
	if (r == 0)
		u->protocol = (uint32_t)(offered & P_KNOWN);
	return r;
}

/* Without MQ a back end has what its kind has at least. */
static int count_rings(struct user *u, unsigned wanted)
{
	uint64_t n;
	int r;

	u->base.rings = wanted;
	if (!(u->protocol & P_MQ))
		return 0;
	r = ask_u64(u, VU_GET_QUEUE_NUM, &n);
	if (r < 0)
		return r;
	if (n == 0 || n > UINT16_MAX)
		return failed(u, -EBADMSG, VU_GET_QUEUE_NUM, "an impossible number of queues");
	u->base.rings = n < VHOST_RINGS_MAX ? (unsigned)n : VHOST_RINGS_MAX;
	return 0;
}

static int greet(struct user *u, unsigned rings)
{
	uint64_t features;
	int r = ask_u64(u, VU_GET_FEATURES, &features);

	if (r < 0)
		return r;
	u->has_protocol = features & F_PROTOCOL;
	u->base.features = features & ~F_PROTOCOL;
	r = agree(u);
	if (r == 0)
		r = count_rings(u, rings);
	if (r == 0)
		r = order(u, &(struct vu_message) { .request = VU_SET_OWNER });
	return r;
}

int vhost_user_new(const struct vhost_user_params *p, char *why, struct vhost **ret)
{
	struct user *u = calloc(1, sizeof(*u));
	int r;

	if (!u) {
		close(p->fd);
		snprintf(why, VHOST_WHY_BYTES, "out of memory");
		return -ENOMEM;
	}
	u->base.ops = &user_ops;
	u->fd = p->fd;
	u->timeout_ms = p->timeout_ms;
	r = greet(u, p->rings);
	if (r < 0) {
		snprintf(why, VHOST_WHY_BYTES, "%s", u->base.why);
		user_free(&u->base);
		return r;
	}
	*ret = &u->base;
	return 0;
}

int vhost_user_fd(const struct vhost *v)
{
	return ((const struct user *)(const void *)v)->fd; /* `base` is its first member */
}

void vhost_user_shut(const struct vhost *v)
{
	shutdown(vhost_user_fd(v), SHUT_RDWR);
}

int vhost_user_config(struct vhost *v, void *to, size_t len)
{
	struct user *u = user_of(v);
	struct vu_message m = { .request = VU_GET_CONFIG };
	const uint32_t size = (uint32_t)(offsetof(struct vu_config, bytes) + len);
	int r;

	if (!(u->protocol & P_CONFIG))
		return -EOPNOTSUPP;
	if (len > VU_CONFIG_MAX)
		return -EMSGSIZE;
	m.size = size;
	m.config.size = (uint32_t)len;
	r = ask(u, &m, size, 0);
	if (r < 0)
		return r;
	if (m.config.offset || m.config.size != len)
		return failed(u, -EBADMSG, VU_GET_CONFIG, "another part than was asked for");
	memcpy(to, m.config.bytes, len);
	return 0;
}

static int get_inflight(
	struct user *u, uint16_t queues, uint16_t queue_size, struct vhost_inflight *ret)
{
	struct vu_message m = {
		.request = VU_GET_INFLIGHT_FD,
		.size = sizeof(m.in_flight),
		.in_flight = { .queues = queues, .queue_size = queue_size },
	};
	int r = ask(u, &m, sizeof(m.in_flight), 1);

	if (r < 0)
		return r;
	*ret = (struct vhost_inflight) {
		.fd = m.fds[0],
		.size = m.in_flight.size,
		.offset = m.in_flight.offset,
		.queues = queues,
		.queue_size = queue_size,
	};
	return 0;
}

int vhost_user_inflight(
	struct vhost *v, uint16_t queues, uint16_t queue_size, struct vhost_inflight *io)
{
	struct user *u = user_of(v);
	struct vu_message m = { .request = VU_SET_INFLIGHT_FD, .size = sizeof(m.in_flight) };
	int r = 0;

	if (!(u->protocol & P_INFLIGHT))
		return 0;
	if (io->fd < 0)
		r = get_inflight(u, queues, queue_size, io);
	if (r < 0)
		return r;
	m.in_flight = (struct vu_inflight) { io->size, io->offset, io->queues, io->queue_size };
	m.fds[0] = io->fd;
	m.n_fds = 1;
	r = order(u, &m);
	return r < 0 ? r : 1;
}

void vhost_inflight_done(struct vhost_inflight *i)
{
	closep_(&i->fd);
	*i = (struct vhost_inflight) { .fd = -1 };
}
