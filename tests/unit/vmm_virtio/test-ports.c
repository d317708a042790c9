// SPDX-License-Identifier: GPL-2.0-or-later
/* Named ports, their clients, and drivers of which some mean harm. */
#include "cm.h"
#include "harness.h"
#include "vmm/virtio/ports.h"

#include <fcntl.h>
#include <linux/virtio_console.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	SIZE = 64,
	RX0 = 0,
	TX0 = 1,
	IN = 2,
	OUT = 3,
	RX1 = 4,
	TX1 = 5,
	QUEUES = 6,
	PORTS = 2,
	PAGE = 4096,
};

struct fixture {
	struct drv_ram ram;
	struct virtio_device *dev;
	struct drv_transport transport;
	struct drv drv[QUEUES];
	char dir[32], path[PORTS][64];
	int listener[PORTS];
	unsigned buffers;
};

static int listen_at(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 4), 0);
	return fd;
}

static int client_of(struct fixture *f, unsigned port)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", f->path[port]);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

static uint64_t page(unsigned i)
{
	return DRV_BUFFERS + (uint64_t)i * PAGE;
}

static void bring_up(struct fixture *f)
{
	assert_true(harness_negotiate(f->dev, VIRTIO_FEATURE(VIRTIO_CONSOLE_F_MULTIPORT)));
	for (unsigned i = 0; i < QUEUES; i++)
		harness_queue(f->dev, f->ram.memory, i, &f->drv[i], SIZE);
	harness_ready(f->dev);
	f->buffers = 0;
}

static struct fixture *open_device(void)
{
	static const char *const names[PORTS] = { "org.qemu.guest_agent.0", "b" };
	struct virtio_port_setup v[PORTS];
	struct fixture *f = calloc(1, sizeof(*f));

	strcpy(f->dir, "/tmp/ports.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	for (unsigned i = 0; i < PORTS; i++) {
		snprintf(f->path[i], sizeof(f->path[i]), "%s/%u", f->dir, i);
		f->listener[i] = listen_at(f->path[i]);
		v[i] = (struct virtio_port_setup) { names[i], f->listener[i] };
	}
	drv_ram_open(&f->ram);
	assert_int_equal(virtio_ports_device_new(f->ram.memory, "serial0", v, PORTS, &f->dev), 0);
	harness_attach(f->dev, &f->transport);
	bring_up(f);
	return f;
}

static void close_device(struct fixture *f)
{
	harness_free(f->dev);
	drv_ram_close(&f->ram);
	for (unsigned i = 0; i < PORTS; i++) {
		close(f->listener[i]);
		unlink(f->path[i]);
	}
	rmdir(f->dir);
	free(f);
}

/* Who asked to come back. */
static bool is_poked(struct fixture *f, unsigned i)
{
	uint64_t times;

	return read(virtio_device_doorbell(f->dev, i), &times, sizeof(times)) == sizeof(times);
}

/* The threads that serve it, in one: until nobody has anything to do, but at most so often. */
static void serve(struct fixture *f)
{
	for (unsigned turn = 0; turn < 20; turn++)
		for (unsigned i = 0; i < QUEUES; i++) {
			struct virtq *q = &f->dev->queues[i];
			struct pollfd p = { .fd = f->dev->ops->fd(f->dev, q), .events = POLLIN };

			if (is_poked(f, i) && virtio_device_ring(f->dev, q, 0, true))
				virtio_device_poke(f->dev, q);
			if (p.fd < 0 || poll(&p, 1, 0) != 1)
				continue;
			virtq_lock(q);
			f->dev->ops->completed(f->dev, q);
			virtq_unlock(q);
		}
}

static void ring(struct fixture *f, unsigned q)
{
	drv_publish(&f->drv[q]);
	while (virtio_device_ring(f->dev, &f->dev->queues[q], 1, false))
		;
	serve(f);
}

/* A buffer of `len` bytes for what comes; its address. */
static uint64_t offer(struct fixture *f, unsigned q, uint32_t len)
{
	struct drv_piece p = { page(f->buffers++), len, true };

	drv_chain(&f->drv[q], &p, 1);
	ring(f, q);
	return p.at;
}

static void send_bytes(struct fixture *f, unsigned q, const void *bytes, uint32_t len)
{
	struct drv_piece p = { page(f->buffers++), len, false };
	struct vring_used_elem e;

	memcpy(drv_ptr(f->ram.memory, p.at), bytes, len);
	drv_chain(&f->drv[q], &p, 1);
	ring(f, q);
	while (drv_used(&f->drv[q], &e))
		;
}

static void say(struct fixture *f, uint32_t id, uint16_t event, uint16_t value)
{
	struct virtio_console_control m = { id, event, value };

	send_bytes(f, OUT, &m, sizeof(m));
}

/* What the device has said into the buffer at `at`; its length, 0: nothing yet. */
static uint32_t heard(
	struct fixture *f, uint64_t at, struct virtio_console_control *ret, char *name)
{
	struct vring_used_elem e;
	const uint8_t *bytes = drv_ptr(f->ram.memory, at);

	if (!drv_used(&f->drv[IN], &e))
		return 0;
	memcpy(ret, bytes, sizeof(*ret));
	memcpy(name, bytes + sizeof(*ret), e.len - sizeof(*ret));
	name[e.len - sizeof(*ret)] = '\0';
	return e.len;
}

#define EXPECT(f, at, id_, event_, value_, name_)                                                  \
	do {                                                                                       \
		struct virtio_console_control m_;                                                  \
		char n_[PAGE];                                                                     \
                                                                                                   \
		assert_true(heard((f), (at), &m_, n_));                                            \
		assert_int_equal(m_.id, (id_));                                                    \
		assert_int_equal(m_.event, (event_));                                              \
		assert_int_equal(m_.value, (value_));                                              \
		assert_string_equal(n_, (name_));                                                  \
	} while (0)

struct wanted {
	const char *name;
	uint64_t value;
};

static void look(void *arg, const char *name, uint64_t v)
{
	struct wanted *w = arg;

	if (strcmp(name, w->name) == 0)
		w->value = v;
}

static uint64_t counted(struct fixture *f, const char *name)
{
	struct wanted w = { name, UINT64_MAX };

	f->dev->ops->stats(f->dev, look, &w);
	return w.value;
}

static uint64_t ignored(struct fixture *f)
{
	return counted(f, "control-ignored");
}

/* Port 0, as far as a driver brings it that has a program which opened it. */
static void open_port(struct fixture *f, unsigned port)
{
	uint64_t at = offer(f, IN, PAGE);

	say(f, port, VIRTIO_CONSOLE_PORT_READY, 1);
	EXPECT(f, at, port, VIRTIO_CONSOLE_PORT_NAME, 1, port ? "b" : "org.qemu.guest_agent.0");
	say(f, port, VIRTIO_CONSOLE_PORT_OPEN, 1);
}

static void ports_are_told_in_order(void **state UNUSED)
{
	struct fixture *f = open_device();
	uint64_t at[6];
	struct virtio_console_control m;
	char name[PAGE];

	assert_int_equal(
		((const struct virtio_console_config *)f->dev->config)->max_nr_ports, PORTS);
	for (unsigned i = 0; i < 6; i++)
		at[i] = offer(f, IN, PAGE);
	say(f, 0, VIRTIO_CONSOLE_DEVICE_READY, 1);
	EXPECT(f, at[0], 0, VIRTIO_CONSOLE_PORT_ADD, 1, "");
	EXPECT(f, at[1], 1, VIRTIO_CONSOLE_PORT_ADD, 1, "");
	assert_int_equal(heard(f, at[2], &m, name), 0);
	say(f, 1, VIRTIO_CONSOLE_PORT_READY, 1);
	EXPECT(f, at[2], 1, VIRTIO_CONSOLE_PORT_NAME, 1, "b");
	close(client_of(f, 1));
	serve(f);
	EXPECT(f, at[3], 1, VIRTIO_CONSOLE_PORT_OPEN, 1, "");
	/* It has gone again, which is seen when somebody wants to read. */
	say(f, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
	offer(f, RX1, PAGE);
	EXPECT(f, at[4], 1, VIRTIO_CONSOLE_PORT_OPEN, 0, "");
	assert_int_equal(heard(f, at[5], &m, name), 0);
	assert_int_equal(counted(f, "port1-clients"), 1);
	close_device(f);
}

static void both_ways(void **state UNUSED)
{
	struct fixture *f = open_device();
	struct vring_used_elem e;
	int client = client_of(f, 0);
	char bytes[16] = "";
	uint64_t at;

	serve(f);
	at = offer(f, RX0, 8);
	assert_int_equal(write(client, "0123456789ab", 12), 12);
	serve(f);
	/* Nobody in the guest has opened it. */
	assert_false(drv_used(&f->drv[RX0], &e));
	offer(f, IN, PAGE);
	say(f, 0, VIRTIO_CONSOLE_PORT_READY, 1);
	say(f, 0, VIRTIO_CONSOLE_PORT_OPEN, 1);
	serve(f);
	assert_true(drv_used(&f->drv[RX0], &e));
	assert_int_equal(e.len, 8);
	assert_memory_equal(drv_ptr(f->ram.memory, at), "01234567", 8);
	at = offer(f, RX0, 8);
	assert_true(drv_used(&f->drv[RX0], &e));
	assert_int_equal(e.len, 4);
	assert_memory_equal(drv_ptr(f->ram.memory, at), "89ab", 4);
	send_bytes(f, TX0, "hello, host", 11);
	assert_int_equal(read(client, bytes, sizeof(bytes)), 11);
	assert_string_equal(bytes, "hello, host");
	close(client);
	close_device(f);
}

/* One after the other; what is written while there is none is read by nobody, and holds up nobody.
 */
static void clients_come_and_go(void **state UNUSED)
{
	struct fixture *f = open_device();
	int one = client_of(f, 1), two = client_of(f, 1);
	char bytes[16] = "";

	serve(f);
	open_port(f, 1);
	offer(f, RX1, PAGE);
	serve(f);
	send_bytes(f, TX1, "one", 3);
	assert_int_equal(read(one, bytes, sizeof(bytes)), 3);
	assert_int_equal(recv(two, bytes, sizeof(bytes), MSG_DONTWAIT), -1);
	close(one);
	serve(f);
	send_bytes(f, TX1, "two", 3);
	assert_int_equal(read(two, bytes, sizeof(bytes)), 3);
	assert_memory_equal(bytes, "two", 3);
	close(two);
	serve(f);
	send_bytes(f, TX1, "nobody", 6);
	assert_int_equal(f->drv[TX1].used->idx, 3);
	assert_int_equal(counted(f, "port1-clients"), 2);
	close_device(f);
}

/* Until a chain waits; how many do not. */
static uint16_t fill(struct fixture *f)
{
	static const uint8_t bytes[PAGE];
	const struct vring_used *used = f->drv[TX0].used;

	for (unsigned i = 0; i < 4000; i++) {
		uint16_t before = used->idx;

		f->buffers = 8;
		send_bytes(f, TX0, bytes, PAGE);
		if (used->idx == before)
			return before;
	}
	fail_msg("a client that does not read takes all");
	return 0;
}

static void read_all(int client)
{
	char bytes[PAGE];

	while (recv(client, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
}

/* It reads nothing: the guest's chain waits, and goes when there is room, or the client has gone.
 */
static void a_client_that_does_not_read(void **state UNUSED)
{
	struct fixture *f = open_device();
	const struct vring_used *used = f->drv[TX0].used;
	int client = client_of(f, 0);
	uint16_t gone;

	serve(f);
	open_port(f, 0);
	gone = fill(f);
	assert_in_range(gone, 2, 3999);
	serve(f);
	assert_int_equal(used->idx, gone);
	read_all(client);
	serve(f);
	assert_int_equal(used->idx, gone + 1);
	gone = fill(f);
	close(client);
	serve(f);
	assert_int_equal(used->idx, gone + 1);
	close_device(f);
}

/* What was offered while there was no room all goes when there is, though others have their turns.
 */
static void much_waits_for_room(void **state UNUSED)
{
	struct fixture *f = open_device();
	const struct vring_used *used = f->drv[TX0].used;
	struct drv_piece p = { page(9), 1, false };
	int client = client_of(f, 0);
	uint16_t gone;

	serve(f);
	open_port(f, 0);
	gone = fill(f);
	for (unsigned i = 0; i < SIZE - 1; i++)
		drv_chain(&f->drv[TX0], &p, 1);
	ring(f, TX0);
	assert_int_equal(used->idx, gone);
	read_all(client);
	serve(f);
	assert_int_equal((uint16_t)(used->idx - gone), SIZE);
	close(client);
	close_device(f);
}

/* Ids that there are not, events that are the device's, lengths that are none. */
static void messages_that_make_no_sense(void **state UNUSED)
{
	struct fixture *f = open_device();
	static const uint8_t nothing[PAGE];
	uint64_t at = offer(f, IN, PAGE);
	struct virtio_console_control m;
	char name[PAGE];

	say(f, PORTS, VIRTIO_CONSOLE_PORT_READY, 1);
	say(f, UINT32_MAX, VIRTIO_CONSOLE_PORT_OPEN, 1);
	say(f, 0x80000000, VIRTIO_CONSOLE_PORT_READY, 1);
	say(f, 0, VIRTIO_CONSOLE_PORT_ADD, 1);
	say(f, 0, VIRTIO_CONSOLE_RESIZE, 1);
	say(f, 0, 0xffff, 0xffff);
	assert_int_equal(ignored(f), 6);
	send_bytes(f, OUT, nothing, 7);
	send_bytes(f, OUT, nothing, 1);
	assert_int_equal(ignored(f), 8);
	assert_int_equal(heard(f, at, &m, name), 0);
	/* Longer than it has to be: the rest is nobody's. */
	memcpy(name, &(struct virtio_console_control) { 0, VIRTIO_CONSOLE_PORT_READY, 1 }, 8);
	send_bytes(f, OUT, name, PAGE);
	EXPECT(f, at, 0, VIRTIO_CONSOLE_PORT_NAME, 1, "org.qemu.guest_agent.0");
	assert_int_equal(ignored(f), 8);
	assert_true(virtio_device_runs(f->dev));
	close_device(f);
}

/* It asks and asks, and gives no buffers: what it hears in the end is what is so then. */
static void nothing_grows(void **state UNUSED)
{
	struct fixture *f = open_device();
	struct virtio_console_control m;
	char name[PAGE];
	uint64_t at[8];

	for (unsigned i = 0; i < 1000; i++) {
		f->buffers = 0;
		say(f, 0, VIRTIO_CONSOLE_DEVICE_READY, 1);
		say(f, 0, VIRTIO_CONSOLE_PORT_READY, 1);
	}
	f->buffers = 8;
	for (unsigned i = 0; i < 8; i++)
		at[i] = offer(f, IN, PAGE);
	EXPECT(f, at[0], 0, VIRTIO_CONSOLE_PORT_ADD, 1, "");
	EXPECT(f, at[1], 0, VIRTIO_CONSOLE_PORT_NAME, 1, "org.qemu.guest_agent.0");
	EXPECT(f, at[2], 1, VIRTIO_CONSOLE_PORT_ADD, 1, "");
	assert_int_equal(heard(f, at[3], &m, name), 0);
	close_device(f);
}

/* Smaller than a message, and such as the device may not write into. */
static void buffers_that_do_not_fit(void **state UNUSED)
{
	struct fixture *f = open_device();
	const struct drv_piece wrong = { page(20), 64, false };
	struct vring_used_elem e;

	offer(f, IN, 3);
	say(f, 0, VIRTIO_CONSOLE_PORT_READY, 1);
	assert_true(drv_used(&f->drv[IN], &e));
	assert_int_equal(e.len, 3);
	say(f, 0, VIRTIO_CONSOLE_PORT_READY, 1);
	drv_chain(&f->drv[IN], &wrong, 1);
	ring(f, IN);
	assert_non_null(f->dev->queues[IN].broken);
	assert_false(virtio_device_runs(f->dev));
	close_device(f);
}

static void a_reset_closes_them(void **state UNUSED)
{
	struct fixture *f = open_device();
	int client = client_of(f, 0);
	struct vring_used_elem e;

	serve(f);
	offer(f, IN, PAGE);
	offer(f, IN, PAGE);
	say(f, 0, VIRTIO_CONSOLE_PORT_READY, 1);
	say(f, 0, VIRTIO_CONSOLE_PORT_OPEN, 1);
	assert_int_equal(write(client, "for the first", 13), 13);
	serve(f);
	offer(f, RX0, 4); /* of which nine bytes are left with the device */
	virtio_device_reset(f->dev);
	bring_up(f);
	offer(f, RX0, 64);
	assert_int_equal(write(client, "second", 6), 6);
	serve(f);
	assert_false(drv_used(&f->drv[RX0], &e));
	say(f, 0, VIRTIO_CONSOLE_PORT_OPEN, 1);
	serve(f);
	assert_true(drv_used(&f->drv[RX0], &e));
	assert_int_equal(e.len, 6);
	assert_memory_equal(drv_ptr(f->ram.memory, page(0)), "second", 6);
	close(client);
	close_device(f);
}

/* It would have a console of what is none. */
static void who_knows_of_one_port_does_not_drive_it(void **state UNUSED)
{
	struct fixture *f = open_device();

	virtio_device_reset(f->dev);
	assert_false(harness_negotiate(f->dev, 0));
	close_device(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ports_are_told_in_order),
		cmocka_unit_test(both_ways),
		cmocka_unit_test(clients_come_and_go),
		cmocka_unit_test(a_client_that_does_not_read),
		cmocka_unit_test(much_waits_for_room),
		cmocka_unit_test(messages_that_make_no_sense),
		cmocka_unit_test(nothing_grows),
		cmocka_unit_test(buffers_that_do_not_fit),
		cmocka_unit_test(a_reset_closes_them),
		cmocka_unit_test(who_knows_of_one_port_does_not_drive_it),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
