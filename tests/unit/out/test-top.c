// SPDX-License-Identifier: GPL-2.0-or-later
/* The live view, as text: right numbers, and never larger than the screen. */
#include "../cost/report.h"

#include "base/str.h"
#include "out/top.h"

#include <string.h>

#define AT(us, requests, syscalls)                                                                 \
	sample_of("{\"cpus\":[{\"user_exits\":10,\"kvm_exits\":" requests "},{}],\"devices\":["    \
		  "{\"name\":\"host-bridge\",\"slot\":0,\"traits\":{}},"                           \
		  "{\"name\":\"virtio-a\",\"slot\":1,\"queue0-requests\":5,"                       \
		  "\"traits\":{\"model\":\"virtio-blk\",\"doorbells\":\"ioeventfd\"}},"            \
		  "{\"name\":\"virtio-b\",\"slot\":2,\"queue0-requests\":" requests                \
		  ",\"queue0-host-syscalls\":" syscalls                                            \
		  ",\"traits\":{\"model\":\"virtio-blk\",\"doorbells\":\"ioeventfd\"}}]}",         \
		us)

static char *screen(enum top_order order, unsigned rows, unsigned columns, bool help)
{
	autosample a = AT(1000000, "1000", "3000");
	autosample b = AT(3000000, "5000", "15000");
	const struct top_view v = { "web1\033[2J", &a, &b, order, help, rows, columns };
	char *text = top_screen(&v);

	assert_non_null(text);
	assert_null(strchr(text, '\033'));
	return text;
}

static void rates_and_quotients(void **state UNUSED)
{
	autofree char *text = screen(TOP_BY_COST, 40, 100, false);

	assert_non_null(strstr(text, "cpu0        2000"));
	assert_non_null(strstr(text,
		"virtio-b            3      2000       0.0   0.00   0.00   3.00   0.00   0.00\n"));
	assert_null(strstr(text, "host-bridge"));
	assert_true(strstr(text, "virtio-b") < strstr(text, "virtio-a"));
}

static void sorted_as_wished(void **state UNUSED)
{
	autofree char *names = screen(TOP_BY_NAME, 40, 100, false);
	autofree char *operations = screen(TOP_BY_OPERATIONS, 40, 100, false);

	assert_true(strstr(names, "virtio-a") < strstr(names, "virtio-b"));
	assert_true(strstr(operations, "virtio-b") < strstr(operations, "virtio-a"));
}

static void no_larger_than_the_screen(void **state UNUSED)
{
	for (unsigned rows = 0; rows < 14; rows++)
		for (unsigned columns = 0; columns < 90; columns += 7) {
			autofree char *text = screen(TOP_BY_COST, rows, columns, rows % 2);
			unsigned lines = 0;

			for (const char *s = text; *s; lines++) {
				size_t n = strcspn(s, "\n");

				assert_true(n <= columns);
				s += n + 1;
			}
			assert_true(lines <= rows);
		}
}

#define FUNCTIONS(us, vf, pf)                                                                      \
	sample_of("{\"devices\":[{\"name\":\"0000:01:10.0\",\"slot\":1,\"host_interrupts\":" vf    \
		  ",\"bar_reads\":4,\"traits\":{\"model\":\"vfio\",\"virtual\":\"on\"}},"          \
		  "{\"name\":\"0000:02:00.0\",\"slot\":2,\"host_interrupts\":" pf                  \
		  ",\"bar_reads\":" pf ",\"traits\":{\"model\":\"vfio\"}}]}",                      \
		us)

/* A VF is another path than a whole function; what there is of either are its interrupts. */
static void functions_are_told_apart(void **state UNUSED)
{
	autosample a = FUNCTIONS(1000000, "100", "10");
	autosample b = FUNCTIONS(3000000, "8100", "30");
	const struct top_view v = { "web1", &a, &b, TOP_BY_NAME, false, 40, 100 };
	autofree char *text = top_screen(&v);

	assert_non_null(text);
	assert_non_null(strstr(text, "0000:01:10.0       10         4000         0\n"));
	assert_non_null(strstr(text, "0000:02:00.0        9           10        10\n"));
}

static void helps(void **state UNUSED)
{
	autofree char *text = screen(TOP_BY_COST, 40, 100, true);

	assert_non_null(strstr(text, "wake-ups of a thread"));
	assert_null(strstr(text, "virtio-b"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rates_and_quotients),
		cmocka_unit_test(sorted_as_wished),
		cmocka_unit_test(no_larger_than_the_screen),
		cmocka_unit_test(functions_are_told_apart),
		cmocka_unit_test(helps),
	};

	return cmocka_run_group_tests_name("top", tests, NULL, NULL);
}
