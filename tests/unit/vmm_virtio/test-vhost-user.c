// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An interface that another process serves, which is played here by a thread: it dials for the
 * device, moves packets, ends at any message that it is told, and comes back.
 */
#include "cm.h"
#include "harness.h"
#include "vmm/vhost/message.h"
#include "vmm/virtio/serve.h"
#include "vmm/virtio/vhost-kinds.h"

#include <linux/virtio_net.h>
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
	/* What the thread says; atomic. */
	uint32_t dials, messages, drivers, handled, delivered, sent, discarded;
	bool begun[RINGS], enabled[RINGS];
	/* The thread's alone. */
	struct ring rings[RINGS];
	uint32_t packet;
};

#define READ(x)	  __atomic_load_n(&(x), __ATOMIC_SEQ_CST)
#define SET(x, v) __atomic_store_n(&(x), v, __ATOMIC_SEQ_CST)
#define ADD(x, v) __atomic_fetch_add(&(x), v, __ATOMIC_SEQ_CST)

/* ---- the other process: rings ---- */

static bool take(struct ring *r, uint16_t *ret)
{
	if (!r->avail || r->next == READ(r->avail->idx))
		return false;
	*ret = r->avail->ring[r->next++ % r->size];
	return true;
}

static void give_back(struct ring *r, uint16_t head, uint32_t len)
{
	r->used->ring[r->used->idx % r->size] = (struct vring_used_elem) { head, len };
	SET(r->used->idx, (uint16_t)(r->used->idx + 1));
	eventfd_write(r->call, 1);
}

/* Its number is in it. */
static void packet_comes(struct peer *p)
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
static void send_all(struct peer *p)
{
	struct ring *r = &p->rings[1];
	uint16_t head;

	while (take(r, &head)) {
		ADD(*(r->enabled ? &p->sent : &p->discarded), 1);
		give_back(r, head, 0);
	}
}

/* ---- the other process: messages ---- */

static int keep_fd(int *fd, struct vu_message *m)
{
	closep_(fd);
	*fd = m->n_fds ? m->fds[--m->n_fds] : -1;
	return *fd;
}

static void set_address(struct peer *p, const struct vhost_vring_addr *a)
{
	struct ring *r = &p->rings[a->index % RINGS];

	if (!READ(p->drivers))
		return;
	r->desc = (void *)(uintptr_t)a->desc_user_addr; /* the VMM is this process, too */
	r->avail = (void *)(uintptr_t)a->avail_user_addr;
	r->used = (void *)(uintptr_t)a->used_user_addr;
}

static void obey(struct peer *p, struct vu_message *m)
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
static uint32_t get(struct peer *p, struct vu_message *m)
{
	switch (m->request) {
	case VU_GET_FEATURES:
		m->u64 = F_PROTOCOL | VIRTIO_FEATURE(VIRTIO_F_VERSION_1);
		return sizeof(m->u64);
	case VU_GET_PROTOCOL_FEATURES:
		m->u64 = P_MQ | P_REPLY_ACK;
		return sizeof(m->u64);
	case VU_GET_QUEUE_NUM:
		m->u64 = RINGS / 2;
		return sizeof(m->u64);
	case VU_GET_VRING_BASE:
		m->state.num = p->rings[m->state.index % RINGS].next;
		p->rings[m->state.index % RINGS].avail = NULL;
		SET(p->begun[m->state.index % RINGS], false);
		return sizeof(m->state);
	default:
		return 0;
	}
}

/* False: the connection is over. */
static bool message(struct peer *p, int fd)
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
static bool woken(struct peer *p)
{
	eventfd_t n;

	if (eventfd_read(p->wake, &n) < 0)
		return true;
	for (eventfd_t i = 0; i < n % SIZE; i++)
		packet_comes(p);
	return n < SIZE;
}

static void serve(struct peer *p, int fd)
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

static void connection_begins(struct peer *p, int fd)
{
	SET(p->messages, 0);
	if (READ(p->end) == REFUSES && READ(p->at) == 1)
		shutdown(fd, SHUT_RD);
	ADD(p->dials, 1);
}

/* Whatever was asked for happens one message later the next time, until it goes on. */
static void connection_is_over(struct peer *p, int fd)
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

static void hand_over(int channel, int fd)
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

static void *peer_main(void *arg)
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

/* ---- the device ---- */

struct fixture {
	struct drv_ram ram;
	struct peer p;
	struct drv rings[RINGS];
	struct drv_transport t;
	struct virtio_device *dev;
	int channel;
	uint32_t next_number, came; /* of packets */
};

static int no_vector(void *t UNUSED, uint16_t vector UNUSED)
{
	return -ENOENT;
}

static struct fixture *open_peer(void)
{
	const struct guest_memory_params m = { .size = DRV_RAM_BYTES, .shared = true };
	struct fixture *f = calloc(1, sizeof(*f));
	int ends[2];

	assert_int_equal(host_new_fds_only(&f->ram.host), 0);
	assert_int_equal(guest_memory_new(f->ram.host, &m, &f->ram.memory, NULL), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	f->channel = ends[0];
	f->p.channel = ends[1];
	f->p.memory = f->ram.memory;
	f->p.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	for (unsigned i = 0; i < RINGS; i++)
		f->p.rings[i] = (struct ring) { .kick = -1, .call = -1 };
	assert_int_equal(pthread_create(&f->p.thread, NULL, peer_main, &f->p), 0);
	return f;
}

static void close_peer(struct fixture *f)
{
	close(f->channel);
	pthread_join(f->p.thread, NULL);
	close(f->p.channel);
	close(f->p.wake);
	drv_ram_close(&f->ram);
	free(f);
}

static void driver_begins(struct fixture *f)
{
	assert_true(harness_negotiate(f->dev, VIRTIO_FEATURE(VIRTIO_NET_F_STATUS)));
	for (unsigned i = 0; i < RINGS; i++)
		harness_queue(f->dev, f->ram.memory, i, &f->rings[i], SIZE);
	ADD(f->p.drivers, 1); /* what the rings hold is seen by who sees this */
	harness_ready(f->dev);
}

static void open_net(struct fixture *f)
{
	static struct virtio_transport_ops ops;
	const struct virtio_net_setup s = { .mtu = 1400 };
	struct vhost_source source = { .channel = f->channel, .timeout_ms = TIMEOUT_MS };
	char why[VHOST_WHY_BYTES] = "";

	assert_int_equal(vhost_link_connect(f->channel, TIMEOUT_MS, 2, why, &source.vhost), 0);
	assert_int_equal(
		vhost_net_device_new(f->ram.memory, "virtio-net0", &source, &s, 1, &f->dev), 0);
	ops = harness_ops;
	ops.call_fd = no_vector;
	f->dev->transport = &f->t;
	f->dev->transport_ops = &ops;
	harness_serve(f->dev);
	driver_begins(f);
}

static struct fixture *begin(void)
{
	struct fixture *f = open_peer();

	open_net(f);
	return f;
}

static void finish(struct fixture *f)
{
	harness_free(f->dev);
	close_peer(f);
}

/* Only a fault makes it wait in vain. */
#define UNTIL(condition)                                                                           \
	do {                                                                                       \
		for (unsigned ms_ = 0; !(condition) && ms_ < TIMEOUT_MS; ms_++)                    \
			usleep(1000);                                                              \
		assert_true(condition);                                                            \
	} while (0)

static void set_link(struct fixture *f, const char *value)
{
	assert_int_equal(f->dev->ops->set(f->dev, -1, "link", value, NULL), 0);
}

static void find_stat(void *arg, const char *name, uint64_t v)
{
	uint64_t *to = arg;

	if (!strcmp(name, "backend-losses"))
		to[0] = v;
	if (!strcmp(name, "backend-returns"))
		to[1] = v;
}

static void lost_and_returned(struct fixture *f, uint64_t losses, uint64_t returns)
{
	uint64_t is[2] = { 0 };

	f->dev->ops->stats(f->dev, find_stat, is);
	assert_int_equal(is[0], losses);
	assert_int_equal(is[1], returns);
}

static uint64_t returns(struct fixture *f)
{
	uint64_t is[2] = { 0 };

	f->dev->ops->stats(f->dev, find_stat, is);
	return is[1];
}

static void offer_buffers(struct fixture *f, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		const struct drv_piece p = { DRV_BUFFERS + f->rings[0].free_head * 256U, 256,
			true };

		drv_chain(&f->rings[0], &p, 1);
	}
	drv_publish(&f->rings[0]);
}

/* So many packets come to the other process, one after the other. */
static void packets(struct fixture *f, unsigned n)
{
	f->came += n;
	for (; n; n--)
		eventfd_write(f->p.wake, 1);
	UNTIL(READ(f->p.handled) == f->came);
}

/* The driver got so many, the first of which has that number; and no more. */
static void got(struct fixture *f, unsigned n, uint32_t first)
{
	struct vring_used_elem e;

	for (unsigned i = 0; i < n; i++) {
		uint32_t number;
		const uint8_t *at;

		assert_true(drv_used(&f->rings[0], &e));
		assert_int_equal(e.len, HEADER + sizeof(number));
		at = drv_ptr(f->ram.memory, f->rings[0].desc[e.id].addr);
		memcpy(&number, at + HEADER, sizeof(number));
		assert_int_equal(number, first + i);
	}
	assert_false(drv_used(&f->rings[0], &e));
}

/* The driver sends so many frames, and all are given back. */
static void frames(struct fixture *f, unsigned n)
{
	const uint16_t all = (uint16_t)(f->rings[1].used_seen + n);
	struct vring_used_elem e;

	for (unsigned i = 0; i < n; i++) {
		const struct drv_piece p = { DRV_BUFFERS + 0x8000, HEADER + FRAME, false };

		drv_chain(&f->rings[1], &p, 1);
	}
	drv_publish(&f->rings[1]);
	eventfd_write(virtio_device_doorbell(f->dev, 1), 1);
	UNTIL(READ(f->rings[1].used->idx) == all);
	while (drv_used(&f->rings[1], &e))
		;
}

static void both_are(const struct fixture *f, bool enabled)
{
	for (unsigned i = 0; i < RINGS; i++) {
		assert_true(READ(f->p.begun[i]));
		assert_int_equal(READ(f->p.enabled[i]), enabled);
	}
}

/* ---- the tests ---- */

static void without_a_link_nothing_passes(void **state UNUSED)
{
	struct fixture *f = begin();

	offer_buffers(f, 16);
	both_are(f, true);
	packets(f, 3);
	got(f, 3, 0);
	frames(f, 2);
	assert_int_equal(READ(f->p.sent), 2);
	for (unsigned i = 0; i < 3; i++) {
		set_link(f, "down");
		both_are(f, false);
		packets(f, 40);
		got(f, 0, 0);
		frames(f, 5);
		set_link(f, "down");
		assert_int_equal(READ(f->p.sent), 2 * (i + 1));
		assert_int_equal(READ(f->p.discarded), 5 * (i + 1));
		set_link(f, "up");
		both_are(f, true);
		packets(f, 4);
		got(f, 4, 3 + i * 44 + 40);
		frames(f, 2);
	}
	assert_int_equal(READ(f->p.delivered), 15); /* into buffers in order: 1 is left of 16 */
	packets(f, 2);
	got(f, 1, 3 + 3 * 44);
	lost_and_returned(f, 0, 0);
	finish(f);
}

static void end_it(struct fixture *f)
{
	eventfd_write(f->p.wake, SIZE);
}

/* Who takes his place hears of it, too; and so does the next driver. */
static void without_a_link_after_a_loss(void **state UNUSED)
{
	struct fixture *f = begin();

	offer_buffers(f, 8);
	set_link(f, "down");
	end_it(f);
	UNTIL(returns(f) == 1);
	both_are(f, false);
	packets(f, 5);
	got(f, 0, 0);
	end_it(f);
	set_link(f, "up"); /* perhaps while nobody is there */
	UNTIL(returns(f) == 2);
	both_are(f, true);
	packets(f, 2);
	got(f, 2, 5);
	set_link(f, "down");
	virtio_device_set_status(f->dev, 0);
	assert_false(READ(f->p.begun[0]) || READ(f->p.begun[1]));
	driver_begins(f);
	both_are(f, false);
	set_link(f, "up");
	both_are(f, true);
	lost_and_returned(f, 2, 2);
	finish(f);
}

/* -EPIPE is the end of who dials, and of nothing else. */
static void one_who_ends_while_greeted(void **state UNUSED)
{
	struct fixture *f = open_peer();
	char why[VHOST_WHY_BYTES];
	struct vhost *v = NULL;

	for (enum end end = REFUSES; end <= ENDS; end++)
		for (uint32_t at = 1; at <= GREETING; at++) {
			SET(f->p.end, end);
			SET(f->p.at, at);
			SET(f->p.most, 0);
			*why = '\0';
			assert_int_equal(vhost_link_connect(f->channel, TIMEOUT_MS, 2, why, &v),
				-ECONNRESET);
			assert_string_not_equal(why, "");
			UNTIL(READ(f->p.end) == GOES_ON);
		}
	assert_int_equal(READ(f->p.dials), 2 * GREETING);
	assert_int_equal(vhost_link_connect(f->channel, TIMEOUT_MS, 2, why, &v), 0);
	vhost_free(v);
	shutdown(f->channel, SHUT_RDWR);
	assert_int_equal(vhost_link_connect(f->channel, TIMEOUT_MS, 2, why, &v), -EPIPE);
	close_peer(f);
}

/* It ends at the first message, comes back and ends at the second, … until it lets all of them be.
 */
static void comes_back_until_it_works(enum end end)
{
	struct fixture *f = begin();
	uint32_t all = READ(f->p.messages);

	assert_true(all > GREETING + 2 * RINGS);
	offer_buffers(f, 4);
	packets(f, 1);
	SET(f->p.at, 0); /* 1 when this connection is over */
	SET(f->p.most, all);
	SET(f->p.end, end);
	end_it(f);
	UNTIL(returns(f) == 1);
	assert_int_equal(READ(f->p.dials), 2 + all);
	assert_int_equal(READ(f->p.messages), all);
	both_are(f, true);
	packets(f, 1);
	got(f, 2, 0);
	lost_and_returned(f, 1, 1);
	finish(f);
}

static void comes_back_after_any_refusal(void **state UNUSED)
{
	comes_back_until_it_works(REFUSES);
}

static void comes_back_after_any_end(void **state UNUSED)
{
	comes_back_until_it_works(ENDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_link_nothing_passes),
		cmocka_unit_test(without_a_link_after_a_loss),
		cmocka_unit_test(one_who_ends_while_greeted),
		cmocka_unit_test(comes_back_after_any_refusal),
		cmocka_unit_test(comes_back_after_any_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
