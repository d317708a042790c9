/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virtio-balloon: what the guest gives, the host has; what it does not, it keeps. */
#include "control.h"

#include <fcntl.h>
#include <stdlib.h>
#include <time.h>

#define MIB (1ULL << 20)

enum { MEMORY = 128, WISHED = 112 }; /* MiB */

/* What the VMM has of the host's memory. */
static uint64_t resident(pid_t vmm)
{
	char name[64], line[128] = "";
	unsigned long long pages = 0;
	int fd;

	snprintf(name, sizeof(name), "/proc/%d/statm", (int)vmm);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0 && read(fd, line, sizeof(line) - 1) > 0);
	close(fd);
	assert_int_equal(sscanf(line, "%*u %llu", &pages), 1);
	return pages * 4096;
}

static struct json_object *balloon(struct json_object *answer)
{
	struct json_object *v = json_object_object_get(answer, "devices");

	for (size_t i = 0; i < json_object_array_length(v); i++)
		if (!strcmp(str(json_object_array_get_idx(v, i), "name"), "balloon0"))
			return json_object_array_get_idx(v, i);
	fail_msg("there is no balloon0");
	return NULL;
}

/* 0: it is not there (yet). */
static uint64_t trait(int fd, const char *key)
{
	struct json_object *j = ask(fd, "{\"cmd\":\"stats\"}\n");
	const char *word = str(json_object_object_get(balloon(j), "traits"), key);
	uint64_t v = word ? strtoull(word, NULL, 10) : 0;

	json_object_put(j);
	return v;
}

static void expect_trait(int fd, const char *key, uint64_t least, uint64_t most)
{
	const struct timespec step = { .tv_nsec = 10 * 1000000L };
	uint64_t got = trait(fd, key);

	for (int i = 0; i < 2000 && (got < least || got > most); i++) {
		nanosleep(&step, NULL);
		got = trait(fd, key);
	}
	assert_in_range(got, least, most);
}

static void bad_wishes(int fd)
{
	static const char *const bad[] = {
		"\"memory\":\"0\"",
		"\"memory\":\"1M\"",
		"\"memory\":\"129M\"",
		"\"memory\":\"115343361\"",
		"\"memory\":\"much\"",
		"\"memory\":\"-1\"",
		"\"queue\":0,\"memory\":\"112M\"",
		"\"colour\":\"red\"",
	};
	char line[128];

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(line, sizeof(line), "{\"cmd\":\"set\",\"device\":\"balloon0\",%s}\n",
			bad[i]);
		expect_refusal(fd, line, "usage");
	}
}

/* MiB that the VMM itself may come to have meanwhile; sanitizers keep what was freed. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { OWN = 8 };
#else
enum { OWN = 1 };
#endif

/* A function would reach what is not there any more. */
static void no_functions(int fd)
{
	int nothing[3];
	struct json_object *j;

	for (int i = 0; i < 3; i++)
		nothing[i] = open("/dev/null", O_RDWR | O_CLOEXEC);
	send_fds(fd, "{\"cmd\":\"attach\",\"name\":\"0000:01:00.0\"}\n", nothing, 3);
	j = hear(fd);
	assert_false(is_ok(j));
	assert_string_equal(str(j, "kind"), "unsupported");
	assert_non_null(strstr(str(j, "error"), "balloon"));
	json_object_put(j);
	for (int i = 0; i < 3; i++)
		close(nothing[i]);
}

static void squeeze(pid_t vmm)
{
	uint64_t before = resident(vmm), after;
	int fd = caller();

	bad_wishes(fd);
	no_functions(fd);
	expect_trait(fd, "memory", MEMORY * MIB, MEMORY * MIB);
	/* Each question makes the guest tell anew. */
	expect_trait(fd, "memory_free", 1001, 1999);
	expect_ok(fd, "{\"cmd\":\"set\",\"device\":\"balloon0\",\"memory\":\"112M\"}\n");
	expect_trait(fd, "memory", WISHED * MIB, WISHED * MIB);
	expect_trait(fd, "memory_now", WISHED * MIB, WISHED * MIB);
	after = resident(vmm);
	if (after + (16 - OWN) * MIB > before || after + (17 + OWN) * MIB < before)
		fail_msg("%llu KiB were resident, now %llu", (unsigned long long)before >> 10,
			(unsigned long long)after >> 10);
	expect_ok(fd, "{\"cmd\":\"set\",\"device\":\"balloon0\",\"memory\":\"128M\"}\n");
	close(fd);
}

static void run(const char *arguments)
{
	char append[128], control[16];
	struct vm_setup s = { .append = append,
		.memory = MEMORY * MIB,
		.extra = { "--balloon", "--control", control },
		.when = "ok filled",
		.then = squeeze };
	struct vm_result r;
	int fd = listener();

	snprintf(control, sizeof(control), "%d", fd);
	snprintf(append, sizeof(append), "test=balloon %s", arguments);
	vm_run(&s, &r);
	vm_assert_good(&r);
	assert_int_equal(vm_report(&r, "devices/balloon0/bytes-inflated"), 16 * MIB);
	assert_int_equal(vm_report(&r, "devices/balloon0/bytes-deflated"), 16 * MIB);
	assert_int_equal(vm_report(&r, "devices/balloon0/bytes-reported"), 9 * 4096);
	assert_int_equal(vm_report(&r, "devices/balloon0/pages-refused"), 4);
	assert_int_equal(vm_report(&r, "devices/balloon0/queue-breaks"), 0);
	vm_result_done(&r);
	close(fd);
	unlink(path);
}

static void memory_goes_and_comes_back(void **state UNUSED)
{
	run("");
	run("event_idx=1 reporting=4");
	run("packed=1 event_idx=1 in_order=1");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(memory_goes_and_comes_back) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
