/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fakenvme.h"

#include <string.h>

enum {
	BAR_BYTES = 0x4000,
	BLOCK = 512,
	PAGE = 4096,
	INVALID_OPCODE = 0x001,
	INVALID_FIELD = 0x002,
	TRANSFER_ERROR = 0x004,
	INVALID_NAMESPACE = 0x00b,
	INVALID_CQ = 0x100,
	INVALID_QUEUE = 0x101,
	INVALID_VECTOR = 0x108,
};

struct command {
	uint32_t dw[16];
};

static struct fakenvme *nvme_of(struct fakevfio_function *fn)
{
	return fn->model_state;
}

/* Strides of 4 bytes, queues of 64 entries, ready within 1 s, NVM commands. */
static uint64_t capabilities(const struct fakenvme *n)
{
	return n->fault == FAKENVME_OFFLINE ? 0 : 1ULL << 37 | 2ULL << 24 | 1ULL << 16 | 63;
}

static uint32_t model_read(struct fakevfio_function *fn, unsigned bar, uint64_t at)
{
	struct fakenvme *n = nvme_of(fn);
	uint32_t v = 0;

	if (bar || n->fault == FAKENVME_ALL_ONES)
		return UINT32_MAX;
	switch (at) {
	case 0x00:
		return (uint32_t)capabilities(n);
	case 0x04:
		return (uint32_t)(capabilities(n) >> 32);
	case 0x08:
		return 0x10400;
	case 0x14:
		return n->cc;
	case 0x1c:
		return n->csts;
	case 0x24:
		return n->aqa;
	default:
		fakevfio_peek(fn, 0, at, &v, sizeof(v));
		return v;
	}
}

static void stop(struct fakenvme *n)
{
	n->csts = 0;
	memset(n->queues, 0, sizeof(n->queues));
}

static void start(struct fakenvme *n)
{
	if (n->fault == FAKENVME_NEVER_READY || (n->fault == FAKENVME_DIES && n->resets))
		return;
	if (n->fault == FAKENVME_FATAL) {
		n->csts = 2;
		return;
	}
	n->queues[0] = (struct fakenvme_queue) {
		.sq = n->asq,
		.cq = n->acq,
		.sq_size = (uint16_t)((n->aqa & 0xfff) + 1),
		.cq_size = (uint16_t)((n->aqa >> 16 & 0xfff) + 1),
		.exists = true,
		.phase = true,
	};
	n->csts = 1;
}

static void control(struct fakenvme *n, uint32_t value)
{
	bool was = n->cc & 1, is = value & 1;

	n->cc = value;
	if (was && !is)
		stop(n);
	if (!was && is)
		start(n);
	if (value >> 14 & 3 && n->fault != FAKENVME_NO_SHUTDOWN)
		n->csts = (n->csts & ~0xcU) | 8;
}

/* Strings of Identify are padded with blanks and have no end of their own. */
static void put_padded(uint8_t *to, size_t room, const char *text)
{
	for (size_t i = 0; i < room; i++)
		to[i] = (uint8_t)(*text ? *text++ : ' ');
}

static void answer_identify(struct fakenvme *n, uint32_t cns, uint8_t page[PAGE])
{
	uint32_t one = 1;

	memset(page, 0, PAGE);
	if (cns == 1) {
		put_padded(page + 4, 20, "SER-0001");
		put_padded(page + 24, 40, "A fake controller\x1b[31m");
		memset(page + 3072, 0x11, 512); /* vendor specific */
	} else if (cns == 2 && n->namespaces) {
		memcpy(page, &one, sizeof(one));
	} else if (cns == 0) {
		memcpy(page, &one, sizeof(one)); /* size */
		page[128 + 2] = 9;
	}
}

/* The status of a data transfer to the memory behind PRP 1. */
static uint16_t transfer(struct fakevfio_function *fn, uint64_t to, uint8_t *data, size_t len)
{
	struct fakenvme *n = nvme_of(fn);

	if (n->fault == FAKENVME_NO_DATA)
		return 0;
	if (n->fault == FAKENVME_WRONG_DATA)
		data[100] ^= (uint8_t)n->commands;
	if (fakevfio_dma_write(fn, to, data, len) || n->fault == FAKENVME_HIDES_FAULTS)
		return 0;
	return TRANSFER_ERROR;
}

static uint16_t create_cq(struct fakevfio_function *fn, const struct command *c, uint64_t prp)
{
	struct fakenvme *n = nvme_of(fn);
	struct fakenvme_queue *q = &n->queues[1];
	unsigned vectors = n->interrupts ? n->interrupts : fn->irq_counts[VFIO_PCI_MSIX_IRQ_INDEX];

	if (n->fault == FAKENVME_REFUSES_IO || (c->dw[10] & 0xffff) != 1 || q->cq)
		return INVALID_QUEUE;
	if (c->dw[11] >> 16 >= vectors)
		return INVALID_VECTOR;
	*q = (struct fakenvme_queue) { .cq = prp,
		.cq_size = (uint16_t)((c->dw[10] >> 16) + 1),
		.vector = (uint16_t)(c->dw[11] >> 16),
		.phase = true };
	return 0;
}

static uint16_t create_sq(struct fakenvme *n, const struct command *c, uint64_t prp)
{
	struct fakenvme_queue *q = &n->queues[1];

	if ((c->dw[10] & 0xffff) != 1 || q->exists)
		return INVALID_QUEUE;
	if (c->dw[11] >> 16 != 1 || !q->cq)
		return INVALID_CQ;
	q->sq = prp;
	q->sq_size = (uint16_t)((c->dw[10] >> 16) + 1);
	q->exists = true;
	return 0;
}

static uint16_t run_admin(struct fakevfio_function *fn, const struct command *c)
{
	struct fakenvme *n = nvme_of(fn);
	uint64_t prp = (uint64_t)c->dw[7] << 32 | c->dw[6];
	uint8_t page[PAGE];

	switch (c->dw[0] & 0xff) {
	case 0x01:
		return create_sq(n, c, prp);
	case 0x05:
		return create_cq(fn, c, prp);
	case 0x06:
		if (prp % PAGE)
			return INVALID_FIELD;
		answer_identify(n, c->dw[10] & 0xff, page);
		return transfer(fn, prp, page, PAGE);
	case 0x09:
		return c->dw[10] == 7 ? 0 : INVALID_FIELD;
	default:
		return INVALID_OPCODE;
	}
}

static uint16_t run_io(struct fakevfio_function *fn, const struct command *c)
{
	struct fakenvme *n = nvme_of(fn);
	uint8_t block[2 * BLOCK];

	if ((c->dw[0] & 0xff) != 0x02) {
		n->writes++;
		return INVALID_OPCODE;
	}
	if (c->dw[1] != 1 || !n->namespaces)
		return INVALID_NAMESPACE;
	n->reads++;
	for (size_t i = 0; i < sizeof(block); i++)
		block[i] = (uint8_t)(i * 3);
	return transfer(fn, (uint64_t)c->dw[7] << 32 | c->dw[6], block,
		n->fault == FAKENVME_TOO_MUCH ? sizeof(block) : BLOCK);
}

static void interrupt(struct fakevfio_function *fn, const struct fakenvme_queue *q)
{
	unsigned times = nvme_of(fn)->fault == FAKENVME_FLOOD ? 5000 : 1;

	if (nvme_of(fn)->fault == FAKENVME_NO_INTERRUPT)
		return;
	for (unsigned i = 0; i < times; i++)
		fakevfio_fire(fn, VFIO_PCI_MSIX_IRQ_INDEX, q->vector);
}

static void complete(struct fakevfio_function *fn, unsigned id, uint16_t cid, uint16_t status)
{
	struct fakenvme *n = nvme_of(fn);
	struct fakenvme_queue *q = &n->queues[id];
	uint32_t dw[4] = { 0, 0, id << 16 | q->head, 0 };

	if (n->fault == FAKENVME_FOREIGN)
		cid++;
	dw[3] = (uint32_t)status << 17 | (uint32_t)q->phase << 16 | cid;
	fakevfio_dma_write(fn, q->cq + q->cq_tail * 16ULL, dw, sizeof(dw));
	q->cq_tail = (uint16_t)((q->cq_tail + 1) % q->cq_size);
	q->phase ^= q->cq_tail == 0;
	interrupt(fn, q);
}

static void ring(struct fakevfio_function *fn, unsigned id, uint32_t tail)
{
	struct fakenvme *n = nvme_of(fn);
	struct fakenvme_queue *q = &n->queues[id];
	struct command c;

	while (q->exists && tail < q->sq_size && q->head != tail) {
		if (!fakevfio_dma_read(fn, q->sq + q->head * 64ULL, &c, sizeof(c))) {
			n->csts |= 2;
			return;
		}
		q->head = (uint16_t)((q->head + 1) % q->sq_size);
		n->commands++;
		if (n->fault == FAKENVME_NEVER_COMPLETES)
			continue;
		complete(
			fn, id, (uint16_t)(c.dw[0] >> 16), id ? run_io(fn, &c) : run_admin(fn, &c));
	}
}

static void set_low(uint64_t *v, uint32_t low)
{
	*v = (*v & 0xffffffff00000000) | low;
}

static void set_high(uint64_t *v, uint32_t high)
{
	*v = (*v & 0xffffffff) | (uint64_t)high << 32;
}

static void model_write(struct fakevfio_function *fn, unsigned bar, uint64_t at, uint32_t value)
{
	struct fakenvme *n = nvme_of(fn);

	if (bar || n->fault == FAKENVME_ALL_ONES || n->fault == FAKENVME_OFFLINE)
		return;
	switch (at) {
	case 0x14:
		control(n, value);
		break;
	case 0x24:
		n->aqa = value;
		break;
	case 0x28:
		set_low(&n->asq, value);
		break;
	case 0x2c:
		set_high(&n->asq, value);
		break;
	case 0x30:
		set_low(&n->acq, value);
		break;
	case 0x34:
		set_high(&n->acq, value);
		break;
	case 0x1000:
	case 0x1008:
		ring(fn, (unsigned)(at >> 3 & 1), value);
		break;
	}
}

static void model_reset(struct fakevfio_function *fn)
{
	struct fakenvme *n = nvme_of(fn);

	n->resets++;
	if (n->fault == FAKENVME_SURVIVES)
		return;
	n->cc = n->aqa = 0;
	n->asq = n->acq = 0;
	stop(n);
}

void fakenvme_init(struct fakevfio_function *fn, struct fakenvme *n)
{
	static const struct fakevfio_model model = { model_read, model_write, model_reset };

	fakevfio_bar(fn, 0, BAR_BYTES);
	fn->model = &model;
	fn->model_state = n;
}
