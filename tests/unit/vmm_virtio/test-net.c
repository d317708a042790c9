// SPDX-License-Identifier: GPL-2.0-or-later
#include "cm.h"
#include "harness.h"
#include "vmm/net/tap.h"
#include "vmm/virtio/net.h"
#include "vmm_net/fake-tap.h"

#include <linux/virtio_net.h>
#include <poll.h>

enum {
	SIZE = 128,
	RX = DRV_BUFFERS,
	TX = DRV_BUFFERS + 0x100000,
};

#define MRG VIRTIO_FEATURE(VIRTIO_NET_F_MRG_RXBUF)
#define EVT VIRTIO_FEATURE(VIRTIO_RING_F_EVENT_IDX)

struct fixture {
	struct drv_ram ram;
	struct fake_tap tap;
	struct drv rx, tx;
	struct drv_transport t;
	struct virtio_device *dev;
};

static void up(struct fixture *f, uint64_t features)
{
	assert_true(harness_negotiate(f->dev, features));
	harness_queue(f->dev, f->ram.memory, VIRTIO_NET_RX, &f->rx, SIZE);
	harness_queue(f->dev, f->ram.memory, VIRTIO_NET_TX, &f->tx, SIZE);
	harness_ready(f->dev);
}

static struct fixture *open_net(uint64_t features)
{
	struct mac mac = { { 0x52, 0x54, 0, 0, 0, 1 } };
	struct fixture *f = calloc(1, sizeof(*f));
	struct tap *tap;

	drv_ram_open(&f->ram);
	fake_tap_open(&f->tap);
	assert_int_equal(tap_new(&f->tap.host, f->tap.fd, &tap, NULL), 0);
	assert_int_equal(virtio_net_device_new(f->ram.memory, "virtio-net0",
				 &(struct virtio_net_setup) {
					 .taps = &tap, .n_taps = 1, .mac = mac, .mtu = 1400 },
				 &f->dev),
		0);
	harness_attach(f->dev, &f->t);
	harness_serve(f->dev);
	up(f, features);
	return f;
}

static void close_net(struct fixture *f)
{
	harness_free(f->dev);
	fake_tap_close(&f->tap);
	drv_ram_close(&f->ram);
	free(f);
}

static void ring(struct fixture *f, unsigned queue)
{
	uint64_t times = 1;

	while (virtio_device_ring(f->dev, &f->dev->queues[queue], times, true))
		times = 0;
}

static struct virtq_stats stats(struct fixture *f, unsigned queue)
{
	return virtq_stats_get(&f->dev->queues[queue]);
}

/* The I/O thread works on its own: wait for what it must reach. */
static void wait_requests(struct fixture *f, unsigned queue, uint64_t n)
{
	for (unsigned i = 0; i < 5000 && stats(f, queue).requests < n; i++)
		usleep(1000);
	assert_int_equal(stats(f, queue).requests, n);
}

static void offer_rx(struct fixture *f, unsigned n, uint32_t bytes)
{
	for (unsigned i = 0; i < n; i++) {
		struct drv_piece p = { RX + (f->rx.avail_idx % SIZE) * 0x1000ULL, bytes, true };

		drv_chain(&f->rx, &p, 1);
	}
	if (drv_publish(&f->rx))
		ring(f, VIRTIO_NET_RX);
}

/* A packet from outside, its virtio-net header all zero. */
static void arrives(struct fixture *f, size_t payload)
{
	autofree char *p = calloc(1, TAP_HEADER_BYTES + payload);

	for (size_t i = 0; i < payload; i++)
		p[TAP_HEADER_BYTES + i] = (char)(i * 7 + i / 256);
	assert_int_equal(
		send(f->tap.other, p, TAP_HEADER_BYTES + payload, 0), TAP_HEADER_BYTES + payload);
}

/* Reads the used entries of one packet and checks them; how many buffers it took. */
static unsigned received(struct fixture *f, size_t payload)
{
	size_t left = TAP_HEADER_BYTES + payload, at = 0;
	unsigned buffers = 0;
	uint16_t told = 0;

	while (left) {
		struct vring_used_elem e;
		const uint8_t *data;

		assert_true(drv_used(&f->rx, &e));
		data = drv_ptr(f->ram.memory, f->rx.desc[e.id].addr);
		if (!buffers++)
			memcpy(&told, data + 10, 2);
		for (uint32_t i = 0; i < e.len; i++, at++)
			if (at >= TAP_HEADER_BYTES) {
				size_t k = at - TAP_HEADER_BYTES;

				assert_int_equal(data[i], (uint8_t)(k * 7 + k / 256));
			}
		left -= e.len;
	}
	assert_int_equal(told, buffers);
	return buffers;
}

static void receives(void **state UNUSED)
{
	struct fixture *f = open_net(MRG | EVT);

	offer_rx(f, 4, 1526);
	arrives(f, 60);
	wait_requests(f, VIRTIO_NET_RX, 1);
	assert_int_equal(received(f, 60), 1);
	assert_int_equal(stats(f, VIRTIO_NET_RX).bytes_in, 72);
	arrives(f, 1514);
	wait_requests(f, VIRTIO_NET_RX, 2);
	assert_int_equal(received(f, 1514), 1);
	close_net(f);
}

static void large_packets_take_several_buffers(void **state UNUSED)
{
	struct fixture *f = open_net(MRG | EVT);

	offer_rx(f, 10, 1000);
	arrives(f, 2988); /* exactly three */
	wait_requests(f, VIRTIO_NET_RX, 3);
	assert_int_equal(received(f, 2988), 3);
	arrives(f, 2989);
	wait_requests(f, VIRTIO_NET_RX, 7);
	assert_int_equal(received(f, 2989), 4);
	close_net(f);
}

/* Packets wait in the tap while there are no buffers, and none is lost. */
static void no_buffers_no_polling(void **state UNUSED)
{
	struct fixture *f = open_net(MRG | EVT);

	for (unsigned i = 0; i < 3; i++)
		arrives(f, 100 + i);
	usleep(20000);
	assert_int_equal(stats(f, VIRTIO_NET_RX).requests, 0);
	offer_rx(f, 2, 1526);
	wait_requests(f, VIRTIO_NET_RX, 2);
	usleep(20000);
	assert_int_equal(stats(f, VIRTIO_NET_RX).requests, 2);
	offer_rx(f, 1, 1526);
	wait_requests(f, VIRTIO_NET_RX, 3);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(received(f, 100 + i), 1);
	assert_true(stats(f, VIRTIO_NET_RX).doorbells <= 2);
	close_net(f);
}

static void too_long_for_the_buffers_is_dropped(void **state UNUSED)
{
	struct fixture *f = open_net(EVT); /* not mergeable: one buffer each */

	offer_rx(f, 2, 200);
	arrives(f, 189);
	arrives(f, 188);
	wait_requests(f, VIRTIO_NET_RX, 1);
	assert_int_equal(received(f, 188), 1);
	close_net(f);
}

static unsigned in_order(struct fixture *f, unsigned n, ssize_t payload)
{
	char got[2048];
	unsigned i = 0;

	for (; i < n; i++) {
		struct pollfd p = { f->tap.other, POLLIN, 0 };

		if (poll(&p, 1, 2000) != 1 ||
			recv(f->tap.other, got, sizeof(got), 0) != 12 + payload ||
			got[12] != (char)i)
			break;
	}
	return i;
}

static void put_tx(struct fixture *f, unsigned i, uint32_t payload, uint8_t flags, uint8_t gso)
{
	struct virtio_net_hdr_v1 h = { .flags = flags, .gso_type = gso, .num_buffers = 77 };
	uint64_t slot = TX + (i % SIZE) * 0x1000ULL;
	struct drv_piece p[] = { { slot, 5, false }, { slot + 5, 7 + payload, false } };
	uint8_t *data = drv_ptr(f->ram.memory, slot);

	memcpy(data, &h, sizeof(h));
	memset(data + 12, (int)i, payload);
	drv_indirect(&f->tx, DRV_INDIRECT + (i % SIZE) * 64ULL, p, 2);
}

static void sends(void **state UNUSED)
{
	struct fixture *f = open_net(EVT | VIRTIO_FEATURE(VIRTIO_RING_F_INDIRECT_DESC));
	char got[2048];

	put_tx(f, 5, 100, 0, 0);
	assert_true(drv_publish(&f->tx));
	ring(f, VIRTIO_NET_TX);
	assert_int_equal(stats(f, VIRTIO_NET_TX).requests, 1);
	assert_int_equal(stats(f, VIRTIO_NET_TX).bytes_out, 112);
	assert_int_equal(recv(f->tap.other, got, sizeof(got), MSG_DONTWAIT), 112);
	assert_int_equal(got[12], 5);
	assert_int_equal(got[10], 0);
	close_net(f);
}

/* What a driver may not ask for is dropped and given back; the device goes on. */
static void hostile_headers_are_dropped(void **state UNUSED)
{
	static const struct {
		uint32_t payload;
		uint8_t flags, gso;
	} bad[] = {
		{ 100, VIRTIO_NET_HDR_F_NEEDS_CSUM, 0 }, { 100, 0, VIRTIO_NET_HDR_GSO_TCPV4 },
		{ 100, 0, VIRTIO_NET_HDR_GSO_TCPV6 }, { 100, 0, VIRTIO_NET_HDR_GSO_UDP },
		{ 100, 0, VIRTIO_NET_HDR_GSO_ECN }, { 100, 0, 0x7f },
		{ 13, 0, 0 }, /* less than an Ethernet header */
	};
	struct fixture *f = open_net(EVT | VIRTIO_FEATURE(VIRTIO_RING_F_INDIRECT_DESC));
	struct drv_piece tiny = { TX, 11, false };
	char got[64];

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		put_tx(f, i, bad[i].payload, bad[i].flags, bad[i].gso);
	drv_chain(&f->tx, &tiny, 1);
	drv_publish(&f->tx);
	ring(f, VIRTIO_NET_TX);
	assert_int_equal(stats(f, VIRTIO_NET_TX).requests, ARRAY_SIZE(bad) + 1);
	assert_int_equal(recv(f->tap.other, got, sizeof(got), MSG_DONTWAIT), -1);
	assert_true(virtio_device_runs(f->dev));
	close_net(f);
}

/* The tap takes no more: the rest waits, in order, and none is lost. */
static void a_full_tap_makes_packets_wait(void **state UNUSED)
{
	struct fixture *f = open_net(EVT | VIRTIO_FEATURE(VIRTIO_RING_F_INDIRECT_DESC));
	int small = 1;

	setsockopt(f->tap.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	for (unsigned i = 0; i < SIZE; i++)
		put_tx(f, i, 1000, 0, 0);
	drv_publish(&f->tx);
	ring(f, VIRTIO_NET_TX);
	assert_true(stats(f, VIRTIO_NET_TX).requests < SIZE);
	assert_int_equal(in_order(f, SIZE, 1000), SIZE);
	wait_requests(f, VIRTIO_NET_TX, SIZE);
	close_net(f);
}

/* A long queue does not keep the other direction waiting: it is sent in turns. */
static void sending_takes_turns(void **state UNUSED)
{
	struct fixture *f = open_net(EVT | VIRTIO_FEATURE(VIRTIO_RING_F_INDIRECT_DESC));
	struct virtq *tx = &f->dev->queues[VIRTIO_NET_TX];

	for (unsigned i = 0; i < 100; i++)
		put_tx(f, i, 60, 0, 0);
	drv_publish(&f->tx);
	assert_true(virtio_device_ring(f->dev, tx, 1, true));
	assert_int_equal(stats(f, VIRTIO_NET_TX).requests, 64);
	assert_false(virtio_device_ring(f->dev, tx, 0, false));
	assert_int_equal(stats(f, VIRTIO_NET_TX).requests, 100);
	assert_int_equal(stats(f, VIRTIO_NET_TX).doorbells, 1);
	assert_int_equal(in_order(f, 100, 60), 100);
	close_net(f);
}

static void a_reset_forgets_everything(void **state UNUSED)
{
	struct fixture *f = open_net(MRG | EVT);

	offer_rx(f, 8, 1526);
	arrives(f, 60);
	wait_requests(f, VIRTIO_NET_RX, 1);
	for (unsigned i = 0; i < 50; i++) {
		arrives(f, 60); /* while the thread is at it */
		virtio_device_set_status(f->dev, 0);
		up(f, MRG | EVT);
		offer_rx(f, 8, 1526);
	}
	close_net(f);
}

static void hostile_receive_buffers_stop_the_device(void **state UNUSED)
{
	static const struct drv_piece bad[][2] = {
		{ { RX, 11, true } },
		{ { RX, 100, false }, { RX, 100, true } },
		{ { DRV_RAM_BYTES, 100, true } },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		struct fixture *f = open_net(MRG | EVT);

		drv_chain(&f->rx, bad[i], bad[i][1].len ? 2 : 1);
		drv_publish(&f->rx);
		ring(f, VIRTIO_NET_RX);
		arrives(f, 60);
		for (unsigned k = 0; k < 5000 && virtio_device_runs(f->dev); k++)
			usleep(1000);
		assert_true(virtio_device_status(f->dev) & VIRTIO_CONFIG_S_NEEDS_RESET);
		virtio_device_stop(f->dev);
		assert_int_equal(f->t.config_interrupts, 1);
		close_net(f);
	}
}

static void offloads_follow_negotiation(void **state UNUSED)
{
	struct fixture *f = open_net(
		VIRTIO_FEATURE(VIRTIO_NET_F_GUEST_CSUM) | VIRTIO_FEATURE(VIRTIO_NET_F_GUEST_TSO4));

	assert_int_equal(f->tap.offload, TUN_F_CSUM | TUN_F_TSO4);
	virtio_device_set_status(f->dev, 0);
	assert_int_equal(f->tap.offload, 0);
	/* Segmentation without checksums is not to be had. */
	up(f, VIRTIO_FEATURE(VIRTIO_NET_F_GUEST_TSO4));
	assert_int_equal(f->tap.offload, 0);
	close_net(f);
}

static void offers_what_the_tap_can_do(void **state UNUSED)
{
	struct virtio_net_config c;
	struct fixture *f = open_net(0);
	struct virtio_device *d;
	struct tap *tap;

	assert_true(f->dev->offered & VIRTIO_FEATURE(VIRTIO_NET_F_GUEST_TSO4));
	assert_true(f->dev->offered & VIRTIO_FEATURE(VIRTIO_NET_F_MTU));
	virtio_device_read_config(f->dev, 0, &c, sizeof(c));
	assert_int_equal(c.mtu, 1400);
	assert_int_equal(c.status, VIRTIO_NET_S_LINK_UP);
	assert_memory_equal(c.mac, "\x52\x54\0\0\0\1", 6);
	close_net(f);

	f = calloc(1, sizeof(*f));
	drv_ram_open(&f->ram);
	fake_tap_open(&f->tap);
	f->tap.offload_known = 0;
	assert_int_equal(tap_new(&f->tap.host, f->tap.fd, &tap, NULL), 0);
	assert_int_equal(virtio_net_device_new(f->ram.memory, "n",
				 &(struct virtio_net_setup) { .taps = &tap, .n_taps = 1 }, &d),
		0);
	assert_false(d->offered & VIRTIO_FEATURE(VIRTIO_NET_F_GUEST_CSUM));
	assert_false(d->offered & VIRTIO_FEATURE(VIRTIO_NET_F_MTU));
	virtio_device_read_config(d, 0, &c, sizeof(c));
	assert_int_equal(c.mac[0] & 3, 2);
	f->dev = d;
	close_net(f);
}

/* The tap is deleted under the guest: told once, no spinning, sending still gives buffers back. */
static void a_vanished_tap_is_told_once(void **state UNUSED)
{
	struct fixture *f = open_net(MRG | EVT);

	offer_rx(f, 4, 1526);
	shutdown(f->tap.other, SHUT_RDWR);
	for (unsigned i = 0; i < 5000 && !__atomic_load_n(&f->t.notes, __ATOMIC_SEQ_CST); i++)
		usleep(1000);
	usleep(20000);
	assert_int_equal(__atomic_load_n(&f->t.notes, __ATOMIC_SEQ_CST), 1);
	close_net(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(receives),
		cmocka_unit_test(large_packets_take_several_buffers),
		cmocka_unit_test(no_buffers_no_polling),
		cmocka_unit_test(too_long_for_the_buffers_is_dropped),
		cmocka_unit_test(sends),
		cmocka_unit_test(hostile_headers_are_dropped),
		cmocka_unit_test(a_full_tap_makes_packets_wait),
		cmocka_unit_test(sending_takes_turns),
		cmocka_unit_test(a_reset_forgets_everything),
		cmocka_unit_test(hostile_receive_buffers_stop_the_device),
		cmocka_unit_test(offloads_follow_negotiation),
		cmocka_unit_test(offers_what_the_tap_can_do),
		cmocka_unit_test(a_vanished_tap_is_told_once),
	};

	return cmocka_run_group_tests_name("net", tests, NULL, NULL);
}
