// SPDX-License-Identifier: GPL-2.0-or-later
/* A network function of the 82576 that works, and one for each way in which it may not. */
#include "env.h"

#include "fakevfio/fakeigb.h"

static struct fakeigb igb;

static void make(struct env *e, struct fakeigb g)
{
	igb = g;
	fakeigb_init(e->fn, &igb);
}

static int setup(void **state)
{
	struct env *e;

	env_setup(state);
	e = *state;
	make(e, (struct fakeigb) { 0 });
	return 0;
}

static void all_is_proved_with_frames(struct env *e)
{
	static const char *const wanted[] = { "rings", "loopback", "vectors", "isolation-write",
		"isolation-read", "reset", "restart" };

	env_run(e);
	env_all_proved(e);
	assert_string_equal(e->proof.device_class, "igb");
	assert_int_equal(e->proof.n, 9 + ARRAY_SIZE(wanted));
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		assert_string_equal(e->proof.v[9 + i].name, wanted[i]);
	assert_int_equal(env_check(e, "loopback")->bytes, 2 * 8 * (60 + 64 + 777 + 1514));
	assert_int_equal(env_check(e, "vectors")->interrupts, 64);
	assert_int_equal(env_check(e, "isolation-write")->faults, 1);
	assert_non_null(strstr(env_check(e, "isolation-write")->evidence, "DMA Write"));
	assert_int_equal(env_check(e, "isolation-read")->faults, 1);
	assert_non_null(strstr(env_check(e, "isolation-read")->evidence, "DMA Read"));
}

static void a_sound_vf_is_proved(void **state)
{
	struct env *e = *state;

	all_is_proved_with_frames(e);
	assert_non_null(strstr(env_check(e, "rings")->evidence, "52:54:00:aa:bb:cc"));
}

static void a_vf_without_address_takes_its_own(void **state)
{
	struct env *e = *state;

	make(e, (struct fakeigb) { .no_mac = true });
	all_is_proved_with_frames(e);
	assert_non_null(strstr(env_check(e, "rings")->evidence, "02:76:66:02:80:01"));
}

static void checksums_and_others_frames_do_not_matter(void **state)
{
	struct env *e = *state;

	make(e, (struct fakeigb) { .keeps_crc = true });
	all_is_proved_with_frames(e);
	make(e, (struct fakeigb) { .fault = FAKEIGB_CHATTER });
	env_run(e);
	env_all_proved(e);
}

static void a_sound_pf_is_proved(void **state)
{
	struct env *e = *state;

	e->target.device = 0x10c9;
	e->target.is_vf = false;
	fakevfio_poke(e->fn, VFIO_PCI_CONFIG_REGION_INDEX, 2, "\xc9", 1);
	make(e, (struct fakeigb) { .pf = true });
	all_is_proved_with_frames(e);
	assert_int_equal(igb.requests, 0);
	make(e, (struct fakeigb) { .pf = true, .fault = FAKEIGB_SURVIVES });
	env_run(e);
	env_blames(e, "restart", PROOF_FAILED, "did not stop");
}

static void every_fault_is_found(void **state)
{
	static const struct {
		enum fakeigb_fault fault;
		const char *check;
		enum proof_verdict verdict;
		const char *text;
	} cases[] = {
		{ FAKEIGB_ALL_ONES, "rings", PROOF_FAILED, "mailbox" },
		{ FAKEIGB_PF_DOWN, "rings", PROOF_UNPROVED, "does not answer" },
		{ FAKEIGB_PF_REFUSES, "rings", PROOF_FAILED, "refuses it an address" },
		{ FAKEIGB_BABBLES, "rings", PROOF_FAILED, "mailbox" },
		{ FAKEIGB_NO_LINK, "rings", PROOF_UNPROVED, "no link" },
		{ FAKEIGB_NO_QUEUES, "rings", PROOF_FAILED, "do not start" },
		{ FAKEIGB_NEVER_SENDS, "loopback", PROOF_FAILED, "never completed" },
		{ FAKEIGB_NO_LOOPBACK, "loopback", PROOF_UNPROVED, "did not come back" },
		{ FAKEIGB_WRONG_DATA, "loopback", PROOF_FAILED, "came back changed" },
		{ FAKEIGB_CUTS, "loopback", PROOF_FAILED, "came back changed" },
		{ FAKEIGB_NO_INTERRUPT, "vectors", PROOF_FAILED, "sent or received" },
		{ FAKEIGB_NO_RX_INTERRUPT, "vectors", PROOF_FAILED, "frames received" },
		{ FAKEIGB_FLOOD, "vectors", PROOF_FAILED, "a flood" },
		{ FAKEIGB_SURVIVES, "restart", PROOF_FAILED, "did not stop" },
	};
	struct env *e = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		make(e, (struct fakeigb) {
				.fault = cases[i].fault,
				.no_mac = cases[i].fault == FAKEIGB_PF_REFUSES,
			});
		env_run(e);
		env_blames(e, cases[i].check, cases[i].verdict, cases[i].text);
	}
}

static void memory_that_is_reached_is_found(void **state)
{
	struct env *e = *state;

	e->fn->ignores_iommu = true;
	env_run(e);
	env_blames(e, "isolation-write", PROOF_FAILED, "memory was written");
	/* Reading is found as well, by the frame that comes back. */
	assert_int_equal(env_check(e, "isolation-read")->verdict, PROOF_FAILED);
	assert_non_null(strstr(env_check(e, "isolation-read")->text, "sent out of memory"));
}

static void a_fault_must_be_seen(void **state)
{
	struct env *e = *state;

	e->kernel->log = NULL;
	env_run(e);
	env_blames(e, "isolation-write", PROOF_UNPROVED, "no fault was logged");
	assert_int_equal(env_check(e, "isolation-read")->verdict, PROOF_UNPROVED);
}

static void faults_can_be_left_out(void **state)
{
	struct env *e = *state;

	e->opts.no_faults = true;
	env_run(e);
	env_all_proved(e);
	assert_int_equal(env_check(e, "isolation")->verdict, PROOF_SKIPPED);
	assert_int_equal(env_check(e, "restart")->verdict, PROOF_PROVED);
}

static void it_can_be_interrupted_anywhere(void **state)
{
	struct env *e = *state;
	unsigned all;

	env_run(e);
	all = e->steps;
	for (unsigned i = 1; i <= all; i++) {
		proof_done(&e->proof);
		make(e, (struct fakeigb) { 0 });
		e->steps = 0;
		e->cancel_at = i;
		assert_int_equal(
			proof_run(e->h, &e->target, &e->opts, &e->proof, NULL), -ECANCELED);
		assert_int_equal(e->kernel->n_objects, 0);
		assert_int_equal(igb.regs[0x2828 / 4] >> 25 & 1, 0);
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, env_teardown)
	const struct CMUnitTest tests[] = {
		T(a_sound_vf_is_proved),
		T(a_vf_without_address_takes_its_own),
		T(checksums_and_others_frames_do_not_matter),
		T(a_sound_pf_is_proved),
		T(every_fault_is_found),
		T(memory_that_is_reached_is_found),
		T(a_fault_must_be_seen),
		T(faults_can_be_left_out),
		T(it_can_be_interrupted_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
