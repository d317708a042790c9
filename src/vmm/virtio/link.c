// SPDX-License-Identifier: GPL-2.0-or-later
/* The thread that holds on to the process which serves a device. */
#include "vhost.h"
#include "base/str.h"
#include "base/thread.h"
#include "vmm/sandbox/sandbox.h"
#include "vmm/vhost/dial.h"

#include <linux/virtio_ids.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>

enum { PAUSE_MS = 200 };

struct vhost_link {
	struct vhosted *h;
	int channel, wake_fd;
	unsigned timeout_ms, rings;
	pthread_t thread;
	bool quit; /* atomic */
};

int vhost_link_connect(
	int channel, unsigned timeout_ms, unsigned rings, char *why, struct vhost **ret)
{
	struct vhost_user_params p = { .timeout_ms = timeout_ms, .rings = rings };
	int r;

	p.fd = vhost_dial(channel, timeout_ms);
	if (p.fd < 0) {
		snprintf(why, VHOST_WHY_BYTES, "%s",
			p.fd == -ECONNREFUSED || p.fd == -ENOENT ? "nobody listens on its socket"
								 : strerror(-p.fd));
		return p.fd;
	}
	r = vhost_user_new(&p, why, ret);
	/* One that ended while it was greeted is not the end of who dials. */
	return r == -EPIPE ? -ECONNRESET : r;
}

static bool is_over(struct vhost_link *l)
{
	return __atomic_load_n(&l->quit, __ATOMIC_SEQ_CST);
}

/* Only its end: what else comes there are answers to who asks. True: it has ended. */
static bool await_end(struct vhost_link *l, int fd)
{
	struct pollfd p[] = { { l->wake_fd, POLLIN, 0 }, { fd, POLLRDHUP, 0 } };

	return poll(p, ARRAY_SIZE(p), -1) > 0 && p[1].revents;
}

static void pause_a_while(struct vhost_link *l)
{
	struct pollfd p = { l->wake_fd, POLLIN, 0 };

	poll(&p, 1, PAUSE_MS);
}

static void let_go(struct vhosted *h)
{
	pthread_mutex_lock(&h->dev.lock);
	pthread_mutex_lock(&h->asking);
	if (!*h->v->why)
		snprintf(h->v->why, sizeof(h->v->why), "the connection has ended");
	vhosted_lose(h);
	h->started = 0;
	vhost_free(TAKE_PTR(h->v));
	pthread_mutex_unlock(&h->asking);
	pthread_mutex_unlock(&h->dev.lock);
}

/* It goes on where it was, or somebody else begins: he must be able to do what was agreed on. */
static int take_up(struct vhosted *h, struct vhost *v, char *why)
{
	uint64_t lacks = h->dev.features & h->known & ~v->features;
	int r;

	if (lacks) {
		snprintf(why, VHOST_WHY_BYTES, "it lacks features that the guest uses: 0x%llx",
			(unsigned long long)lacks);
		return -EPROTONOSUPPORT;
	}
	/* Of a network, pairs are counted. */
	if (v->rings < (h->dev.id == VIRTIO_ID_NET ? h->n_outside / 2 : h->n_outside)) {
		snprintf(why, VHOST_WHY_BYTES, "it has fewer queues than the guest");
		return -EPROTONOSUPPORT;
	}
	r = h->kind->look(h, v);
	if (r < 0) {
		snprintf(why, VHOST_WHY_BYTES, "%s", v->why);
		return r;
	}
	pthread_mutex_lock(&h->asking);
	h->v = v;
	h->lost = false;
	pthread_mutex_unlock(&h->asking);
	r = h->running ? vhosted_start(h, h->served != 0) : 0;
	if (r < 0) {
		pthread_mutex_lock(&h->asking);
		snprintf(why, VHOST_WHY_BYTES, "%s", v->why);
		h->started = 0;
		h->v = NULL;
		pthread_mutex_unlock(&h->asking);
	}
	return r;
}

/* The same words are told once. */
static void complain(struct vhosted *h, char *told, const char *why)
{
	autofree char *text = NULL;

	if (str_eq(told, why))
		return;
	snprintf(told, VHOST_WHY_BYTES, "%s", why);
	text = str_printf("%s: the back end cannot be used: %s", h->dev.name, why);
	virtio_device_note(&h->dev, text);
}

static bool try_again(struct vhost_link *l, char *told)
{
	struct vhosted *h = l->h;
	char why[VHOST_WHY_BYTES] = "";
	autofree char *text = NULL;
	struct vhost *v = NULL;
	int r = vhost_link_connect(l->channel, l->timeout_ms, l->rings, why, &v);

	if (r < 0 && r != -ECONNREFUSED && r != -ENOENT && r != -ETIMEDOUT)
		complain(h, told, why);
	if (r < 0)
		return r != -EPIPE; /* who dialled has gone */
	pthread_mutex_lock(&h->dev.lock);
	r = take_up(h, v, why);
	if (r == 0)
		__atomic_fetch_add(&h->returns, 1, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&h->dev.lock);
	if (r < 0) {
		complain(h, told, why);
		vhost_free(v);
		return true;
	}
	*told = '\0';
	text = str_printf("%s: the back end is there again", h->dev.name);
	virtio_device_note(&h->dev, text);
	return true;
}

static void *link_main(void *arg)
{
	struct vhost_link *l = arg;
	struct vhosted *h = l->h;
	char told[VHOST_WHY_BYTES] = "";
	bool dialled = true;

	sandbox_thread(SANDBOX_IO);
	while (!is_over(l)) {
		/* Nobody else changes h->v from or to NULL. */
		if (h->v) {
			if (await_end(l, vhost_user_fd(h->v)))
				let_go(h);
			continue;
		}
		dialled = dialled && try_again(l, told);
		if (!h->v)
			pause_a_while(l);
	}
	return NULL;
}

int vhost_link_start(struct vhosted *h, int channel, unsigned timeout_ms, unsigned rings)
{
	struct vhost_link *l = calloc(1, sizeof(*l));
	char name[16];
	int r;

	if (!l)
		return -ENOMEM;
	*l = (struct vhost_link) {
		.h = h,
		.channel = channel,
		.timeout_ms = timeout_ms,
		.rings = rings,
		.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
	};
	h->link = l;
	snprintf(name, sizeof(name), "%.9s-link", h->dev.name);
	r = l->wake_fd < 0 ? -errno : thread_start(&l->thread, name, link_main, l);
	if (r < 0) {
		closep_(&l->wake_fd);
		free(TAKE_PTR(h->link));
	}
	return r;
}

void vhost_link_stop(struct vhosted *h)
{
	struct vhost_link *l = TAKE_PTR(h->link);

	if (!l)
		return;
	__atomic_store_n(&l->quit, true, __ATOMIC_SEQ_CST);
	eventfd_write(l->wake_fd, 1);
	pthread_join(l->thread, NULL);
	close(l->wake_fd);
	free(l);
}
