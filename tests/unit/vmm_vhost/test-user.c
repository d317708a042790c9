// SPDX-License-Identifier: GPL-2.0-or-later
/* The protocol of vhost-user, with a back end that can be told to lie, to hang and to end. */
#include "cm.h"

#include "base/attr.h"
#include "host/host.h"
#include "vmm/vhost/message.h"
#include "vmm/vhost/user.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define F_PROTOCOL  (1ULL << 30)
#define F_VERSION_1 (1ULL << 32)

enum lie {
	HONEST,
	OTHER_QUESTION,
	NO_REPLY_FLAG,
	SHORT,
	LONG,
	EXTRA_FD,
	NO_FD,
	SILENT,
	ENDS,
	REFUSES,
	OTHER_RING,
	OTHER_PART,
	NO_QUEUES,
	HUGE_QUEUES,
};

struct backend {
	int fd;
	uint64_t protocol, slots;
	enum lie lie;
	uint32_t about; /* the request that it lies at */
	pthread_t thread;

	/* What it was told. */
	uint32_t seen[64];
	unsigned n;
	uint64_t features;
	struct vu_memory memory;
	unsigned memory_fds, regions;
	struct vhost_vring_addr addr[4];
	struct vhost_vring_state num[4], base[4], enabled[4];
	uint64_t inflight_size;
	ino_t in_flight;
	bool kicked[4], called[4];
};

static void reply(struct backend *b, struct vu_message *m, uint32_t size)
{
	const bool lies = b->lie && b->about == m->request;

	m->flags = VU_VERSION | VU_REPLY;
	m->size = size;
	if (lies && b->lie == OTHER_QUESTION)
		m->request ^= 1;
	if (lies && b->lie == NO_REPLY_FLAG)
		m->flags = VU_VERSION;
	if (lies && b->lie == SHORT)
		m->size -= 4;
	if (lies && b->lie == LONG)
		m->size += 4;
	if (lies && b->lie == EXTRA_FD)
		m->fds[m->n_fds++] = b->fd;
	if (lies && b->lie == NO_FD)
		vu_close_fds(m);
	if (lies && b->lie == OTHER_RING)
		m->state.index++;
	if (lies && b->lie == OTHER_PART)
		m->config.offset = 4;
	vu_send(b->fd, m, UINT64_MAX);
	m->n_fds -= lies && b->lie == EXTRA_FD;
	vu_close_fds(m);
}

static ino_t inode_of(int fd)
{
	struct stat st = { 0 };

	assert_int_equal(fstat(fd, &st), 0);
	return st.st_ino;
}

/* True: an answer of this size is to be given. */
static bool get(struct backend *b, struct vu_message *m, uint32_t *ret_size)
{
	const bool lies = b->lie && b->about == m->request;

	*ret_size = sizeof(m->u64);
	switch (m->request) {
	case VU_GET_FEATURES:
		m->u64 = F_PROTOCOL | F_VERSION_1 | 3;
		return true;
	case VU_GET_PROTOCOL_FEATURES:
		m->u64 = b->protocol;
		return true;
	case VU_GET_QUEUE_NUM:
		m->u64 = lies && b->lie == NO_QUEUES	 ? 0
			 : lies && b->lie == HUGE_QUEUES ? ~0ULL
							 : 4;
		return true;
	case VU_GET_MAX_MEM_SLOTS:
		m->u64 = b->slots;
		return true;
	case VU_GET_VRING_BASE:
		m->state.num = 7;
		return true;
	case VU_GET_CONFIG:
		memset(m->config.bytes, 0x5a, m->config.size);
		*ret_size = 12 + m->config.size;
		return true;
	case VU_GET_INFLIGHT_FD:
		m->in_flight.size = 4096;
		m->fds[m->n_fds++] = memfd_create("in_flight", MFD_CLOEXEC);
		b->in_flight = inode_of(m->fds[0]);
		*ret_size = sizeof(m->in_flight);
		return true;
	default:
		return false;
	}
}

static void set(struct backend *b, const struct vu_message *m)
{
	switch (m->request) {
	case VU_SET_FEATURES:
		b->features = m->u64;
		break;
	case VU_SET_MEM_TABLE:
		b->memory = m->memory;
		b->memory_fds = m->n_fds;
		break;
	case VU_ADD_MEM_REG:
		b->regions++;
		b->memory_fds += m->n_fds;
		break;
	case VU_SET_VRING_ADDR:
		b->addr[m->addr.index] = m->addr;
		break;
	case VU_SET_VRING_NUM:
		b->num[m->state.index] = m->state;
		break;
	case VU_SET_VRING_BASE:
		b->base[m->state.index] = m->state;
		break;
	case VU_SET_VRING_ENABLE:
		b->enabled[m->state.index] = m->state;
		break;
	case VU_SET_VRING_KICK:
		b->kicked[m->u64 & 3] = m->n_fds == 1;
		break;
	case VU_SET_VRING_CALL:
		b->called[m->u64 & 3] = m->n_fds == 1;
		break;
	case VU_SET_INFLIGHT_FD:
		b->inflight_size = m->in_flight.size;
		b->in_flight = m->n_fds == 1 ? inode_of(m->fds[0]) : 0;
		break;
	}
}

static void *backend_main(void *arg)
{
	struct backend *b = arg;
	struct vu_message m;

	while (vu_receive(b->fd, &m, UINT64_MAX) == 0) {
		const bool lies = b->lie && b->about == m.request;
		const bool ack = m.flags & VU_NEED_REPLY;
		uint32_t size;

		if (b->n < ARRAY_SIZE(b->seen)) {
			b->seen[b->n] = m.request;
			__atomic_store_n(&b->n, b->n + 1, __ATOMIC_RELEASE);
		}
		if (lies && (b->lie == ENDS || b->lie == SILENT))
			vu_close_fds(&m);
		if (lies && b->lie == ENDS) {
			shutdown(b->fd, SHUT_RDWR);
			break;
		}
		if (lies && b->lie == SILENT)
			continue;
		if (get(b, &m, &size)) {
			reply(b, &m, size);
		} else {
			set(b, &m);
			vu_close_fds(&m);
			m.u64 = lies && b->lie == REFUSES;
			if (ack)
				reply(b, &m, sizeof(m.u64));
		}
	}
	return NULL;
}

enum { P_MQ = 1, P_ACK = 8, P_CONFIG = 1 << 9, P_INFLIGHT = 1 << 12, P_SLOTS = 1 << 15 };

struct env {
	struct backend b;
	struct vhost *v;
	struct host *h;
	struct guest_memory *m;
	char why[VHOST_WHY_BYTES];
};

static int meet(struct env *e)
{
	/* Only who is silent makes us wait for it; else a slow machine is no failure. */
	struct vhost_user_params p = { .timeout_ms = e->b.lie == SILENT ? 200 : 10000, .rings = 1 };
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	e->b.fd = ends[0];
	p.fd = ends[1];
	assert_int_equal(pthread_create(&e->b.thread, NULL, backend_main, &e->b), 0);
	return vhost_user_new(&p, e->why, &e->v);
}

static void make_memory(struct env *e, const struct guest_range *holes, size_t n)
{
	const struct guest_memory_params p = {
		.size = 16 << 20, .shared = true, .reserved = holes, .n_reserved = n
	};

	assert_int_equal(host_new_fds_only(&e->h), 0);
	assert_int_equal(guest_memory_new(e->h, &p, &e->m, NULL), 0);
}

static void part(struct env *e)
{
	vhost_free(e->v);
	shutdown(e->b.fd, SHUT_RDWR);
	pthread_join(e->b.thread, NULL);
	close(e->b.fd);
	guest_memory_free(e->m);
	if (e->h)
		host_free(e->h);
}

static bool saw(const struct backend *b, uint32_t request)
{
	const unsigned n = __atomic_load_n(&b->n, __ATOMIC_ACQUIRE);

	for (unsigned i = 0; i < n; i++)
		if (b->seen[i] == request)
			return true;
	return false;
}

static void speaks(void **state UNUSED)
{
	struct env e = { .b.protocol = P_MQ | P_ACK | P_CONFIG | P_INFLIGHT | 1 << 5 };
	struct vhost_inflight in_flight = { .fd = -1 };
	struct vhost_ring r = { .index = 1, .size = 64, .base = 5 };
	uint8_t config[60];
	uint16_t base;
	ino_t first;

	make_memory(&e, NULL, 0);
	assert_int_equal(meet(&e), 0);
	assert_int_equal(e.v->rings, 4);
	assert_int_equal(e.v->features, F_VERSION_1 | 3);
	assert_int_equal(vhost_user_config(e.v, config, sizeof(config)), 0);
	assert_int_equal(config[59], 0x5a);
	assert_int_equal(e.v->ops->set_up(e.v, e.m, F_VERSION_1), 0);
	assert_int_equal(e.b.features, F_VERSION_1 | F_PROTOCOL);
	assert_int_equal(e.b.memory.n, 1);
	assert_int_equal(e.b.memory_fds, 1);
	assert_int_equal(e.b.memory.regions[0].size, 16 << 20);
	assert_int_equal(vhost_user_inflight(e.v, 4, 64, &in_flight), 1);
	first = e.b.in_flight;
	assert_int_equal(inode_of(in_flight.fd), first);
	assert_int_equal(vhost_user_inflight(e.v, 4, 64, &in_flight), 1); /* the same again */
	assert_int_equal(e.b.in_flight, first);
	r.desc = r.driver = r.device = e.m->banks[0].host;
	r.kick = eventfd(0, EFD_CLOEXEC);
	r.call = eventfd(0, EFD_CLOEXEC);
	assert_int_equal(e.v->ops->start(e.v, &r), 0);
	assert_int_equal(e.v->ops->enable(e.v, 1, true), 0);
	assert_int_equal(e.v->ops->run(e.v), 0);
	assert_int_equal(e.b.num[1].num, 64);
	assert_int_equal(e.b.base[1].num, 5);
	assert_int_equal(e.b.enabled[1].num, 1);
	assert_int_equal(e.b.addr[1].desc_user_addr, (uintptr_t)e.m->banks[0].host);
	assert_true(e.b.kicked[1] && e.b.called[1]);
	assert_int_equal(e.v->ops->call(e.v, 1, r.kick), 0);
	assert_int_equal(e.v->ops->stop(e.v, 1, &base), 0);
	assert_int_equal(base, 7);
	vhost_inflight_done(&in_flight);
	part(&e);
	close(r.kick);
	close(r.call);
}

/* The least that there is: no acknowledgements, one queue, nothing to be asked. */
static void speaks_to_the_simple(void **state UNUSED)
{
	struct vhost_inflight in_flight = { .fd = -1 };
	struct env e = { 0 };
	uint8_t config[4];

	make_memory(&e, NULL, 0);
	assert_int_equal(meet(&e), 0);
	assert_int_equal(e.v->rings, 1);
	assert_int_equal(vhost_user_config(e.v, config, sizeof(config)), -EOPNOTSUPP);
	assert_int_equal(e.v->ops->set_up(e.v, e.m, F_VERSION_1), 0);
	assert_int_equal(vhost_user_inflight(e.v, 1, 64, &in_flight), 0);
	assert_int_equal(e.v->ops->run(e.v), 0);
	assert_int_equal(e.b.memory.n, 1);
	assert_false(saw(&e.b, VU_GET_INFLIGHT_FD) || saw(&e.b, VU_GET_CONFIG));
	part(&e);
}

enum { HOLES = 9 };

static void make_pieces(struct env *e)
{
	struct guest_range holes[HOLES];

	for (unsigned i = 0; i < HOLES; i++)
		holes[i] = (struct guest_range) { (i + 1) << 20, ((i + 1) << 20) + 4095 };
	make_memory(e, holes, HOLES);
	assert_int_equal(e->m->n_banks, HOLES + 1);
}

static void memory_in_pieces(void **state UNUSED)
{
	struct env e = { .b = { .protocol = P_ACK | P_SLOTS, .slots = 32 } };

	make_pieces(&e);
	assert_int_equal(meet(&e), 0);
	assert_int_equal(e.v->ops->set_up(e.v, e.m, F_VERSION_1), 0);
	assert_int_equal(e.b.regions, HOLES + 1);
	assert_int_equal(e.b.memory_fds, HOLES + 1);
	assert_false(saw(&e.b, VU_SET_MEM_TABLE));
	part(&e);
}

static void memory_in_too_many_pieces(void **state UNUSED)
{
	struct env few = { .b = { .protocol = P_ACK | P_SLOTS, .slots = 8 } };
	struct env none = { .b = { .protocol = P_ACK } };

	make_pieces(&few);
	assert_int_equal(meet(&few), 0);
	assert_int_equal(few.v->ops->set_up(few.v, few.m, F_VERSION_1), -E2BIG);
	part(&few);
	make_pieces(&none);
	assert_int_equal(meet(&none), 0);
	assert_int_equal(none.v->ops->set_up(none.v, none.m, F_VERSION_1), -E2BIG);
	assert_non_null(strstr(none.v->why, "too many pieces"));
	part(&none);
}

static void private_memory_is_not_shared(void **state UNUSED)
{
	const struct guest_memory_params p = { .size = 1 << 20 };
	struct env e = { 0 };

	assert_int_equal(host_new_fds_only(&e.h), 0);
	assert_int_equal(guest_memory_new(e.h, &p, &e.m, NULL), 0);
	assert_int_equal(meet(&e), 0);
	assert_int_equal(e.v->ops->set_up(e.v, e.m, F_VERSION_1), -EINVAL);
	assert_false(saw(&e.b, VU_SET_MEM_TABLE));
	part(&e);
}

/* All that is asked, so that every question is lied at. */
static int whole_talk(struct env *e)
{
	struct vhost_inflight in_flight = { .fd = -1 };
	struct vhost_ring ring = { .size = 8, .kick = 0, .call = 0 };
	uint8_t config[60];
	uint16_t base;
	int r = meet(e);

	if (r == 0)
		r = vhost_user_config(e->v, config, sizeof(config));
	if (r == 0)
		r = e->v->ops->set_up(e->v, e->m, F_VERSION_1);
	if (r == 0)
		r = vhost_user_inflight(e->v, 1, 8, &in_flight) < 0 ? -EBADMSG : 0;
	vhost_inflight_done(&in_flight);
	if (r == 0)
		r = e->v->ops->start(e->v, &ring);
	if (r == 0)
		r = e->v->ops->enable(e->v, 0, true);
	if (r == 0)
		r = e->v->ops->run(e->v);
	if (r == 0)
		r = e->v->ops->stop(e->v, 0, &base);
	if (r < 0 && e->v)
		snprintf(e->why, sizeof(e->why), "%s", e->v->why);
	return r;
}

static unsigned open_files(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void lied_to(enum lie lie, uint32_t about, int want, const char *why)
{
	struct env e = { .b = { .protocol = P_MQ | P_ACK | P_CONFIG | P_INFLIGHT,
				 .lie = lie,
				 .about = about } };
	unsigned before = open_files();
	int r;

	make_memory(&e, NULL, 0);
	r = whole_talk(&e);
	if (r != want || !strstr(e.why, why))
		fail_msg("lie %d about %u: %d, not %d: %s", lie, about, r, want, e.why);
	part(&e);
	assert_int_equal(open_files(), before);
}

static void lies(void **state UNUSED)
{
	static const uint32_t questions[] = { VU_GET_FEATURES, VU_GET_PROTOCOL_FEATURES,
		VU_GET_QUEUE_NUM, VU_GET_CONFIG, VU_GET_INFLIGHT_FD, VU_GET_VRING_BASE,
		VU_SET_FEATURES, VU_SET_MEM_TABLE, VU_SET_OWNER, VU_SET_VRING_NUM,
		VU_SET_VRING_KICK, VU_SET_VRING_CALL, VU_SET_VRING_ENABLE, VU_SET_INFLIGHT_FD };

	for (unsigned i = 0; i < ARRAY_SIZE(questions); i++) {
		lied_to(OTHER_QUESTION, questions[i], -EBADMSG, "another question");
		lied_to(NO_REPLY_FLAG, questions[i], -EBADMSG, "is none");
		lied_to(SHORT, questions[i], -EBADMSG, "impossible length");
		lied_to(LONG, questions[i], -EBADMSG, "impossible length");
		lied_to(EXTRA_FD, questions[i], -EBADMSG, "descriptors");
	}
	lied_to(NO_FD, VU_GET_INFLIGHT_FD, -EBADMSG, "descriptors");
	lied_to(OTHER_RING, VU_GET_VRING_BASE, -EBADMSG, "another ring");
	lied_to(OTHER_PART, VU_GET_CONFIG, -EBADMSG, "another part");
	lied_to(NO_QUEUES, VU_GET_QUEUE_NUM, -EBADMSG, "impossible number");
	lied_to(HUGE_QUEUES, VU_GET_QUEUE_NUM, -EBADMSG, "impossible number");
	lied_to(REFUSES, VU_SET_MEM_TABLE, -EREMOTEIO, "SET_MEM_TABLE: the back end refused");
}

/* Neither silence nor an end keeps anybody waiting. */
static void ends(void **state UNUSED)
{
	lied_to(SILENT, VU_GET_FEATURES, -ETIMEDOUT, "GET_FEATURES: no answer");
	lied_to(SILENT, VU_SET_MEM_TABLE, -ETIMEDOUT, "SET_MEM_TABLE: no answer");
	lied_to(SILENT, VU_GET_VRING_BASE, -ETIMEDOUT, "GET_VRING_BASE: no answer");
	lied_to(ENDS, VU_GET_FEATURES, -ECONNRESET, "has ended");
	lied_to(ENDS, VU_SET_VRING_ADDR, -ECONNRESET, "has ended");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(speaks),
		cmocka_unit_test(speaks_to_the_simple),
		cmocka_unit_test(memory_in_pieces),
		cmocka_unit_test(memory_in_too_many_pieces),
		cmocka_unit_test(private_memory_is_not_shared),
		cmocka_unit_test(lies),
		cmocka_unit_test(ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
