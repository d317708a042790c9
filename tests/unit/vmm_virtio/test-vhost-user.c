// SPDX-License-Identifier: GPL-2.0-or-later
/* An interface that another process serves, which ends, comes back, and is told of the link. */
#include "cm.h"
#include "harness.h"
#include "peer.h"
#include "vmm/virtio/serve.h"
#include "vmm/virtio/vhost-kinds.h"

#include <linux/virtio_net.h>

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
	f->p.pairs = 1;
	f->p.features = VIRTIO_FEATURE(VIRTIO_F_VERSION_1) | VIRTIO_FEATURE(VIRTIO_NET_F_MRG_RXBUF);
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

static void driver_begins(struct fixture *f, uint64_t features, unsigned rings)
{
	assert_true(harness_negotiate(f->dev, features | VIRTIO_FEATURE(VIRTIO_NET_F_STATUS)));
	for (unsigned i = 0; i < rings; i++)
		harness_queue(f->dev, f->ram.memory, i, &f->rings[i], SIZE);
	ADD(f->p.drivers, 1); /* what the rings hold is seen by who sees this */
	harness_ready(f->dev);
}

static void open_net(struct fixture *f, uint64_t features)
{
	static struct virtio_transport_ops ops;
	const struct virtio_net_setup s = { .mtu = 1400 };
	struct vhost_source source = { .channel = f->channel, .timeout_ms = TIMEOUT_MS };
	char why[VHOST_WHY_BYTES] = "";

	assert_int_equal(vhost_link_connect(f->channel, TIMEOUT_MS, 2, why, &source.vhost), 0);
	assert_int_equal(vhost_net_device_new(
				 f->ram.memory, "virtio-net0", &source, &s, f->p.pairs, &f->dev),
		0);
	ops = harness_ops;
	ops.call_fd = no_vector;
	f->dev->transport = &f->t;
	f->dev->transport_ops = &ops;
	harness_serve(f->dev);
	driver_begins(f, features, RINGS);
}

static struct fixture *begin(void)
{
	struct fixture *f = open_peer();

	open_net(f, 0);
	return f;
}

static void finish(struct fixture *f)
{
	harness_free(f->dev);
	assert_int_equal(READ(f->p.wrong), 0);
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
	driver_begins(f, 0, RINGS);
	both_are(f, false);
	set_link(f, "up");
	both_are(f, true);
	lost_and_returned(f, 2, 2);
	finish(f);
}

/* He may have taken a doorbell and done nothing for it, or done all and rung for nothing. */
static void what_a_dead_one_took_is_asked_again(void **state UNUSED)
{
	struct fixture *f = begin();
	const struct drv_piece p = { DRV_BUFFERS + 0x8000, HEADER + FRAME, false };
	unsigned before = READ(f->t.interrupts);

	end_it(f);
	UNTIL(returns(f) == 1);
	UNTIL(READ(f->t.interrupts) > before);
	drv_chain(&f->rings[1], &p, 1);
	drv_publish(&f->rings[1]); /* and the doorbell is lost */
	end_it(f);
	UNTIL(READ(f->rings[1].used->idx) == 1);
	UNTIL(returns(f) == 2);
	assert_int_equal(READ(f->p.sent), 1);
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

static unsigned notes(struct fixture *f)
{
	return READ(f->t.notes);
}

/* Until it has dialled so often again. */
static void dialled(struct fixture *f, uint32_t more)
{
	const uint32_t until = READ(f->p.dials) + more;

	UNTIL(READ(f->p.dials) >= until);
}

/* Who cannot go on where the first one was is not asked to; the user hears of it once. */
static void not_taken(struct fixture *f, uint64_t so_many_returned)
{
	const unsigned before = notes(f);

	end_it(f);
	dialled(f, 4);
	assert_int_equal(
		notes(f), before + 2); /* it has gone, and why its successor is not taken */
	assert_int_equal(returns(f), so_many_returned);
	assert_false(READ(f->p.begun[0]));
}

static void taken(struct fixture *f, uint64_t returned)
{
	const unsigned before = notes(f);

	UNTIL(returns(f) == returned);
	UNTIL(notes(f) == before + 1);
	both_are(f, true);
}

static void who_can_do_less_is_not_taken(void **state UNUSED)
{
	struct fixture *f = open_peer();
	const uint64_t all = f->p.features;

	f->p.pairs = 2;
	open_net(f, VIRTIO_FEATURE(VIRTIO_NET_F_MRG_RXBUF) | VIRTIO_FEATURE(VIRTIO_NET_F_MQ) |
			    VIRTIO_FEATURE(VIRTIO_NET_F_CTRL_VQ));
	for (uint64_t i = 0; i < 2; i++) {
		SET(f->p.features, all & ~VIRTIO_FEATURE(VIRTIO_NET_F_MRG_RXBUF));
		not_taken(f, i);
		SET(f->p.features, all);
		taken(f, i + 1);
	}
	SET(f->p.pairs, 1);
	not_taken(f, 2);
	SET(f->p.pairs, 2);
	taken(f, 3);
	lost_and_returned(f, 3, 3);
	finish(f);
}

/* Without a driver it is greeted, and told nothing; and of the next driver's rings only. */
static void comes_back_before_its_driver(void **state UNUSED)
{
	struct fixture *f = begin();

	virtio_device_set_status(f->dev, 0);
	end_it(f);
	UNTIL(returns(f) == 1);
	assert_int_equal(READ(f->p.messages), GREETING);
	driver_begins(f, 0, 1);
	assert_true(READ(f->p.begun[0]) && !READ(f->p.begun[1]));
	virtio_device_set_status(f->dev, 0);
	driver_begins(f, 0, RINGS);
	both_are(f, true);
	finish(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_link_nothing_passes),
		cmocka_unit_test(without_a_link_after_a_loss),
		cmocka_unit_test(who_can_do_less_is_not_taken),
		cmocka_unit_test(comes_back_before_its_driver),
		cmocka_unit_test(what_a_dead_one_took_is_asked_again),
		cmocka_unit_test(one_who_ends_while_greeted),
		cmocka_unit_test(comes_back_after_any_refusal),
		cmocka_unit_test(comes_back_after_any_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
