// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is to be said to the driver is a bit for each port and kind of message, and what a message
 * says is looked up when there is a buffer for it: however often a guest asks, and however long it
 * gives no buffers, there is nothing that grows.
 */
#include "ports.h"
#include "port.h"
#include "vmm/count/syscalls.h"

#include <linux/virtio_config.h>
#include <linux/virtio_console.h>
#include <linux/virtio_ids.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>

enum {
	CONTROL_IN = 2,
	CONTROL_OUT = 3,
	BUDGET = 64, /* messages in one go */
};

struct virtio_ports {
	struct virtio_device dev;
	struct virtio_console_config config;
	int bell;   /* something is due */
	int always; /* port_params */
	unsigned n;
	uint64_t ignored; /* atomic: messages that made no sense */
	struct iovec in_iov[PORT_QUEUE_SIZE], out_iov[PORT_QUEUE_SIZE]; /* the queues' locks */
	struct port ports[VIRTIO_PORTS_MAX];
};

static struct virtio_ports *ports_of(struct virtio_device *d)
{
	return container_of(d, struct virtio_ports, dev);
}

/* 5.3.2: those of port 0 come before the control queues. NULL: a control queue. */
static struct port *port_of(struct virtio_ports *v, const struct virtq *q)
{
	if (q->index < CONTROL_IN)
		return &v->ports[0];
	return q->index <= CONTROL_OUT ? NULL : &v->ports[q->index / 2 - 1];
}

static bool receives(const struct virtq *q)
{
	return q->index % 2 == 0;
}

/* ---- messages to the guest ---- */

static struct port *next_due(struct virtio_ports *v)
{
	for (unsigned i = 0; i < v->n; i++)
		if (port_has_due(&v->ports[i]))
			return &v->ports[i];
	return NULL;
}

/* How many bytes the message has; 0: it is not due any more. */
static size_t compose(struct port *p, uint8_t *to)
{
	bool open;
	unsigned due = port_take_due(p, &open);
	struct virtio_console_control m = { .id = p->id,
		.event = due == PORT_DUE_ADD	? VIRTIO_CONSOLE_PORT_ADD
			 : due == PORT_DUE_NAME ? VIRTIO_CONSOLE_PORT_NAME
						: VIRTIO_CONSOLE_PORT_OPEN,
		.value = due != PORT_DUE_OPEN || open };
	size_t name = due == PORT_DUE_NAME ? strlen(p->name) : 0;

	memcpy(to, &m, sizeof(m));
	memcpy(to + sizeof(m), p->name, name);
	return due ? sizeof(m) + name : 0;
}

/* A buffer that a message does not fit into gets what does. */
static int tell(struct virtio_ports *v, struct port *p, struct virtq *q)
{
	uint8_t message[sizeof(struct virtio_console_control) + VIRTIO_PORT_NAME_MAX];
	struct virtq_chain chain;
	int r = virtq_pop(q, v->in_iov, ARRAY_SIZE(v->in_iov), &chain);
	size_t n;

	if (r <= 0)
		return r;
	if (chain.out.n)
		return virtq_break(q, "a buffer for messages is not only to be written");
	n = MIN(compose(p, message), chain.in.len);
	sg_push(&chain.in, message, n);
	virtq_fill(q, chain.head, (uint32_t)n);
	return 1;
}

static void tell_all(struct virtio_ports *v, struct virtq *q)
{
	struct port *p;
	int r = 1;

	if (!virtio_device_runs(&v->dev) || !virtq_is_live(q))
		return;
	while (r >= 0 && (p = next_due(v))) {
		r = tell(v, p, q);
		if (r == 0 && virtq_arm(q))
			break;
	}
	virtq_publish(q);
	virtio_device_interrupt(&v->dev, q);
	virtio_device_check(&v->dev, q);
}

static void answer_bell(struct virtio_ports *v, struct virtq *q)
{
	uint64_t times;
	ssize_t n;

	syscalls_count(1);
	n = read(v->bell, &times, sizeof(times));
	(void)n; /* nobody rang: what is due is looked at all the same */
	tell_all(v, q);
}

/* ---- messages from the guest ---- */

static void ignore(struct virtio_ports *v)
{
	__atomic_fetch_add(&v->ignored, 1, __ATOMIC_RELAXED);
}

static void obey(struct virtio_ports *v, const struct virtio_console_control *m)
{
	struct port *p = m->id < v->n ? &v->ports[m->id] : NULL;

	if (m->event == VIRTIO_CONSOLE_DEVICE_READY)
		for (unsigned i = 0; m->value && i < v->n; i++)
			port_is_due(&v->ports[i], PORT_DUE_ADD);
	else if (p && m->event == VIRTIO_CONSOLE_PORT_READY)
		port_set_ready(p, m->value);
	else if (p && m->event == VIRTIO_CONSOLE_PORT_OPEN)
		port_set_open(p, m->value);
	else
		ignore(v);
}

/* True: there may be more, others' turn first. */
static bool listen_to(struct virtio_ports *v, struct virtq *q)
{
	struct virtio_console_control m;
	struct virtq_chain chain;
	unsigned n = 0;

	for (; n < BUDGET; n++) {
		int r = virtq_pop(q, v->out_iov, ARRAY_SIZE(v->out_iov), &chain);

		if (r < 0 || (r == 0 && virtq_arm(q)))
			break;
		if (r == 0)
			continue;
		if (sg_pull(&chain.out, &m, sizeof(m)))
			obey(v, &m);
		else
			ignore(v);
		virtq_push(q, &chain, 0);
	}
	virtio_device_interrupt(&v->dev, q);
	return n == BUDGET;
}

/* ---- the device ---- */

static bool ports_kicked(struct virtio_device *d, struct virtq *q)
{
	struct virtio_ports *v = ports_of(d);
	struct port *p = port_of(v, q);

	if (p)
		return receives(q) ? port_receive(p, q) : port_transmit(p, q);
	if (q->index == CONTROL_OUT)
		return listen_to(v, q);
	tell_all(v, q);
	return false;
}

static int ports_fd(struct virtio_device *d, struct virtq *q)
{
	struct virtio_ports *v = ports_of(d);
	const struct port *p = port_of(v, q);

	if (p)
		return receives(q) ? p->in_fd : p->room_fd;
	return q->index == CONTROL_IN ? v->bell : -1;
}

static unsigned ports_completed(struct virtio_device *d, struct virtq *q)
{
	struct virtio_ports *v = ports_of(d);
	struct port *p = port_of(v, q);
	uint64_t before = q->stats.requests;

	if (p && receives(q))
		port_look_in(p, q);
	else if (q->index == CONTROL_IN)
		answer_bell(v, q);
	else if (!p || !virtio_device_runs(d) || !virtq_is_live(q))
		virtio_device_watch(d, q, false);
	else if (port_transmit(p, q))
		virtio_device_poke(d, q);
	return (unsigned)(q->stats.requests - before);
}

static void ports_queue_reset(struct virtio_device *d, struct virtq *q)
{
	struct port *p = port_of(ports_of(d), q);

	if (p)
		port_queue_reset(p, q, receives(q));
}

static void ports_reset(struct virtio_device *d)
{
	struct virtio_ports *v = ports_of(d);

	for (unsigned i = 0; i < v->n; i++)
		port_reset(&v->ports[i]);
}

static void ports_stats(
	struct virtio_device *d, void (*each)(void *arg, const char *name, uint64_t v), void *arg)
{
	struct virtio_ports *v = ports_of(d);

	for (unsigned i = 0; i < v->n; i++) {
		char name[32];

		snprintf(name, sizeof(name), "port%u-clients", i);
		each(arg, name, port_clients(&v->ports[i]));
	}
	each(arg, "control-ignored", __atomic_load_n(&v->ignored, __ATOMIC_RELAXED));
}

static void ports_traits(struct virtio_device *d,
	void (*each)(void *arg, const char *key, const char *word), void *arg)
{
	struct virtio_ports *v = ports_of(d);

	for (unsigned i = 0; i < v->n; i++) {
		char key[16];

		snprintf(key, sizeof(key), "port%u", i);
		each(arg, key, v->ports[i].name);
	}
}

static void release(struct virtio_ports *v)
{
	for (unsigned i = 0; i < v->n; i++)
		port_done(&v->ports[i]);
	closep_(&v->bell);
	closep_(&v->always);
	free(v);
}

static void ports_free(struct virtio_device *d)
{
	virtio_device_done(d);
	release(ports_of(d));
}

static const struct virtio_device_ops ports_ops = {
	.kicked = ports_kicked,
	.fd = ports_fd,
	.completed = ports_completed,
	.queue_reset = ports_queue_reset,
	.reset = ports_reset,
	.free = ports_free,
	.stats = ports_stats,
	.traits = ports_traits,
};

/* Who does not know of several ports would take the first for a console. */
static int start(struct virtio_ports *v, const struct guest_memory *m, const char *name)
{
	const struct virtio_device_params params = {
		.ops = &ports_ops,
		.name = name,
		.id = VIRTIO_ID_CONSOLE,
		.features = VIRTIO_FEATURE(VIRTIO_F_IN_ORDER) |
			    VIRTIO_FEATURE(VIRTIO_CONSOLE_F_MULTIPORT),
		.needed = VIRTIO_FEATURE(VIRTIO_CONSOLE_F_MULTIPORT),
		.n_queues = 2 * (v->n + 1),
		.queue_size = PORT_QUEUE_SIZE,
		.config = &v->config,
		.config_bytes = offsetof(struct virtio_console_config, emerg_wr),
	};

	v->config.max_nr_ports = v->n;
	return virtio_device_init(&v->dev, m, &params);
}

static int add_ports(struct virtio_ports *v, const struct virtio_port_setup *s, unsigned n)
{
	struct port_params params = { .dev = &v->dev };
	int r = 0;

	v->bell = params.bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	v->always = params.always = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
	if (v->bell < 0 || v->always < 0)
		return -errno;
	while (r == 0 && v->n < n) {
		params.id = v->n;
		r = port_init(&v->ports[v->n], &params, &s[v->n]);
		v->n++;
	}
	return r;
}

int virtio_ports_device_new(const struct guest_memory *m, const char *name,
	const struct virtio_port_setup *s, unsigned n, struct virtio_device **ret)
{
	struct virtio_ports *v = calloc(1, sizeof(*v));
	int r;

	if (!v)
		return -ENOMEM;
	r = add_ports(v, s, n);
	if (r == 0)
		r = start(v, m, name);
	if (r < 0) {
		release(v);
		return r;
	}
	/* To look at a socket is a system call: poll the rings, not that. */
	for (unsigned i = 0; i < v->dev.n_queues; i++)
		v->dev.queues[i].pollable = false;
	*ret = &v->dev;
	return 0;
}
