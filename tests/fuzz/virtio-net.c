// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A hostile driver's memory in front of virtio-net: the input is what the guest's RAM holds from
 * the rings of a send queue on, those of the control queue behind them. Whatever it says, the
 * device stays inside RAM, packets to the tap have a header that was negotiated, and a reset makes
 * it work again.
 */
#include "vmm_virtio/harness.h"
#include "vmm/net/tap.h"
#include "vmm/virtio/net.h"
#include "vmm_net/fake-tap.h"

#include <linux/virtio_net.h>

enum {
	RAM = 64 << 10,
	DESC = 0,
	AVAIL = 0x200,
	USED = 0x300,
	CONTROL = 0x1000, /* the same of the control queue */
	SIZE = 16,
	PAIRS = 2,
};

static struct {
	struct host *host;
	struct guest_memory *memory;
	struct fake_tap taps[PAIRS];
	struct virtio_device *dev;
	struct drv_transport transport;
} f;

static void once(void)
{
	struct guest_memory_params p = { .size = RAM };
	struct tap *taps[PAIRS];
	const struct virtio_net_setup s = { .taps = taps, .n_taps = PAIRS, .mtu = 1500 };

	if (f.dev)
		return;
	if (host_new_fds_only(&f.host) < 0 || guest_memory_new(f.host, &p, &f.memory, NULL) < 0)
		abort();
	for (unsigned i = 0; i < PAIRS; i++) {
		fake_tap_open(&f.taps[i]);
		if (tap_new(&f.taps[i].host, f.taps[i].fd, &taps[i], NULL) < 0)
			abort();
	}
	if (virtio_net_device_new(f.memory, "fuzz", &s, &f.dev) < 0)
		abort();
	harness_attach(f.dev, &f.transport);
}

static void set_up(struct virtq *q, uint64_t at)
{
	q->size = SIZE;
	q->desc = GPA(at + DESC);
	q->driver = GPA(at + AVAIL);
	q->device = GPA(at + USED);
	if (virtq_enable(q, f.dev->features) < 0)
		abort();
}

static struct virtq *control(void)
{
	bool several = virtio_has(f.dev, VIRTIO_NET_F_MQ);

	return &f.dev->queues[several ? 2 * PAIRS : 2];
}

static void bring_up(uint64_t features)
{
	virtio_device_reset(f.dev);
	if (!harness_negotiate(f.dev, f.dev->offered & features))
		abort();
	set_up(&f.dev->queues[1], 0);
	if (virtio_has(f.dev, VIRTIO_NET_F_CTRL_VQ))
		set_up(control(), CONTROL);
	harness_ready(f.dev);
}

/* What leaves asks for nothing that was not negotiated. */
static void judge_packets(void)
{
	static uint8_t packet[1 << 18];
	const struct virtio_net_hdr_v1 *h = (void *)packet;

	while (recv(f.taps[0].other, packet, sizeof(packet), MSG_DONTWAIT) >= (ssize_t)sizeof(*h)) {
		if ((h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) &&
			!virtio_has(f.dev, VIRTIO_NET_F_CSUM))
			abort();
		if (h->gso_type == VIRTIO_NET_HDR_GSO_TCPV4 &&
			!virtio_has(f.dev, VIRTIO_NET_F_HOST_TSO4))
			abort();
	}
}

/* After anything, an honest command is obeyed. */
static void works(void)
{
	static const uint8_t command[4] = { VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET,
		2 };
	uint8_t *ram = drv_ptr(f.memory, 0);
	struct vring_desc *desc = (void *)(ram + CONTROL);
	struct vring_avail *avail = (void *)(ram + CONTROL + AVAIL);

	memset(ram, 0, 0x3000);
	memcpy(ram + 0x2000, command, sizeof(command));
	ram[0x2100] = 0xff;
	desc[0] = (struct vring_desc) { 0x2000, sizeof(command), VRING_DESC_F_NEXT, 1 };
	desc[1] = (struct vring_desc) { 0x2100, 1, VRING_DESC_F_WRITE, 0 };
	bring_up(VIRTIO_FEATURE(VIRTIO_NET_F_CTRL_VQ) | VIRTIO_FEATURE(VIRTIO_NET_F_MQ));
	if (f.taps[0].detached || !f.taps[1].detached)
		abort();
	avail->idx = 1;
	virtio_device_ring(f.dev, control(), 1, false);
	if (ram[0x2100] != VIRTIO_NET_OK || f.taps[1].detached || !virtio_device_runs(f.dev))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint64_t packed = 1ULL << VIRTIO_F_RING_PACKED, all = ~packed;
	static const uint64_t one_pair = all & ~VIRTIO_FEATURE(VIRTIO_NET_F_MQ);
	static const uint64_t kinds[] = { all, one_pair, ~0ULL, 0 };
	uint8_t *ram;

	once();
	ram = drv_ptr(f.memory, 0);
	if (size < 2 || size > 0x3000)
		return -1;
	memset(ram, 0, 16384);
	bring_up(kinds[data[0] % ARRAY_SIZE(kinds)]);
	memcpy(ram, data + 2, size - 2);
	for (unsigned i = 0; i <= data[1] % 4; i++) {
		virtio_device_ring(f.dev, control(), 1, false);
		virtio_device_ring(f.dev, &f.dev->queues[1], 1, false);
		judge_packets();
	}
	works();
	return 0;
}
