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
	IDENTIFY = 6,
	ONE_NAMESPACE = 0, /* what Identify is asked */
	ACTIVE_NAMESPACES = 2,
	CLASS_NVME = 0x010802,
};

static int find(unsigned nth)
{
	for (unsigned slot = 0; slot < 32; slot++)
		if (pci_exists(slot) && pci_read(slot, 8, 4) >> 8 == CLASS_NVME && !nth--)
			return (int)slot;
	return -1;
}

static void make_queue(struct nvme_queue *q, unsigned index, unsigned depth)
{
	*q = (struct nvme_queue) {
		.index = index,
		.depth = depth,
		.commands = memory_take((uint64_t)depth * COMMAND_BYTES, 4096),
		.completions = memory_take((uint64_t)depth * COMPLETION_WORDS * 4, 4096),
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
	uint16_t next = (uint16_t)((q->tail + 1) % q->depth);

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

static int reap(struct nvme *n, struct nvme_queue *q, uint16_t *id, uint16_t *status)
{
	volatile uint32_t *c = q->completions + q->head * COMPLETION_WORDS;
	uint32_t last = c[3];

	if ((last >> 16 & 1) != q->phase)
		return 0;
	*id = (uint16_t)last;
	*status = (uint16_t)(last >> 17);
	q->head = (uint16_t)((q->head + 1) % q->depth);
	q->phase ^= !q->head;
	n->completed++;
	write32(n->registers + DOORBELLS + (2 * q->index + 1) * n->doorbell_step, q->head);
	return 1;
}

/*
 * One command to the controller, waited for by its interrupt: the next one's would merge with one
 * that is still on its way.
 */
static bool admin(struct nvme *n, const uint32_t words[16])
{
	uint16_t id, status = 0;

	send(n, &n->admin, words);
	return cpu_spin(&interrupts[n->vector], n->submitted) &&
	       reap(n, &n->admin, &id, &status) == 1 && !status;
}

static bool create(struct nvme *n, uint32_t opcode, const volatile void *queue, uint32_t word11)
{
	uint64_t at = (uint64_t)(uintptr_t)queue;
	const uint32_t words[16] = {
		[0] = opcode,
		[6] = (uint32_t)at,
		[7] = (uint32_t)(at >> 32),
		[10] = (n->io.depth - 1) << 16 | 1,
		[11] = word11,
	};

	return admin(n, words);
}

/* Identify (5.17): the controller's answer `what` about a namespace, a page. */
static uint8_t *identify(struct nvme *n, uint32_t what, uint32_t namespace)
{
	static uint8_t *page;
	uint32_t words[16] = { [0] = IDENTIFY, [1] = namespace, [10] = what };

	if (!page)
		page = memory_take(4096, 4096);
	words[6] = (uint32_t)(uintptr_t)page;
	words[7] = (uint32_t)((uintptr_t)page >> 32);
	return admin(n, words) ? page : NULL;
}

static bool start(struct nvme *n, unsigned depth, bool polls)
{
	write32(n->registers + CONFIGURATION, 0);
	if (!becomes_ready(n, false))
		return false;
	make_queue(&n->admin, 0, NVME_DEPTH);
	make_queue(&n->io, 1, depth);
	write32(n->registers + ADMIN_SIZES, (NVME_DEPTH - 1) << 16 | (NVME_DEPTH - 1));
	write64(n->registers + ADMIN_COMMANDS, (uint64_t)(uintptr_t)n->admin.commands);
	write64(n->registers + ADMIN_COMPLETIONS, (uint64_t)(uintptr_t)n->admin.completions);
	write32(n->registers + CONFIGURATION, ENABLE);
	/* contiguous, with interrupts or without */
	return becomes_ready(n, true) &&
	       create(n, CREATE_COMPLETIONS, n->io.completions, polls ? 1 : 3) &&
	       create(n, CREATE_COMMANDS, n->io.commands, 1 << 16 | 1);
}

static bool open_function(struct nvme *n, unsigned nth, uint8_t vector, unsigned depth, bool polls)
{
	int slot = find(nth);

	*n = (struct nvme) { .slot = (unsigned)slot, .vector = vector, .namespace = 1 };
	if (slot < 0 || !msix_open(n->slot, &n->msix))
		return false;
	n->registers = pci_bar(n->slot, 0).at;
	pci_command(n->slot, PCI_MEMORY | PCI_MASTER, 0);
	n->doorbell_step = 4ULL << (read64(n->registers + CAPABILITIES) >> 32 & 15);
	msix_enable(&n->msix, true, false);
	msix_route(&n->msix, 0, vector, cpu_apic_id());
	return start(n, depth, polls);
}

bool nvme_open(struct nvme *n, unsigned nth, uint8_t vector)
{
	return open_function(n, nth, vector, NVME_DEPTH, false);
}

bool nvme_open_deep(struct nvme *n, unsigned nth, uint8_t vector, unsigned depth, bool polls)
{
	const uint8_t *list;
	uint64_t most;

	if (depth > NVME_DEPTH_MAX || !open_function(n, nth, vector, depth, polls))
		return false;
	most = (read64(n->registers + CAPABILITIES) & 0xffff) + 1;
	list = identify(n, ACTIVE_NAMESPACES, 0);
	if (most < depth || !list)
		return false;
	memcpy(&n->namespace, list, sizeof(n->namespace));
	n->lists = memory_take((uint64_t)depth * 4096, 4096);
	return n->namespace != 0;
}

bool nvme_size(struct nvme *n, uint32_t *ret_block, uint64_t *ret_blocks)
{
	const uint8_t *page = identify(n, ONE_NAMESPACE, n->namespace);
	unsigned shift;

	if (!page)
		return false;
	shift = page[128 + 4 * (page[26] & 15) + 2];
	memcpy(ret_blocks, page, sizeof(*ret_blocks));
	*ret_block = 1u << (shift & 31);
	return shift >= 9 && shift <= 16;
}

/* Where the data lies (4.3): a page, two, or a list of all but the first. */
static void set_pages(struct nvme *n, uint32_t words[16], uint64_t at, uint32_t bytes)
{
	uint64_t *list = n->lists + n->io.tail * 512ULL, second = at + 4096;

	words[6] = (uint32_t)at;
	words[7] = (uint32_t)(at >> 32);
	if (bytes > 8192) {
		for (uint32_t i = 1; i * 4096 < bytes; i++)
			list[i - 1] = at + i * 4096ULL;
		second = (uint64_t)(uintptr_t)list;
	}
	if (bytes > 4096) {
		words[8] = (uint32_t)second;
		words[9] = (uint32_t)(second >> 32);
	}
}

bool nvme_transfer(struct nvme *n, uint8_t opcode, uint16_t id, uint64_t block, uint32_t blocks,
	void *data, uint32_t bytes)
{
	uint32_t words[16] = {
		[0] = (uint32_t)id << 16 | opcode,
		[1] = n->namespace,
		[10] = (uint32_t)block,
		[11] = (uint32_t)(block >> 32),
		[12] = blocks - 1,
	};

	if (!blocks || bytes > NVME_BYTES_MAX)
		return false;
	set_pages(n, words, (uint64_t)(uintptr_t)data, bytes);
	return send(n, &n->io, words);
}

bool nvme_submit(struct nvme *n, uint8_t opcode, uint64_t block, void *data)
{
	uint64_t at = (uint64_t)(uintptr_t)data;
	const uint32_t words[16] = {
		[0] = opcode,
		[1] = n->namespace,
		[6] = (uint32_t)at,
		[7] = (uint32_t)(at >> 32),
		[10] = (uint32_t)block,
		[11] = (uint32_t)(block >> 32),
	};

	return send(n, &n->io, words);
}

int nvme_reap_id(struct nvme *n, uint16_t *id, uint16_t *status)
{
	return reap(n, &n->io, id, status);
}

int nvme_reap(struct nvme *n, uint16_t *status)
{
	uint16_t id;

	return reap(n, &n->io, &id, status);
}
