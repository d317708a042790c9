// SPDX-License-Identifier: GPL-2.0-or-later
/* Wishes, plans, the history and undo, on a kernel that behaves as the measured one. */
#include "env.h"

#define PF "0000:01:00.0"
#define VF "0000:01:10.0"

struct fixture {
	struct vfctl_host *h;
	struct host *kernel;
	struct vfctl_wishes *w;
	struct vfctl_plan *p;
	struct vfctl_error *e;
	char dir[32];
};

static struct fixture start(const char *capture)
{
	struct fixture f = { .dir = "/tmp/vfctl-api-XXXXXX" };
	autofree char *state = NULL, *run = NULL;

	assert_non_null(mkdtemp(f.dir));
	f.h = fake_machine(capture, &f.kernel);
	state = str_printf("%s/lib", f.dir);
	run = str_printf("%s/run", f.dir);
	assert_int_equal(vfctl_host_set_state_dir(f.h, state), 0);
	assert_int_equal(vfctl_host_set_run_dir(f.h, run), 0);
	assert_int_equal(vfctl_wishes_new(&f.w, NULL), 0);
	return f;
}

static void end(struct fixture *f)
{
	autofree char *command = str_printf("rm -r %s", f->dir);

	vfctl_error_free(f->e);
	vfctl_plan_free(f->p);
	vfctl_wishes_free(f->w);
	assert_int_equal(fake_hangs(f->kernel), 0);
	vfctl_host_close(f->h);
	assert_int_equal(system(command), 0);
}

static void plan(struct fixture *f, unsigned flags)
{
	vfctl_plan_free(f->p);
	f->p = NULL;
	assert_int_equal(vfctl_plan_make(f->h, f->w, flags, &f->p, NULL), 0);
}

/* Two VFs, the first with a VLAN and on VFIO: looked at, done, found in the history, undone. */
static void there_and_back(void **state UNUSED)
{
	struct fixture f = start("s0-pf-only");
	const struct vfctl_entry *entry;
	struct vfctl_history *past = NULL;
	const struct vfctl_step *s;
	const char *why;
	unsigned id = 0;

	assert_int_equal(vfctl_wishes_vfs(f.w, PF, 2, NULL), 0);
	assert_int_equal(vfctl_wishes_set(f.w, PF, 0, "vlan=100", NULL), 0);
	assert_int_equal(vfctl_wishes_driver(f.w, PF, 0, "vfio", NULL), 0);
	plan(&f, 0);
	assert_true(vfctl_plan_steps(f.p) >= 3);
	assert_int_equal(vfctl_plan_refusals(f.p), 0);
	assert_int_equal(vfctl_plan_losses(f.p), 0);
	assert_int_equal(fake_num_vfs(f.kernel, PF), 0);
	s = vfctl_plan_step(f.p, 0);
	assert_string_equal(vfctl_step_target(s), PF);
	assert_string_equal(vfctl_step_action(s), "2 VFs");
	assert_string_equal(vfctl_step_was(s), "0");
	assert_string_equal(vfctl_step_undo(s), "no VFs");
	assert_null(vfctl_plan_step(f.p, vfctl_plan_steps(f.p)));
	assert_int_equal(vfctl_plan_apply(f.h, f.p, "provision", &id, NULL), 1);
	assert_int_equal(id, 1);
	driver_is(f.kernel, VF, "vfio-pci");
	driver_is(f.kernel, "0000:01:10.2", "igbvf");

	/* All is so already. */
	plan(&f, 0);
	assert_int_equal(vfctl_plan_steps(f.p), 0);
	assert_int_equal(vfctl_plan_apply(f.h, f.p, "again", &id, NULL), 0);
	assert_int_equal(id, 0);

	assert_int_equal(vfctl_history_read(f.h, &past, NULL), 0);
	assert_int_equal(vfctl_history_entries(past), 1);
	assert_null(vfctl_history_entry(past, 1));
	entry = vfctl_history_entry(past, 0);
	assert_int_equal(vfctl_entry_id(entry), 1);
	assert_string_equal(vfctl_entry_command(entry), "provision");
	assert_string_equal(vfctl_entry_outcome(entry), "done");
	assert_true(vfctl_entry_begin(entry) <= vfctl_entry_end(entry));
	assert_string_equal(vfctl_step_action(vfctl_entry_step(entry, 0)), "2 VFs");
	assert_int_equal(vfctl_entry_result(entry, 0, &why), 1);
	assert_null(why);
	assert_int_equal(vfctl_entry_result(entry, vfctl_entry_steps(entry), NULL), -ECANCELED);
	vfctl_history_free(past);

	vfctl_plan_free(f.p);
	f.p = NULL;
	assert_int_equal(vfctl_plan_undo(f.h, 1, 0, &f.p, NULL), 0);
	assert_int_equal(vfctl_plan_apply(f.h, f.p, "undo 1", &id, NULL), 1);
	assert_int_equal(id, 2);
	assert_int_equal(fake_num_vfs(f.kernel, PF), 0);
	end(&f);
}

/* VFs that exist go only with consent, and who uses them is named. */
static void losses_and_refusals(void **state UNUSED)
{
	struct fixture f = start("s1-igb4-igbvf");
	const struct vfctl_loss *l;

	assert_int_equal(vfctl_wishes_vfs(f.w, PF, 0, NULL), 0);
	plan(&f, 0);
	assert_int_equal(vfctl_plan_steps(f.p), 0);
	assert_int_equal(vfctl_plan_refusals(f.p), 1);
	assert_string_equal(vfctl_error_kind(vfctl_plan_refusal(f.p, 0)), "in-use");
	assert_null(vfctl_plan_refusal(f.p, 1));
	assert_int_equal(vfctl_plan_losses(f.p), 4);
	l = vfctl_plan_loss(f.p, 0);
	assert_string_equal(vfctl_loss_function(l), VF);
	assert_int_equal(vfctl_loss_destroyed(l), 1);
	assert_string_equal(vfctl_loss_user(l), "igbvf");
	assert_null(vfctl_plan_loss(f.p, 4));
	assert_int_equal(vfctl_plan_apply(f.h, f.p, "x", NULL, &f.e), -EBUSY);
	assert_kind(&f.e, "in-use");
	assert_int_equal(fake_num_vfs(f.kernel, PF), 4);
	plan(&f, VFCTL_ALLOW_DESTROY);
	assert_int_equal(vfctl_plan_apply(f.h, f.p, "x", NULL, NULL), 1);
	assert_int_equal(fake_num_vfs(f.kernel, PF), 0);
	end(&f);
}

/* What is applied is what was shown: else it is refused, and nothing done. */
static void a_stale_plan(void **state UNUSED)
{
	struct fixture f = start("s1-igb4-igbvf");

	assert_int_equal(vfctl_wishes_driver(f.w, PF, 0, "vfio", NULL), 0);
	assert_int_equal(vfctl_wishes_driver(f.w, PF, 1, "vfio", NULL), 0);
	plan(&f, 0);
	assert_int_equal(vfctl_bind(f.h, VF, NULL, 0, NULL), 1);
	assert_int_equal(vfctl_plan_apply(f.h, f.p, "x", NULL, &f.e), -ESTALE);
	assert_kind(&f.e, "drift");
	driver_is(f.kernel, "0000:01:10.2", "igbvf");
	plan(&f, 0);
	assert_int_equal(vfctl_plan_apply(f.h, f.p, "x", NULL, NULL), 1);
	driver_is(f.kernel, "0000:01:10.2", "vfio-pci");
	end(&f);
}

/* Single acts are in the history too; what somebody changed since is not undone in silence. */
static void undo_after_drift(void **state UNUSED)
{
	struct fixture f = start("s1-igb4-igbvf");
	struct vfctl_history *past = NULL;

	assert_int_equal(vfctl_bind(f.h, VF, NULL, 0, NULL), 1);
	assert_int_equal(vfctl_history_read(f.h, &past, NULL), 0);
	assert_int_equal(vfctl_history_entries(past), 1);
	assert_string_equal(
		vfctl_entry_command(vfctl_history_entry(past, 0)), "libvfctl: bind " VF);
	vfctl_history_free(past);
	assert_int_equal(vfctl_unbind(f.h, VF, 0, NULL), 1);
	assert_int_equal(vfctl_plan_undo(f.h, 1, 0, &f.p, &f.e), -ESTALE);
	assert_kind(&f.e, "drift");
	assert_null(f.p);
	assert_int_equal(vfctl_plan_undo(f.h, 1, VFCTL_ALLOW_DRIFT, &f.p, NULL), 0);
	assert_int_equal(vfctl_plan_apply(f.h, f.p, "undo", NULL, NULL), 1);
	driver_is(f.kernel, VF, "igbvf");
	assert_int_equal(vfctl_plan_undo(f.h, 77, 0, &f.p, &f.e), -ENOENT);
	assert_kind(&f.e, "not-found");
	assert_int_equal(vfctl_recover(f.h, NULL), 0);
	end(&f);
}

/* What was done to one card is not taken back on another, drift allowed or not. */
static void undo_on_another_card(void **state UNUSED)
{
	struct fixture f = start("s0-pf-only");

	assert_int_equal(vfctl_wishes_vfs(f.w, PF, 2, NULL), 0);
	plan(&f, 0);
	assert_int_equal(vfctl_plan_apply(f.h, f.p, "two", NULL, NULL), 1);
	vfctl_plan_free(f.p);
	f.p = NULL;
	fake_put(f.kernel, "pci:v00008086d00001521sv00001AF4sd00001100bc02sc00i00\n",
		"/sys/bus/pci/devices/" PF "/modalias");
	assert_int_equal(vfctl_plan_undo(f.h, 1, VFCTL_ALLOW_DRIFT, &f.p, &f.e), -ESTALE);
	assert_kind(&f.e, "drift");
	assert_null(f.p);
	end(&f);
}

static void nonsense(void **state UNUSED)
{
	struct fixture f = start("s0-pf-only");
	struct vfctl_plan *none = NULL;

	assert_int_equal(vfctl_wishes_vfs(f.w, "eth0", 2, &f.e), -EINVAL);
	assert_kind(&f.e, "usage");
	assert_int_equal(vfctl_wishes_vfs(f.w, PF, 70000, &f.e), -EINVAL);
	assert_kind(&f.e, "usage");
	assert_int_equal(vfctl_wishes_set(f.w, PF, 0, "vlan=5000", &f.e), -EINVAL);
	assert_kind(&f.e, "usage");
	assert_int_equal(vfctl_wishes_set(f.w, PF, -2, "vlan=5", NULL), -EINVAL);
	assert_int_equal(vfctl_wishes_driver(f.w, PF, 0, "../x", NULL), -EINVAL);
	assert_int_equal(vfctl_wishes_driver(f.w, PF, 0, NULL, NULL), -EINVAL);
	assert_int_equal(vfctl_wishes_autoprobe(f.w, NULL, 1, NULL), -EINVAL);
	plan(&f, 0); /* nothing of that was taken */
	assert_int_equal(vfctl_plan_steps(f.p), 0);
	assert_int_equal(vfctl_plan_make(f.h, f.w, VFCTL_DRY_RUN, &none, NULL), -EINVAL);
	assert_null(none);
	/* More than the PF has: refused in the plan. */
	assert_int_equal(vfctl_wishes_vfs(f.w, PF, 8, NULL), 0);
	plan(&f, 0);
	assert_string_equal(vfctl_error_kind(vfctl_plan_refusal(f.p, 0)), "too-many-vfs");
	assert_int_equal(vfctl_wishes_autoprobe(f.w, PF, 0, NULL), 0);
	assert_int_equal(vfctl_wishes_vfs(f.w, PF, 1, NULL), 0);
	plan(&f, 0);
	assert_int_equal(vfctl_plan_apply(f.h, f.p, "quietly", NULL, NULL), 1);
	driver_is(f.kernel, VF, NULL);
	end(&f);
}

/* What a picture shows can be wished for elsewhere. */
static void a_picture_is_a_wish(void **state UNUSED)
{
	static const char picture[] = "{\"functions\":[{\"address\":\"" PF "\",\"kind\":\"pf\","
				      "\"sriov\":{\"num_vfs\":3}}]}";
	struct fixture f = start("s0-pf-only");

	vfctl_wishes_free(f.w);
	f.w = NULL;
	assert_int_equal(vfctl_wishes_from_json("{", "x.json", &f.w, &f.e), -EINVAL);
	assert_non_null(strstr(vfctl_error_message(f.e), "x.json"));
	assert_kind(&f.e, "usage");
	assert_null(f.w);
	assert_int_equal(vfctl_wishes_from_json(picture, "x.json", &f.w, NULL), 0);
	plan(&f, 0);
	assert_string_equal(vfctl_step_action(vfctl_plan_step(f.p, 0)), "3 VFs");
	end(&f);
}

static void captured_machines_can_be_planned_for(void **state UNUSED)
{
	struct vfctl_host *h = captured("s0-pf-only");
	struct vfctl_wishes *w = NULL;
	struct vfctl_plan *p = NULL;
	struct vfctl_error *e = NULL;
	struct vfctl_history *past = NULL;

	assert_int_equal(vfctl_wishes_new(&w, NULL), 0);
	assert_int_equal(vfctl_wishes_vfs(w, PF, 2, NULL), 0);
	assert_int_equal(vfctl_plan_make(h, w, 0, &p, NULL), 0);
	assert_int_equal(vfctl_plan_steps(p), 1);
	assert_int_equal(vfctl_plan_apply(h, p, "x", NULL, &e), -EROFS);
	assert_kind(&e, "read-only-root");
	assert_int_equal(vfctl_history_read(h, &past, NULL), 0);
	assert_int_equal(vfctl_history_entries(past), 0);
	vfctl_history_free(past);
	vfctl_plan_free(p);
	vfctl_wishes_free(w);
	vfctl_host_close(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(losses_and_refusals),
		cmocka_unit_test(a_stale_plan),
		cmocka_unit_test(undo_after_drift),
		cmocka_unit_test(undo_on_another_card),
		cmocka_unit_test(nonsense),
		cmocka_unit_test(a_picture_is_a_wish),
		cmocka_unit_test(captured_machines_can_be_planned_for),
	};

	return cmocka_run_group_tests_name("api/plan", tests, NULL, NULL);
}
