// SPDX-License-Identifier: GPL-2.0-or-later
#include "nvme-queue.h"

#include <endian.h>
#include <string.h>

enum {
	REG_CAP = 0x00,
	REG_CC = 0x14,
	REG_CSTS = 0x1c,
	REG_AQA = 0x24,
	REG_ASQ = 0x28,
	REG_ACQ = 0x30,
	REG_DOORBELLS = 0x1000,

	CC_EN = 1,
	CC_SHN_NORMAL = 1 << 14,
	CC_SHN_MASK = 3 << 14,
	CC_IOSQES_64 = 6 << 16,
	CC_IOCQES_16 = 4 << 20,
	CSTS_RDY = 1,
	CSTS_CFS = 2,
	CSTS_SHST_MASK = 3 << 2,
	CSTS_SHST_DONE = 2 << 2,

	SQE_BYTES = 64,
	CQE_BYTES = 16,
	COMMAND_MS = 5000,
	SHUTDOWN_MS = 5000,
	READY_MS_MIN = 2000,
	READY_MS_MAX = 30000,
};

static int queue_memory(struct nvme *n, struct nvme_queue *q, uint16_t id, unsigned vector)
{
	*q = (struct nvme_queue) { .id = id, .vector = vector, .phase = true };
	/* CAP.MQES is the largest queue less one. */
	q->depth = (uint16_t)MIN((n->cap & 0xffff) + 1, (uint64_t)NVME_QUEUE_DEPTH);
	q->sq = arena_take(n->r, (size_t)q->depth * SQE_BYTES, &q->sq_iova);
	q->cq = arena_take(n->r, (size_t)q->depth * CQE_BYTES, &q->cq_iova);
	return q->sq && q->cq ? 0 : -ENOMEM;
}

int nvme_prepare(struct nvme *n)
{
	struct proof_run *r = n->r;

	r->arena.used = 0;
	n->cap = (uint64_t)reg_read(r, 0, REG_CAP + 4) << 32 | reg_read(r, 0, REG_CAP);
	n->admin_commands = n->io_commands = 0;
	for (size_t i = 0; i < ARRAY_SIZE(n->data); i++) {
		n->data[i] = arena_take(r, NVME_DATA_BYTES, &n->data_iova[i]);
		if (!n->data[i])
			return -ENOMEM;
	}
	return queue_memory(n, &n->admin, 0, 0);
}

static void write64(struct proof_run *r, uint64_t at, uint64_t v)
{
	reg_write(r, 0, at, (uint32_t)v);
	reg_write(r, 0, at + 4, (uint32_t)(v >> 32));
}

struct ready {
	struct nvme *n;
	uint32_t want;
};

static int is_ready(void *arg)
{
	const struct ready *w = arg;
	uint32_t csts = reg_read(w->n->r, 0, REG_CSTS);

	if (csts == UINT32_MAX)
		return -ENODEV;
	/* Going down, a fatal state may last until EN is seen to be 0. */
	if (w->want && (csts & CSTS_CFS))
		return -EIO;
	return (csts & CSTS_RDY) == w->want;
}

/* CAP.TO tells how long the controller may take, in half seconds. */
static int wait_ready(struct nvme *n, uint32_t want)
{
	struct ready w = { n, want };
	unsigned ms = (unsigned)(n->cap >> 24 & 0xff) * 500;
	int e;

	ms = MAX(ms, (unsigned)READY_MS_MIN);
	e = proof_wait(n->r, MIN(ms, (unsigned)READY_MS_MAX), is_ready, &w);
	return e == 0 ? -ETIMEDOUT : MIN(e, 0);
}

int nvme_disable(struct nvme *n)
{
	uint32_t cc = reg_read(n->r, 0, REG_CC);

	if (cc == UINT32_MAX)
		return -ENODEV;
	if (cc & CC_EN)
		reg_write(n->r, 0, REG_CC, cc & ~(uint32_t)CC_EN);
	return wait_ready(n, 0);
}

int nvme_enable(struct nvme *n)
{
	struct proof_run *r = n->r;
	uint32_t size = n->admin.depth - 1U;
	int e = nvme_disable(n);

	if (e < 0)
		return e;
	reg_write(r, 0, REG_AQA, size << 16 | size);
	write64(r, REG_ASQ, n->admin.sq_iova);
	write64(r, REG_ACQ, n->admin.cq_iova);
	reg_write(r, 0, REG_CC, CC_IOSQES_64 | CC_IOCQES_16);
	reg_write(r, 0, REG_CC, CC_IOSQES_64 | CC_IOCQES_16 | CC_EN);
	return wait_ready(n, CSTS_RDY);
}

static int is_shut_down(void *arg)
{
	struct nvme *n = arg;
	uint32_t csts = reg_read(n->r, 0, REG_CSTS);

	return csts == UINT32_MAX ? -ENODEV : (csts & CSTS_SHST_MASK) == CSTS_SHST_DONE;
}

int nvme_shut_down(struct nvme *n)
{
	uint32_t cc = reg_read(n->r, 0, REG_CC);
	int e;

	reg_write(n->r, 0, REG_CC, (cc & ~(uint32_t)CC_SHN_MASK) | CC_SHN_NORMAL);
	e = proof_wait(n->r, SHUTDOWN_MS, is_shut_down, n);
	if (e <= 0)
		return e == 0 ? -ETIMEDOUT : e;
	return nvme_disable(n);
}

bool nvme_is_at_rest(struct nvme *n)
{
	uint32_t cc = reg_read(n->r, 0, REG_CC), csts = reg_read(n->r, 0, REG_CSTS);

	return !(cc & CC_EN) && !(csts & CSTS_RDY);
}

static uint64_t doorbell(const struct nvme *n, const struct nvme_queue *q, bool completion)
{
	unsigned stride = 4U << (n->cap >> 32 & 0xf);

	return REG_DOORBELLS + (2ULL * q->id + completion) * stride;
}

static void submit(struct nvme *n, struct nvme_queue *q, const struct nvme_command *c)
{
	uint32_t dw[SQE_BYTES / 4] = {
		[0] = htole32(c->opcode | (uint32_t)++n->cid << 16),
		[1] = htole32(c->nsid),
		[6] = htole32((uint32_t)c->prp1),
		[7] = htole32((uint32_t)(c->prp1 >> 32)),
		[10] = htole32(c->cdw10),
		[11] = htole32(c->cdw11),
		[12] = htole32(c->cdw12),
	};

	memcpy(q->sq + (size_t)q->tail * SQE_BYTES, dw, sizeof(dw));
	q->tail = (uint16_t)((q->tail + 1) % q->depth);
	reg_write(n->r, 0, doorbell(n, q, false), q->tail);
}

static uint32_t completion_word(const struct nvme_queue *q, size_t i)
{
	const volatile uint32_t *dw =
		(const volatile uint32_t *)(const volatile void *)(q->cq +
								   (size_t)q->head * CQE_BYTES);

	return le32toh(dw[i]);
}

static int has_completed(void *arg)
{
	const struct nvme_queue *q = arg;

	return (completion_word(q, 3) >> 16 & 1) == q->phase;
}

int nvme_run(struct nvme *n, struct nvme_queue *q, const struct nvme_command *c)
{
	uint32_t dw2, dw3;
	int e;

	submit(n, q, c);
	e = proof_wait(n->r, COMMAND_MS, has_completed, q);
	if (e <= 0)
		return e == 0 ? -ETIMEDOUT : e;
	dma_barrier();
	dw2 = completion_word(q, 2);
	dw3 = completion_word(q, 3);
	q->head = (uint16_t)((q->head + 1) % q->depth);
	q->phase ^= q->head == 0;
	reg_write(n->r, 0, doorbell(n, q, true), q->head);
	if ((dw3 & 0xffff) != n->cid || dw2 >> 16 != q->id)
		return -EBADMSG;
	if (q->id)
		n->io_commands++;
	else
		n->admin_commands++;
	return (int)(dw3 >> 17 & 0x7ff);
}

static int create_cq(struct nvme *n, unsigned vector)
{
	struct nvme_command c = {
		.opcode = NVME_CREATE_CQ,
		.prp1 = n->io.cq_iova,
		.cdw10 = (n->io.depth - 1U) << 16 | n->io.id,
		.cdw11 = vector << 16 | 3, /* interrupts on, memory in one piece */
	};

	n->io.vector = vector;
	return nvme_run(n, &n->admin, &c);
}

int nvme_make_io_queue(struct nvme *n)
{
	struct nvme_command number = { .opcode = NVME_SET_FEATURES, .cdw10 = 7 };
	int e = queue_memory(n, &n->io, 1, 0);

	if (e == 0)
		e = nvme_run(n, &n->admin, &number); /* one queue of each kind */
	if (e < 0)
		return e;
	e = create_cq(n, n->r->n_vectors > 1);
	/* A VF may have fewer interrupt resources than its MSI-X table has entries. */
	if (e == NVME_BAD_VECTOR && n->io.vector)
		e = create_cq(n, 0);
	if (e == 0) {
		struct nvme_command sq = {
			.opcode = NVME_CREATE_SQ,
			.prp1 = n->io.sq_iova,
			.cdw10 = (n->io.depth - 1U) << 16 | n->io.id,
			.cdw11 = (uint32_t)n->io.id << 16 | 1,
		};

		e = nvme_run(n, &n->admin, &sq);
	}
	return e;
}

const char *nvme_error(int code)
{
	switch (code) {
	case -ETIMEDOUT:
		return "no answer in time";
	case -EBADMSG:
		return "an answer to what was never asked";
	case -ENODEV:
		return "its registers read all ones";
	case -EIO:
		return "it reports a fatal error";
	default:
		return code < 0 ? strerror(-code) : "the command is refused";
	}
}
