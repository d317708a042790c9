/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virtio-rng: as many bytes as asked for, and not the same ones. */
#include "virtio.h"

enum { VECTOR = 80, BYTES = 8192 };

PROGRAM(rng)
{
	struct virtio v;
	struct ring ring;
	uint8_t *bytes = memory_take(BYTES, 4096);
	struct buffer b = { bytes, 0, true };
	uint32_t got, seen[8] = { 0 };
	static const uint32_t sizes[] = { 1, 7, 64, 4096, BYTES };

	if (!virtio_find(VIRTIO_RNG, 0, &v) || !virtio_begin(&v, ring_wishes()) ||
		!ring_start(&ring, &v, 0, 8, VECTOR))
		give_up("wants a virtio-rng");
	virtio_set_status(&v, VIRTIO_DRIVER_OK);
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		b.length = sizes[i];
		ring_add(&ring, &b, 1);
		if (ring.event_idx)
			ring_interrupt_after(&ring, ring.next_used);
		ring_kick(&ring);
		if (ring_wait(&ring, &got) < 0)
			give_up("the device does not answer");
		check(got >= 1 && got <= sizes[i], "length", "%u of %u bytes", got, sizes[i]);
	}
	/* Eight pairs of equal bits of 2^-32 chance each. */
	for (unsigned i = 0; i < ARRAY_SIZE(seen); i++) {
		seen[i] = *(uint32_t *)(void *)(bytes + 4 * i);
		for (unsigned j = 0; j < i; j++)
			if (seen[i] == seen[j])
				check(false, "random", "word %u repeats word %u", i, j);
	}
	check(true, "random", "-");
}
