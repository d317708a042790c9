/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A function on vfio-pci in a captured machine, with whatever device behind it. */
#pragma once

#include "cm.h"
#include "machine.h"

#include "base/str.h"
#include "fake/fake.h"
#include "fakevfio/fakevfio.h"
#include "iommu/group.h"
#include "proof/proof.h"

#define VF "0000:02:10.0"

struct env {
	struct host *h;
	struct fakevfio *kernel;
	struct fakevfio_function *fn;
	struct proof_target target;
	struct proof_opts opts;
	struct proof proof;
	unsigned steps, cancel_at; /* questions whether to go on */
};

static bool env_cancelled(void *arg)
{
	struct env *e = arg;

	return ++e->steps == e->cancel_at;
}

static inline UNUSED int env_setup(void **state)
{
	struct env *e = calloc(1, sizeof(*e));

	e->h = fake_kernel_new(HOSTS_DIR "/s2-vfio.tar.gz");
	e->kernel = fake_vfio(e->h);
	e->fn = fake_vfio_function(e->h, VF);
	assert_non_null(e->fn);
	e->kernel->dma_limit = 65535;
	e->target = (struct proof_target) { .bdf = at(VF),
		.vendor = 0x8086,
		.device = 0x10ca,
		.class_code = 0x020000,
		.is_vf = true };
	e->target.group = iommu_group_of(e->h, e->target.bdf);
	e->opts = (struct proof_opts) { .cancelled = env_cancelled, .arg = e };
	*state = e;
	return 0;
}

/* However it went, nothing may be left open, mapped or switched on. */
static inline UNUSED int env_teardown(void **state)
{
	struct env *e = *state;
	bool clean = e->kernel->n_objects == 0 && e->kernel->n_mappings == 0 && e->fn->on < 0;

	proof_done(&e->proof);
	host_free(e->h);
	free(e);
	return clean ? 0 : -1;
}

static inline UNUSED const struct proof_check *env_check(const struct env *e, const char *name)
{
	static const struct proof_check none = { 0 };

	for (size_t i = 0; i < e->proof.n; i++)
		if (str_eq(e->proof.v[i].name, name))
			return &e->proof.v[i];
	fail_msg("there was no check %s", name);
	return &none;
}

/* Runs the proof again from the start. */
static inline UNUSED void env_run(struct env *e)
{
	proof_done(&e->proof);
	assert_int_equal(proof_run(e->h, &e->target, &e->opts, &e->proof, NULL), 0);
}

/* The check that decides is `name`, with that verdict, and says so. */
static inline UNUSED void env_blames(
	const struct env *e, const char *name, enum proof_verdict verdict, const char *text)
{
	const struct proof_check *c = proof_obstacle(&e->proof);

	if (!c)
		fail_msg("all is proved, and %s should not be", name);
	if (!str_eq(c->name, name) || c->verdict != verdict || !strstr(c->text, text))
		fail_msg("%s is %s: %s", c->name, proof_verdict_name(c->verdict), c->text);
}

static inline UNUSED void env_all_proved(const struct env *e)
{
	const struct proof_check *c = proof_obstacle(&e->proof);

	if (c)
		fail_msg("%s is %s: %s", c->name, proof_verdict_name(c->verdict), c->text);
}
