/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A proof while it runs. For the files of this room only. */
#pragma once

#include "proof.h"

#include "pci/config.h"
#include "vfio/device.h"
#include "vfio/irq.h"
#include "vfio/region.h"
#include "vfio/space.h"

enum {
	PROOF_BARS = 6,
	PROOF_VECTORS = 32, /* more are not armed */
	PROOF_PAGE = 4096,  /* what devices know as a page; ours may be larger */
};

struct proof_run;

/* What is known of a class of devices; the generic checks run for every function. */
struct proof_plugin {
	const char *name;
	bool (*matches)(const struct proof_target *t);
	/* Its checks. Leaves the device at work, so that the reset has something to end. */
	void (*prove)(struct proof_run *r);
	/* After the reset: is it at rest, does it start again? Leaves it at rest. */
	void (*after_reset)(struct proof_run *r);
	void (*free)(struct proof_run *r);
};

extern const struct proof_plugin proof_nvme, proof_igb;

/* DMA memory: one piece, mapped as one entry, handed out from its start. */
struct arena {
	char *mem;
	uint64_t iova;
	size_t size, used;
};

struct proof_run {
	struct host *host;
	const struct proof_target *target;
	const struct proof_opts *opts;
	struct proof *proof;
	const struct proof_plugin *plugin; /* NULL: generic */
	void *state;			   /* the plug-in's */

	struct vfio_space *space;
	struct vfio_device *device;
	struct vfio_region bars[PROOF_BARS];
	struct config_space config; /* as it was when opened */
	struct arena arena;

	/* The interrupt that is used: MSI-X, else MSI, else INTx; count 0: none. */
	struct vfio_irq irq;
	uint32_t n_vectors; /* armed */
	int eventfds[PROOF_VECTORS];

	int log_mark;	     /* the kernel's log from there on is about us; -1: cannot be read */
	uint64_t started_ms; /* the check that runs */
	bool cancelled;
};

/* ---- check.c ---- */

/* The next check; to be ended with one of the four below. Never NULL. */
struct proof_check *check_start(struct proof_run *r, const char *name);
void check_proved(struct proof_check *c, const char *fmt, ...) PRINTF(2, 3);
void check_skipped(struct proof_check *c, const char *fmt, ...) PRINTF(2, 3);
void check_failed(struct proof_check *c, const char *fmt, ...) PRINTF(2, 3);
void check_unproved(struct proof_check *c, const char *fmt, ...) PRINTF(2, 3);
/* Failed with what a room below said; frees it. */
void check_problem(struct proof_check *c, struct problem *p, int code);
void check_evidence(struct proof_check *c, const char *fmt, ...) PRINTF(2, 3);
void check_hint(struct proof_check *c, const char *fmt, ...) PRINTF(2, 3);

/* ---- wait.c ---- */

/*
 * Asks `done` every millisecond until it says other than 0: positive when it is so, or a negative
 * errno. 0 when `ms` have passed; -ECANCELED.
 */
int proof_wait(struct proof_run *r, unsigned ms, int (*done)(void *arg), void *arg);

/* ---- memory.c ---- */

/* Makes the arena, at an address that the IOMMU allows. */
int arena_open(struct proof_run *r, size_t size, struct problem **reterr);
void arena_close(struct proof_run *r);
/* Zeroed, on a page of its own. NULL when the arena is used up. */
void *arena_take(struct proof_run *r, size_t len, uint64_t *ret_iova);
/*
 * A page that is under no address of the arena, of which `iova` shall become the address when it
 * is mapped: to be mapped, used, unmapped, and then never reached again.
 */
struct outside {
	char *mem;
	uint64_t iova;
	size_t size;
	bool mapped;
};
int outside_open(struct proof_run *r, struct outside *ret);
int outside_map(struct proof_run *r, struct outside *o, struct problem **reterr);
int outside_unmap(struct proof_run *r, struct outside *o, struct problem **reterr);
void outside_close(struct proof_run *r, struct outside *o);
void outside_fill(struct outside *o, uint8_t byte);
/* Is every byte still what outside_fill() wrote? */
bool outside_is(const struct outside *o, uint8_t byte);

/* ---- register.c ---- */

/* Registers of a BAR; all ones when it cannot be read, as from a device that is gone. */
uint32_t reg_read(struct proof_run *r, unsigned bar, uint64_t at);
void reg_write(struct proof_run *r, unsigned bar, uint64_t at, uint32_t value);
/* Before a device reads what we wrote into its memory, and before we read what it wrote. */
static inline void dma_barrier(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}
int config_command_set(struct proof_run *r, uint16_t bits);
int config_command_restore(struct proof_run *r);

/* ---- interrupt.c ---- */

/* Eventfds behind all vectors (as many as we have); the count or a negative errno. */
int irq_arm(struct proof_run *r);
void irq_disarm(struct proof_run *r);
/* Signals of a vector since it was last asked. */
uint64_t irq_take(struct proof_run *r, unsigned vector);
const char *irq_name(uint32_t index);
/* Ends a check of interrupts that a device raised `expected` reasons for. */
void check_interrupts_seen(
	struct proof_check *c, uint64_t seen, uint64_t expected, const char *what);

/* ---- fault.c ---- */

/* Faults count from now on. */
void fault_mark(struct proof_run *r);
void fault_forget(struct proof_run *r);
/* Waits for a line of the kernel's log on a fault in [iova, iova+len); how many there were. */
unsigned fault_wait(struct proof_run *r, uint64_t iova, uint64_t len, unsigned ms, char **ret_line);
/* Is that line of the log about a fault of this function in that range? */
bool fault_is(const char *line, struct bdf a, uint64_t iova, uint64_t len);
/*
 * Ends a check that `o`, which was mapped once and now holds `fill`, cannot be reached any more.
 * `attempt` makes the device use it: positive when the device itself reports that it could not,
 * negative when it shall not be asked again. It is, since a kernel does not log every fault.
 */
void check_isolation(struct proof_run *r, struct proof_check *c, const struct outside *o,
	uint8_t fill, int (*attempt)(void *arg), void *arg);

/* ---- generic.c, region.c, interrupt.c, dma.c, migration.c, reset.c ---- */

bool prove_open(struct proof_run *r); /* false: nothing else can be tried */
void prove_config(struct proof_run *r);
void prove_regions(struct proof_run *r);
void prove_interrupts(struct proof_run *r);
/* Ends a check that memory could not be mapped in, with the cause; frees `p`. */
void check_mapping(struct proof_run *r, struct proof_check *c, struct problem *p, int code);
void prove_dma(struct proof_run *r);
void prove_dma_refused(struct proof_run *r);
void prove_dma_limits(struct proof_run *r);
void prove_migration(struct proof_run *r);
void prove_state(struct proof_run *r);
void prove_reset(struct proof_run *r);

/* The configuration space as it is now. */
int proof_config_read(struct proof_run *r, struct config_space *ret);
/* The first difference that means something, or NULL; allocated text. */
char *config_difference(const struct config_space *before, const struct config_space *after);
