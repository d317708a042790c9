// SPDX-License-Identifier: GPL-2.0-or-later
#include "rng.h"

#include "vmm/count/syscalls.h"

#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <sys/random.h>

enum {
	QUEUE_SIZE = 64,
	/* No more at once: a guest that asks for gigabytes gets them in turns. */
	REQUEST_BYTES_MAX = 4096,
};

struct rng {
	struct virtio_device dev;
	struct iovec iov[QUEUE_SIZE];
};

static uint32_t fill(struct sg *s)
{
	char buf[REQUEST_BYTES_MAX];
	size_t want = MIN(s->len, sizeof(buf));
	ssize_t n;

	do {
		syscalls_count(1);
		n = getrandom(buf, want, 0);
	} while (n < 0 && errno == EINTR);
	return n > 0 && sg_push(s, buf, (size_t)n) ? (uint32_t)n : 0;
}

static bool rng_kicked(struct virtio_device *d, struct virtq *q)
{
	struct rng *g = container_of(d, struct rng, dev);
	struct virtq_chain c;
	bool last = false;

	while (!last) {
		int r = virtq_pop(q, g->iov, ARRAY_SIZE(g->iov), &c);

		last = r < 0 || virtq_arm(q);
		if (r <= 0)
			continue;
		virtq_fill(q, c.head, fill(&c.in));
	}
	virtq_publish(q);
	virtio_device_interrupt(d, q);
	return false;
}

static void rng_free(struct virtio_device *d)
{
	virtio_device_done(d);
	free(container_of(d, struct rng, dev));
}

static const struct virtio_device_ops rng_ops = {
	.kicked = rng_kicked,
	.free = rng_free,
};

int virtio_rng_device_new(
	const struct guest_memory *m, const char *name, struct virtio_device **ret)
{
	struct virtio_device_params params = {
		.ops = &rng_ops,
		.name = name,
		.id = VIRTIO_ID_RNG,
		.features = VIRTIO_FEATURE(VIRTIO_F_IN_ORDER),
		.n_queues = 1,
		.queue_size = QUEUE_SIZE,
	};
	struct rng *g = calloc(1, sizeof(*g));
	int r = g ? virtio_device_init(&g->dev, m, &params) : -ENOMEM;

	if (r < 0) {
		free(g);
		return r;
	}
	*ret = &g->dev;
	return 0;
}
