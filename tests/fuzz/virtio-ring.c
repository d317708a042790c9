// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A queue of either layout whose memory changes between any two things that a device does with it:
 * the input is which ring it is, what its memory holds, and steps. Whatever it says, chains lie in
 * RAM, no more of them are out than the ring has entries, none is out twice, and nothing outside of
 * the used part of the rings is written.
 */
#include "vmm_virtio/driver.h"
#include "vmm/virtio/queue.h"

#include <linux/virtio_config.h>

enum { RAM = 64 << 10, DESC = 0, DRIVER = 0x400, DEVICE = 0x500, SEEN = 0x1000, SIZES = 32 };

struct PACKED head {
	uint8_t kind, size;
};

struct PACKED step {
	uint8_t what, arg;
	uint16_t at;
	uint32_t value;
};

static struct {
	struct drv_ram ram;
	uint8_t *bytes;
	struct virtq q;
	struct iovec iov[VIRTQ_SIZE_MAX];
	uint16_t out[VIRTQ_SIZE_MAX]; /* heads in flight */
	unsigned n_out;
} f;

static void once(void)
{
	struct guest_memory_params p = { .size = RAM };

	if (f.bytes)
		return;
	if (host_new_fds_only(&f.ram.host) < 0 ||
		guest_memory_new(f.ram.host, &p, &f.ram.memory, NULL) < 0)
		abort();
	f.bytes = drv_ptr(f.ram.memory, 0);
	virtq_init(&f.q, f.ram.memory, 0, SIZES);
}

static void bring_up(const struct head *h)
{
	static const unsigned bits[] = { VIRTIO_RING_F_EVENT_IDX, VIRTIO_RING_F_INDIRECT_DESC,
		VIRTIO_F_RING_PACKED, VIRTIO_F_IN_ORDER };
	uint64_t features = 0;

	for (size_t i = 0; i < ARRAY_SIZE(bits); i++)
		if (h->kind & 1U << i)
			features |= 1ULL << bits[i];
	virtq_reset(&f.q);
	f.n_out = 0;
	f.q.size = (uint16_t)(h->kind & 4 ? h->size % (SIZES + 2) : 1 << h->size % 8);
	f.q.desc = GPA(DESC);
	f.q.driver = GPA(DRIVER);
	f.q.device = GPA(DEVICE);
	virtq_enable(&f.q, features);
}

static void check_pieces(const struct sg *s)
{
	size_t sum = 0;

	for (unsigned i = 0; i < s->n; i++) {
		const uint8_t *at = s->v[i].iov_base;

		if (at < f.bytes || s->v[i].iov_len > RAM || at + s->v[i].iov_len > f.bytes + RAM)
			abort();
		sum += s->v[i].iov_len;
	}
	if (sum != s->len)
		abort();
}

static void take(void)
{
	struct virtq_chain c;

	if (virtq_pop(&f.q, f.iov, ARRAY_SIZE(f.iov), &c) <= 0)
		return;
	check_pieces(&c.out);
	check_pieces(&c.in);
	for (unsigned i = 0; i < f.n_out; i++)
		if (f.out[i] == c.head)
			abort();
	f.out[f.n_out++] = c.head;
	if (c.head >= f.q.size || c.out.n + c.in.n > f.q.size || f.n_out > f.q.size)
		abort();
}

static void give(unsigned which, uint32_t written)
{
	if (!f.n_out)
		return;
	which %= f.n_out;
	virtq_fill(&f.q, f.out[which], written);
	f.out[which] = f.out[--f.n_out];
}

static void do_step(const struct step *s, const struct head *h)
{
	switch (s->what % 8) {
	case 0:
	case 1:
		take();
		break;
	case 2:
		give(s->arg, s->value);
		break;
	case 3:
		virtq_publish(&f.q);
		virtq_wants_interrupt(&f.q);
		break;
	case 4:
		virtq_arm(&f.q);
		break;
	case 5:
		virtq_disarm(&f.q);
		break;
	case 6:
		memcpy(f.bytes + s->at % (SEEN - sizeof(s->value)), &s->value, sizeof(s->value));
		break;
	default:
		virtq_fill(&f.q, s->at, s->value); /* one that nobody took, maybe */
		for (unsigned i = 0; i < f.n_out; i++)
			if (f.out[i] == s->at)
				f.out[i] = f.out[--f.n_out];
		if (s->arg == 0)
			bring_up(h);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum { IMAGE = 0x600 };
	uint8_t untouched[64];
	struct head h;

	once();
	if (size < sizeof(h) + IMAGE || size > sizeof(h) + IMAGE + 2000 * sizeof(struct step))
		return -1;
	memcpy(&h, data, sizeof(h));
	memset(f.bytes, 0, SEEN);
	memcpy(f.bytes, data + sizeof(h), IMAGE);
	memset(f.bytes + SEEN, 0x5a, sizeof(untouched));
	bring_up(&h);
	for (size_t at = sizeof(h) + IMAGE; at + sizeof(struct step) <= size;
		at += sizeof(struct step)) {
		struct step s;

		memcpy(&s, data + at, sizeof(s));
		do_step(&s, &h);
	}
	memset(untouched, 0x5a, sizeof(untouched));
	if (memcmp(f.bytes + SEEN, untouched, sizeof(untouched)) != 0)
		abort();
	return 0;
}
