// SPDX-License-Identifier: GPL-2.0-or-later
#include "wire.h"
#include "frames.h"
#include "times.h"

#include "base/thread.h"

#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

enum { PROBE_MS = 50, PROBE_MOST_MS = 5000 };

struct wire_peer {
	int fd, stop;
	struct mac from, to;
	pthread_t thread;
	bool runs;
	uint64_t data;	      /* frames that came */
	uint32_t left, bytes; /* that are still to be sent, and of which size */
	uint32_t window;
};

/* True: it is one of ours. */
static bool read_frame(const uint8_t *frame, ssize_t n, struct wire *ret)
{
	if (n < (ssize_t)(WIRE_HEADER + sizeof(*ret)) || frame[12] != WIRE_TYPE >> 8 ||
		frame[13] != (WIRE_TYPE & 0xff))
		return false;
	memcpy(ret, frame + WIRE_HEADER, sizeof(*ret));
	return ret->magic == WIRE_MAGIC;
}

static void address(uint8_t *frame, struct mac from, struct mac to)
{
	memcpy(frame, to.b, sizeof(to.b));
	memcpy(frame + 6, from.b, sizeof(from.b));
}

static void build_frame(uint8_t frame[WIRE_MOST], enum wire_kind kind, uint32_t n, uint32_t bytes)
{
	const struct wire w = { WIRE_MAGIC, kind, n, bytes };

	memset(frame, 0, WIRE_MOST);
	frame[12] = WIRE_TYPE >> 8;
	frame[13] = WIRE_TYPE & 0xff;
	memcpy(frame + WIRE_HEADER, &w, sizeof(w));
}

static void pump(struct wire_peer *w)
{
	uint8_t frame[WIRE_MOST];

	build_frame(frame, WIRE_DATA, 0, 0);
	address(frame, w->from, w->to);
	while (w->left && w->window) {
		if (send(w->fd, frame, w->bytes, 0) < 0)
			return; /* the guest waits, and its deadline ends it */
		w->left--;
		w->window--;
	}
}

static uint32_t clamp(uint32_t v, uint32_t least, uint32_t most)
{
	return v < least ? least : v > most ? most : v;
}

/* What a guest says is not trusted: at worst it gets frames that it did not ask for. */
static void answer(struct wire_peer *w, uint8_t *frame, size_t n, const struct wire *said)
{
	switch (said->kind) {
	case WIRE_DATA:
		w->data++;
		return;
	case WIRE_ASK:
		w->left = said->n;
		w->bytes = clamp(said->bytes, WIRE_LEAST, WIRE_MOST);
		w->window = WIRE_WINDOW;
		pump(w);
		return;
	case WIRE_GRANT:
		w->window = clamp(w->window + clamp(said->n, 0, WIRE_WINDOW), 0, WIRE_WINDOW);
		pump(w);
		return;
	case WIRE_PING:
		address(frame, w->from, w->to);
		(void)!send(w->fd, frame, n, 0);
		return;
	default:
		return;
	}
}

static void *serve(void *arg)
{
	struct wire_peer *w = arg;
	struct pollfd p[2] = { { .fd = w->fd, .events = POLLIN },
		{ .fd = w->stop, .events = POLLIN } };
	uint8_t frame[WIRE_MOST];

	while (poll(p, 2, -1) >= 0 || errno == EINTR) {
		struct wire said;
		ssize_t n;

		if (p[1].revents)
			break;
		while ((n = recv(w->fd, frame, sizeof(frame), MSG_DONTWAIT)) > 0)
			if (read_frame(frame, n, &said))
				answer(w, frame, (size_t)n, &said);
	}
	return NULL;
}

int wire_peer_new(const struct pair *p, struct wire_peer **ret)
{
	CLEANUP(wire_peer_freep) struct wire_peer *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	w->fd = p->ends.peer;
	w->from = p->peer;
	w->to = p->tap;
	w->stop = eventfd(0, EFD_CLOEXEC);
	if (w->stop < 0)
		return -errno;
	r = thread_start(&w->thread, "bench-peer", serve, w);
	if (r < 0)
		return r;
	w->runs = true;
	*ret = TAKE_PTR(w);
	return 0;
}

uint64_t wire_peer_stop(struct wire_peer *w)
{
	struct tpacket_stats s = { 0 };
	socklen_t size = sizeof(s);
	uint64_t one = 1;

	if (w->runs) {
		(void)!write(w->stop, &one, sizeof(one));
		pthread_join(w->thread, NULL);
		w->runs = false;
		if (getsockopt(w->fd, SOL_PACKET, PACKET_STATISTICS, &s, &size) == 0)
			w->data += s.tp_drops;
	}
	return w->data;
}

void wire_peer_free(struct wire_peer *w)
{
	if (!w)
		return;
	wire_peer_stop(w);
	closep_(&w->stop);
	free(w);
}

/* ---- The guest's part ---- */

struct tap {
	int fd;
	struct mac from, to;
	uint64_t deadline; /* times_now() */
};

static int wait_for(const struct tap *t, short events)
{
	struct pollfd p = { .fd = t->fd, .events = events };
	uint64_t now = times_now();

	if (now >= t->deadline || poll(&p, 1, (int)((t->deadline - now) / 1000000) + 1) == 0)
		return -ETIMEDOUT;
	return 0;
}

/* The header of a tap whose length nobody has changed. */
static int put(const struct tap *t, const uint8_t *frame, size_t n)
{
	uint8_t buf[sizeof(struct virtio_net_hdr) + WIRE_MOST] = { 0 };
	int r = 0;

	memcpy(buf + sizeof(struct virtio_net_hdr), frame, n);
	address(buf + sizeof(struct virtio_net_hdr), t->from, t->to);
	while (r == 0 && write(t->fd, buf, sizeof(struct virtio_net_hdr) + n) < 0)
		r = errno == EAGAIN ? wait_for(t, POLLOUT) : -errno;
	return r;
}

static int take(const struct tap *t, enum wire_kind kind)
{
	uint8_t buf[sizeof(struct virtio_net_hdr) + WIRE_MOST];

	for (;;) {
		ssize_t n = read(t->fd, buf, sizeof(buf));
		struct wire said;
		int r;

		if (n < 0) {
			r = errno == EAGAIN ? wait_for(t, POLLIN) : -errno;
			if (r < 0)
				return r;
			continue;
		}
		if (read_frame(buf + sizeof(struct virtio_net_hdr),
			    n - (ssize_t)sizeof(struct virtio_net_hdr), &said) &&
			said.kind == kind)
			return 0;
	}
}

/* Whether anything comes within a moment; what came is taken. */
static bool comes(int fd)
{
	uint8_t buf[sizeof(struct virtio_net_hdr) + WIRE_MOST];
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, PROBE_MS) > 0 && read(fd, buf, sizeof(buf)) > 0;
}

int wire_await(const struct pair *p)
{
	const struct tap tap = { p->ends.tap, p->tap, p->peer,
		times_now() + PROBE_MOST_MS * 1000000ULL };
	uint8_t frame[WIRE_MOST];
	bool there = false, back = false;

	build_frame(frame, WIRE_PROBE, 0, 0);
	while (!there || !back) {
		if (times_now() > tap.deadline)
			return -ETIMEDOUT;
		(void)put(&tap, frame, WIRE_LEAST);
		there |= comes(p->ends.peer);
		address(frame, p->peer, p->tap);
		(void)!send(p->ends.peer, frame, WIRE_LEAST, 0);
		back |= comes(p->ends.tap);
	}
	return 0;
}

static int send_one(const struct tap *t, const struct bench_workload *w, size_t i UNUSED)
{
	uint8_t frame[WIRE_MOST];

	build_frame(frame, WIRE_DATA, 0, 0);
	return put(t, frame, w->bytes);
}

static int receive_one(const struct tap *t, const struct bench_workload *w UNUSED, size_t i)
{
	uint8_t frame[WIRE_MOST];
	int r = take(t, WIRE_DATA);

	if (r < 0 || (i + 1) % WIRE_CREDIT)
		return r;
	build_frame(frame, WIRE_GRANT, WIRE_CREDIT, 0);
	return put(t, frame, WIRE_LEAST);
}

static int ping_one(const struct tap *t, const struct bench_workload *w, size_t i)
{
	uint8_t frame[WIRE_MOST];
	int r;

	build_frame(frame, WIRE_PING, (uint32_t)i, 0);
	r = put(t, frame, w->bytes);
	return r < 0 ? r : take(t, WIRE_PING);
}

static int ask(const struct tap *t, const struct bench_workload *w, size_t n)
{
	uint8_t frame[WIRE_MOST];

	build_frame(frame, WIRE_ASK, (uint32_t)n, w->bytes);
	return put(t, frame, WIRE_LEAST);
}

int wire_host_run(const struct pair *p, const struct bench_workload *w, size_t ops,
	unsigned deadline_s, struct bench_times *ret, const char **ret_by, struct problem **reterr)
{
	const struct tap tap = { p->ends.tap, p->tap, p->peer,
		times_now() + deadline_s * 1000000000ULL };
	int (*one)(const struct tap *t, const struct bench_workload *w, size_t i) =
		w->op == BENCH_SEND	 ? send_one
		: w->op == BENCH_RECEIVE ? receive_one
					 : ping_one;
	autotimes t = { 0 };
	int r = 0;

	if (times_begin(&t, ops) < 0)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	if (w->op == BENCH_RECEIVE)
		r = ask(&tap, w, ops);
	for (size_t i = 0; i < ops && r == 0; i++) {
		uint64_t start = times_now();

		r = one(&tap, w, i);
		times_add(&t, times_now() - start);
	}
	if (r < 0)
		return problem(reterr, r, problem_kind_from_errno(r), NULL,
			"the tap, without a guest: %s", strerror(-r));
	*ret = times_end(&t);
	*ret_by = "tap";
	return 0;
}
