// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A hostile driver's memory in front of the devices that are a queue or two and little else: the
 * entropy source, the console, the balloon, the ports. The input is which of them and what it may
 * negotiate, steps of guest and host, and what the guest's RAM holds: a page for each queue's
 * rings, data behind them. Whatever it says, the device stays inside RAM, its words and counters
 * can be asked for at any time, and a reset makes it work again.
 */
#include "fuzz.h"
#include "vmm_virtio/harness.h"
#include "base/problem.h"
#include "vmm/virtio/balloon.h"
#include "vmm/virtio/console.h"
#include "vmm/virtio/ports.h"
#include "vmm/virtio/rng.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_ids.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	RAM = 128 << 10,
	DRIVER = 0x200, /* in a queue's page */
	DEVICE = 0x300,
	SIZE = 16,
	KINDS = 4,
	PORTS = 3, /* of them */
	STEPS = 24,
	PLAIN = 0x8000, /* where an honest driver has its data */
};

static struct {
	struct host *host;
	struct guest_memory *memory;
	struct virtio_device *dev[KINDS];
	struct drv_transport transport[KINDS];
	int reader;	      /* of what the console writes */
	int listener, client; /* of the first port */
} f;

static void open_console(void)
{
	struct virtio_console_setup setup = { 0 };
	int ends[2];

	if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) < 0)
		abort();
	f.reader = ends[0];
	setup.out_fd = ends[1];
	if (virtio_console_device_new(f.memory, "console", &setup, &f.dev[1]) < 0)
		abort();
}

/* The client of the first port, anew: the kernel makes up a name. */
static void call_port(void)
{
	struct sockaddr_un a;
	socklen_t len = sizeof(a);

	if (f.client >= 0)
		close(f.client);
	f.client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (getsockname(f.listener, (struct sockaddr *)&a, &len) < 0)
		abort();
	/* It may have been called too often: the device takes one at a time. */
	if (connect(f.client, (struct sockaddr *)&a, len) < 0 && errno != EAGAIN)
		abort();
}

static void open_ports(void)
{
	const struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct virtio_port_setup v[2] = { { "one", -1 }, { "two", -1 } };

	for (unsigned i = 0; i < 2; i++) {
		v[i].listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (bind(v[i].listener, (const struct sockaddr *)&a, sizeof(a.sun_family)) < 0 ||
			listen(v[i].listener, 4) < 0)
			abort();
	}
	f.listener = v[0].listener;
	f.client = -1;
	if (virtio_ports_device_new(f.memory, "ports", v, 2, &f.dev[PORTS]) < 0)
		abort();
}

static void once(void)
{
	struct guest_memory_params p = { .size = RAM };

	if (f.dev[0])
		return;
	if (host_new_fds_only(&f.host) < 0 || guest_memory_new(f.host, &p, &f.memory, NULL) < 0 ||
		virtio_rng_device_new(f.memory, "rng", &f.dev[0]) < 0 ||
		virtio_balloon_device_new(f.memory, "balloon", &f.dev[2]) < 0)
		abort();
	signal(SIGPIPE, SIG_IGN);
	open_console();
	open_ports();
	for (unsigned i = 0; i < KINDS; i++)
		harness_attach(f.dev[i], &f.transport[i]);
}

static uint64_t page_of(unsigned queue)
{
	return 0x1000ULL * queue;
}

static void set_up(struct virtio_device *d, unsigned i)
{
	struct virtq *q = &d->queues[i];

	q->size = SIZE;
	q->desc = GPA(page_of(i));
	q->driver = GPA(page_of(i) + DRIVER);
	q->device = GPA(page_of(i) + DEVICE);
	if (virtq_enable(q, d->features) < 0)
		abort();
}

static void bring_up(struct virtio_device *d, uint64_t features)
{
	virtio_device_reset(d);
	if (!harness_negotiate(d, (d->offered & features) | d->needed))
		abort();
	/* A balloon's queues beyond two are those of features, and asking for one without is the
	 * end. */
	for (unsigned i = 0; i < (features ? d->n_queues : MIN(d->n_queues, 2U)); i++)
		set_up(d, i);
	harness_ready(d);
}

/* Nothing is left in the pipe, so that the console's output goes on; or it stays full. */
static uint8_t drain(void)
{
	uint8_t bytes[4096], last = 0;
	ssize_t n;

	while ((n = read(f.reader, bytes, sizeof(bytes))) > 0)
		last = bytes[n - 1];
	while (f.client >= 0 && (n = read(f.client, bytes, sizeof(bytes))) > 0)
		last = bytes[n - 1];
	return last;
}

static void ignore_number(void *arg UNUSED, const char *name UNUSED, uint64_t v UNUSED)
{
}

static void ignore_word(void *arg UNUSED, const char *key UNUSED, const char *word UNUSED)
{
}

static void ask(struct virtio_device *d)
{
	if (d->ops->stats)
		d->ops->stats(d, ignore_number, NULL);
	if (d->ops->traits)
		d->ops->traits(d, ignore_word, NULL);
}

static void set_memory(struct virtio_device *d, uint64_t pages)
{
	struct problem *why = NULL;
	char value[24];

	snprintf(value, sizeof(value), "%llu", (unsigned long long)pages << 12);
	if (d->ops->set && d->ops->set(d, -1, "memory", value, &why) == 0 && pages > RAM >> 12)
		abort();
	problem_free(why);
}

static void type(struct virtio_device *d, size_t n)
{
	static const uint8_t typed[256] = "what somebody types";

	if (d == f.dev[PORTS]) {
		if (n % 16 == 0)
			call_port();
		if (write(f.client, typed, MIN(n, sizeof(typed))) < 0 && errno == EBADF)
			abort();
		return;
	}
	if (d->id != VIRTIO_ID_CONSOLE)
		return;
	virtio_console_type(virtio_console_of(d), typed, MIN(n, sizeof(typed)));
	virtio_console_resize(virtio_console_of(d), (uint16_t)n, 25);
	virtio_console_room(virtio_console_of(d));
}

static void turn(struct virtio_device *d, struct virtq *q)
{
	virtq_lock(q);
	virtio_device_turn(d, q, d->ops->completed != NULL, NULL);
	virtq_unlock(q);
}

static void do_step(struct virtio_device *d, struct input *in)
{
	unsigned what = (unsigned)take(in, 1), i = what / 8 % d->n_queues;
	uint64_t arg = take(in, 1);

	switch (what % 8) {
	case 0:
	case 1:
		virtio_device_ring(d, &d->queues[i], 1, false);
		break;
	case 2:
		turn(d, &d->queues[i]);
		break;
	case 3:
		type(d, arg);
		break;
	case 4:
		virtio_device_write_config(d, arg % 32, &arg, 1 + what / 8 % 8);
		break;
	case 5:
		virtio_device_reset_queue(d, &d->queues[i]);
		if (arg % 2)
			set_up(d, i);
		break;
	case 6:
		set_memory(d, arg);
		ask(d);
		break;
	default:
		drain();
		break;
	}
}

/* After anything, an honest buffer is worked on: which the device reads, but for the entropy
 * source. */
static void works(struct virtio_device *d)
{
	bool reads = d->id != VIRTIO_ID_RNG;
	unsigned i = d->id == VIRTIO_ID_CONSOLE ? 1 : 0;
	uint8_t *ram = drv_ptr(f.memory, 0), *rings = drv_ptr(f.memory, page_of(i));
	struct vring_desc *desc = (void *)rings;
	struct vring_avail *avail = (void *)(rings + DRIVER);
	struct vring_used *used = (void *)(rings + DEVICE);

	drain();
	memset(ram, 0, PLAIN);
	memset(ram + PLAIN, 0x5a, 4096);
	memset(ram + PLAIN + 4096, 0, 4096);
	desc[0] = (struct vring_desc) { PLAIN, 4, reads ? 0 : VRING_DESC_F_WRITE, 0 };
	if (d->id == VIRTIO_ID_BALLOON)
		memcpy(ram + PLAIN, &(uint32_t) { (PLAIN >> 12) + 1 }, 4);
	bring_up(d, 0);
	avail->idx = 1;
	virtio_device_ring(d, &d->queues[i], 1, false);
	if (used->idx != 1 || !virtio_device_runs(d) || (d == f.dev[1] && drain() != 0x5a))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint64_t packed = VIRTIO_FEATURE(VIRTIO_F_RING_PACKED), all = ~packed;
	static const uint64_t kinds[] = { all, ~0ULL, packed, 0 };
	struct input in = { data, size };
	struct virtio_device *d;
	unsigned steps;

	once();
	if (size < 4 || size > PLAIN)
		return -1;
	d = f.dev[take(&in, 1) % KINDS];
	memset(drv_ptr(f.memory, 0), 0, RAM);
	bring_up(d, kinds[take(&in, 1) % ARRAY_SIZE(kinds)]);
	steps = (unsigned)take(&in, 1) % STEPS;
	if (in.left > 2 * (size_t)STEPS)
		memcpy(drv_ptr(f.memory, 0), in.data + 2 * STEPS, in.left - 2 * STEPS);
	for (unsigned i = 0; i < steps; i++)
		do_step(d, &in);
	ask(d);
	works(d);
	return 0;
}
