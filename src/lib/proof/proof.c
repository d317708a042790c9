// SPDX-License-Identifier: GPL-2.0-or-later
#include "run.h"

enum { ARENA_BYTES = 256 << 10, COMMAND_MEMORY_AND_MASTER = 0x06 };

static const struct proof_plugin *const plugins[] = { &proof_nvme, &proof_igb };

static const struct proof_plugin *plugin_for(const struct proof_target *t)
{
	for (size_t i = 0; i < ARRAY_SIZE(plugins); i++)
		if (plugins[i]->matches(t))
			return plugins[i];
	return NULL;
}

const char *proof_class(const struct proof_target *t)
{
	const struct proof_plugin *p = plugin_for(t);

	return p ? p->name : "generic";
}

static bool all_well(const struct proof_run *r)
{
	return !r->cancelled && r->proof->v[r->proof->n - 1].verdict == PROOF_PROVED;
}

static void run_plugin(struct proof_run *r)
{
	struct proof_check *c;
	struct problem *p = NULL;
	int e;

	if (!r->plugin) {
		c = check_start(r, "dma-device");
		check_skipped(c, "nobody knows here how to make such a device do DMA");
		return;
	}
	e = arena_open(r, ARENA_BYTES, &p);
	if (e < 0) {
		c = check_start(r, "dma-device");
		check_mapping(r, c, p, e);
		return;
	}
	fault_mark(r);
	r->plugin->prove(r);
}

static void run_after_reset(struct proof_run *r)
{
	if (!r->plugin || !r->arena.mem || r->proof->reset_ms < 0)
		return;
	config_command_set(r, COMMAND_MEMORY_AND_MASTER);
	r->plugin->after_reset(r);
}

static void (*const generic[])(struct proof_run *r) = {
	prove_config,
	prove_regions,
	prove_interrupts,
	prove_dma,
	prove_dma_refused,
	prove_dma_limits,
	prove_migration,
	prove_state,
};

static void run_all(struct proof_run *r)
{
	if (!prove_open(r))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(generic) && !r->cancelled; i++) {
		generic[i](r);
		/* Without its configuration or registers nothing more can be said. */
		if (i < 2 && !all_well(r))
			return;
	}
	if (!r->cancelled)
		run_plugin(r);
	if (!r->cancelled)
		prove_reset(r);
	if (!r->cancelled)
		run_after_reset(r);
}

/* In reverse; the reset by the kernel at the last close ends what a cancelled proof left on. */
static void shut_down(struct proof_run *r)
{
	if (r->device) {
		irq_disarm(r);
		if (r->device->can_reset && r->cancelled)
			vfio_device_reset(r->device, NULL);
		if (r->config.len)
			config_command_restore(r);
	}
	if (r->plugin && r->state)
		r->plugin->free(r);
	fault_forget(r);
	if (r->arena.mem)
		arena_close(r);
	for (size_t i = 0; i < PROOF_BARS; i++)
		vfio_region_done(&r->bars[i]);
	vfio_device_free(r->device);
	vfio_space_free(r->space);
}

int proof_run(struct host *h, const struct proof_target *t, const struct proof_opts *opts,
	struct proof *ret, struct problem **reterr)
{
	struct proof_run r = {
		.host = h,
		.target = t,
		.opts = opts,
		.proof = ret,
		.plugin = plugin_for(t),
		.started_ms = host_now_ms(h),
		.log_mark = -1,
	};

	*ret = (struct proof) { .device_class = proof_class(t), .reset_ms = -1, .migration = -1 };
	run_all(&r);
	if (ret->n)
		ret->v[ret->n - 1].ms = (unsigned)(host_now_ms(h) - r.started_ms);
	shut_down(&r);
	if (r.cancelled)
		return problem(reterr, -ECANCELED, PROBLEM_FAILED, NULL,
			"the test of %s was interrupted", BDF_TEXT(t->bdf));
	return 0;
}
