// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Devices that make no sense: registers that read as anything, DMA that nobody asked for into what
 * is mapped, interrupts at any time. Each test must come to an end, with a verdict, soon, and leave
 * nothing behind.
 */
#include "env.h"

#include <linux/vfio.h>

enum { SEEDS = 150, LONGEST_MS = 180000 };

static uint64_t seed;

/* splitmix64: the same numbers on every machine. */
static uint64_t noise(void)
{
	uint64_t z = seed += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/* As many bits as COUNT words have in common: an eighth of them for three. */
static uint64_t sparse(unsigned count)
{
	uint64_t bits = ~0ULL;

	while (count--)
		bits &= noise();
	return bits;
}

/* Somewhere in a mapping, mostly a few bytes with few bits: what looks like descriptors. */
static void disturb(struct fakevfio_function *fn)
{
	struct fakevfio *k = fn->kernel;
	uint64_t words[8];

	if (!k->n_mappings)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		words[i] = sparse(3);
	for (unsigned i = noise() % 8; i; i--) {
		struct fakevfio_mapping *m = &k->mappings[noise() % k->n_mappings];
		uint64_t at = noise() % MIN(m->size, (uint64_t)0x8000) & ~15ULL;

		fakevfio_dma_write(fn, m->iova + at, words, 8 << noise() % 4);
	}
	if (noise() % 4 == 0)
		fakevfio_fire(fn, VFIO_PCI_MSIX_IRQ_INDEX, (unsigned)(noise() % 3));
}

static uint32_t model_read(struct fakevfio_function *fn, unsigned bar UNUSED, uint64_t at UNUSED)
{
	disturb(fn);
	return (uint32_t)sparse(2);
}

static void model_write(struct fakevfio_function *fn, unsigned bar UNUSED, uint64_t at UNUSED,
	uint32_t value UNUSED)
{
	disturb(fn);
}

static void model_reset(struct fakevfio_function *fn UNUSED)
{
}

static void survives(struct env *e)
{
	static const struct fakevfio_model model = { model_read, model_write, model_reset };

	e->fn->model = &model;
	for (uint64_t i = 1; i <= SEEDS; i++) {
		uint64_t start = host_now_ms(e->h);

		seed = i;
		env_run(e);
		assert_non_null(proof_obstacle(&e->proof));
		assert_true(host_now_ms(e->h) - start < LONGEST_MS);
		assert_int_equal(e->kernel->n_objects, 0);
		assert_int_equal(e->kernel->n_mappings, 0);
	}
}

static void as_nvme(void **state)
{
	struct env *e = *state;

	e->target.class_code = 0x010802;
	survives(e);
}

static void as_vf(void **state)
{
	survives(*state);
}

static void as_pf(void **state)
{
	struct env *e = *state;

	e->target.device = 0x10c9;
	e->target.is_vf = false;
	fakevfio_poke(e->fn, VFIO_PCI_CONFIG_REGION_INDEX, 2, "\xc9", 1);
	survives(e);
}

/* The configuration space, byte by byte, is something else. */
static void configuration(void **state)
{
	struct env *e = *state;
	uint8_t saved[4096], c[4096];

	fakevfio_peek(e->fn, VFIO_PCI_CONFIG_REGION_INDEX, 0, saved, sizeof(saved));
	for (uint64_t i = 1; i <= SEEDS; i++) {
		seed = i;
		memcpy(c, saved, sizeof(c));
		for (unsigned k = 0; k < 40; k++)
			c[4 + noise() % 0x1fc] = (uint8_t)noise();
		c[5] = (uint8_t)noise();
		fakevfio_poke(e->fn, VFIO_PCI_CONFIG_REGION_INDEX, 0, c, sizeof(c));
		env_run(e);
		assert_true(e->proof.n >= 2);
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, env_setup, env_teardown)
	const struct CMUnitTest tests[] = {
		T(as_nvme),
		T(as_vf),
		T(as_pf),
		T(configuration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
