/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "victim.h"

struct victim victim;

void victim_begin(uint64_t features)
{
	if (!virtio_begin(&victim.rng, features | victim.features))
		give_up("no negotiation");
}

/* Its memory is taken once: the ring is reset with the device, and started in the same place. */
void victim_fresh(uint64_t features)
{
	victim_begin(features);
	if (!(victim.ring.size ? ring_restart(&victim.ring)
			       : ring_start(&victim.ring, &victim.rng, 0, VICTIM_RING, 0)))
		give_up("the queue does not start");
	virtio_set_status(&victim.rng, VIRTIO_DRIVER_OK);
}

bool victim_works(void)
{
	struct buffer b = { victim.bytes, 64, true };
	uint64_t start = cpu_cycles();

	memset(victim.bytes, 0, 64);
	if (ring_add(&victim.ring, &b, 1) < 0)
		return false;
	ring_kick(&victim.ring);
	while (ring_take(&victim.ring, NULL) < 0) {
		if (cpu_cycles() - start > 4000000000)
			return false;
		relax();
	}
	for (unsigned i = 0; i < 64; i++)
		if (victim.bytes[i])
			return true;
	return false;
}

void victim_judge(const char *name, enum expectation e)
{
	uint64_t start = cpu_cycles();
	bool broken;

	while (e == BREAKS && !(virtio_status(&victim.rng) & VIRTIO_NEEDS_RESET) &&
		cpu_cycles() - start < 4000000000)
		relax();
	broken = virtio_status(&victim.rng) & VIRTIO_NEEDS_RESET;
	if (e == BREAKS)
		check(broken, name, "status 0x%x: the device did not notice",
			virtio_status(&victim.rng));
	victim_fresh(0);
	check(victim_works(), name, "dead after the reset");
}

void victim_find(void)
{
	if (!virtio_find(VIRTIO_RNG, 0, &victim.rng))
		give_up("wants a virtio-rng");
	victim.bytes = memory_take(VICTIM_BYTES, 4096);
	victim_fresh(0);
	check(victim_works(), "works-at-first", "-");
}

uint32_t victim_random(void)
{
	static uint32_t state = 2463534242;

	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state;
}
