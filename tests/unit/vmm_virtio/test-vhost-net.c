// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An interface that the kernel serves: a kernel played here, which checks the order of things.
 * Pairs are switched on and off by the control queue, which stays the VMM's, and the link by the
 * user.
 */
#include "cm.h"
#include "base/str.h"
#include "harness.h"
#include "vmm/net/tap.h"
#include "vmm/vhost/kernel.h"
#include "vmm/virtio/vhost-kinds.h"

#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/vhost.h>
#include <linux/virtio_net.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>

enum {
	PAIRS = 2,
	SIZE = 64,
	COMMAND = DRV_BUFFERS,
	ANSWER = DRV_BUFFERS + 0x2000,
	NO_ANSWER = 0xee,
};

#define F(bit) VIRTIO_FEATURE(VIRTIO_NET_F_##bit)
#define ALL    (F(CTRL_VQ) | F(CTRL_RX) | F(MQ) | F(MRG_RXBUF) | F(STATUS) | F(GUEST_ANNOUNCE))

struct kernel {
	struct host host;
	struct host_ops ops;
	int vhosts[PAIRS], taps[PAIRS];
	/* What the VMM has told. */
	bool attached[PAIRS], owned[PAIRS];
	bool known[2 * PAIRS], served[2 * PAIRS];
	uint64_t features;
	unsigned filtered, offload;
	uint8_t filter[6];
	uint64_t wrong; /* things out of order */
};

static int number_of(const int *fds, int fd)
{
	for (int i = 0; i < PAIRS; i++)
		if (fds[i] == fd)
			return i;
	return -1;
}

static int tap_ioctl(struct kernel *k, int pair, unsigned long request, void *arg)
{
	struct ifreq *ifr = arg;
	const struct tun_filter *filter = arg;
	bool attach;

	switch (request) {
	case TUNGETIFF:
		strcpy(ifr->ifr_name, "tap7");
		ifr->ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
		k->wrong += !k->attached[pair]; /* EBADFD */
		return 0;
	case TUNSETOFFLOAD:
		k->offload = (unsigned)(uintptr_t)arg;
		return 0;
	case TUNSETQUEUE:
		attach = !(ifr->ifr_flags & IFF_DETACH_QUEUE);
		k->wrong += attach == k->attached[pair];
		/* A ring whose back end has gone hears of it by an error alone. */
		k->wrong += k->served[2 * pair] || k->served[2 * pair + 1];
		k->attached[pair] = attach;
		return 0;
	case TUNSETTXFILTER:
		k->filtered = filter->count;
		memcpy(k->filter, filter->addr, filter->count ? 6 : 0);
		return 0;
	default:
		return request == TUNSETVNETHDRSZ ? 0 : -ENOTTY;
	}
}

static int set_backend(struct kernel *k, int pair, const struct vhost_vring_file *f)
{
	unsigned ring = 2 * (unsigned)pair + f->index;

	k->wrong += f->fd >= 0 && (f->fd != k->taps[pair] || !k->known[ring] || !k->attached[pair]);
	k->served[ring] = f->fd >= 0;
	return 0;
}

static int vhost_ioctl(struct kernel *k, int pair, unsigned long request, void *arg)
{
	const struct vhost_vring_addr *a = arg;
	const struct vhost_vring_state *s = arg;

	switch (request) {
	case VHOST_SET_OWNER:
		k->owned[pair] = true;
		return 0;
	case VHOST_GET_FEATURES:
		*(uint64_t *)arg = VIRTIO_FEATURE(VIRTIO_F_VERSION_1) | F(MRG_RXBUF) |
				   VIRTIO_FEATURE(VIRTIO_RING_F_EVENT_IDX);
		return 0;
	case VHOST_SET_FEATURES:
		k->features = *(const uint64_t *)arg;
		return 0;
	case VHOST_SET_VRING_ADDR:
		k->known[2 * (unsigned)pair + a->index] = true;
		return 0;
	case VHOST_SET_VRING_NUM:
	case VHOST_SET_VRING_BASE: /* EBUSY */
		k->wrong += k->served[2 * (unsigned)pair + s->index];
		return 0;
	case VHOST_NET_SET_BACKEND:
		return set_backend(k, pair, arg);
	default:
		return 0;
	}
}

static int kernel_ioctl(struct host *h, int fd, unsigned long request, void *arg)
{
	struct kernel *k = container_of(h, struct kernel, host);
	int pair = number_of(k->taps, fd);

	if (pair >= 0)
		return tap_ioctl(k, pair, request, arg);
	pair = number_of(k->vhosts, fd);
	return pair >= 0 ? vhost_ioctl(k, pair, request, arg) : -EBADF;
}

static void kernel_open(struct kernel *k)
{
	*k = (struct kernel) { .ops = { .ioctl = kernel_ioctl } };
	k->host.ops = &k->ops;
	for (int i = 0; i < PAIRS; i++) {
		k->vhosts[i] = eventfd(0, EFD_CLOEXEC);
		k->taps[i] = eventfd(0, EFD_CLOEXEC);
		k->attached[i] = true;
	}
}

static void kernel_close(struct kernel *k)
{
	for (int i = 0; i < PAIRS; i++) {
		close(k->vhosts[i]);
		close(k->taps[i]);
	}
}

struct fixture {
	struct drv_ram ram;
	struct kernel k;
	struct drv control, rings[2 * PAIRS];
	struct drv_transport t;
	struct virtio_device *dev;
	unsigned control_index;
};

/* Without MSI-X: the device listens for interrupts itself. */
static int no_vector(void *t UNUSED, uint16_t vector UNUSED)
{
	return -ENOENT;
}

static void attach(struct fixture *f)
{
	static struct virtio_transport_ops ops;

	ops = harness_ops;
	ops.call_fd = no_vector;
	f->dev->transport = &f->t;
	f->dev->transport_ops = &ops;
}

static struct fixture *open_net(void)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct tap *taps[PAIRS];
	const struct virtio_net_setup s = { .taps = taps, .n_taps = PAIRS, .mtu = 1400 };
	struct vhost_source source = { .channel = -1 };

	drv_ram_open(&f->ram);
	kernel_open(&f->k);
	for (unsigned i = 0; i < PAIRS; i++)
		assert_int_equal(tap_new(&f->k.host, f->k.taps[i], &taps[i], NULL), 0);
	assert_int_equal(
		vhost_net_new(&f->k.host, f->k.vhosts, f->k.taps, PAIRS, &source.vhost, NULL), 0);
	assert_int_equal(
		vhost_net_device_new(f->ram.memory, "virtio-net0", &source, &s, PAIRS, &f->dev), 0);
	attach(f);
	harness_serve(f->dev);
	return f;
}

static void up(struct fixture *f, uint64_t features)
{
	struct virtq *q;

	assert_true(harness_negotiate(f->dev, features));
	f->control_index = features & F(MQ) ? 2 * PAIRS : 2;
	for (unsigned i = 0; i < (features & F(MQ) ? 2 * PAIRS : 2); i++)
		harness_queue(f->dev, f->ram.memory, i, &f->rings[i], SIZE);
	/* The rings lie where a queue's of another number would: there are but four places. */
	drv_init(&f->control, f->ram.memory, 3, SIZE, false);
	f->control.desc_at += 0x2000;
	f->control.avail_at += 0x2000;
	f->control.used_at += 0x2000;
	f->control.desc = drv_ptr(f->ram.memory, f->control.desc_at);
	f->control.avail = drv_ptr(f->ram.memory, f->control.avail_at);
	f->control.used = drv_ptr(f->ram.memory, f->control.used_at);
	memset(f->control.avail, 0, 6 + 2 * SIZE);
	memset(f->control.used, 0, 6 + 8 * SIZE);
	q = &f->dev->queues[f->control_index];
	virtq_lock(q);
	q->size = SIZE;
	q->desc = GPA(f->control.desc_at);
	q->driver = GPA(f->control.avail_at);
	q->device = GPA(f->control.used_at);
	q->vector = 9;
	assert_int_equal(virtq_enable(q, f->dev->features), 0);
	virtq_unlock(q);
	harness_ready(f->dev);
}

static void close_net(struct fixture *f)
{
	harness_free(f->dev);
	for (unsigned i = 0; i < PAIRS; i++) {
		assert_true(f->k.attached[i]); /* for who comes after a reboot */
		assert_false(f->k.served[2 * i] || f->k.served[2 * i + 1]);
	}
	assert_int_equal(f->k.wrong, 0);
	kernel_close(&f->k);
	drv_ram_close(&f->ram);
	free(f);
}

static uint8_t ask(struct fixture *f, uint8_t class, uint8_t kind, const void *data, uint32_t len)
{
	const struct drv_piece pieces[] = { { COMMAND, 2 + len, false }, { ANSWER, 1, true } };
	uint8_t *command = drv_ptr(f->ram.memory, COMMAND);
	uint8_t *answer = drv_ptr(f->ram.memory, ANSWER);
	struct virtq *q = &f->dev->queues[f->control_index];
	struct vring_used_elem e;

	command[0] = class;
	command[1] = kind;
	memcpy(command + 2, data, len);
	*answer = NO_ANSWER;
	drv_chain(&f->control, pieces, 2);
	drv_publish(&f->control);
	while (virtio_device_ring(f->dev, q, 1, true))
		;
	assert_true(drv_used(&f->control, &e));
	return *answer;
}

static uint8_t set_pairs(struct fixture *f, uint16_t n)
{
	return ask(f, VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, &n, sizeof(n));
}

static void served_are(const struct fixture *f, unsigned pairs)
{
	for (unsigned i = 0; i < PAIRS; i++) {
		assert_int_equal(f->k.served[2 * i], i < pairs);
		assert_int_equal(f->k.served[2 * i + 1], i < pairs);
		assert_int_equal(f->k.attached[i], i < MAX(pairs, 1U));
	}
}

static void pairs_come_and_go_while_it_runs(void **state UNUSED)
{
	struct fixture *f = open_net();

	assert_true(f->k.owned[0] && f->k.owned[1]);
	up(f, ALL);
	assert_true(f->k.features & F(MRG_RXBUF));
	served_are(f, 1);
	assert_int_equal(set_pairs(f, 2), VIRTIO_NET_OK);
	served_are(f, 2);
	assert_int_equal(set_pairs(f, 1), VIRTIO_NET_OK);
	served_are(f, 1);
	assert_int_equal(set_pairs(f, 0), VIRTIO_NET_ERR);
	assert_int_equal(set_pairs(f, PAIRS + 1), VIRTIO_NET_ERR);
	assert_int_equal(set_pairs(f, 2), VIRTIO_NET_OK);
	virtio_device_set_status(f->dev, 0);
	assert_false(f->k.served[0] || f->k.served[3]);
	assert_false(f->k.attached[1]); /* the next driver begins with one */
	up(f, ALL);
	served_are(f, 1);
	close_net(f);
}

/* 5.1.2: the control queue is the third then, which is not the kernel's. */
static void without_mq_there_is_one(void **state UNUSED)
{
	struct fixture *f = open_net();

	up(f, ALL & ~F(MQ));
	served_are(f, 1);
	assert_false(f->k.known[2]);
	assert_int_equal(set_pairs(f, 2), VIRTIO_NET_ERR);
	assert_int_equal(
		ask(f, VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_PROMISC, "\0", 1), VIRTIO_NET_OK);
	assert_true(f->k.filtered >= 2); /* its own address, and everybody's */
	close_net(f);
}

static void set(struct fixture *f, const char *key, const char *value)
{
	assert_int_equal(f->dev->ops->set(f->dev, -1, key, value, NULL), 0);
}

static struct virtio_net_config config_of(struct fixture *f)
{
	struct virtio_net_config c = { 0 };

	virtio_device_read_config(f->dev, 0, &c, offsetof(struct virtio_net_config, speed));
	return c;
}

static void the_link_is_the_users(void **state UNUSED)
{
	static const uint8_t nobody[6];
	struct fixture *f = open_net();

	up(f, ALL);
	assert_int_equal(set_pairs(f, 2), VIRTIO_NET_OK);
	set(f, "link", "down");
	assert_int_equal(config_of(f).status, 0);
	for (unsigned i = 0; i < 2 * PAIRS; i++)
		assert_false(f->k.served[i]);
	assert_int_equal(f->k.filtered, 1); /* nothing waits for the link to come back */
	assert_memory_equal(f->k.filter, nobody, 6);
	assert_int_equal(set_pairs(f, 1), VIRTIO_NET_OK);
	assert_int_equal(set_pairs(f, 2), VIRTIO_NET_OK);
	assert_false(f->k.served[0] || f->k.served[2]);
	assert_int_equal(
		ask(f, VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_PROMISC, "\1", 1), VIRTIO_NET_OK);
	assert_int_equal(f->k.filtered, 1); /* whatever the driver wants to hear */
	set(f, "link", "up");
	assert_int_equal(config_of(f).status, VIRTIO_NET_S_LINK_UP | VIRTIO_NET_S_ANNOUNCE);
	served_are(f, 2);
	assert_int_equal(f->k.filtered, 0); /* all, as it said meanwhile */
	set(f, "mtu", "1300");
	assert_int_equal(config_of(f).mtu, 1300);
	assert_true(f->dev->ops->set(f->dev, -1, "speed", "1", NULL) < 0);
	set(f, "link", "down");
	virtio_device_set_status(f->dev, 0);
	up(f, ALL);
	assert_false(f->k.served[0]); /* also for the next driver */
	assert_int_equal(f->k.filtered, 1);
	assert_memory_equal(f->k.filter, nobody, 6);
	set(f, "link", "up");
	served_are(f, 1);
	close_net(f);
}

static void *switch_link(void *arg)
{
	for (unsigned i = 0; i < 300; i++)
		set(arg, "link", i % 2 ? "up" : "down");
	return NULL;
}

/* Whoever wins, in the end all is as both have said last. */
static void user_and_driver_at_once(void **state UNUSED)
{
	struct fixture *f = open_net();
	pthread_t t;

	up(f, ALL);
	assert_int_equal(pthread_create(&t, NULL, switch_link, f), 0);
	for (unsigned i = 0; i < 300; i++)
		assert_int_equal(set_pairs(f, 1 + i % 2), VIRTIO_NET_OK);
	pthread_join(t, NULL);
	served_are(f, 2);
	close_net(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pairs_come_and_go_while_it_runs),
		cmocka_unit_test(without_mq_there_is_one),
		cmocka_unit_test(the_link_is_the_users),
		cmocka_unit_test(user_and_driver_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
