// SPDX-License-Identifier: GPL-2.0-or-later
/* Orders carried out on a kernel that behaves as the measured one, and what is told of them. */
#include "fixture.h"

#define PF "0000:01:00.0"
#define VF "0000:02:10.0"

static void vfs_made_and_told(void **state UNUSED)
{
	struct fixture f;

	start(&f, "s0-pf-only");
	assert_int_equal(carry_out(&f, "{\"do\":\"change\",\"wishes\":[{\"function\":\"" PF
				       "\",\"num_vfs\":2}],\"options\":{\"command\":\"mine\"}}"),
		1);
	assert_int_equal(fake_num_vfs(f.w.h, PF), 2);
	assert_non_null(strstr(f.text, "\"news\":\"result\""));
	{
		autonews n = last(&f);

		assert_int_equal(n.code, 1);
		assert_true(n.id > 0);
	}
	/* It is so: nothing happens, and nothing is recorded. */
	assert_int_equal(carry_out(&f, "{\"do\":\"change\",\"wishes\":[{\"function\":\"" PF
				       "\",\"num_vfs\":2}],\"options\":{}}"),
		0);
	{
		autonews again = last(&f);

		assert_int_equal(again.id, 0);
	}
	end(&f);
}

/* Without leave nothing that exists is destroyed; the default of who asks over the bus. */
static void refused_by_default(void **state UNUSED)
{
	static const char order[] = "{\"do\":\"change\",\"wishes\":[{\"function\":\"" PF
				    "\",\"num_vfs\":1}],\"options\":{%s}}";
	autofree char *plain = str_printf(order, "");
	autofree char *allowed = str_printf(order, "\"allow-destroy\":true,\"force\":true");
	autonews n = { 0 };
	struct fixture f;

	start(&f, "s2-vfio");
	assert_true(carry_out(&f, plain) < 0);
	n = last(&f);
	assert_non_null(n.problem);
	assert_int_equal(fake_num_vfs(f.w.h, PF), 4);
	assert_int_equal(carry_out(&f, allowed), 1);
	assert_int_equal(fake_num_vfs(f.w.h, PF), 1);
	end(&f);
}

static void bad_words_touch_nothing(void **state UNUSED)
{
	autonews n = { 0 };
	struct fixture f;

	start(&f, "s2-vfio");
	fake_log_clear(f.w.h);
	assert_true(carry_out(&f, "{\"do\":\"change\",\"wishes\":[{\"function\":\"" PF
				  "\",\"num_vfs\":0,\"vfs\":[{\"index\":0,\"settings\":["
				  "\"colour=red\"]}]}],\"options\":{\"allow-destroy\":true}}") < 0);
	n = last(&f);
	assert_int_equal(n.problem->kind, PROBLEM_USAGE);
	assert_string_equal(fake_log(f.w.h), "");
	end(&f);
}

static bool at_once(void *arg UNUSED)
{
	return true;
}

static void cancelled(void **state UNUSED)
{
	autonews n = { 0 };
	struct fixture f;

	start(&f, "s0-pf-only");
	f.w.cancelled = at_once;
	assert_int_equal(carry_out(&f, "{\"do\":\"change\",\"wishes\":[{\"function\":\"" PF
				       "\",\"num_vfs\":2}],\"options\":{}}"),
		-ECANCELED);
	n = last(&f);
	assert_int_equal(n.code, -ECANCELED);
	assert_int_equal(fake_num_vfs(f.w.h, PF), 0);
	end(&f);
}

static void a_reset_line_by_line(void **state UNUSED)
{
	struct fixture f;

	start(&f, "s2-vfio");
	assert_int_equal(carry_out(&f, "{\"do\":\"reset\",\"functions\":[\"" VF
				       "\"],\"options\":{\"force\":true}}"),
		1);
	if (fake_resets(f.w.h, VF) != 1)
		fail_msg("%s", f.text);
	assert_non_null(strstr(
		f.text, "{\"news\":\"line\",\"subject\":\"" VF "\",\"text\":\"reset by flr\""));
	assert_true(
		carry_out(&f,
			"{\"do\":\"reset\",\"functions\":[\"0000:77:00.0\"],\"options\":{}}") < 0);
	end(&f);
}

static void looks(void **state UNUSED)
{
	autonews n = { 0 };
	struct fixture f;
	char *line;

	start(&f, "s2-vfio");
	assert_int_equal(
		carry_out(&f, "{\"do\":\"show\",\"functions\":[\"" VF "\"],\"options\":{}}"), 0);
	line = strchr(f.text, '\n');
	*line = '\0';
	assert_int_equal(news_from_text(f.text, &n), 0);
	assert_int_equal(n.kind, NEWS_ANSWER);
	assert_true(str_starts(n.text, "{\"address\":\"" VF "\""));
	assert_true(carry_out(&f, "{\"do\":\"show\",\"functions\":[],\"options\":{}}") < 0);
	assert_int_equal(carry_out(&f, "{\"do\":\"list\",\"functions\":[],\"options\":{}}"), 0);
	assert_non_null(strstr(f.text, "functions"));
	end(&f);
}

/* Health and drift of what is named, and of its VFs; what may be repaired, is, and no more. */
static void checked_and_reconciled(void **state UNUSED)
{
	static const char check[] = "{\"do\":\"check\",\"functions\":[\"" PF "\"],"
				    "\"options\":{\"drift\":true}}";
	static const char reconcile[] = "{\"do\":\"reconcile\",\"functions\":[\"" PF "\"],"
					"\"options\":{}}";
	struct fixture f;

	start(&f, "s0-pf-only");
	f.w.identity_dir = f.dir;
	assert_int_equal(carry_out(&f, check), 0);
	assert_non_null(strstr(f.text, "{\\\"health\\\":[],\\\"drift\\\":[]}"));
	fake_put(f.w.h, "[Match]\nName=eth0\n[PF]\nVirtualFunctions=2\n",
		"/etc/vfctl/pf.d/10-x.conf");
	fake_put(f.w.h, "DLP 1\nTOTAL_ERR_FATAL 1\n", "/sys/bus/pci/devices/" PF "/aer_dev_fatal");
	assert_int_equal(carry_out(&f, check), 0);
	assert_non_null(strstr(f.text, "1 fatal PCIe error"));
	assert_non_null(strstr(f.text, "2 VFs is wanted, there is 0"));
	assert_non_null(strstr(f.text, "\\\"repair\\\":false"));
	/* To report is not to repair. */
	assert_int_equal(carry_out(&f, reconcile), 0);
	assert_int_equal(fake_num_vfs(f.w.h, PF), 0);
	fake_put(f.w.h, "[Match]\nName=eth0\n[PF]\nVirtualFunctions=2\nReconcile=repair\n",
		"/etc/vfctl/pf.d/10-x.conf");
	assert_int_equal(carry_out(&f, check), 0);
	assert_non_null(strstr(f.text, "\\\"repair\\\":true"));
	assert_int_equal(fake_num_vfs(f.w.h, PF), 0);
	assert_int_equal(carry_out(&f, reconcile), 1);
	assert_int_equal(fake_num_vfs(f.w.h, PF), 2);
	assert_int_equal(carry_out(&f, reconcile), 0);
	/* One that cannot be used is told, and hinders nothing else. */
	fake_put(f.w.h, "[Match]\nName=eth0\n[PF]\nVirtualFunctions=lots\n",
		"/etc/vfctl/pf.d/10-x.conf");
	assert_int_equal(carry_out(&f, check), 0);
	assert_non_null(strstr(f.text, "cannot be compared with the configuration"));
	assert_true(carry_out(&f, reconcile) < 0);
	end(&f);
}

/* Nobody reads any more: the work goes on to its end. */
static void deaf(void **state UNUSED)
{
	autoorder o = { 0 };
	struct fixture f;

	start(&f, "s0-pf-only");
	assert_int_equal(order_from_text("{\"do\":\"change\",\"wishes\":[{\"function\":\"" PF
					 "\",\"num_vfs\":2}],\"options\":{}}",
				 &o, NULL),
		0);
	f.w.to = fopen("/dev/full", "w");
	assert_int_equal(worker_do(&f.w, &o), 1);
	assert_true(f.w.deaf);
	fclose(f.w.to);
	assert_int_equal(fake_num_vfs(f.w.h, PF), 2);
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vfs_made_and_told),
		cmocka_unit_test(refused_by_default),
		cmocka_unit_test(bad_words_touch_nothing),
		cmocka_unit_test(cancelled),
		cmocka_unit_test(a_reset_line_by_line),
		cmocka_unit_test(looks),
		cmocka_unit_test(checked_and_reconciled),
		cmocka_unit_test(deaf),
	};

	return cmocka_run_group_tests_name("worker", tests, NULL, NULL);
}
