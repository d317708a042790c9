// SPDX-License-Identifier: GPL-2.0-or-later
/* The console, in front of a reader who is slow, or goes, and of one who types. */
#include "cm.h"
#include "harness.h"
#include "vmm/virtio/console.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

enum { SIZE = 64, RX = 0, TX = 1, QUEUES = 2, PAGE = 4096 };

struct fixture {
	struct drv_ram ram;
	struct virtio_device *dev;
	struct virtio_console *console;
	struct drv_transport transport;
	struct drv drv[QUEUES];
	int out[2];
	unsigned more; /* how often somebody heard that there is room again */
};

static void more(void *arg)
{
	struct fixture *f = arg;

	f->more++;
}

static struct fixture *open_device(void)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct virtio_console_setup s = { .more = more, .arg = f };

	assert_int_equal(pipe2(f->out, O_CLOEXEC | O_NONBLOCK), 0);
	s.out_fd = f->out[1];
	drv_ram_open(&f->ram);
	assert_int_equal(virtio_console_device_new(f->ram.memory, "console0", &s, &f->dev), 0);
	f->console = virtio_console_of(f->dev);
	harness_attach(f->dev, &f->transport);
	assert_true(harness_negotiate(f->dev, 0));
	for (unsigned i = 0; i < QUEUES; i++)
		harness_queue(f->dev, f->ram.memory, i, &f->drv[i], SIZE);
	harness_ready(f->dev);
	return f;
}

static void close_device(struct fixture *f)
{
	harness_free(f->dev);
	drv_ram_close(&f->ram);
	if (f->out[0] >= 0)
		close(f->out[0]);
	close(f->out[1]);
	free(f);
}

/* The thread that serves what is sent, as long as it has to. */
static void serve(struct fixture *f)
{
	struct virtq *q = &f->dev->queues[TX];
	struct pollfd p = { .fd = f->dev->ops->fd(f->dev, q), .events = POLLIN };
	uint64_t times;

	for (unsigned turn = 0; turn < 20; turn++) {
		if (read(virtio_device_doorbell(f->dev, TX), &times, sizeof(times)) > 0 &&
			virtio_device_ring(f->dev, q, 0, true))
			virtio_device_poke(f->dev, q);
		if (poll(&p, 1, 0) != 1)
			continue;
		virtq_lock(q);
		f->dev->ops->completed(f->dev, q);
		virtq_unlock(q);
	}
}

static void send_bytes(struct fixture *f, unsigned chains, uint32_t len)
{
	struct drv_piece p = { DRV_BUFFERS, len, false };

	while (chains--)
		drv_chain(&f->drv[TX], &p, 1);
	drv_publish(&f->drv[TX]);
	while (virtio_device_ring(f->dev, &f->dev->queues[TX], 1, false))
		;
}

/* Until a chain waits; how many do not. */
static uint16_t fill(struct fixture *f)
{
	const struct vring_used *used = f->drv[TX].used;
	struct vring_used_elem e;

	for (unsigned i = 0; i < 4000; i++) {
		uint16_t before = used->idx;

		send_bytes(f, 1, PAGE);
		if (used->idx == before)
			return before;
		while (drv_used(&f->drv[TX], &e))
			;
	}
	fail_msg("a pipe that nobody reads takes all");
	return 0;
}

static size_t read_all(struct fixture *f)
{
	char bytes[PAGE];
	size_t all = 0;
	ssize_t n;

	while ((n = read(f->out[0], bytes, sizeof(bytes))) > 0)
		all += (size_t)n;
	return all;
}

/* What was offered while there was no room all goes when there is, though others have their turns.
 */
static void much_waits_for_room(void **state UNUSED)
{
	struct fixture *f = open_device();
	const struct vring_used *used = f->drv[TX].used;
	uint16_t gone = fill(f);

	send_bytes(f, SIZE - 1, 1);
	assert_int_equal(used->idx, gone);
	assert_int_equal(read_all(f), gone * PAGE);
	serve(f);
	assert_int_equal((uint16_t)(used->idx - gone), SIZE);
	assert_int_equal(read_all(f), PAGE + SIZE - 1);
	close_device(f);
}

/* Nobody reads any more: what is sent is lost, and nobody waits. */
static void the_reader_goes(void **state UNUSED)
{
	struct fixture *f = open_device();
	const struct vring_used *used = f->drv[TX].used;
	uint16_t gone = fill(f);

	close(f->out[0]);
	f->out[0] = -1;
	serve(f);
	assert_int_equal((uint16_t)(used->idx - gone), 1);
	send_bytes(f, SIZE - 1, PAGE);
	serve(f);
	assert_int_equal((uint16_t)(used->idx - gone), SIZE);
	close_device(f);
}

/* It waits for a buffer, and he who types for room. */
static void what_is_typed_waits(void **state UNUSED)
{
	struct fixture *f = open_device();
	struct drv_piece p = { DRV_BUFFERS, 5, true };
	static const uint8_t bytes[PAGE] = "hello";
	struct vring_used_elem e;

	assert_int_equal(virtio_console_room(f->console), PAGE);
	virtio_console_type(f->console, bytes, PAGE);
	assert_int_equal(virtio_console_room(f->console), 0);
	assert_int_equal(f->more, 0);
	drv_chain(&f->drv[RX], &p, 1);
	drv_publish(&f->drv[RX]);
	virtio_device_ring(f->dev, &f->dev->queues[RX], 1, false);
	assert_true(drv_used(&f->drv[RX], &e));
	assert_int_equal(e.len, 5);
	assert_memory_equal(drv_ptr(f->ram.memory, DRV_BUFFERS), "hello", 5);
	assert_int_equal(f->more, 1);
	assert_int_equal(virtio_console_room(f->console), 5);
	close_device(f);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(much_waits_for_room),
		cmocka_unit_test(the_reader_goes),
		cmocka_unit_test(what_is_typed_waits),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
