// SPDX-License-Identifier: GPL-2.0-or-later
/* OpenMetrics, to the letter; and whatever a guest's VMM may say, it stays OpenMetrics. */
#include "../cost/report.h"

#include "base/str.h"
#include "out/metrics.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static char *metrics(const struct metrics_guest *v, size_t n)
{
	struct out o = { 0 };
	char *text = NULL;
	size_t len = 0;

	o.to = open_memstream(&text, &len);
	assert_int_equal(out_metrics(&o, v, n, NULL), 0);
	fclose(o.to);
	return text;
}

static char *metrics_of(const char *guest, const char *report)
{
	autosample s = sample_of(report, 1);

	return metrics(&(struct metrics_guest) { guest, &s }, 1);
}

static void no_guest_is_a_whole_answer(void **state UNUSED)
{
	autofree char *text = metrics(NULL, 0);

	assert_string_equal(text,
		"# TYPE vfctl_device info\n"
		"# HELP vfctl_device What the device is, and how it is served.\n# EOF\n");
}

static void families_to_the_letter(void **state UNUSED)
{
	autofree char *text = metrics_of("web1",
		"{\"cpus\":[{\"user_exits\":10},{\"user_exits\":20}],\"devices\":[{\"name\":"
		"\"virtio-blk0\",\"slot\":1,\"queue0-bytes-out\":512,\"interrupts_merged\":3,"
		"\"vector1_merged\":2,\"traits\":{\"model\":\"virtio-blk\"}}]}");

	assert_string_equal(text,
		"# TYPE vfctl_device info\n"
		"# HELP vfctl_device What the device is, and how it is served.\n"
		"vfctl_device_info{guest=\"web1\",device=\"virtio-blk0\",is_model=\"virtio-blk\"} "
		"1\n"
		"# TYPE vfctl_cpu_user_exits counter\n"
		"# HELP vfctl_cpu_user_exits How often: an exit to user space, of any kind.\n"
		"vfctl_cpu_user_exits_total{guest=\"web1\",cpu=\"0\"} 10\n"
		"vfctl_cpu_user_exits_total{guest=\"web1\",cpu=\"1\"} 20\n"
		"# TYPE vfctl_queue_out_bytes counter\n"
		"# UNIT vfctl_queue_out_bytes bytes\n"
		"# HELP vfctl_queue_out_bytes Bytes: in what the device reads of chains taken, "
		"headers included.\n"
		"vfctl_queue_out_bytes_total{guest=\"web1\",device=\"virtio-blk0\",queue=\"0\"} "
		"512\n"
		"# TYPE vfctl_interrupts_merged counter\n"
		"# HELP vfctl_interrupts_merged How often: came while masked, and went out with "
		"another one's message.\n"
		"vfctl_interrupts_merged_total{guest=\"web1\",device=\"virtio-blk0\"} 3\n"
		"# TYPE vfctl_vector_merged counter\n"
		"# HELP vfctl_vector_merged How often: came while masked, and went out with "
		"another one's message.\n"
		"vfctl_vector_merged_total{guest=\"web1\",device=\"virtio-blk0\",vector=\"1\"} "
		"2\n"
		"# EOF\n");
}

/* What the format asks of each line: a family in one piece, named before its samples. */
static void expect_whole(const char *text)
{
	autofree char *copy = strdup(text);
	char *rest = copy, *line, family[160] = "";
	autostrbuf seen = { 0 };
	bool ended = false;

	while ((line = strsep(&rest, "\n"))) {
		autofree char *mark = NULL;

		if (!*line)
			continue;
		assert_false(ended);
		ended = str_eq(line, "# EOF");
		if (str_starts(line, "# TYPE ")) {
			snprintf(family, sizeof(family), "%.*s", (int)strcspn(line + 7, " "),
				line + 7);
			mark = str_printf("<%s>", family);
			assert_null(seen.s ? strstr(seen.s, mark) : NULL);
			strbuf_add(&seen, "%s", mark);
		} else if (line[0] != '#') {
			assert_true(str_starts(line, family) && *family);
			assert_int_equal(
				line[strspn(line, "abcdefghijklmnopqrstuvwxyz0123456789_")], '{');
		}
		for (const char *c = line; *c; c++)
			assert_true(isprint((unsigned char)*c));
	}
	assert_true(ended);
}

static void two_guests_share_families(void **state UNUSED)
{
	static const char report[] = REPORT_DISK(REPORT_VIRTIO, "1", "2", "3", "4", "5");
	autosample a = sample_of(report, 1);
	autosample b = sample_of(report, 1);
	const struct metrics_guest v[] = { { "a", &a }, { "b", &b } };
	autofree char *text = metrics(v, 2);

	expect_whole(text);
	assert_non_null(strstr(text,
		"vfctl_queue_requests_total{guest=\"a\",device=\"virtio-blk0\",queue=\"0\"} 1\n"
		"vfctl_queue_requests_total{guest=\"b\",device=\"virtio-blk0\",queue=\"0\"} 1\n"));
	assert_non_null(strstr(text, "vfctl_other_device_brand_new_total{guest=\"b\""));
}

static void hostile_names_stay_labels(void **state UNUSED)
{
	autofree char *text = metrics_of("a\"} 7\n# EOF\n",
		"{\"devices\":[{\"name\":\"x\\\"} 1\\n# EOF\",\"a\\nb{\":1,\"a-nb{\":2,\"A nb{\":3,"
		"\"\\u001b[2J\":4,\"queue0-x\\\"\":5,\"\":6,"
		"\"traits\":{\"device\":\"me\",\"m\\\"\\n\":\"w\\\\\\\"\\n\"}}]}");

	expect_whole(text);
	assert_null(strchr(text, '\033'));
	assert_non_null(strstr(text, "is_device=\"me\""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_guest_is_a_whole_answer),
		cmocka_unit_test(families_to_the_letter),
		cmocka_unit_test(two_guests_share_families),
		cmocka_unit_test(hostile_names_stay_labels),
	};

	return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
