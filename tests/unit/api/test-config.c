// SPDX-License-Identifier: GPL-2.0-or-later
/* Configuration, ours and others', and captures. */
#include "env.h"

#include <stdio.h>

#define PF "0000:01:00.0"

#define GOOD                                                                                       \
	"[Match]\nName=eth0\n[PF]\nVirtualFunctions=2\n[VF *]\nDriver=vfio\nPool=guests\n"         \
	"[VF 1]\nVLANId=100\n"

struct fixture {
	struct vfctl_host *h;
	struct host *kernel;
	struct vfctl_snapshot *s;
	struct vfctl_policy *p;
	char dir[32];
};

static struct fixture start(const char *conf)
{
	struct fixture f = { .dir = "/tmp/vfctl-api-XXXXXX" };

	assert_non_null(mkdtemp(f.dir));
	f.h = fake_machine("s0-pf-only", &f.kernel);
	assert_int_equal(vfctl_host_set_state_dir(f.h, f.dir), 0);
	if (conf)
		fake_put(f.kernel, conf, "/etc/vfctl/pf.d/10-x.conf");
	f.s = picture(f.h);
	assert_int_equal(vfctl_policy_load(f.h, f.s, NULL, &f.p, NULL), 0);
	return f;
}

static void end(struct fixture *f)
{
	autofree char *command = str_printf("rm -r %s", f->dir);

	vfctl_policy_free(f->p);
	vfctl_snapshot_free(f->s);
	vfctl_host_close(f->h);
	assert_int_equal(system(command), 0);
}

static void values_and_pools(void **state UNUSED)
{
	const struct vfctl_function *pf = NULL, *function = NULL;
	const char *key = NULL, *value = NULL, *file = NULL;
	struct fixture f = start(GOOD);
	unsigned line = 0;
	int vf = 0;

	assert_int_equal(vfctl_policy_findings(f.p), 0);
	assert_null(vfctl_policy_finding(f.p, 0));
	assert_int_equal(vfctl_policy_pfs(f.p), 1);
	pf = vfctl_policy_pf(f.p, 0);
	assert_null(vfctl_policy_pf(f.p, 1));
	assert_string_equal(vfctl_function_address(pf), "0000:01:00.0");
	assert_int_equal(
		vfctl_policy_value(f.p, pf, VFCTL_ITSELF, 0, &key, &value, &file, &line), 0);
	assert_string_equal(key, "VirtualFunctions");
	assert_string_equal(value, "2");
	assert_string_equal(file, "/etc/vfctl/pf.d/10-x.conf");
	assert_int_equal(line, 4);
	assert_int_equal(vfctl_policy_value(f.p, pf, 1, 2, NULL, NULL, NULL, NULL), 0);
	assert_int_equal(vfctl_policy_value(f.p, pf, 1, 3, NULL, NULL, NULL, NULL), -ENOENT);
	assert_int_equal(vfctl_policy_value(f.p, pf, 9, 0, NULL, NULL, NULL, NULL), -ENOENT);
	assert_int_equal(vfctl_policy_pools(f.p), 1);
	assert_string_equal(vfctl_policy_pool(f.p, 0), "guests");
	assert_null(vfctl_policy_pool(f.p, 1));
	assert_int_equal(vfctl_policy_pool_member(f.p, 0, 1, &pf, &vf, &function), 0);
	assert_string_equal(vfctl_function_address(pf), "0000:01:00.0");
	assert_int_equal(vf, 1);
	assert_null(function);
	assert_int_equal(vfctl_policy_pool_member(f.p, 0, 2, &pf, &vf, &function), -ENOENT);
	assert_int_equal(vfctl_policy_pool_member(f.p, 1, 0, &pf, &vf, &function), -ENOENT);
	end(&f);
}

static void configuration_is_applied(void **state UNUSED)
{
	struct fixture f = start(GOOD);
	struct vfctl_wishes *w = NULL;
	struct vfctl_plan *p = NULL;
	struct vfctl_error *e = NULL;

	assert_int_equal(vfctl_policy_wishes(f.p, &w, NULL), 0);
	assert_int_equal(vfctl_plan_make(f.h, w, 0, &p, NULL), 0);
	vfctl_wishes_free(w); /* the plan has a copy */
	assert_int_equal(vfctl_plan_apply(f.h, p, "apply", NULL, NULL), 1);
	vfctl_plan_free(p);
	assert_int_equal(fake_num_vfs(f.kernel, PF), 2);
	driver_is(f.kernel, "0000:01:10.2", "vfio-pci");
	/* Which card that was is known from now on: another one is left alone. */
	assert_int_equal(vfctl_set_vfs(f.h, PF, 0, VFCTL_DRY_RUN, NULL), 1);
	fake_put(f.kernel, "pci:v00008086d00001572sv00001AF4sd00001100bc02sc00i00\n",
		"/sys/bus/pci/devices/" PF "/modalias");
	assert_int_equal(vfctl_set_vfs(f.h, PF, 0, VFCTL_DRY_RUN, &e), -ESTALE);
	assert_kind(&e, "drift");
	end(&f);
}

static void findings(void **state UNUSED)
{
	struct fixture f = start("[Match]\nName=eth0\n[PF]\nVirtualFunction=2\n");
	const struct vfctl_finding *wrong = vfctl_policy_finding(f.p, 0);
	struct vfctl_wishes *w = NULL;
	struct vfctl_error *e = NULL;

	assert_int_equal(vfctl_policy_findings(f.p), 1);
	assert_string_equal(vfctl_finding_level(wrong), "error");
	assert_string_equal(vfctl_finding_kind(wrong), "unknown-key");
	assert_string_equal(vfctl_finding_file(wrong), "/etc/vfctl/pf.d/10-x.conf");
	assert_int_equal(vfctl_finding_line(wrong), 4);
	assert_int_equal(vfctl_finding_column(wrong), 1);
	assert_string_equal(vfctl_finding_text(wrong), "[PF] has no key VirtualFunction=");
	assert_string_equal(vfctl_finding_hint(wrong), "did you mean VirtualFunctions=?");
	assert_int_equal(vfctl_policy_wishes(f.p, &w, &e), -EINVAL);
	assert_kind(&e, "usage");
	assert_null(w);
	end(&f);
}

/* Files of this machine, whatever the machine that is asked about. */
static void files_by_name(void **state UNUSED)
{
	struct fixture f = start(NULL);
	autofree char *path = str_printf("%s/mine.conf", f.dir);
	const char *const files[] = { path, NULL };
	FILE *to = fopen(path, "w");

	assert_non_null(to);
	fputs(GOOD, to);
	fclose(to);
	assert_int_equal(vfctl_policy_pfs(f.p), 0);
	vfctl_policy_free(f.p);
	f.p = NULL;
	assert_int_equal(vfctl_policy_load(f.h, f.s, files, &f.p, NULL), 0);
	assert_int_equal(vfctl_policy_pfs(f.p), 1);
	end(&f);
}

static void others(void **state UNUSED)
{
	struct fixture f = start(GOOD);
	const struct vfctl_claim *c;
	struct vfctl_import *m = NULL;
	autofree char *text = NULL;

	fake_put(f.kernel, "[Match]\nOriginalName=eth0\n[Link]\nSR-IOVVirtualFunctions=4\n",
		"/etc/systemd/network/10-a.link");
	fake_put(f.kernel, "network: [\n", "/etc/netplan/broken.yaml");
	assert_int_equal(vfctl_import_read(f.h, f.s, NULL, &m, NULL), 0);
	assert_int_equal(vfctl_import_claims(m), 1);
	c = vfctl_import_claim(m, 0);
	assert_null(vfctl_import_claim(m, 1));
	assert_string_equal(vfctl_claim_manager(c), "systemd");
	assert_string_equal(vfctl_claim_file(c), "/etc/systemd/network/10-a.link");
	assert_int_equal(vfctl_claim_line(c), 4);
	assert_string_equal(vfctl_claim_function(c), "0000:01:00.0");
	assert_int_equal(vfctl_claim_vf(c), VFCTL_ITSELF);
	assert_string_equal(vfctl_claim_key(c), "num-vfs");
	assert_string_equal(vfctl_claim_value(c), "4");
	assert_string_equal(vfctl_claim_said(c), "SR-IOVVirtualFunctions=4");
	assert_string_equal(vfctl_claim_verdict(c), "alone");
	assert_null(vfctl_claim_rival(c));
	assert_true(str_starts(vfctl_import_doubt(m, 0), "/etc/netplan/broken.yaml:"));
	assert_null(vfctl_import_doubt(m, 1));
	assert_int_equal(vfctl_import_as_policy(m, find(f.h, f.s, "eth0"), &text, NULL), 0);
	assert_non_null(strstr(text, "VirtualFunctions=4\n"));
	vfctl_import_free(m);
	/* With ours, which wants two. */
	assert_int_equal(vfctl_import_read(f.h, f.s, f.p, &m, NULL), 0);
	for (size_t i = 0; (c = vfctl_import_claim(m, i)); i++)
		if (str_eq(vfctl_claim_manager(c), "systemd"))
			break;
	assert_non_null(c);
	assert_string_equal(vfctl_claim_verdict(c), "conflict");
	assert_string_equal(vfctl_claim_manager(vfctl_claim_rival(c)), "vfctl");
	vfctl_import_free(m);
	end(&f);
}

static void captures(void **state UNUSED)
{
	struct fixture f = start(NULL);
	autofree char *file = str_printf("%s/it.tar.gz", f.dir);
	autofree char *odd = str_printf("%s/it.zip", f.dir);
	struct vfctl_host *again = NULL;
	struct vfctl_error *e = NULL;
	struct vfctl_snapshot *s;

	assert_int_equal(vfctl_capture(f.h, file, 0, NULL), 0);
	assert_int_equal(vfctl_host_open_captured(file, &again, NULL), 0);
	s = picture(again);
	assert_int_equal(vfctl_snapshot_functions(s), vfctl_snapshot_functions(f.s));
	vfctl_snapshot_free(s);
	vfctl_host_close(again);
	assert_int_equal(vfctl_capture(f.h, file, 0, &e), -EEXIST);
	assert_kind(&e, "usage");
	assert_int_equal(
		vfctl_capture(f.h, file, VFCTL_CAPTURE_PLAIN | VFCTL_CAPTURE_REPLACE, NULL), 0);
	assert_int_equal(vfctl_capture(f.h, odd, 0, &e), -EINVAL);
	assert_kind(&e, "usage");
	assert_int_equal(vfctl_capture(f.h, file, 1U << 9, NULL), -EINVAL);
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_and_pools),
		cmocka_unit_test(configuration_is_applied),
		cmocka_unit_test(findings),
		cmocka_unit_test(files_by_name),
		cmocka_unit_test(others),
		cmocka_unit_test(captures),
	};

	return cmocka_run_group_tests_name("api/config", tests, NULL, NULL);
}
