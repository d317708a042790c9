// SPDX-License-Identifier: GPL-2.0-or-later
/* What differs, what is somebody's, what was decided by hand, and what may be put right. */
#include "cm.h"
#include "machine-state.h"
#include "machine.h"
#include "drift/drift.h"
#include "fake/fake.h"
#include "lease/lease.h"
#include "plan/apply.h"

#include <stdio.h>

#define PF    "0000:01:00.0" /* igb with four VFs on igbvf */
#define VF(n) "0000:01:10." #n

struct fixture {
	struct host *h;
	char dir[40], run[56], history[56], drivers[56];
	struct journal_place place;
	struct drift drift;
};

static void start(struct fixture *f, const char *conf)
{
	*f = (struct fixture) { .dir = "/tmp/vfctl-drift-XXXXXX" };
	assert_non_null(mkdtemp(f->dir));
	(void)snprintf(f->run, sizeof(f->run), "%s/run", f->dir);
	(void)snprintf(f->history, sizeof(f->history), "%s/history", f->dir);
	(void)snprintf(f->drivers, sizeof(f->drivers), "%s/drivers", f->dir);
	f->h = fake_kernel_new(HOSTS_DIR "/s1-igb4-igbvf.tar.gz");
	f->place = (struct journal_place) { .run_dir = f->run, .history_dir = f->history };
	fake_put(f->h, "0123456789abcdef0123456789abcdef\n", "/etc/machine-id");
	fake_put(f->h, conf, "/etc/vfctl/pf.d/10-x.conf");
}

static void end(struct fixture *f)
{
	autofree char *rm = str_printf("rm -rf %s", f->dir);

	assert_int_equal(fake_hangs(f->h), 0);
	drift_done(&f->drift);
	host_free(f->h);
	assert_int_equal(system(rm), 0);
}

/* All that is found, "-> repair" when something may be put right. */
static char *find(struct fixture *f)
{
	const struct policy_opts opts = { .identity_dir = f->dir };
	const struct drift_opts how = { .driver_dir = f->drivers, .places = &f->place };
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	CLEANUP(policy_freep) struct policy *p = NULL;
	autostrbuf b = { 0 };

	drift_done(&f->drift);
	assert_int_equal(
		inventory_load(f->h, INVENTORY_OVERRIDES | INVENTORY_SRIOV, &inv, NULL), 0);
	assert_int_equal(policy_load(f->h, inv, &opts, &p), 0);
	assert_int_equal(policy_refuse(p, NULL), 0);
	assert_int_equal(drift_find(f->h, inv, p, at(PF), &how, &f->drift, NULL), 0);
	for (size_t i = 0; i < f->drift.n; i++) {
		autofree char *text = difference_text(&f->drift.v[i]);

		strbuf_add(&b, "%s%s", i ? "; " : "", text);
	}
	if (f->drift.decided)
		strbuf_add(&b, " -> by %s", f->drift.decided);
	if (f->drift.can_repair)
		strbuf_add(&b, " -> repair");
	return b.len ? strbuf_take(&b) : strdup("");
}

static void is(struct fixture *f, const char *expected)
{
	autofree char *text = find(f);

	assert_string_equal(text, expected);
}

static void has(struct fixture *f, const char *part)
{
	autofree char *text = find(f);

	if (!strstr(text, part))
		fail_msg("'%s' is not in '%s'", part, text);
}

static void set_vlan(struct fixture *f, unsigned vf, uint16_t vlan)
{
	struct host_vf_change c = { .attr = HOST_VF_VLAN, .to = { .vf = vf, .vlan = vlan } };
	int ifindex = 0;

	assert_int_equal(host_link_index(f->h, "eth0", &ifindex), 0);
	c.to.vlan_proto = 0x8100;
	assert_int_equal(host_link_set_vf(f->h, ifindex, &c), 0);
}

#define CONF(more) "[Match]\nName=eth0\n[PF]\nVirtualFunctions=4\n" more "[VF *]\nVLANId=0\n"

static void only_what_differs(void **state UNUSED)
{
	struct fixture f;

	start(&f, CONF(""));
	is(&f, "");
	set_vlan(&f, 1, 7);
	is(&f, PF "/vf1: vlan=0 is wanted, there is vlan=7 (/etc/vfctl/pf.d/10-x.conf:6)");
	fake_put(f.h, CONF("Reconcile=no\n"), "/etc/vfctl/pf.d/10-x.conf");
	is(&f, "");
	fake_put(f.h, CONF("Reconcile=repair\n"), "/etc/vfctl/pf.d/10-x.conf");
	has(&f, "there is vlan=7 (/etc/vfctl/pf.d/10-x.conf:7) -> repair");
	fake_log_clear(f.h);
	has(&f, "vlan");
	assert_string_equal(fake_log(f.h), "");
	end(&f);
}

/* Missing VFs may be made; surplus ones are told, and nobody takes them away by himself. */
static void counts(void **state UNUSED)
{
	const struct sriov_opts force = { .force = true };
	struct fixture f;

	start(&f, CONF("Reconcile=repair\n"));
	assert_int_equal(sriov_set_numvfs(f.h, at(PF), 0, &force, NULL), 1);
	has(&f, PF ": 4 VFs is wanted, there is 0");
	has(&f, "-> repair");
	assert_int_equal(sriov_set_numvfs(f.h, at(PF), 5, &force, NULL), 1);
	has(&f, PF ": 4 VFs is wanted, there is 5");
	assert_false(f.drift.can_repair);
	end(&f);
}

static void hold(struct fixture *f, const char *vf)
{
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	const char *fds[] = { NULL, NULL };
	autofree char *node = NULL;

	assert_int_equal(driver_bind(f->h, at(vf), "vfio-pci", NULL, NULL), 1);
	assert_int_equal(inventory_load(f->h, 0, &inv, NULL), 0);
	node = str_printf("/dev/vfio/%d", inventory_find_bdf(inv, at(vf))->iommu_group);
	fds[0] = node;
	fake_process(f->h, 4711, "qemu-system-x86_64 -name web1", fds);
	fake_hold(f->h, vf);
}

/* Who holds a VF keeps it as it is, whatever is put right around it. */
static void held(void **state UNUSED)
{
	struct fixture f;

	start(&f, "[Match]\nName=eth0\n[PF]\nVirtualFunctions=4\nReconcile=repair\n"
		  "[VF *]\nVLANId=0\nDriver=igbvf\n");
	hold(&f, VF(2));
	set_vlan(&f, 1, 7);
	has(&f, "4711");
	assert_false(f.drift.can_repair);
	set_vlan(&f, 3, 9);
	has(&f, PF "/vf3: vlan=0 is wanted, there is vlan=9");
	has(&f, "-> repair");
	for (size_t i = 0; i < f.drift.repair.v[0].n_vfs; i++)
		assert_int_not_equal(f.drift.repair.v[0].vfs[i].index, 1);
	/* Fewer VFs than there are: the held one would go. */
	fake_put(f.h, "[Match]\nName=eth0\n[PF]\nVirtualFunctions=1\nReconcile=repair\n",
		"/etc/vfctl/pf.d/10-x.conf");
	has(&f, PF ": 1 VFs is wanted, there is 4");
	has(&f, "left alone");
	assert_false(f.drift.can_repair);
	fake_release(f.h, VF(2));
	end(&f);
}

/* What is on a claim is as its owner wants it. */
static void claimed(void **state UNUSED)
{
	autofree char *record = NULL;
	uint64_t incarnation;
	struct fixture f;

	start(&f, CONF("Reconcile=repair\n"));
	set_vlan(&f, 0, 7);
	has(&f, "vlan=7");
	assert_int_equal(lease_incarnation(f.h, at(VF(0)), &incarnation), 0);
	record = str_printf(
		"{\"lease\":1,\"address\":\"" VF(
			0) "\",\"incarnation\":%llu,\"pf\":\"" PF
			   "\",\"vf\":0,\"pool\":null,\"state\":\"held\",\"reason\":null,\"owner\":"
			   "{\"kind\":\"manual\",\"id\":\"x\",\"pid\":0,\"start\":0,\"path\":null},"
			   "\"since\":1,\"since_boot_ms\":1,\"uid\":0,\"worker\":{\"pid\":0,\"start\":0},"
			   "\"before\":{\"driver\":\"igbvf\",\"override\":\"\",\"settings\":[]},"
			   "\"node\":{\"name\":null,\"uid\":0,\"gid\":0,\"mode\":0}}",
		(unsigned long long)incarnation);
	fake_put(f.h, record, "/run/vfctl/claims/" VF(0));
	is(&f, "");
	end(&f);
}

static void change(struct fixture *f, const char *verb, const char *word)
{
	struct apply_opts opts = { .journal = &f->place, .verb = verb };
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	const struct plan_opts how = { 0 };
	const struct bdf pf = at(PF);
	autowork *work = NULL;
	autowishes w = { 0 };
	autoplan plan = { 0 };
	autonow now = { 0 };
	struct vf_wish *vf = pf_wish_vf(wishes_pf(&w, pf), 0);

	assert_int_equal(wish_setting(&vf->settings, word), 0);
	assert_int_equal(
		inventory_load(f->h, INVENTORY_OVERRIDES | INVENTORY_SRIOV, &inv, NULL), 0);
	assert_int_equal(now_read(f->h, inv, &w, f->drivers, &now, NULL), 0);
	assert_int_equal(plan_make(inv, &now, &w, &how, &plan), 0);
	assert_int_equal(work_begin(f->h, &pf, 1, &opts, &work, NULL), 0);
	assert_int_equal(plan_apply(work, &plan, &opts, NULL, NULL), 1);
}

/* An administrator who used vfctl by hand is not fought; the next apply is the configuration's. */
static void decided_by_hand(void **state UNUSED)
{
	struct fixture f;

	start(&f, CONF("Reconcile=repair\n"));
	change(&f, "set 01:00.0/vf0 vlan=7", "vlan=7");
	has(&f, "-> by set 01:00.0/vf0 vlan=7 (1)");
	assert_false(f.drift.can_repair);
	change(&f, "apply", "vlan=0");
	is(&f, "");
	set_vlan(&f, 0, 9);
	has(&f, "-> repair");
	/* Giving and taking back decide nothing. */
	change(&f, "assign 01:10.0", "vlan=8");
	has(&f, "-> repair");
	change(&f, "applyish", "vlan=5");
	has(&f, "-> by applyish (4)");
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_differs),
		cmocka_unit_test(counts),
		cmocka_unit_test(held),
		cmocka_unit_test(claimed),
		cmocka_unit_test(decided_by_hand),
	};

	return cmocka_run_group_tests_name("drift", tests, NULL, NULL);
}
