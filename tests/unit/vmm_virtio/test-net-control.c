// SPDX-License-Identifier: GPL-2.0-or-later
/* The control queue of virtio-net, and several pairs of queues. */
#include "cm.h"
#include "base/str.h"
#include "harness.h"
#include "vmm/net/tap.h"
#include "vmm/virtio/net.h"
#include "vmm_net/fake-tap.h"

#include <linux/virtio_net.h>
#include <pthread.h>

enum {
	PAIRS = 2,
	SIZE = 64,
	COMMAND = DRV_BUFFERS,
	ANSWER = DRV_BUFFERS + 0x2000,
	RX = DRV_BUFFERS + 0x10000,
	NO_ANSWER = 0xee,
};

#define F(bit)	VIRTIO_FEATURE(VIRTIO_NET_F_##bit)
#define CONTROL (F(CTRL_VQ) | F(CTRL_RX) | F(CTRL_MAC_ADDR) | F(GUEST_ANNOUNCE))
#define ALL	(CONTROL | F(MQ) | F(CTRL_RX_EXTRA) | F(MRG_RXBUF))

struct fixture {
	struct drv_ram ram;
	/* Each queue of the tap has a host of its own here: the device does not mind. */
	struct fake_tap taps[PAIRS];
	struct drv control, rx[PAIRS];
	struct drv_transport t;
	struct virtio_device *dev;
	unsigned control_index;
};

static void up(struct fixture *f, uint64_t features)
{
	assert_true(harness_negotiate(f->dev, features));
	f->control_index = features & F(MQ) ? 2 * PAIRS : 2;
	/* The rings lie where a queue's of another number would: there are but four places. */
	drv_init(&f->control, f->ram.memory, 3, SIZE, false);
	for (unsigned i = 0; i < PAIRS; i++)
		if (2 * i != f->control_index)
			harness_queue(f->dev, f->ram.memory, 2 * i, &f->rx[i], SIZE);
	if (features & F(CTRL_VQ)) {
		struct virtq *q = &f->dev->queues[f->control_index];

		virtq_lock(q);
		q->size = SIZE;
		q->desc = GPA(f->control.desc_at);
		q->driver = GPA(f->control.avail_at);
		q->device = GPA(f->control.used_at);
		q->vector = 9;
		assert_int_equal(virtq_enable(q, f->dev->features), 0);
		virtq_unlock(q);
	}
	harness_ready(f->dev);
}

static struct fixture *open_net(uint64_t features)
{
	const struct mac mac = { { 0x52, 0x54, 0, 0, 0, 1 } };
	struct fixture *f = calloc(1, sizeof(*f));
	struct tap *taps[PAIRS];
	const struct virtio_net_setup s = { .taps = taps, .n_taps = PAIRS, .mac = mac };

	drv_ram_open(&f->ram);
	for (unsigned i = 0; i < PAIRS; i++) {
		fake_tap_open(&f->taps[i]);
		assert_int_equal(tap_new(&f->taps[i].host, f->taps[i].fd, &taps[i], NULL), 0);
	}
	assert_int_equal(virtio_net_device_new(f->ram.memory, "virtio-net0", &s, &f->dev), 0);
	harness_attach(f->dev, &f->t);
	harness_serve(f->dev);
	up(f, features);
	return f;
}

static void close_net(struct fixture *f)
{
	harness_free(f->dev);
	for (unsigned i = 0; i < PAIRS; i++) {
		assert_false(f->taps[i].detached); /* for who comes after a reboot */
		fake_tap_close(&f->taps[i]);
	}
	drv_ram_close(&f->ram);
	free(f);
}

static void ring(struct fixture *f, unsigned queue)
{
	while (virtio_device_ring(f->dev, &f->dev->queues[queue], 1, true))
		;
}

/* The answer to `len` bytes of a command, NO_ANSWER when there was no room for one. */
static uint8_t ask_with_room(struct fixture *f, const void *command, uint32_t len, uint32_t room)
{
	const struct drv_piece pieces[] = { { COMMAND, len, false }, { ANSWER, room, true } };
	uint8_t *answer = drv_ptr(f->ram.memory, ANSWER);
	struct vring_used_elem e;

	memcpy(drv_ptr(f->ram.memory, COMMAND), command, len);
	*answer = NO_ANSWER;
	drv_chain(&f->control, pieces, room ? 2 : 1);
	drv_publish(&f->control);
	ring(f, f->control_index);
	assert_true(drv_used(&f->control, &e));
	assert_int_equal(e.len, *answer == NO_ANSWER ? 0 : 1);
	return *answer;
}

static uint8_t ask(struct fixture *f, uint8_t class, uint8_t kind, const void *data, uint32_t len)
{
	uint8_t command[4096] = { class, kind };

	memcpy(command + 2, data, len);
	return ask_with_room(f, command, 2 + len, 1);
}

static uint8_t set_pairs(struct fixture *f, uint16_t n)
{
	return ask(f, VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, &n, sizeof(n));
}

static void offer(struct fixture *f, unsigned pair)
{
	const struct drv_piece p = { RX + pair * 0x4000ULL, 2048, true };

	drv_chain(&f->rx[pair], &p, 1);
	drv_publish(&f->rx[pair]);
	ring(f, 2 * pair);
}

static void arrives(struct fixture *f, unsigned pair)
{
	static const char packet[TAP_HEADER_BYTES + 60];

	assert_int_equal(send(f->taps[pair].other, packet, sizeof(packet), 0), sizeof(packet));
}

static uint64_t received(struct fixture *f, unsigned pair)
{
	return virtq_stats_get(&f->dev->queues[2 * pair]).requests;
}

static void wait_received(struct fixture *f, unsigned pair, uint64_t n)
{
	for (unsigned i = 0; i < 5000 && received(f, pair) < n; i++)
		usleep(1000);
	assert_int_equal(received(f, pair), n);
}

static void pairs_are_as_many_as_the_driver_wants(void **state UNUSED)
{
	struct fixture *f = open_net(ALL);
	struct virtio_net_config c;

	virtio_device_read_config(f->dev, 0, &c, sizeof(c));
	assert_int_equal(c.max_virtqueue_pairs, PAIRS);
	assert_false(f->taps[0].detached);
	assert_true(f->taps[1].detached);
	offer(f, 0);
	offer(f, 1);
	arrives(f, 0);
	wait_received(f, 0, 1);
	arrives(f, 1); /* as one that was on its way when the pair was switched off */
	usleep(20000);
	assert_int_equal(received(f, 1), 0);
	assert_int_equal(set_pairs(f, 2), VIRTIO_NET_OK);
	assert_false(f->taps[1].detached);
	wait_received(f, 1, 1);
	assert_int_equal(set_pairs(f, 1), VIRTIO_NET_OK);
	assert_true(f->taps[1].detached);
	assert_int_equal(set_pairs(f, 0), VIRTIO_NET_ERR);
	assert_int_equal(set_pairs(f, PAIRS + 1), VIRTIO_NET_ERR);
	assert_int_equal(set_pairs(f, 0xffff), VIRTIO_NET_ERR);
	assert_int_equal(set_pairs(f, 2), VIRTIO_NET_OK);
	virtio_device_set_status(f->dev, 0);
	assert_true(f->taps[1].detached); /* the next driver begins with one */
	close_net(f);
}

/* Without MQ the control queue is the third (5.1.2), and nobody gets more pairs. */
static void without_mq_there_is_one(void **state UNUSED)
{
	struct fixture *f = open_net(CONTROL | F(MRG_RXBUF));

	assert_int_equal(f->control_index, 2);
	assert_int_equal(set_pairs(f, 1), VIRTIO_NET_ERR);
	assert_int_equal(set_pairs(f, 2), VIRTIO_NET_ERR);
	assert_true(f->taps[1].detached);
	assert_int_equal(
		ask(f, VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_ALLMULTI, "\1", 1), VIRTIO_NET_OK);
	close_net(f);
}

static bool lets_through(const struct fixture *f, const char *mac)
{
	const struct fake_tap *t = &f->taps[0];

	for (unsigned i = 0; i < t->filtered; i++)
		if (!memcmp(t->filter[i], mac, 6))
			return true;
	return !t->filtered || (mac[0] & 1 && t->filter_flags & TUN_FLT_ALLMULTI);
}

#define OWN   "\x52\x54\0\0\0\1"
#define OTHER "\x52\x54\0\0\0\2"
#define GROUP "\x33\x33\0\0\0\1"
#define ALLOF "\xff\xff\xff\xff\xff\xff"

static uint8_t rx_mode(struct fixture *f, uint8_t mode, bool on)
{
	return ask(f, VIRTIO_NET_CTRL_RX, mode, &on, 1);
}

static uint8_t set_table(struct fixture *f, const char *table, uint32_t len)
{
	return ask(f, VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_TABLE_SET, table, len);
}

static void the_tap_is_told_who_is_wanted(void **state UNUSED)
{
	static const char one_each[] = "\1\0\0\0" OTHER "\1\0\0\0" GROUP;
	struct fixture *f = open_net(ALL);

	assert_true(lets_through(f, OTHER)); /* a driver that says nothing gets all */
	assert_int_equal(rx_mode(f, VIRTIO_NET_CTRL_RX_PROMISC, false), VIRTIO_NET_OK);
	assert_true(lets_through(f, OWN) && lets_through(f, ALLOF));
	assert_false(lets_through(f, OTHER) || lets_through(f, GROUP));
	assert_int_equal(set_table(f, one_each, sizeof(one_each) - 1), VIRTIO_NET_OK);
	assert_true(lets_through(f, OTHER) && lets_through(f, GROUP) && lets_through(f, OWN));
	assert_int_equal(rx_mode(f, VIRTIO_NET_CTRL_RX_NOUNI, true), VIRTIO_NET_OK);
	assert_false(lets_through(f, OTHER));
	assert_int_equal(rx_mode(f, VIRTIO_NET_CTRL_RX_NOBCAST, true), VIRTIO_NET_OK);
	assert_false(lets_through(f, ALLOF));
	assert_int_equal(rx_mode(f, VIRTIO_NET_CTRL_RX_NOMULTI, true), VIRTIO_NET_OK);
	assert_false(lets_through(f, GROUP));
	assert_int_equal(rx_mode(f, VIRTIO_NET_CTRL_RX_PROMISC, true), VIRTIO_NET_OK);
	assert_true(lets_through(f, OTHER) && lets_through(f, GROUP));
	assert_int_equal(rx_mode(f, 6, true), VIRTIO_NET_ERR);
	virtio_device_set_status(f->dev, 0);
	assert_int_equal(f->taps[0].filtered, 0);
	close_net(f);
}

static void a_table_is_what_it_says(void **state UNUSED)
{
	struct fixture *f = open_net(ALL);
	char table[4 + 65 * 6 + 4] = { 65 };

	assert_int_equal(set_table(f, "", 0), VIRTIO_NET_ERR);
	assert_int_equal(set_table(f, "\0\0\0", 3), VIRTIO_NET_ERR);
	assert_int_equal(set_table(f, "\0\0\0\0", 4), VIRTIO_NET_ERR);
	assert_int_equal(set_table(f, "\1\0\0\0" OTHER, 10), VIRTIO_NET_ERR);
	assert_int_equal(set_table(f, "\xff\xff\xff\xff" OTHER, 10), VIRTIO_NET_ERR);
	assert_int_equal(set_table(f, "\0\0\0\x40" OTHER, 10), VIRTIO_NET_ERR);
	assert_int_equal(f->taps[0].filter_calls, 0);
	/* More than can be kept: all of that kind. */
	assert_int_equal(set_table(f, table, sizeof(table)), VIRTIO_NET_OK);
	assert_true(lets_through(f, OTHER));
	close_net(f);
}

static void an_address_can_be_changed(void **state UNUSED)
{
	struct fixture *f = open_net(ALL);
	struct virtio_net_config c;

	assert_int_equal(ask(f, VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_ADDR_SET, GROUP, 6),
		VIRTIO_NET_ERR);
	assert_int_equal(ask(f, VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_ADDR_SET, OTHER, 5),
		VIRTIO_NET_ERR);
	assert_int_equal(
		ask(f, VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_ADDR_SET, OTHER, 6), VIRTIO_NET_OK);
	virtio_device_read_config(f->dev, 0, &c, sizeof(c));
	assert_memory_equal(c.mac, OTHER, 6);
	assert_true(lets_through(f, OTHER));
	assert_false(lets_through(f, OWN));
	close_net(f);
}

/* What was not negotiated, is not known or says too little changes nothing and is answered. */
static void nonsense_is_refused(void **state UNUSED)
{
	struct fixture *f = open_net(F(CTRL_VQ) | F(MQ));

	assert_int_equal(rx_mode(f, VIRTIO_NET_CTRL_RX_PROMISC, true), VIRTIO_NET_ERR);
	assert_int_equal(ask(f, VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_ADDR_SET, OTHER, 6),
		VIRTIO_NET_ERR);
	assert_int_equal(ask(f, VIRTIO_NET_CTRL_ANNOUNCE, 0, "", 0), VIRTIO_NET_ERR);
	assert_int_equal(
		ask(f, VIRTIO_NET_CTRL_GUEST_OFFLOADS, 0, "\0\0\0\0\0\0\0\0", 8), VIRTIO_NET_ERR);
	assert_int_equal(ask(f, VIRTIO_NET_CTRL_VLAN, 0, "\0\0", 2), VIRTIO_NET_ERR);
	assert_int_equal(ask(f, 200, 0, "", 0), VIRTIO_NET_ERR);
	assert_int_equal(ask_with_room(f, "\4", 1, 1), VIRTIO_NET_ERR);
	assert_int_equal(ask_with_room(f, "\4\0\2", 3, 1), VIRTIO_NET_ERR);
	assert_int_equal(ask_with_room(f, "\4\0\2\0", 4, 0), NO_ANSWER);
	assert_false(f->taps[1].detached); /* obeyed; who leaves no room hears nothing */
	assert_true(virtio_device_runs(f->dev));
	close_net(f);
}

static void offloads_can_be_switched(void **state UNUSED)
{
	const uint64_t some = F(GUEST_CSUM), none = 0, more = F(GUEST_CSUM) | F(GUEST_TSO6);
	struct fixture *f = open_net(ALL | F(CTRL_GUEST_OFFLOADS) | F(GUEST_CSUM) | F(GUEST_TSO4));

	assert_int_equal(f->taps[0].offload, TUN_F_CSUM | TUN_F_TSO4);
	assert_int_equal(ask(f, VIRTIO_NET_CTRL_GUEST_OFFLOADS, 0, &some, 8), VIRTIO_NET_OK);
	assert_int_equal(f->taps[0].offload, TUN_F_CSUM);
	assert_int_equal(ask(f, VIRTIO_NET_CTRL_GUEST_OFFLOADS, 0, &more, 8), VIRTIO_NET_ERR);
	assert_int_equal(f->taps[0].offload, TUN_F_CSUM);
	assert_int_equal(ask(f, VIRTIO_NET_CTRL_GUEST_OFFLOADS, 0, &none, 8), VIRTIO_NET_OK);
	assert_int_equal(f->taps[0].offload, 0);
	close_net(f);
}

static unsigned config_interrupts(struct fixture *f)
{
	return __atomic_load_n(&f->t.config_interrupts, __ATOMIC_SEQ_CST);
}

static uint16_t status_of(struct fixture *f)
{
	struct virtio_net_config c;

	virtio_device_read_config(f->dev, 0, &c, sizeof(c));
	return c.status;
}

static void a_link_can_be_pulled(void **state UNUSED)
{
	struct fixture *f = open_net(ALL);

	offer(f, 0);
	virtio_net_device_set_link(f->dev, false);
	assert_int_equal(status_of(f), 0);
	assert_int_equal(config_interrupts(f), 1);
	arrives(f, 0);
	usleep(20000);
	assert_int_equal(received(f, 0), 0);
	virtio_net_device_set_link(f->dev, false);
	assert_int_equal(config_interrupts(f), 1); /* nothing new */
	virtio_net_device_set_link(f->dev, true);
	assert_int_equal(status_of(f), VIRTIO_NET_S_LINK_UP | VIRTIO_NET_S_ANNOUNCE);
	assert_int_equal(config_interrupts(f), 2);
	assert_int_equal(ask(f, VIRTIO_NET_CTRL_ANNOUNCE, VIRTIO_NET_CTRL_ANNOUNCE_ACK, "", 0),
		VIRTIO_NET_OK);
	assert_int_equal(status_of(f), VIRTIO_NET_S_LINK_UP);
	usleep(20000);
	assert_int_equal(received(f, 0), 0); /* what came meanwhile is lost */
	arrives(f, 0);
	wait_received(f, 0, 1);
	close_net(f);
}

static void what_can_be_set_is_set(void **state UNUSED)
{
	struct fixture *f = open_net(ALL);
	int (*set)(struct virtio_device * d, int queue, const char *key, const char *value,
		struct problem **reterr) = f->dev->ops->set;
	autoproblem *why = NULL;

	assert_int_equal(set(f->dev, -1, "link", "down", NULL), 0);
	assert_int_equal(status_of(f), 0);
	assert_int_equal(set(f->dev, -1, "link", "up", NULL), 0);
	assert_true(status_of(f) & VIRTIO_NET_S_LINK_UP);
	assert_int_equal(set(f->dev, -1, "link", "sideways", NULL), -EINVAL);
	assert_int_equal(set(f->dev, 0, "link", "down", NULL), -EINVAL);
	assert_int_equal(set(f->dev, -1, "colour", "red", NULL), -EINVAL);
	assert_int_equal(set(f->dev, -1, "mtu", "67", NULL), -EINVAL);
	assert_int_equal(set(f->dev, -1, "mtu", "1400", &why), -EOPNOTSUPP); /* made without */
	assert_non_null(why->hint);
	close_net(f);
}

/* The whole device, and the link with it, when one of the tap's queues tells that it has gone. */
static void a_lost_tap_is_a_link_that_is_down(void **state UNUSED)
{
	struct fixture *f = open_net(ALL);

	offer(f, 0);
	shutdown(f->taps[0].other, SHUT_RDWR);
	for (unsigned i = 0; i < 5000 && !config_interrupts(f); i++)
		usleep(1000);
	assert_int_equal(status_of(f), 0);
	assert_int_equal(config_interrupts(f), 1);
	assert_int_equal(__atomic_load_n(&f->t.notes, __ATOMIC_SEQ_CST), 1);
	virtio_net_device_set_link(f->dev, true);
	assert_int_equal(status_of(f) & VIRTIO_NET_S_LINK_UP, 0);
	close_net(f);
}

struct traffic {
	struct fixture *f;
	bool stop; /* atomic */
};

static void *send_on_and_on(void *arg)
{
	static const char packet[TAP_HEADER_BYTES + 60];
	struct traffic *t = arg;

	for (unsigned i = 0; !__atomic_load_n(&t->stop, __ATOMIC_SEQ_CST); i++)
		(void)!send(t->f->taps[i % PAIRS].other, packet, sizeof(packet), MSG_DONTWAIT);
	return NULL;
}

/* More than the ring holds would break it: who sends may be long in getting a processor. */
static bool has_room(const struct drv *rx)
{
	return (uint16_t)(rx->avail_idx - __atomic_load_n(&rx->used->idx, __ATOMIC_ACQUIRE)) < SIZE;
}

/* While packets come on both, and the user pulls the plug: nothing hangs, nobody asks for a reset.
 */
static void everything_at_once(void **state UNUSED)
{
	struct fixture *f = open_net(ALL);
	struct traffic t = { .f = f };
	pthread_t sender;

	assert_int_equal(pthread_create(&sender, NULL, send_on_and_on, &t), 0);
	for (unsigned i = 0; i < 300; i++) {
		for (unsigned pair = 0; pair < PAIRS; pair++)
			if (has_room(&f->rx[pair]))
				offer(f, pair);
		assert_int_equal(set_pairs(f, (uint16_t)(1 + i % PAIRS)), VIRTIO_NET_OK);
		virtio_net_device_set_link(f->dev, i % 3);
		assert_int_equal(rx_mode(f, VIRTIO_NET_CTRL_RX_PROMISC, i % 2), VIRTIO_NET_OK);
		if (i % 100 == 99) {
			virtio_device_set_status(f->dev, 0);
			up(f, ALL);
		}
	}
	__atomic_store_n(&t.stop, true, __ATOMIC_SEQ_CST);
	pthread_join(sender, NULL);
	assert_true(virtio_device_runs(f->dev));
	close_net(f);
}

static void look_for(void *arg, const char *key, const char *word)
{
	unsigned *seen = arg;

	if (str_eq(key, "standby"))
		*seen |= str_eq(word, "on") ? 1 : 4;
	else if (str_eq(key, "over"))
		*seen |= str_eq(word, "vf") ? 2 : 4;
}

/* Which path it is can be told by who asks the device. */
static unsigned traits_of(struct virtio_device *d)
{
	unsigned seen = 0;

	d->ops->traits(d, look_for, &seen);
	return seen;
}

static void an_address_can_be_fixed(void **state UNUSED)
{
	struct fake_tap fake;
	struct tap *tap;
	struct drv_ram ram;
	struct virtio_device *d;
	struct virtio_net_setup s = {
		.taps = &tap, .n_taps = 1, .fixed_mac = true, .over_vf = true
	};

	drv_ram_open(&ram);
	fake_tap_open(&fake);
	assert_int_equal(tap_new(&fake.host, fake.fd, &tap, NULL), 0);
	assert_int_equal(virtio_net_device_new(ram.memory, "n", &s, &d), 0);
	assert_false(d->offered & F(CTRL_MAC_ADDR));
	assert_false(d->offered & F(MQ));
	assert_int_equal(d->n_queues, 3);
	assert_int_equal(traits_of(d), 2);
	harness_free(d);
	fake_tap_close(&fake);
	drv_ram_close(&ram);
}

/* Two interfaces with one address are only for who knows them for one. */
static void a_standby_is_for_who_knows(void **state UNUSED)
{
	struct drv_transport t = { 0 };
	struct fake_tap fake;
	struct tap *tap;
	struct drv_ram ram;
	struct virtio_device *d;
	struct virtio_net_setup s = {
		.taps = &tap, .n_taps = 1, .standby = true, .standby_needed = true
	};

	drv_ram_open(&ram);
	fake_tap_open(&fake);
	assert_int_equal(tap_new(&fake.host, fake.fd, &tap, NULL), 0);
	assert_int_equal(virtio_net_device_new(ram.memory, "n", &s, &d), 0);
	harness_attach(d, &t);
	assert_true(d->offered & F(STANDBY));
	assert_int_equal(traits_of(d), 1);
	assert_false(d->offered & F(CTRL_MAC_ADDR));
	assert_false(harness_negotiate(d, F(MRG_RXBUF)));
	virtio_device_set_status(d, 0);
	assert_true(harness_negotiate(d, F(MRG_RXBUF) | F(STANDBY)));
	harness_free(d);
	fake_tap_close(&fake);
	drv_ram_close(&ram);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pairs_are_as_many_as_the_driver_wants),
		cmocka_unit_test(without_mq_there_is_one),
		cmocka_unit_test(the_tap_is_told_who_is_wanted),
		cmocka_unit_test(a_table_is_what_it_says),
		cmocka_unit_test(an_address_can_be_changed),
		cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(offloads_can_be_switched),
		cmocka_unit_test(a_link_can_be_pulled),
		cmocka_unit_test(what_can_be_set_is_set),
		cmocka_unit_test(a_lost_tap_is_a_link_that_is_down),
		cmocka_unit_test(everything_at_once),
		cmocka_unit_test(an_address_can_be_fixed),
		cmocka_unit_test(a_standby_is_for_who_knows),
	};

	return cmocka_run_group_tests_name("net-control", tests, NULL, NULL);
}
