// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An NVMe function, PF or VF: its controller is enabled with queues of ours, and reads. Nothing is
 * ever written to a namespace: the commands are Identify, Set Features (number of queues), Create
 * Queue and Read.
 */
#include "nvme-queue.h"

#include "base/str.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
	CLASS_NVME = 0x0108,
	FILL_A = 0xa5,
	FILL_B = 0x5a,
	CAP_MPSMIN_SHIFT = 48,
	CAP_CSS_SHIFT = 37,
	ID_SERIAL = 4,
	ID_MODEL = 24,
	NS_FLBAS = 26,
	NS_LBAF = 128,
	INTERRUPT_MS = 2000,
};

static bool matches(const struct proof_target *t)
{
	return t->class_code >> 8 == CLASS_NVME;
}

static struct nvme *nvme_of(struct proof_run *r)
{
	return r->state;
}

static void nvme_free(struct proof_run *r)
{
	free(r->state);
	r->state = NULL;
}

static int identify(struct nvme *n, uint32_t cns, uint32_t nsid, uint64_t iova)
{
	struct nvme_command c = {
		.opcode = NVME_IDENTIFY, .nsid = nsid, .prp1 = iova, .cdw10 = cns
	};

	return nvme_run(n, &n->admin, &c);
}

/* False: said why. */
static bool command_worked(struct proof_check *c, const char *what, int e)
{
	if (e == 0)
		return true;
	if (e > 0)
		check_failed(c, "%s: the controller answers status 0x%03x", what, e);
	else if (e == -ECANCELED)
		check_unproved(c, "%s: interrupted", what);
	else
		check_failed(c, "%s: %s", what, nvme_error(e));
	return false;
}

static bool start_controller(struct nvme *n, struct proof_check *c)
{
	int e = nvme_prepare(n);

	check_evidence(c, "CAP 0x%016" PRIx64, n->cap);
	if (n->cap == 0) {
		/* What QEMU's and the specification's secondary controllers show when offline. */
		check_failed(c, "the controller is offline");
		check_hint(c, "give it queues and bring it online: `vfctl set SEL vq=2 vi=1 "
			      "online=yes`");
		return false;
	}
	if (n->cap == UINT64_MAX) {
		check_failed(c, "its registers read all ones");
		return false;
	}
	if (n->cap >> CAP_MPSMIN_SHIFT & 0xf || !(n->cap >> CAP_CSS_SHIFT & 1)) {
		check_unproved(c, "it has no pages of 4 KiB or no NVM commands");
		return false;
	}
	if (e == 0)
		e = nvme_enable(n);
	if (e < 0)
		check_failed(c, "the controller does not start: %s", nvme_error(e));
	return e == 0;
}

static bool prove_controller(struct nvme *n)
{
	struct proof_check *c = check_start(n->r, "controller");
	int e = irq_arm(n->r);

	if (e < 0) {
		check_failed(
			c, "%s cannot be switched on: %s", irq_name(n->r->irq.index), strerror(-e));
		return false;
	}
	if (!start_controller(n, c))
		return false;
	check_proved(c, "enabled with an admin queue of %u in our memory", n->admin.depth);
	return true;
}

/* The same answer twice, into memory that held something else, and something else again. */
static bool same_twice(struct nvme *n, struct proof_check *c, const char *what,
	int (*ask)(struct nvme *n, uint64_t iova))
{
	static const uint8_t fill[] = { FILL_A, FILL_B };

	for (size_t i = 0; i < ARRAY_SIZE(fill); i++) {
		memset(n->data[i], fill[i], NVME_DATA_BYTES);
		if (!command_worked(c, what, ask(n, n->data_iova[i])))
			return false;
	}
	dma_barrier();
	return true;
}

static int ask_controller(struct nvme *n, uint64_t iova)
{
	return identify(n, NVME_CNS_CONTROLLER, 0, iova);
}

static char *id_text(const char *from, size_t len)
{
	autofree char *raw = strndup(from, len);

	return raw ? str_printable(str_trim(raw)) : NULL;
}

static bool prove_identify(struct nvme *n)
{
	struct proof_check *c = check_start(n->r, "identify");
	autofree char *model = NULL, *serial = NULL;

	if (!same_twice(n, c, "identify", ask_controller))
		return false;
	if (memcmp(n->data[0], n->data[1], NVME_DATA_BYTES) != 0) {
		check_failed(c, "asked twice, it wrote different answers, or not all of them");
		return false;
	}
	c->bytes = 2 * NVME_DATA_BYTES;
	model = id_text(n->data[0] + ID_MODEL, 40);
	serial = id_text(n->data[0] + ID_SERIAL, 20);
	check_proved(c, "4096 bytes by DMA, twice the same");
	check_evidence(c, "model %s, serial %s", model ? model : "?", serial ? serial : "?");
	return true;
}

struct signals {
	struct proof_run *r;
	unsigned vector;
	uint64_t seen;
};

static int has_signal(void *arg)
{
	struct signals *s = arg;

	s->seen += irq_take(s->r, s->vector);
	return s->seen > 0;
}

static void prove_queue_interrupts(
	struct nvme *n, const char *name, const struct nvme_queue *q, uint64_t commands)
{
	struct proof_check *c = check_start(n->r, name);
	struct signals s = { n->r, q->vector, 0 };
	char what[48];

	if (!n->r->n_vectors) {
		check_skipped(c, "the function raises no interrupts");
		return;
	}
	proof_wait(n->r, INTERRUPT_MS, has_signal, &s);
	snprintf(what, sizeof(what), "commands on %s vector %u", irq_name(n->r->irq.index),
		q->vector);
	check_interrupts_seen(c, s.seen, commands, what);
}

static bool prove_io_queue(struct nvme *n)
{
	struct proof_check *c = check_start(n->r, "io-queue");

	if (!command_worked(c, "create an I/O queue", nvme_make_io_queue(n)))
		return false;
	check_proved(c, "a queue pair of %u entries on vector %u", n->io.depth, n->io.vector);
	return true;
}

/* The first namespace that is there, and the size of its blocks; 0: none. */
static int find_namespace(struct nvme *n, uint32_t *ret_id, unsigned *ret_shift)
{
	uint8_t format;
	int e = identify(n, NVME_CNS_ACTIVE_NAMESPACES, 0, n->data_iova[0]);

	if (e != 0)
		return e;
	dma_barrier();
	memcpy(ret_id, n->data[0], sizeof(*ret_id));
	*ret_id = le32toh(*ret_id);
	*ret_shift = 0;
	if (*ret_id == 0)
		return 0;
	e = identify(n, NVME_CNS_NAMESPACE, *ret_id, n->data_iova[0]);
	if (e != 0)
		return e;
	dma_barrier();
	format = (uint8_t)n->data[0][NS_FLBAS] & 0xf;
	*ret_shift = (uint8_t)n->data[0][NS_LBAF + 4 * format + 2];
	return 0;
}

static bool read_block(struct nvme *n, struct proof_check *c, uint32_t ns, uint8_t fill, size_t i)
{
	struct nvme_command read = { .opcode = NVME_READ, .nsid = ns, .prp1 = n->data_iova[i] };

	memset(n->data[i], fill, NVME_DATA_BYTES);
	return command_worked(c, "read block 0", nvme_run(n, &n->io, &read));
}

static void read_twice(struct nvme *n, struct proof_check *c, uint32_t ns, size_t block)
{
	irq_take(n->r, n->io.vector); /* of the admin queue, if they share it */
	if (!read_block(n, c, ns, FILL_A, 0) || !read_block(n, c, ns, FILL_B, 1))
		return;
	dma_barrier();
	if (memcmp(n->data[0], n->data[1], block) != 0) {
		check_failed(c, "block 0 of namespace %u, read twice, differs", ns);
		check_hint(c, "unless somebody was writing to it just now");
		return;
	}
	for (size_t i = block; i < NVME_DATA_BYTES; i++)
		if ((uint8_t)n->data[1][i] != FILL_B) {
			check_failed(c, "it wrote behind the end of block 0");
			return;
		}
	c->bytes = 2 * block;
	check_proved(c, "block 0 of namespace %u, %zu bytes by DMA, twice the same", ns, block);
}

static void prove_read(struct nvme *n)
{
	struct proof_check *c = check_start(n->r, "read");
	unsigned shift = 0;
	uint32_t ns = 0;

	if (!command_worked(c, "look for a namespace", find_namespace(n, &ns, &shift)))
		return;
	if (ns == 0)
		check_skipped(c, "the controller has no namespace");
	else if (shift < 9 || shift > 12)
		check_unproved(c, "blocks of 2^%u bytes are not known here", shift);
	else
		read_twice(n, c, ns, (size_t)1 << shift);
}

/* While it is mapped the page can be reached: else its silence later would prove nothing. */
static bool reach_mapped(struct nvme *n, struct proof_check *c, struct outside *o)
{
	struct problem *p = NULL;
	int e = outside_map(n->r, o, &p);

	if (e < 0) {
		check_problem(c, p, e);
		return false;
	}
	outside_fill(o, FILL_A);
	if (!command_worked(c, "identify", ask_controller(n, o->iova)))
		return false;
	if (outside_is(o, FILL_A)) {
		check_failed(c, "a mapped page was not reached");
		return false;
	}
	e = outside_unmap(n->r, o, &p);
	if (e < 0)
		check_problem(c, p, e);
	return e == 0;
}

struct trespass {
	struct nvme *n;
	uint64_t iova;
};

/* Whether it completes, and how, is the controller's business. */
static int trespass(void *arg)
{
	struct trespass *t = arg;

	return ask_controller(t->n, t->iova);
}

static void prove_isolation(struct nvme *n)
{
	struct proof_check *c = check_start(n->r, "isolation");
	struct outside o = { 0 };

	if (n->r->opts->no_faults) {
		check_skipped(c, "no faults were wanted");
		return;
	}
	if (outside_open(n->r, &o) < 0) {
		check_unproved(c, "out of memory");
		return;
	}
	if (reach_mapped(n, c, &o)) {
		struct trespass t = { n, o.iova };

		outside_fill(&o, FILL_B);
		check_isolation(n->r, c, &o, FILL_B, trespass, &t);
	}
	outside_close(n->r, &o);
}

static void prove(struct proof_run *r)
{
	struct nvme *n = calloc(1, sizeof(*n));

	if (!n) {
		check_unproved(check_start(r, "controller"), "out of memory");
		return;
	}
	n->r = r;
	r->state = n;
	if (!prove_controller(n) || !prove_identify(n))
		return;
	prove_queue_interrupts(n, "admin-interrupts", &n->admin, n->admin_commands);
	if (prove_io_queue(n)) {
		prove_read(n);
		if (n->io_commands)
			prove_queue_interrupts(n, "io-interrupts", &n->io, n->io_commands);
	}
	prove_isolation(n);
}

/* It must have been at work before: a controller that never started is at rest after anything. */
static void after_reset(struct proof_run *r)
{
	struct nvme *n = nvme_of(r);
	struct proof_check *c;
	int e;

	if (!n || !n->admin_commands)
		return;
	c = check_start(r, "restart");
	if (!nvme_is_at_rest(n)) {
		check_failed(c, "the reset did not stop the controller");
		return;
	}
	if (irq_arm(r) < 0 || !start_controller(n, c) ||
		!command_worked(c, "identify", ask_controller(n, n->data_iova[0])))
		return;
	e = nvme_shut_down(n);
	irq_disarm(r);
	if (e < 0)
		check_failed(c, "the controller does not shut down: %s", nvme_error(e));
	else
		check_proved(c, "stopped by the reset, started again, answered, shut down");
}

const struct proof_plugin proof_nvme = {
	.name = "nvme",
	.matches = matches,
	.prove = prove,
	.after_reset = after_reset,
	.free = nvme_free,
};
