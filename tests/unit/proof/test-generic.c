// SPDX-License-Identifier: GPL-2.0-or-later
/* What is tried on every function, and that each of it can fail. */
#include "env.h"

#include "fakevfio/fakenvme.h"
#include "vfio/migration.h"

#include <linux/vfio.h>

enum { CONFIG = VFIO_PCI_CONFIG_REGION_INDEX };

static void a_sound_function_is_proved(void **state)
{
	static const char *const wanted[] = { "open", "config", "regions", "interrupts", "dma-map",
		"dma-reserved", "dma-limits", "migration", "state", "dma-device", "reset" };
	struct env *e = *state;

	e->target.device = 0x10cb; /* nobody knows such a one */
	fakevfio_poke(e->fn, CONFIG, 2, "\xcb", 1);
	e->fn->reset_ms = 120;
	env_run(e);
	env_all_proved(e);
	assert_string_equal(e->proof.device_class, "generic");
	assert_int_equal(e->proof.n, ARRAY_SIZE(wanted));
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		assert_string_equal(e->proof.v[i].name, wanted[i]);
	assert_int_equal(env_check(e, "dma-device")->verdict, PROOF_SKIPPED);
	assert_int_equal(env_check(e, "interrupts")->interrupts, 3);
	assert_int_equal(e->fn->resets, 1);
}

/* 16 KiB of registers; and of the other 16 KiB not the pages of the MSI-X table and its bits. */
static void bars_are_mapped_around_the_vectors(void **state)
{
	struct env *e = *state;
	struct fakevfio_region *r = &e->fn->regions[3];

	env_run(e);
	assert_string_equal(
		env_check(e, "regions")->text, "BARs read: 2; mapped: 24 KiB in pieces: 3");
	/* What the kernel lets be mapped of it has two holes more. */
	r->sparse = true;
	r->n_areas = 1;
	r->areas[0].offset = 0x2000;
	r->areas[0].size = 0x2000;
	env_run(e);
	assert_string_equal(
		env_check(e, "regions")->text, "BARs read: 2; mapped: 20 KiB in pieces: 2");
	r->n_areas = 0;
	env_run(e);
	assert_string_equal(
		env_check(e, "regions")->text, "BARs read: 2; mapped: 16 KiB in pieces: 1");
}

/* What the kernel has decides, unless somebody wants one of the two. */
static void by_its_own_node(void **state)
{
	struct env *e = *state;

	e->target.device = 0x10cb;
	fakevfio_poke(e->fn, CONFIG, 2, "\xcb", 1);
	env_run(e);
	assert_non_null(strstr(env_check(e, "open")->evidence, "type1 IOMMU"));
	e->opts.backend = VFIO_BACKEND_IOMMUFD;
	env_run(e);
	env_blames(e, "open", PROOF_FAILED, "no iommufd");
	e->opts.backend = VFIO_BACKEND_AUTO;
	fake_iommufd(e->h);
	env_run(e);
	env_all_proved(e);
	assert_non_null(strstr(env_check(e, "open")->text, "iommufd and function opened"));
	assert_non_null(strstr(env_check(e, "open")->evidence, "iommufd, pages from 4096"));
	assert_non_null(strstr(env_check(e, "dma-limits")->text, "left: no limit"));
	assert_int_equal(env_check(e, "dma-reserved")->verdict, PROOF_PROVED);
	e->opts.backend = VFIO_BACKEND_TYPE1;
	env_run(e);
	env_all_proved(e);
	assert_non_null(strstr(env_check(e, "open")->evidence, "type1 IOMMU"));
}

static void older_interrupts_do_as_well(void **state)
{
	struct env *e = *state;

	fakevfio_poke(e->fn, CONFIG, 0x70, "\x09", 1); /* the MSI-X capability is none any more */
	e->fn->irq_counts[VFIO_PCI_MSIX_IRQ_INDEX] = 0;
	e->fn->irq_counts[VFIO_PCI_MSI_IRQ_INDEX] = 1;
	e->fn->irq_counts[VFIO_PCI_INTX_IRQ_INDEX] = 1;
	env_run(e);
	assert_string_equal(env_check(e, "interrupts")->text,
		"MSI-X 0, MSI 1, INTx 1; each of 1 arrives alone");
	e->fn->irq_counts[VFIO_PCI_MSI_IRQ_INDEX] = 0;
	env_run(e);
	assert_string_equal(env_check(e, "interrupts")->text,
		"MSI-X 0, MSI 0, INTx 1; each of 1 arrives alone");
	e->fn->irq_counts[VFIO_PCI_INTX_IRQ_INDEX] = 0;
	env_run(e);
	assert_int_equal(env_check(e, "interrupts")->verdict, PROOF_SKIPPED);
}

static void holders_and_drivers_are_named(void **state)
{
	struct env *e = *state;
	autofree char *group = str_printf("/dev/vfio/%d", e->target.group);
	const char *held[] = { group, "anon_inode:[vfio-device]", NULL };

	fake_process(e->h, 4711, "qemu-system-x86_64 -name web1", held);
	fake_hold(e->h, VF);
	env_run(e);
	env_blames(e, "open", PROOF_FAILED, "4711");
	assert_int_equal(proof_obstacle(&e->proof)->kind, PROBLEM_IN_USE);
	assert_int_equal(e->proof.n, 1);
	assert_int_equal(e->fn->resets, 0);
	fake_process_ends(e->h, 4711);
	fake_release(e->h, VF);
	e->target.group = -1;
	env_run(e);
	assert_int_equal(proof_obstacle(&e->proof)->kind, PROBLEM_NO_IOMMU);
}

static void a_group_that_is_not_viable_is_not_opened(void **state)
{
	struct env *e = *state;

	/* Of a function on its own driver. */
	e->target.bdf = at("0000:01:10.0");
	e->target.group = iommu_group_of(e->h, e->target.bdf);
	env_run(e);
	assert_int_equal(proof_obstacle(&e->proof)->kind, PROBLEM_GROUP_NOT_VIABLE);
}

static void a_configuration_space_that_lies(void **state)
{
	struct env *e = *state;
	uint8_t ones[4096], saved[4096];

	fakevfio_peek(e->fn, CONFIG, 0, saved, sizeof(saved));
	memset(ones, 0xff, sizeof(ones));
	fakevfio_poke(e->fn, CONFIG, 0, ones, sizeof(ones));
	env_run(e);
	env_blames(e, "config", PROOF_FAILED, "every byte");
	/* Nothing behind it is tried. */
	assert_int_equal(e->proof.n, 2);

	fakevfio_poke(e->fn, CONFIG, 0, saved, sizeof(saved));
	fakevfio_poke(e->fn, CONFIG, 2, "\xc9", 1);
	env_run(e);
	env_blames(e, "config", PROOF_FAILED, "8086:10c9");

	fakevfio_poke(e->fn, CONFIG, 2, "\xca", 1);
	fakevfio_poke(e->fn, CONFIG, 0x0e, "\x01", 1);
	env_run(e);
	env_blames(e, "config", PROOF_FAILED, "bridge");

	e->fn->regions[CONFIG].size = 128;
	env_run(e);
	env_blames(e, "config", PROOF_FAILED, "cannot be read");
}

static void registers_that_lie(void **state)
{
	struct env *e = *state;
	uint8_t ones[8];

	memset(ones, 0xff, sizeof(ones));
	for (unsigned bar = 0; bar < 6; bar++)
		for (uint64_t at = 0; at < e->fn->regions[bar].size; at += 4096)
			fakevfio_poke(e->fn, bar, at, ones, sizeof(ones));
	env_run(e);
	env_blames(e, "regions", PROOF_FAILED, "all ones");
	e->fn->regions[0].mmap_fails = true;
	env_run(e);
	env_blames(e, "regions", PROOF_FAILED, "promised to be mappable");
	e->fn->regions[0].mmap_fails = false;
	e->fn->regions[0].sparse = true;
	e->fn->regions[0].n_areas = 1;
	e->fn->regions[0].areas[0].offset = 1; /* not on a page */
	e->fn->regions[0].areas[0].size = 4096;
	env_run(e);
	env_blames(e, "regions", PROOF_FAILED, "region 0");
}

static void interrupts_that_get_lost(void **state)
{
	struct env *e = *state;

	e->fn->deaf = true;
	env_run(e);
	env_blames(e, "interrupts", PROOF_FAILED, "3 of 3 vectors");
	e->fn->deaf = false;
	e->fn->msix_stays_on = true;
	env_run(e);
	env_blames(e, "interrupts", PROOF_FAILED, "stays on");
	e->fn->msix_stays_on = false;
	e->fn->irq_counts[VFIO_PCI_MSIX_IRQ_INDEX] = 2;
	env_run(e);
	env_blames(e, "interrupts", PROOF_FAILED, "2 MSI-X vectors");
}

static void an_iommu_that_maps_anything(void **state)
{
	struct env *e = *state;

	e->kernel->maps_anywhere = true;
	env_run(e);
	env_blames(e, "dma-reserved", PROOF_FAILED, "0xfee00000");
	e->kernel->maps_anywhere = false;
	e->kernel->maps_twice = true;
	env_run(e);
	env_blames(e, "dma-map", PROOF_FAILED, "mapped twice");
	/* What it let be mapped a second time goes when it is closed. */
	assert_int_equal(e->kernel->n_mappings, 0);
}

static void limits_of_mappings(void **state)
{
	struct env *e = *state;

	fake_put(e->h, "1000\n", "/sys/module/vfio_iommu_type1/parameters/dma_entry_limit");
	e->kernel->map_errno = -ENOSPC;
	env_run(e);
	env_blames(e, "dma-map", PROOF_FAILED, "parameters/dma_entry_limit: 1000)");
	env_blames(e, "dma-map", PROOF_FAILED, "limit of DMA mappings");
	assert_int_equal(proof_obstacle(&e->proof)->kind, PROBLEM_DMA_LIMIT);
	e->kernel->map_errno = 0;
	e->kernel->dma_limit = 64;
	env_run(e);
	env_blames(e, "dma-limits", PROOF_FAILED, "64 DMA mappings");
	e->kernel->dma_limit = 65535;
	e->kernel->leaks_entries = true;
	env_run(e);
	env_blames(e, "dma-map", PROOF_FAILED, "free DMA entries went");
}

static void a_kernel_that_names_no_ranges(void **state)
{
	struct env *e = *state;

	e->kernel->n_ranges = 0;
	env_run(e);
	assert_int_equal(env_check(e, "dma-reserved")->verdict, PROOF_SKIPPED);
	assert_int_equal(env_check(e, "dma-map")->verdict, PROOF_PROVED);
}

static void migration_is_asked_for(void **state)
{
	struct env *e = *state;

	e->target.device = 0x10cb;
	fakevfio_poke(e->fn, CONFIG, 2, "\xcb", 1);
	env_run(e);
	assert_int_equal(env_check(e, "migration")->verdict, PROOF_SKIPPED);
	assert_int_equal(e->proof.migration, 0);
	e->fn->migration = VFIO_MIGRATION_STOP_COPY | VFIO_MIGRATION_P2P;
	e->fn->tracks_dma = true;
	env_run(e);
	env_all_proved(e);
	assert_string_equal(
		env_check(e, "migration")->text, "offered: stop-copy p2p dirty-tracking");
	assert_int_equal(e->proof.migration, VFIO_MIGRATES | VFIO_MIGRATES_P2P | VFIO_TRACKS_DMA);
	assert_non_null(strstr(env_check(e, "migration")->evidence, "IOMMU tells: none"));
	e->fn->migration = VFIO_MIGRATION_P2P;
	env_run(e);
	env_blames(e, "migration", PROOF_FAILED, "not how");
	assert_int_equal(e->proof.migration, -1);
}

/* Offered is not done: the state goes out, is forgotten, and comes back. */
static void state_is_moved(void **state)
{
	struct env *e = *state;

	e->target.device = 0x10cb;
	fakevfio_poke(e->fn, CONFIG, 2, "\xcb", 1);
	env_run(e);
	assert_int_equal(env_check(e, "state")->verdict, PROOF_SKIPPED);
	e->fn->migration = VFIO_MIGRATION_STOP_COPY;
	strcpy(e->fn->mig.inner, "a counter");
	env_run(e);
	env_all_proved(e);
	assert_non_null(strstr(env_check(e, "state")->text, "16 bytes taken out"));
	assert_non_null(strstr(env_check(e, "state")->evidence, "16 bytes"));
	assert_string_equal(e->fn->mig.steps, "scs"
					      "sis"
					      "r");

	e->fn->mig.step_errno = -EIO;
	e->fn->mig.fails_at = VFIO_DEVICE_STATE_RESUMING;
	env_run(e);
	env_blames(e, "state", PROOF_FAILED, "cannot make it resuming");
	assert_int_equal(e->fn->mig.state, VFIO_DEVICE_STATE_RUNNING);
}

struct file {
	char bytes[512];
	size_t len;
};

static ssize_t file_read(void *arg, void *buf, size_t len, uint64_t at)
{
	const struct file *f = arg;
	size_t n = at < f->len ? MIN(len, f->len - (size_t)at) : 0;

	memcpy(buf, f->bytes + at, n);
	return (ssize_t)n;
}

static int file_write(void *arg, const void *data, size_t len, uint64_t at)
{
	struct file *f = arg;

	assert_true(at + len <= sizeof(f->bytes));
	memcpy(f->bytes + at, data, len);
	f->len = MAX(f->len, (size_t)at + len);
	return 0;
}

/* One function's state is another's, if its driver takes it. */
static void state_of_another(void **state)
{
	struct env *e = *state;
	struct file first = { 0 }, second = { 0 };
	const struct vfio_saved_file one = { file_read, file_write, &first },
				     two = { file_read, file_write, &second };

	e->target.device = 0x10cb;
	fakevfio_poke(e->fn, CONFIG, 2, "\xcb", 1);
	e->opts.save_to = &one;
	env_run(e);
	env_blames(e, "state", PROOF_UNPROVED, "neither");
	assert_int_equal(env_check(e, "state")->kind, PROBLEM_UNSUPPORTED);
	assert_int_equal(first.len, 0);

	e->fn->migration = VFIO_MIGRATION_STOP_COPY;
	strcpy(e->fn->mig.inner, "of the first");
	env_run(e);
	env_all_proved(e);
	e->opts.load_from = &one;
	e->opts.save_to = &two;
	e->fn->can_reset = false; /* else the last reset of the proof forgets it */
	strcpy(e->fn->mig.inner, "of the second");
	env_run(e);
	assert_int_equal(env_check(e, "state")->verdict, PROOF_PROVED);
	assert_string_equal(second.bytes + VFIO_SAVED_HEAD, "state:of the second");
	assert_string_equal(e->fn->mig.inner, "of the first");
	first.bytes[VFIO_SAVED_HEAD] ^= 1;
	env_run(e);
	env_blames(e, "state", PROOF_FAILED, "checksum");
	assert_int_equal(e->fn->mig.state, VFIO_DEVICE_STATE_RUNNING);
}

static void resets_that_are_none(void **state)
{
	struct env *e = *state;

	e->fn->reset_spoils = true;
	e->target.device = 0x10cb;
	fakevfio_poke(e->fn, CONFIG, 2, "\xcb", 1);
	fakevfio_poke(e->fn, CONFIG, 0x10, "\x04\0\0\x40", 4);
	env_run(e);
	env_blames(e, "reset", PROOF_FAILED, "BAR at 0x010 was 0x40000004, is 0x00000000");
	e->fn->reset_spoils = false;
	e->fn->reset_ms = 60000;
	env_run(e);
	env_blames(e, "reset", PROOF_FAILED, "took 60000 ms");
	assert_int_equal(e->proof.reset_ms, 60000);
	e->fn->reset_errno = -ENOTTY;
	fake_vanish(e->h, "/sys/bus/pci/devices/" VF "/reset");
	env_run(e);
	env_blames(e, "reset", PROOF_FAILED, "knows no reset");
	env_blames(e, "reset", PROOF_FAILED, "reset " VF);
	assert_int_equal(e->proof.reset_ms, -1);
	e->fn->can_reset = false;
	env_run(e);
	env_blames(e, "reset", PROOF_UNPROVED, "no reset");
	assert_int_equal(proof_obstacle(&e->proof)->kind, PROBLEM_UNSUPPORTED);
}

static void the_command_register_is_given_back(void **state)
{
	struct env *e = *state;
	uint8_t before, after;

	fakevfio_peek(e->fn, CONFIG, 4, &before, 1);
	env_run(e);
	fakevfio_peek(e->fn, CONFIG, 4, &after, 1);
	assert_int_equal(before, after);
}

/* Whichever call into the kernel fails: a verdict, and nothing left behind. */
static void any_call_may_fail(void **state)
{
	struct env *e = *state;
	struct fakenvme n = { .namespaces = 1 };
	unsigned failed = 0;

	e->target.class_code = 0x010802;
	fakenvme_init(e->fn, &n);
	env_run(e);
	env_all_proved(e);
	for (unsigned i = 1, all = e->kernel->calls; i < all; i++) {
		n = (struct fakenvme) { .namespaces = 1 };
		e->kernel->calls = 0;
		e->kernel->fail_call = i;
		e->kernel->fail_errno = -EIO;
		env_run(e);
		failed += proof_obstacle(&e->proof) != NULL;
		e->kernel->fail_call = 0;
		assert_int_equal(e->kernel->n_objects, 0);
	}
	assert_true(failed > 50);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, env_setup, env_teardown)
	const struct CMUnitTest tests[] = {
		T(a_sound_function_is_proved),
		T(bars_are_mapped_around_the_vectors),
		T(by_its_own_node),
		T(older_interrupts_do_as_well),
		T(holders_and_drivers_are_named),
		T(a_group_that_is_not_viable_is_not_opened),
		T(a_configuration_space_that_lies),
		T(registers_that_lie),
		T(interrupts_that_get_lost),
		T(an_iommu_that_maps_anything),
		T(limits_of_mappings),
		T(a_kernel_that_names_no_ranges),
		T(migration_is_asked_for),
		T(state_is_moved),
		T(state_of_another),
		T(resets_that_are_none),
		T(the_command_register_is_given_back),
		T(any_call_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
