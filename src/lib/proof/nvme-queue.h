/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An NVMe controller driven from here: registers, queue pairs, one command at a time (NVM Express
 * base specification 1.4; section numbers are of that).
 */
#pragma once

#include "run.h"

enum {
	NVME_DATA_BYTES = 4096, /* the memory page that is set; also of Identify's answer */
	NVME_QUEUE_DEPTH = 8,

	NVME_IDENTIFY = 0x06,
	NVME_CREATE_SQ = 0x01,
	NVME_CREATE_CQ = 0x05,
	NVME_SET_FEATURES = 0x09,
	NVME_READ = 0x02,

	NVME_CNS_NAMESPACE = 0,
	NVME_CNS_CONTROLLER = 1,
	NVME_CNS_ACTIVE_NAMESPACES = 2,

	NVME_BAD_VECTOR = 0x108, /* status: invalid interrupt vector */
};

struct nvme_queue {
	uint16_t id, depth;
	unsigned vector;
	char *sq, *cq;
	uint64_t sq_iova, cq_iova;
	uint16_t tail, head;
	bool phase; /* of the completions that come next */
};

struct nvme {
	struct proof_run *r;
	uint64_t cap;
	struct nvme_queue admin, io;
	uint16_t cid;
	uint64_t admin_commands, io_commands; /* completed */
	char *data[2];
	uint64_t data_iova[2];
};

struct nvme_command {
	uint8_t opcode;
	uint32_t nsid;
	uint64_t prp1;
	uint32_t cdw10, cdw11, cdw12;
};

/* Fresh memory in the arena for the admin queue. */
int nvme_prepare(struct nvme *n);
/* CC.EN and CSTS.RDY to 1, or 0; -ENODEV all ones, -EIO fatal status, -ETIMEDOUT. */
int nvme_enable(struct nvme *n);
int nvme_disable(struct nvme *n);
/* A normal shutdown, then off. */
int nvme_shut_down(struct nvme *n);
bool nvme_is_at_rest(struct nvme *n);
/*
 * Runs one command to its end: its status (0 is success; status code type in bits 8 to 10), or
 * -ETIMEDOUT, -EBADMSG when something was completed that was never asked for.
 */
int nvme_run(struct nvme *n, struct nvme_queue *q, const struct nvme_command *c);
/* The I/O queue pair 1; its vector is the second one where the controller has one to give. */
int nvme_make_io_queue(struct nvme *n);
/* For messages: of what nvme_run() and the others gave. */
const char *nvme_error(int code);
