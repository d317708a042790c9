/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An assigned NVMe function. */
#include "nvme.h"
#include "bench.h"

static struct nvme nvme;
static uint32_t block_bytes;

static bool start(uint8_t vector, unsigned depth, uint64_t *ret_bytes)
{
	uint64_t blocks;
	bool found = false;

	for (unsigned slot = 0; slot < 32 && !found; slot++)
		found = pci_exists(slot) && pci_read(slot, 8, 4) >> 8 == 0x010802;
	if (!found)
		return false;
	if (!nvme_open_deep(&nvme, 0, BENCH_VECTOR, depth + 1, !vector))
		give_up("the NVMe function does not start, or has no namespace");
	if (!nvme_size(&nvme, &block_bytes, &blocks))
		give_up("the namespace's size is not understood");
	*ret_bytes = blocks * block_bytes;
	return true;
}

static void submit(unsigned tag, bool write, uint64_t offset, void *data, uint32_t bytes)
{
	if (bytes % block_bytes ||
		!nvme_transfer(&nvme, write ? NVME_WRITE : NVME_READ, (uint16_t)tag,
			offset / block_bytes, bytes / block_bytes, data, bytes))
		give_up("a request of %u bytes cannot be submitted", bytes);
}

/* Each command rang when it was submitted. */
static void kick(void)
{
}

static int reap(bool *failed)
{
	uint16_t tag, status;

	if (!nvme_reap_id(&nvme, &tag, &status))
		return -1;
	if (tag >= BENCH_DEPTH_MAX)
		give_up("the function answers command %u, which nobody gave", tag);
	*failed = status != 0;
	return tag;
}

const struct bench_disk bench_nvme = {
	.name = "nvme",
	.start = start,
	.submit = submit,
	.kick = kick,
	.reap = reap,
};
