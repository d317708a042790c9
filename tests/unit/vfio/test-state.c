/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cm.h"

#include "fakevfio/fakevfio.h"
#include "vfio/saved.h"
#include "vfio/type1.h"

#include <stdio.h>
#include <string.h>

enum { FILE_BYTES = 4096 };

struct env {
	struct fakevfio kernel;
	struct fakevfio_function *fn;
	struct vfio_space *space;
	struct vfio_device *d;
	struct vfio_saved_file file;
	char bytes[FILE_BYTES];
	size_t len, room; /* of the file; what fits on its disk */
	struct problem *why;
};

static ssize_t file_read(void *arg, void *buf, size_t len, uint64_t at)
{
	const struct env *e = arg;
	size_t n = at < e->len ? MIN(len, e->len - (size_t)at) : 0;

	memcpy(buf, e->bytes + at, n);
	return (ssize_t)n;
}

static int file_write(void *arg, const void *data, size_t len, uint64_t at)
{
	struct env *e = arg;

	if (at + len > e->room)
		return -ENOSPC;
	memcpy(e->bytes + at, data, len);
	e->len = MAX(e->len, (size_t)at + len);
	return 0;
}

static int setup(void **state)
{
	struct env *e = calloc(1, sizeof(*e));
	struct vfio_target t = { .name = "0000:01:10.0", .group = 12 };
	uint8_t config[256] = { 0x86, 0x80, 0xca, 0x10, [8] = 3, [0x2c] = 0x34, 0x12, 0x78, 0x56 };

	fakevfio_init(&e->kernel, NULL);
	e->fn = fakevfio_add(&e->kernel, "0000:01:10.0", 12, config, sizeof(config));
	e->fn->migration = VFIO_MIGRATION_STOP_COPY | VFIO_MIGRATION_P2P;
	strcpy(e->fn->mig.inner, "queue 3 at 17");
	e->file = (struct vfio_saved_file) { file_read, file_write, e };
	e->room = FILE_BYTES;
	if (vfio_type1_open(&e->kernel.host, &e->space, NULL) < 0 ||
		vfio_space_attach(e->space, &t, &e->d, NULL) < 0)
		return -1;
	*state = e;
	return 0;
}

/* Descriptors of data are closed, too, however it went. */
static int teardown(void **state)
{
	struct env *e = *state;
	unsigned left;

	problem_free(e->why);
	vfio_device_free(e->d);
	vfio_space_free(e->space);
	left = fakevfio_done(&e->kernel);
	free(e);
	return left ? -1 : 0;
}

static int save(struct env *e, struct vfio_saved *ret)
{
	problem_free(TAKE_PTR(e->why));
	e->len = 0;
	return vfio_saved_write(e->d, &e->file, 100, ret, &e->why);
}

static int load(struct env *e)
{
	struct vfio_saved s;

	problem_free(TAKE_PTR(e->why));
	return vfio_saved_read(e->d, &e->file, 100, &s, &e->why);
}

static void says(const struct env *e, const char *part)
{
	autofree char *text = e->why ? problem_text(e->why) : NULL;

	assert_non_null(text);
	if (!strstr(text, part))
		fail_msg("\"%s\" does not say \"%s\"", text, part);
}

static void hints(const struct env *e, const char *part)
{
	const char *hint = e->why ? problem_best_hint(e->why) : NULL;

	if (!hint || !strstr(hint, part))
		fail_msg("\"%s\" does not hint \"%s\"", hint ? hint : "", part);
}

static enum vfio_state now(struct env *e)
{
	enum vfio_state s = VFIO_STATE_ERROR;

	assert_int_equal(vfio_state_get(e->d, &s), 0);
	return s;
}

static void goes_out_and_in(void **state)
{
	struct env *e = *state;
	struct vfio_saved s;
	uint64_t size = 0;

	assert_int_equal(now(e), VFIO_STATE_RUNNING);
	assert_int_equal(vfio_state_size(e->d, &size), 0);
	assert_int_equal(size, strlen("state:queue 3 at 17") + 1);
	assert_int_equal(save(e, &s), 0);
	assert_int_equal(s.bytes, size);
	assert_int_equal(s.id.device, 0x10ca);
	assert_int_equal(s.id.subsystem_vendor, 0x1234);
	assert_int_equal(s.id.subsystem, 0x5678);
	assert_int_equal(s.id.revision, 3);
	assert_int_equal(e->len, VFIO_SAVED_HEAD + size);
	assert_memory_equal(e->bytes + VFIO_SAVED_HEAD, "state:queue 3 at 17", size);
	assert_int_equal(now(e), VFIO_STATE_STOP);
	assert_int_equal(vfio_device_reset(e->d, NULL), 0);
	assert_string_equal(e->fn->mig.inner, "");
	assert_int_equal(load(e), 0);
	assert_int_equal(now(e), VFIO_STATE_STOP);
	assert_string_equal(e->fn->mig.inner, "queue 3 at 17");
	assert_int_equal(vfio_state_set(e->d, VFIO_STATE_RUNNING, NULL), 0);
	/* running-p2p, stopped, copied, stopped; after the reset stopped, resumed, stopped, … */
	assert_string_equal(e->fn->mig.steps, "pscs"
					      "psis"
					      "pr");
}

static void drivers_move_little_at_a_time(void **state)
{
	struct env *e = *state;
	struct vfio_saved s;

	e->fn->migration = VFIO_MIGRATION_STOP_COPY;
	e->fn->mig.chunk = 3;
	e->fn->mig.no_size = true;
	assert_int_equal(vfio_state_size(e->d, &s.bytes), -ENOTTY);
	assert_int_equal(save(e, &s), 0);
	assert_int_equal(s.bytes, strlen("state:queue 3 at 17") + 1);
	assert_int_equal(vfio_device_reset(e->d, NULL), 0);
	assert_int_equal(load(e), 0);
	assert_string_equal(e->fn->mig.inner, "queue 3 at 17");
	assert_string_equal(e->fn->mig.steps, "scs"
					      "sis");
}

static void none_offers_none(void **state)
{
	struct env *e = *state;
	struct vfio_saved s;
	enum vfio_state is;

	e->fn->migration = 0;
	assert_int_equal(vfio_state_get(e->d, &is), -ENOTTY);
	assert_int_equal(save(e, &s), -ENOTTY);
	says(e, "offers no migration");
	assert_int_equal(e->fn->resets, 0);
	assert_int_equal(vfio_state_set(e->d, VFIO_STATE_STOP, NULL), -ENOTTY);
	assert_int_equal(e->fn->resets, 0);
}

static void what_fails_on_the_way_out_runs_on(void **state)
{
	static const unsigned steps[] = { VFIO_DEVICE_STATE_STOP, VFIO_DEVICE_STATE_STOP_COPY };
	struct env *e = *state;
	struct vfio_saved s;

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		e->fn->mig.step_errno = -EBUSY;
		e->fn->mig.fails_at = steps[i];
		assert_int_equal(save(e, &s), -EBUSY);
		says(e, "cannot make it stop-copy");
		assert_int_equal(now(e), VFIO_STATE_RUNNING);
		e->fn->mig.step_errno = 0;
	}
	e->fn->mig.no_data_fd = true;
	assert_int_equal(save(e, &s), -EBADMSG);
	assert_int_equal(now(e), VFIO_STATE_RUNNING);
	e->fn->mig.no_data_fd = false;
	e->fn->mig.data_errno = -EIO;
	e->fn->mig.data_good = 7;
	assert_int_equal(save(e, &s), -EIO);
	says(e, "after 7 bytes");
	assert_int_equal(now(e), VFIO_STATE_RUNNING);
	e->fn->mig.data_errno = -ETIMEDOUT;
	assert_int_equal(save(e, &s), -ETIMEDOUT);
	assert_int_equal(e->why->kind, PROBLEM_TIMEOUT);
	e->fn->mig.data_errno = 0;
	e->room = VFIO_SAVED_HEAD + 5;
	assert_int_equal(save(e, &s), -ENOSPC);
	assert_int_equal(now(e), VFIO_STATE_RUNNING);
	e->room = VFIO_SAVED_HEAD - 1;
	assert_int_equal(save(e, &s), -ENOSPC);
	says(e, "file");
	assert_int_equal(e->fn->resets, 0);
	assert_string_equal(e->fn->mig.inner, "queue 3 at 17");
}

static void what_is_lost_is_reset(void **state)
{
	struct env *e = *state;
	struct vfio_saved s;

	e->fn->mig.step_errno = -EIO;
	e->fn->mig.fails_at = VFIO_DEVICE_STATE_STOP_COPY;
	e->fn->mig.fails_for_good = true;
	assert_int_equal(save(e, &s), -EIO);
	assert_int_equal(e->fn->resets, 1);
	assert_int_equal(now(e), VFIO_STATE_RUNNING);
	hints(e, "has forgotten");
	e->fn->mig.deaf_to_reset = true;
	assert_int_equal(save(e, &s), -EIO);
	assert_int_equal(e->fn->mig.state, VFIO_DEVICE_STATE_ERROR);
	hints(e, "bind it anew");
	e->fn->mig.deaf_to_reset = false;
	e->fn->reset_errno = -ENOTTY;
	problem_free(TAKE_PTR(e->why));
	assert_int_equal(vfio_state_set(e->d, VFIO_STATE_RUNNING, &e->why), -EINVAL);
	hints(e, "bind it anew");
}

static void what_fails_on_the_way_in_is_reset(void **state)
{
	struct env *e = *state;
	struct vfio_saved s;

	assert_int_equal(save(e, &s), 0);
	assert_int_equal(vfio_state_set(e->d, VFIO_STATE_RUNNING, NULL), 0);
	e->fn->mig.data_errno = -EIO;
	e->fn->mig.data_good = 4;
	assert_int_equal(load(e), -EIO);
	says(e, "written, after");
	hints(e, "has forgotten");
	assert_int_equal(e->fn->resets, 1);
	assert_int_equal(now(e), VFIO_STATE_RUNNING);
	e->fn->mig.data_errno = 0;
	e->fn->mig.step_errno = -ENOMEM;
	e->fn->mig.fails_at = VFIO_DEVICE_STATE_RESUMING;
	assert_int_equal(load(e), -ENOMEM);
	assert_int_equal(e->fn->resets, 2);
	e->fn->mig.step_errno = 0;
	/* One that cannot be reset shall not stay half-way. */
	e->fn->reset_errno = -ENOTTY;
	e->fn->mig.step_errno = -ENOMEM;
	assert_int_equal(load(e), -ENOMEM);
	hints(e, "nobody knows");
	assert_int_equal(now(e), VFIO_STATE_RUNNING);
	e->fn->mig.step_errno = e->fn->reset_errno = 0;
	/* Whole, and nothing that this driver understands. */
	memcpy(e->fn->mig.inner, "new", 4);
	assert_int_equal(save(e, &s), 0);
	assert_int_equal(vfio_state_set(e->d, VFIO_STATE_RUNNING, NULL), 0);
	memcpy(e->fn->mig.inner, "own", 4);
	e->fn->mig.step_errno = -EINVAL;
	e->fn->mig.fails_at = VFIO_DEVICE_STATE_STOP;
	assert_int_equal(load(e), -EINVAL);
	e->fn->mig.step_errno = 0;
	assert_int_equal(load(e), 0);
	assert_string_equal(e->fn->mig.inner, "new");
}

/* Each byte of the file counts; the function is not touched for a bad one. */
static void damaged_files_are_refused(void **state)
{
	struct env *e = *state;
	struct vfio_saved s;
	size_t len;

	assert_int_equal(save(e, &s), 0);
	assert_int_equal(vfio_state_set(e->d, VFIO_STATE_RUNNING, NULL), 0);
	memset(e->fn->mig.steps, 0, sizeof(e->fn->mig.steps));
	len = e->len;
	for (size_t i = 0; i < len; i++) {
		e->bytes[i] ^= 0x40;
		assert_true(load(e) < 0);
		e->bytes[i] ^= 0x40;
	}
	for (e->len = 0; e->len < len; e->len++)
		assert_int_equal(load(e), -EBADMSG);
	e->len = len + 1;
	assert_int_equal(load(e), -EBADMSG);
	says(e, "not as long");
	e->len = len;
	e->bytes[16] = 2;
	assert_int_equal(load(e), -EPROTONOSUPPORT);
	says(e, "format 2");
	e->bytes[16] = 1;
	e->bytes[len - 1] ^= 1;
	assert_int_equal(load(e), -EBADMSG);
	says(e, "checksum");
	assert_string_equal(e->fn->mig.steps, "");
	assert_int_equal(e->fn->resets, 0);
}

static void half_a_file_is_none(void **state)
{
	struct env *e = *state;
	struct vfio_saved s;

	e->fn->mig.data_errno = -EIO;
	e->fn->mig.data_good = 9;
	assert_int_equal(save(e, &s), -EIO);
	assert_int_equal(e->len, VFIO_SAVED_HEAD + 9);
	assert_int_equal(load(e), -EBADMSG);
	says(e, "never saved to its end");
}

static void other_functions_do_not_get_it(void **state)
{
	struct env *e = *state;
	struct vfio_saved s;

	assert_int_equal(save(e, &s), 0);
	memset(e->fn->mig.steps, 0, sizeof(e->fn->mig.steps));
	fakevfio_poke(e->fn, VFIO_PCI_CONFIG_REGION_INDEX, 8, "\x04", 1);
	assert_int_equal(load(e), -EINVAL);
	says(e, "revision 03");
	says(e, "revision 04");
	assert_string_equal(e->fn->mig.steps, "");
}

/* The n-th call fails, whichever: no descriptor stays open, nothing crashes, an error is told. */
static void any_call_may_fail(void **state)
{
	struct env *e = *state;
	struct vfio_saved s;
	unsigned n = 0;
	int r;

	do {
		e->fn->mig.state = VFIO_DEVICE_STATE_RUNNING;
		memset(e->fn->mig.steps, 0, sizeof(e->fn->mig.steps));
		e->kernel.fail_errno = -EIO;
		e->kernel.fail_call = e->kernel.calls + ++n;
		r = save(e, &s);
		r = r < 0 ? r : load(e);
		assert_true(r == 0 || e->why);
		assert_int_equal(e->kernel.n_objects, 3);
	} while (r < 0);
	assert_true(n > 8);
}

static void states_have_names(void **state UNUSED)
{
	assert_string_equal(vfio_state_name(VFIO_STATE_ERROR), "error");
	assert_string_equal(vfio_state_name(VFIO_STATE_PRE_COPY_P2P), "pre-copy-p2p");
	assert_string_equal(vfio_state_name((enum vfio_state)8), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(goes_out_and_in, setup, teardown),
		cmocka_unit_test_setup_teardown(drivers_move_little_at_a_time, setup, teardown),
		cmocka_unit_test_setup_teardown(none_offers_none, setup, teardown),
		cmocka_unit_test_setup_teardown(what_fails_on_the_way_out_runs_on, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_lost_is_reset, setup, teardown),
		cmocka_unit_test_setup_teardown(what_fails_on_the_way_in_is_reset, setup, teardown),
		cmocka_unit_test_setup_teardown(damaged_files_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(half_a_file_is_none, setup, teardown),
		cmocka_unit_test_setup_teardown(other_functions_do_not_get_it, setup, teardown),
		cmocka_unit_test_setup_teardown(any_call_may_fail, setup, teardown),
		cmocka_unit_test(states_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
