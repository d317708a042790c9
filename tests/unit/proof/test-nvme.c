// SPDX-License-Identifier: GPL-2.0-or-later
/* An NVMe controller that works, and one for each way in which it may not. */
#include "env.h"

#include "fakevfio/fakenvme.h"

static struct fakenvme nvme;

static int setup(void **state)
{
	struct env *e;

	env_setup(state);
	e = *state;
	nvme = (struct fakenvme) { .namespaces = 1 };
	e->target.class_code = 0x010802;
	fakenvme_init(e->fn, &nvme);
	return 0;
}

static void a_sound_controller_is_proved(void **state)
{
	static const char *const wanted[] = { "controller", "identify", "admin-interrupts",
		"io-queue", "read", "io-interrupts", "isolation", "reset", "restart" };
	struct env *e = *state;

	env_run(e);
	env_all_proved(e);
	assert_string_equal(e->proof.device_class, "nvme");
	assert_int_equal(e->proof.n, 9 + ARRAY_SIZE(wanted));
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		assert_string_equal(e->proof.v[9 + i].name, wanted[i]);
	assert_int_equal(env_check(e, "identify")->bytes, 8192);
	assert_int_equal(env_check(e, "read")->bytes, 1024);
	assert_int_equal(env_check(e, "admin-interrupts")->interrupts, 2);
	assert_int_equal(env_check(e, "io-interrupts")->interrupts, 2);
	assert_int_equal(env_check(e, "isolation")->faults, 1);
	assert_non_null(strstr(env_check(e, "isolation")->evidence, "fault addr 0x"));
	/* A name that could speak to a terminal is told printable. */
	assert_non_null(strstr(env_check(e, "identify")->evidence, "A fake controller\\x1b"));
	assert_null(strchr(env_check(e, "identify")->evidence, 0x1b));
	assert_int_equal(nvme.writes, 0);
	assert_int_equal(nvme.reads, 2);
	assert_int_equal(nvme.cc & 1, 0);
}

static void through_iommufd_as_well(void **state)
{
	struct env *e = *state;

	fake_iommufd(e->h);
	e->opts.backend = VFIO_BACKEND_IOMMUFD;
	env_run(e);
	env_all_proved(e);
	assert_int_equal(env_check(e, "read")->bytes, 1024);
	assert_int_equal(env_check(e, "isolation")->faults, 1);
	assert_false(e->fn->bound || e->fn->group_open);
}

static void one_interrupt_is_enough(void **state)
{
	struct env *e = *state;

	nvme.interrupts = 1;
	env_run(e);
	env_all_proved(e);
	assert_int_equal(env_check(e, "io-interrupts")->interrupts, 2);
	assert_non_null(strstr(env_check(e, "io-queue")->text, "vector 0"));
}

static void without_a_namespace_nothing_is_read(void **state)
{
	struct env *e = *state;

	nvme.namespaces = 0;
	env_run(e);
	env_all_proved(e);
	assert_int_equal(env_check(e, "read")->verdict, PROOF_SKIPPED);
	assert_int_equal(nvme.reads, 0);
}

static void every_fault_is_found(void **state)
{
	static const struct {
		enum fakenvme_fault fault;
		const char *check;
		enum proof_verdict verdict;
		const char *text;
	} cases[] = {
		{ FAKENVME_OFFLINE, "controller", PROOF_FAILED, "offline" },
		{ FAKENVME_ALL_ONES, "regions", PROOF_PROVED, NULL },
		{ FAKENVME_NEVER_READY, "controller", PROOF_FAILED, "no answer in time" },
		{ FAKENVME_FATAL, "controller", PROOF_FAILED, "fatal" },
		{ FAKENVME_NEVER_COMPLETES, "identify", PROOF_FAILED, "no answer in time" },
		{ FAKENVME_FOREIGN, "identify", PROOF_FAILED, "never asked" },
		{ FAKENVME_WRONG_DATA, "identify", PROOF_FAILED, "different answers" },
		{ FAKENVME_NO_DATA, "identify", PROOF_FAILED, "different answers" },
		{ FAKENVME_TOO_MUCH, "read", PROOF_FAILED, "behind the end" },
		{ FAKENVME_REFUSES_IO, "io-queue", PROOF_FAILED, "0x101" },
		{ FAKENVME_NO_INTERRUPT, "admin-interrupts", PROOF_FAILED, "no interrupt" },
		{ FAKENVME_FLOOD, "admin-interrupts", PROOF_FAILED, "a flood" },
		{ FAKENVME_SURVIVES, "restart", PROOF_FAILED, "did not stop" },
		{ FAKENVME_NO_SHUTDOWN, "restart", PROOF_FAILED, "does not shut down" },
		{ FAKENVME_DIES, "restart", PROOF_FAILED, "does not start" },
	};
	struct env *e = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		nvme = (struct fakenvme) { .namespaces = 1, .fault = cases[i].fault };
		env_run(e);
		if (cases[i].text)
			env_blames(e, cases[i].check, cases[i].verdict, cases[i].text);
		else
			env_blames(e, "controller", PROOF_FAILED, "all ones");
		assert_int_equal(nvme.writes, 0);
	}
}

static void memory_that_is_reached_is_found(void **state)
{
	struct env *e = *state;

	e->fn->ignores_iommu = true;
	env_run(e);
	env_blames(e, "isolation", PROOF_FAILED, "memory was written");
	assert_non_null(strstr(proof_obstacle(&e->proof)->hint, "do not assign"));
}

static void a_fault_must_be_seen(void **state)
{
	struct env *e = *state;

	/* The controller's own error is proof enough that it tried. The log is marked twice. */
	fake_fail_nth(e->h, FAKE_LOG, 2, -EPERM);
	env_run(e);
	env_all_proved(e);
	assert_int_equal(env_check(e, "isolation")->faults, 0);
	nvme = (struct fakenvme) { .namespaces = 1, .fault = FAKENVME_HIDES_FAULTS };
	fake_fail_nth(e->h, FAKE_LOG, 2, -EPERM);
	env_run(e);
	env_blames(e, "isolation", PROOF_UNPROVED, "log cannot be read");
	e->kernel->log = NULL;
	nvme = (struct fakenvme) { .namespaces = 1, .fault = FAKENVME_HIDES_FAULTS };
	env_run(e);
	env_blames(e, "isolation", PROOF_UNPROVED, "no fault was logged");
}

static void faults_can_be_left_out(void **state)
{
	struct env *e = *state;

	e->opts.no_faults = true;
	e->fn->ignores_iommu = true;
	env_run(e);
	env_all_proved(e);
	assert_int_equal(env_check(e, "isolation")->verdict, PROOF_SKIPPED);
	assert_int_equal(e->kernel->maps, 8 + 1 + 1); /* none of a page to be unmapped */
}

/* The time that a silent controller may cost: it is bounded, and not long. */
static void silence_ends(void **state)
{
	struct env *e = *state;
	uint64_t start = host_now_ms(e->h);

	nvme.fault = FAKENVME_NEVER_COMPLETES;
	env_run(e);
	assert_true(host_now_ms(e->h) - start < 20000);
}

static void it_can_be_interrupted_anywhere(void **state)
{
	struct env *e = *state;
	unsigned all;
	struct problem *p = NULL;

	env_run(e);
	all = e->steps;
	assert_true(all > 10);
	for (unsigned i = 1; i <= all; i++) {
		proof_done(&e->proof);
		nvme = (struct fakenvme) { .namespaces = 1 };
		e->steps = 0;
		e->cancel_at = i;
		e->fn->resets = 0;
		assert_int_equal(proof_run(e->h, &e->target, &e->opts, &e->proof, &p), -ECANCELED);
		assert_non_null(strstr(p->what, "interrupted"));
		problem_free(TAKE_PTR(p));
		assert_int_equal(e->kernel->n_objects, 0);
		assert_true(e->fn->resets > 0);
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, env_teardown)
	const struct CMUnitTest tests[] = {
		T(a_sound_controller_is_proved),
		T(through_iommufd_as_well),
		T(one_interrupt_is_enough),
		T(without_a_namespace_nothing_is_read),
		T(every_fault_is_found),
		T(memory_that_is_reached_is_found),
		T(a_fault_must_be_seen),
		T(faults_can_be_left_out),
		T(silence_ends),
		T(it_can_be_interrupted_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
