// SPDX-License-Identifier: GPL-2.0-or-later
/* Which way a device is on, what costs most there, and what would remove it. */
#include "report.h"

#include "base/str.h"
#include "cost/rule.h"

#include <string.h>

static const struct cost_path *path_of(const char *traits, const char *injections, bool is_vf)
{
	autofree char *text = NULL;
	struct cost_sum sum;
	struct cost_sample s;
	const struct cost_path *p;

	text = str_printf("{\"devices\":[{\"name\":\"d\",\"slot\":1,\"queue0-requests\":1000,"
			  "\"queue0-injections\":%s,\"traits\":{%s}}]}",
		injections, traits);
	s = sample_of(text, 1);
	cost_sum_device(NULL, &s, &s.devices[0], &sum);
	p = cost_path_of(&s.devices[0], &sum, is_vf);
	cost_sample_done(&s);
	return p;
}

#define VIRTIO	"\"model\":\"virtio-blk\",\"doorbells\":\"ioeventfd\""
#define TRAPPED "\"model\":\"virtio-blk\",\"doorbells\":\"trapped\""

static void every_way_is_known(void **state UNUSED)
{
	static const struct {
		unsigned number;
		const char *traits, *injections;
		bool is_vf;
	} all[] = {
		{ 1, "\"model\":\"ide\"", "1000", false },
		{ 1, "\"model\":\"e1000\"", "1000", false },
		{ 2, TRAPPED, "1000", false },
		{ 3, VIRTIO, "1000", false },
		{ 3, VIRTIO ",\"poll\":\"notify\"", "1000", false },
		{ 4, VIRTIO ",\"backend\":\"vhost\"", "0", false },
		{ 5, VIRTIO ",\"backend\":\"vhost-user\"", "0", false },
		{ 6, VIRTIO ",\"poll\":\"adaptive\"", "1000", false },
		{ 6, VIRTIO ",\"poll\":\"dedicated\",\"engine\":\"uring\"", "11", false },
		{ 7, VIRTIO ",\"poll\":\"dedicated\",\"engine\":\"uring-sqpoll\"", "1000", false },
		{ 8, VIRTIO ",\"poll\":\"dedicated\",\"engine\":\"uring-sqpoll\"", "10", false },
		{ 9, "\"model\":\"vfio\"", "0", false },
		{ 10, "\"model\":\"vfio\"", "0", true },
		{ 11, VIRTIO ",\"over\":\"vf\"", "1000", false },
		{ 12, VIRTIO ",\"standby\":\"on\"", "1000", false },
	};

	assert_int_equal(n_cost_paths, 12);
	for (size_t i = 0; i < n_cost_paths; i++)
		assert_int_equal(cost_paths[i].number, i + 1);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		const struct cost_path *p = path_of(all[i].traits, all[i].injections, all[i].is_vf);

		assert_non_null(p);
		assert_int_equal(p->number, all[i].number);
	}
	assert_null(path_of("\"interrupts\":\"msix\"", "0", false));
}

static size_t parts_of(const char *text, struct cost_sample *s, struct cost_part *parts)
{
	struct cost_sum sum;

	*s = sample_of(text, 1);
	cost_sum_device(NULL, s, &s->devices[0], &sum);
	return cost_parts(&s->devices[0], cost_path_of(&s->devices[0], &sum, false), &sum, parts);
}

static const struct cost_part *part(const struct cost_part *parts, size_t n, const char *what)
{
	static const struct cost_part none;

	for (size_t i = 0; i < n; i++)
		if (strstr(parts[i].what, what))
			return &parts[i];
	return &none;
}

static void the_dearest_comes_first(void **state UNUSED)
{
	struct cost_part parts[COST_KINDS_MAX];
	struct cost_sample s;
	size_t n = parts_of(
		REPORT_DISK(REPORT_VIRTIO, "1000", "1000", "3000", "1000", "1000"), &s, parts);
	unsigned all = 0;

	assert_int_equal(n, 5);
	assert_non_null(strstr(parts[0].what, "wake-ups"));
	assert_true(parts[0].per_operation == 1);
	assert_int_equal(parts[0].n, 1000);
	assert_string_equal(parts[0].what_to_do, "vfctl vm set {guest} {device} poll=adaptive");
	assert_non_null(parts[0].why);
	for (size_t i = 0; i < n; i++) {
		all += parts[i].share;
		assert_true(i == 0 || parts[i].share <= parts[i - 1].share);
	}
	assert_in_range(all, 98, 102);
	assert_true(part(parts, n, "system calls")->per_operation == 3);
	cost_sample_done(&s);
}

static void what_did_not_happen_is_not_told(void **state UNUSED)
{
	struct cost_part parts[COST_KINDS_MAX];
	struct cost_sample s;
	size_t n = parts_of(
		REPORT_DISK(REPORT_VIRTIO ",\"poll\":\"dedicated\",\"engine\":\"uring-sqpoll\"",
			"1000", "0", "0", "0", "1000"),
		&s, parts);

	/* The interrupt is what is left, and the guest's side has the switch. */
	assert_non_null(strstr(parts[0].what, "interrupts"));
	assert_non_null(strstr(parts[0].what_to_do, "poll_queues"));
	assert_int_equal(part(parts, n, "wake-ups")->n, 0);
	assert_int_equal(part(parts, n, "system calls")->n, 0);
	cost_sample_done(&s);
}

static void nothing_done_nothing_costs(void **state UNUSED)
{
	struct cost_part parts[COST_KINDS_MAX];
	struct cost_sample s;

	assert_int_equal(
		parts_of(REPORT_DISK(REPORT_VIRTIO, "0", "0", "0", "0", "0"), &s, parts), 0);
	cost_sample_done(&s);
}

static void words_follow_the_devices(void **state UNUSED)
{
	struct cost_part parts[COST_KINDS_MAX];
	struct cost_sample s;
	size_t n = parts_of(REPORT_DISK(REPORT_VIRTIO ",\"engine\":\"uring\"", "1000", "1000",
				    "3000", "1000", "1000"),
		&s, parts);

	assert_non_null(strstr(part(parts, n, "system calls")->what_to_do, "uring-sqpoll"));
	cost_sample_done(&s);
	n = parts_of(REPORT_DISK(REPORT_VIRTIO ",\"engine\":\"uring-sqpoll\"", "1000", "1000",
			     "3000", "1000", "1000"),
		&s, parts);
	assert_null(part(parts, n, "system calls")->what_to_do);
	cost_sample_done(&s);
}

static void names_are_put_in(void **state UNUSED)
{
	autofree char *a = cost_advice("vfctl vm set {guest} {device} {x} {", "web1", "ide0");

	assert_string_equal(a, "vfctl vm set web1 ide0 {x} {");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_way_is_known),
		cmocka_unit_test(the_dearest_comes_first),
		cmocka_unit_test(what_did_not_happen_is_not_told),
		cmocka_unit_test(nothing_done_nothing_costs),
		cmocka_unit_test(words_follow_the_devices),
		cmocka_unit_test(names_are_put_in),
	};

	return cmocka_run_group_tests_name("costs", tests, NULL, NULL);
}
