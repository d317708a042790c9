/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nvme.h"

enum {
	CAPABILITIES = 0,
	CONFIGURATION = 0x14,
	STATUS = 0x1c,
	ADMIN_SIZES = 0x24,
	ADMIN_COMMANDS = 0x28,
	ADMIN_COMPLETIONS = 0x30,
	DOORBELLS = 0x1000,

	ENABLE = 1 | 6 << 16 | 4 << 20, /* entries of 64 and of 16 bytes */
	COMMAND_BYTES = 64,
	COMPLETION_WORDS = 4,

	CREATE_COMMANDS = 1,
	CREATE_COMPLETIONS = 5,
	NAMESPACE = 1,
	CLASS_NVME = 0x010802,
};

static int find(unsigned nth)
{
	for (unsigned slot = 0; slot < 32; slot++)
		if (pci_exists(slot) && pci_read(slot, 8, 4) >> 8 == CLASS_NVME && !nth--)
			return (int)slot;
	return -1;
}

static void make_queue(struct nvme_queue *q, unsigned index)
{
	*q = (struct nvme_queue) {
		.index = index,
		.commands = memory_take(NVME_DEPTH * COMMAND_BYTES, 4096),
		.completions = memory_take(NVME_DEPTH * COMPLETION_WORDS * 4, 4096),
		.phase = 1,
	};
}

static bool becomes_ready(const struct nvme *n, bool ready)
{
	uint64_t start = cpu_cycles();

	while ((read32(n->registers + STATUS) & 1) != ready) {
		if (cpu_cycles() - start > 20000000000)
			return false;
		relax();
	}
	return true;
}

static bool send(struct nvme *n, struct nvme_queue *q, const uint32_t words[16])
{
	uint16_t next = (uint16_t)((q->tail + 1) % NVME_DEPTH);

	/* Completions are taken in order, so their head bounds what may be on its way. */
	if (next == q->head)
		return false;
	memcpy(q->commands + q->tail * COMMAND_BYTES, words, COMMAND_BYTES);
	q->tail = next;
	n->submitted++;
	fence();
	write32(n->registers + DOORBELLS + 2 * q->index * n->doorbell_step, q->tail);
	return true;
}

static int reap(struct nvme *n, struct nvme_queue *q, uint16_t *status)
{
	volatile uint32_t *c = q->completions + q->head * COMPLETION_WORDS;
	uint32_t last = c[3];

	if ((last >> 16 & 1) != q->phase)
		return 0;
	*status = (uint16_t)(last >> 17);
	q->head = (uint16_t)((q->head + 1) % NVME_DEPTH);
	q->phase ^= !q->head;
	n->completed++;
	write32(n->registers + DOORBELLS + (2 * q->index + 1) * n->doorbell_step, q->head);
	return 1;
}

/*
 * One command to the controller, waited for by its interrupt: the next one's would merge with one
 * that is still on its way.
 */
static bool admin(struct nvme *n, uint32_t opcode, const volatile void *queue, uint32_t word11)
{
	uint64_t at = (uint64_t)(uintptr_t)queue;
	const uint32_t words[16] = {
		[0] = opcode,
		[6] = (uint32_t)at,
		[7] = (uint32_t)(at >> 32),
		[10] = (NVME_DEPTH - 1) << 16 | 1,
		[11] = word11,
	};
	uint16_t status = 0;

	send(n, &n->admin, words);
	return cpu_spin(&interrupts[n->vector], n->submitted) && reap(n, &n->admin, &status) == 1 &&
	       !status;
}

static bool start(struct nvme *n)
{
	write32(n->registers + CONFIGURATION, 0);
	if (!becomes_ready(n, false))
		return false;
	make_queue(&n->admin, 0);
	make_queue(&n->io, 1);
	write32(n->registers + ADMIN_SIZES, (NVME_DEPTH - 1) << 16 | (NVME_DEPTH - 1));
	write64(n->registers + ADMIN_COMMANDS, (uint64_t)(uintptr_t)n->admin.commands);
	write64(n->registers + ADMIN_COMPLETIONS, (uint64_t)(uintptr_t)n->admin.completions);
	write32(n->registers + CONFIGURATION, ENABLE);
	return becomes_ready(n, true) &&
	       admin(n, CREATE_COMPLETIONS, n->io.completions, 3) && /* contiguous, interrupts */
	       admin(n, CREATE_COMMANDS, n->io.commands, 1 << 16 | 1);
}

bool nvme_open(struct nvme *n, unsigned nth, uint8_t vector)
{
	int slot = find(nth);

	*n = (struct nvme) { .slot = (unsigned)slot, .vector = vector };
	if (slot < 0 || !msix_open(n->slot, &n->msix))
		return false;
	n->registers = pci_bar(n->slot, 0).at;
	pci_command(n->slot, PCI_MEMORY | PCI_MASTER, 0);
	n->doorbell_step = 4ULL << (read64(n->registers + CAPABILITIES) >> 32 & 15);
	msix_enable(&n->msix, true, false);
	msix_route(&n->msix, 0, vector, cpu_apic_id());
	return start(n);
}

bool nvme_submit(struct nvme *n, uint8_t opcode, uint64_t block, void *data)
{
	uint64_t at = (uint64_t)(uintptr_t)data;
	const uint32_t words[16] = {
		[0] = opcode,
		[1] = NAMESPACE,
		[6] = (uint32_t)at,
		[7] = (uint32_t)(at >> 32),
		[10] = (uint32_t)block,
		[11] = (uint32_t)(block >> 32),
	};

	return send(n, &n->io, words);
}

int nvme_reap(struct nvme *n, uint16_t *status)
{
	return reap(n, &n->io, status);
}
