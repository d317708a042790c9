/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who serves a queue: every thread model in every mode of polling costs what it should, and they
 * change under load without a request being lost.
 */
#include "control.h"

#include <sched.h>
#include <time.h>

/*
 * The first requests may come before a thread that polls has said that it looks by itself.
 */
enum { BYTES = 1 << 20, FIRST = 16 };

static void run(const char *append, const char *options, struct vm_result *r)
{
	struct vm_setup s = { .append = append };

	s.disks[0] = (struct vm_disk) { vm_file(NULL, BYTES), options };
	vm_run(&s, r);
	vm_assert_good(r);
	close(s.disks[0].fd);
}

static uint64_t of_disk(const struct vm_result *r, const char *name)
{
	char path_of[80];

	snprintf(path_of, sizeof(path_of), "devices/virtio-blk0/%s", name);
	return vm_report(r, path_of);
}

static const char *const choices[] = {
	",threads=io",
	",threads=io,poll=adaptive",
	",threads=io,poll=dedicated",
	",threads=queue",
	",threads=queue,poll=adaptive",
	",threads=queue,poll=dedicated",
	",threads=main",
	",threads=cpu",
	",threads=dedicated",
	",threads=dedicated,pin=0",
};

static void data_is_right_with_each(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_SIZE(choices); i++) {
		struct vm_result r;

		print_message("%s\n", choices[i]);
		run("test=blk_load requests=2000 depth=8 event_idx=1 button=no", choices[i], &r);
		assert_int_equal(vm_count(&r, "requests"), of_disk(&r, "queue0-requests"));
		vm_result_done(&r);
	}
}

/*
 * Path 6 and 8: with a thread that polls and a guest that polls, a request costs the guest no exit,
 * neither to us nor for a doorbell, and the thread nothing but the disk's own system calls.
 */
static void polled_by_both(void **state UNUSED)
{
	struct vm_result few, many;

	run("test=blk_cost requests=1000 batch=1 mode=poll", ",threads=dedicated", &few);
	run("test=blk_cost requests=100000 batch=1 mode=poll", ",threads=dedicated", &many);
	assert_int_equal(
		vm_report(&many, "cpus/0/mmio_exits"), vm_report(&few, "cpus/0/mmio_exits"));
	assert_true(of_disk(&many, "queue0-doorbells") <= FIRST);
	assert_int_equal(of_disk(&many, "queue0-injections"), 0);
	assert_int_equal(of_disk(&many, "queue0-requests"), 100001);
	assert_true(of_disk(&many, "polled") >= 100000 - FIRST);
	/* To start, and to be told to start: nothing of that grows with the requests. */
	assert_true(of_disk(&many, "thread-waits") <= FIRST);
	vm_result_done(&few);
	vm_result_done(&many);
}

/* The guest sleeps until it is interrupted: that is all it costs. */
static void polled_by_the_host(void **state UNUSED)
{
	struct vm_result r;

	run("test=blk_cost requests=20000 batch=1 event_idx=1", ",threads=dedicated", &r);
	assert_true(of_disk(&r, "queue0-doorbells") <= FIRST);
	assert_int_equal(of_disk(&r, "queue0-injections"), 20001);
	assert_true(of_disk(&r, "thread-waits") <= FIRST);
	vm_result_done(&r);
}

/* What the host computes as scale.c does. */
static uint64_t pattern(uint64_t i)
{
	uint64_t x = (1ULL << 56) + i * 0x9e3779b97f4a7c15;

	return x ^ x >> 29;
}

enum { EACH = 640, BATCH = 32 };

/* A thread, a queue and a CPU each; the data is right, and nothing is anybody else's. */
static void scaled(unsigned n, const char *engine, uint64_t *ret_calls)
{
	static uint64_t words[BYTES / 8];
	char append[80], options[80], name[40];
	struct vm_setup s = { .append = append, .cpus = n };
	struct vm_result r;

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		words[i] = pattern(i);
	snprintf(append, sizeof(append), "test=blk_scale queues=%u requests=%d batch=%d", n, EACH,
		BATCH);
	snprintf(options, sizeof(options), ",threads=queue,queues=%u,%s", n, engine);
	s.disks[0] = (struct vm_disk) { vm_file(words, BYTES), options };
	vm_run(&s, &r);
	vm_assert_good(&r);
	assert_int_equal(vm_count(&r, "reads"), n * EACH);
	for (unsigned i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "queue%u-requests", i);
		assert_int_equal(of_disk(&r, name), EACH);
		snprintf(name, sizeof(name), "queue%u-doorbells", i);
		assert_int_equal(of_disk(&r, name), EACH / BATCH);
		snprintf(name, sizeof(name), "queue%u-injections", i);
		assert_int_equal(of_disk(&r, name), EACH / BATCH);
		snprintf(name, sizeof(name), "queue%u-host-syscalls", i);
		ret_calls[i] = of_disk(&r, name);
	}
	vm_result_done(&r);
	close(s.disks[0].fd);
}

/* With more queues each of them costs what the only one does: doorbells, interrupts and calls. */
static void queues_cost_the_same_beside_others(void **state UNUSED)
{
	uint64_t one[1], many[4];

	scaled(1, "engine=sync", one);
	/* A wait, a read for each request, an interrupt. */
	assert_in_range(one[0], EACH, EACH + 3 * (EACH / BATCH) + FIRST);
	for (unsigned n = 2; n <= 4; n *= 2) {
		scaled(n, "engine=sync", many);
		for (unsigned i = 0; i < n; i++)
			assert_in_range(many[i], EACH, one[0] + FIRST);
	}
	scaled(2, "engine=uring", many);
}

static uint64_t now_of(const char *name)
{
	struct vm_result r = { 0 };
	int fd = caller();
	uint64_t n;

	r.report = ask(fd, "{\"cmd\":\"stats\"}\n");
	n = of_disk(&r, name);
	json_object_put(r.report);
	close(fd);
	return n;
}

static void pause_ms(unsigned ms)
{
	const struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

	nanosleep(&t, NULL);
}

static void press_button(void)
{
	int fd = caller();

	expect_ok(fd, "{\"cmd\":\"stop\"}\n");
	close(fd);
}

/* Nothing is asked of it: it does not wake up once. */
static void watch_idle(pid_t vmm UNUSED)
{
	uint64_t wakeups, waits;

	pause_ms(200);
	now_of("thread-wakeups"); /* a look at new doorbells has the thread look as well */
	pause_ms(200);
	wakeups = now_of("thread-wakeups");
	waits = now_of("thread-waits");
	pause_ms(3000);
	assert_int_equal(now_of("thread-wakeups"), wakeups);
	assert_int_equal(now_of("thread-waits"), waits);
	press_button();
}

static void run_talking(struct vm_setup *s, struct vm_result *r)
{
	char control[16];
	int fd = listener();

	snprintf(control, sizeof(control), "%d", fd);
	s->extra[0] = "--control";
	s->extra[1] = control;
	s->disks[0].fd = vm_file(NULL, BYTES);
	vm_run(s, r);
	close(s->disks[0].fd);
	close(fd);
	unlink(path);
}

static void adaptive_sleeps_when_idle(void **state UNUSED)
{
	struct vm_setup s = { .append = "test=blk_idle", .when = "ok idle", .then = watch_idle };
	struct vm_result r;

	s.disks[0].options = ",poll=adaptive";
	run_talking(&s, &r);
	vm_assert_good(&r);
	vm_result_done(&r);
}

static const char *const settings[] = {
	"\"threads\":\"io\",\"poll\":\"notify\"",
	"\"threads\":\"io\",\"poll\":\"adaptive\"",
	"\"threads\":\"io\",\"poll\":\"dedicated\"",
	"\"threads\":\"queue\",\"poll\":\"notify\"",
	"\"threads\":\"queue\",\"poll\":\"adaptive\"",
	"\"threads\":\"queue\",\"poll\":\"dedicated\"",
	"\"threads\":\"main\"",
	"\"threads\":\"cpu\"",
	"\"threads\":\"dedicated\"",
	"\"threads\":\"dedicated\",\"pin\":\"0\"",
	"\"pin\":\"none\",\"threads\":\"io\"",
};

static void set(int fd, const char *what)
{
	char line[200];

	snprintf(line, sizeof(line), "{\"cmd\":\"set\",\"device\":\"virtio-blk0\",%s}\n", what);
	expect_ok(fd, line);
}

/* From each to each other, for a while each. */
static void switch_all(pid_t vmm UNUSED)
{
	int fd = caller();

	for (size_t from = 0; from < ARRAY_SIZE(settings); from++)
		for (size_t to = 0; to < ARRAY_SIZE(settings); to++) {
			set(fd, settings[from]);
			pause_ms(2);
			set(fd, settings[to]);
			pause_ms(2);
		}
	close(fd);
	press_button();
}

static void under_load(const char *append, const char *options)
{
	struct vm_setup s = { .append = append, .when = "ok loading", .then = switch_all };
	struct vm_result r;

	s.disks[0].options = options;
	run_talking(&s, &r);
	vm_assert_good(&r);
	assert_int_equal(of_disk(&r, "queue0-requests"), vm_count(&r, "requests"));
	vm_result_done(&r);
}

static void changes_under_load(void **state UNUSED)
{
	under_load("test=blk_load depth=1", ",threads=cpu");
	under_load("test=blk_load depth=16 event_idx=1", ",threads=cpu");
	under_load("test=blk_load depth=4 event_idx=1 mode=poll", ",threads=cpu");
}

/* What comes back later, from another thread or from the kernel, is not lost on the way either. */
static void changes_under_load_of_engines(void **state UNUSED)
{
	under_load("test=blk_load depth=8 event_idx=1", ",threads=cpu,engine=threads");
	under_load("test=blk_load depth=8 event_idx=1", ",threads=cpu,engine=uring");
	under_load("test=blk_load depth=1", ",threads=cpu,engine=uring-sqpoll");
}

static void say_nonsense(pid_t vmm UNUSED)
{
	static const struct {
		const char *line, *kind;
	} all[] = {
		{ "{\"cmd\":\"set\"}\n", NULL },
		{ "{\"cmd\":\"set\",\"poll\":\"adaptive\"}\n", "usage" },
		{ "{\"cmd\":\"set\",\"device\":\"virtio-blk7\",\"poll\":\"notify\"}\n",
			"not-found" },
		{ "{\"cmd\":\"set\",\"device\":\"virtio-blk0\",\"poll\":\"often\"}\n", "usage" },
		{ "{\"cmd\":\"set\",\"device\":\"virtio-blk0\",\"poll\":1}\n", "usage" },
		{ "{\"cmd\":\"set\",\"device\":\"virtio-blk0\",\"colour\":\"red\"}\n", "usage" },
		{ "{\"cmd\":\"set\",\"device\":\"virtio-blk0\",\"queue\":99,\"poll\":\"notify\"}\n",
			"not-found" },
		{ "{\"cmd\":\"set\",\"device\":\"virtio-blk0\",\"queue\":\"x\",\"poll\":\"notify\"}\n",
			"usage" },
		{ "{\"cmd\":\"set\",\"device\":\"virtio-blk0\",\"queue\":0,\"threads\":\"io\"}\n",
			"usage" },
		{ "{\"cmd\":\"set\",\"device\":\"virtio-blk0\",\"pin\":\"99999\"}\n", "usage" },
		{ "{\"cmd\":\"set\",\"device\":\"virtio-blk0\",\"pin\":\"-1\"}\n", "usage" },
		{ "{\"cmd\":\"set\",\"device\":\"virtio-blk0\",\"threads\":\"dedicated\","
		  "\"poll\":\"notify\"}\n",
			"usage" },
	};
	int fd = caller();

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (all[i].kind)
			expect_refusal(fd, all[i].line, all[i].kind);
		else
			expect_ok(fd, all[i].line);
	/* Its sandbox does not let CPUs do it. */
	expect_refusal(fd, "{\"cmd\":\"set\",\"device\":\"virtio-blk0\",\"threads\":\"cpu\"}\n",
		"unsupported");
	close(fd);
	press_button();
}

static void nonsense_is_refused(void **state UNUSED)
{
	struct vm_setup s = {
		.append = "test=blk_load", .when = "ok loading", .then = say_nonsense
	};
	struct vm_result r;

	run_talking(&s, &r);
	vm_assert_good(&r);
	vm_result_done(&r);
}

static bool stay_on_one_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	return sched_setaffinity(0, sizeof(set), &set) == 0;
}

/* The guest and who looks for its requests share it: looking must not keep the guest from asking.
 */
static void on_one_cpu(void **state UNUSED)
{
	static const char *const modes[] = { ",poll=adaptive", ",poll=dedicated",
		",threads=dedicated" };

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		struct vm_setup s = { .append = "test=blk_load requests=2000 depth=4 button=no",
			.before_exec = stay_on_one_cpu };
		struct vm_result r;

		s.disks[0] = (struct vm_disk) { vm_file(NULL, BYTES), modes[i] };
		vm_run(&s, &r);
		vm_assert_good(&r);
		vm_result_done(&r);
		close(s.disks[0].fd);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(data_is_right_with_each),
		cmocka_unit_test(polled_by_both),
		cmocka_unit_test(polled_by_the_host),
		cmocka_unit_test(queues_cost_the_same_beside_others),
		cmocka_unit_test(adaptive_sleeps_when_idle),
		cmocka_unit_test(changes_under_load),
		cmocka_unit_test(changes_under_load_of_engines),
		cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(on_one_cpu),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
