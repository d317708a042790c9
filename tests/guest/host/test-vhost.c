/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Disks that another process serves: QEMU's storage daemon, which nobody here wrote. What the guest
 * reads and writes is in its file, no request leaves to user space of the VMM, and the daemon may
 * be killed and come back.
 *
 * Requests that a back end has taken and not answered when it dies its successor only knows of by
 * an account in shared memory (VHOST_USER_PROTOCOL_F_INFLIGHT_SHMFD). No back end that Debian has
 * keeps one for what is driven here: asked for its features of the protocol, QEMU's storage daemon
 * (7.2) answers 0x8f2b and testpmd's net_vhost (22.11) 0x10cbf, without the bit 0x1000. So that is
 * proved with one of our own, fake-blk.h.
 */
#include "fake-blk.h"
#include "vm.h"

#include "base/attr.h"
#include "host/dial.h"
#include "host/local.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

enum { BYTES = 1 << 20 };

static char folder[64], image[96], sock[96], program[256];
static pid_t daemon_pid;

static void pause_ms(unsigned ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&t, NULL);
}

/* The guest computes the same. */
static uint64_t pattern(uint64_t seed, uint64_t i)
{
	uint64_t x = (seed << 56) + i * 0x9e3779b97f4a7c15;

	return x ^ x >> 29;
}

static void make_image(bool patterned)
{
	static uint64_t words[BYTES / 8];
	autoclose int fd = open(image, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		words[i] = patterned ? pattern(1, i) : 0;
	assert_int_equal(write(fd, words, sizeof(words)), (ssize_t)sizeof(words));
}

static void start_daemon(void)
{
	char blockdev[200], export[300];

	snprintf(blockdev, sizeof(blockdev), "driver=file,node-name=disk,filename=%s", image);
	snprintf(export, sizeof(export),
		"type=vhost-user-blk,id=e,node-name=disk,writable=on,num-queues=2,addr.type=unix,"
		"addr.path=%s",
		sock);
	unlink(sock);
	daemon_pid = fork();
	if (daemon_pid == 0) {
		execl(program, program, "--blockdev", blockdev, "--export", export, NULL);
		_exit(127);
	}
	for (unsigned i = 0; access(sock, F_OK) < 0; i++) {
		if (i == 500)
			fail_msg("%s does not listen", program);
		pause_ms(10);
	}
}

static void kill_daemon(void)
{
	if (daemon_pid <= 0)
		return;
	kill(daemon_pid, SIGKILL);
	waitpid(daemon_pid, NULL, 0);
	daemon_pid = 0;
}

/* Outlives the killing, as a dialer does. */
static int dialled(void)
{
	int channel;

	assert_int_equal(host_dialer_start(sock, &channel), 0);
	assert_int_equal(fcntl(channel, F_SETFD, 0), 0);
	return channel;
}

static void run_with(const char *more, struct vm_setup *s, struct vm_result *r)
{
	char option[60];
	int channel = dialled();

	snprintf(option, sizeof(option), "vhost-user=%d%s", channel, more);
	s->extra[0] = "--disk";
	s->extra[1] = option;
	vm_run(s, r);
	close(channel);
}

static void run(struct vm_setup *s, struct vm_result *r)
{
	run_with("", s, r);
}

static void run_good(const char *append, struct vm_result *r)
{
	struct vm_setup s = { .append = append };

	make_image(!strstr(append, "reboot"));
	start_daemon();
	run(&s, r);
	kill_daemon();
	vm_assert_good(r);
}

static void data(const char *append)
{
	static uint64_t words[BYTES / 8];
	struct vm_result r;
	autoclose int fd = -1;

	run_good(append, &r);
	assert_int_equal(vm_count(&r, "sectors"), BYTES / 512);
	fd = open(image, O_RDONLY | O_CLOEXEC);
	assert_int_equal(pread(fd, words, BYTES, 0), BYTES);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		assert_int_equal(words[i], pattern(i < ARRAY_SIZE(words) / 2 ? 1 : 2, i));
	vm_result_done(&r);
}

static void data_is_right(void **state UNUSED)
{
	data("test=blk");
}

static void data_is_right_with_event_idx(void **state UNUSED)
{
	data("test=blk event_idx=1");
}

static void data_is_right_polled(void **state UNUSED)
{
	data("test=blk mode=poll");
}

static uint64_t exits(unsigned requests, const char *counter)
{
	char append[80];
	struct vm_result r;
	uint64_t n;

	snprintf(append, sizeof(append), "test=blk_cost requests=%u batch=1", requests);
	run_good(append, &r);
	n = vm_report(&r, counter);
	vm_result_done(&r);
	return n;
}

/* Neither a CPU nor a thread of ours has anything to do for a request. */
static void costs_nothing_here(void **state UNUSED)
{
	assert_int_equal(exits(1100, "cpus/0/mmio_exits"), exits(100, "cpus/0/mmio_exits"));
	assert_int_equal(exits(1100, "devices/virtio-blk0/thread-wakeups"),
		exits(100, "devices/virtio-blk0/thread-wakeups"));
}

/* Each life negotiates anew over the connection that there is. */
static void reboots(void **state UNUSED)
{
	struct vm_result r;

	run_good("test=reboot boots=3", &r);
	assert_int_equal(vm_report(&r, "reboots"), 2);
	vm_result_done(&r);
}

static void come_back(pid_t vmm UNUSED)
{
	kill_daemon();
	pause_ms(300);
	start_daemon();
}

static void survives(const char *append)
{
	struct vm_setup s = {
		.append = append,
		.when = "a third is done",
		.then = come_back,
	};
	struct vm_result r;

	make_image(!strstr(append, "reboot"));
	start_daemon();
	run(&s, &r);
	kill_daemon();
	vm_assert_good(&r);
	assert_int_equal(vm_report(&r, "devices/virtio-blk0/backend-losses"), 1);
	assert_int_equal(vm_report(&r, "devices/virtio-blk0/backend-returns"), 1);
	assert_non_null(strstr(r.errors, "the back end is there again"));
	vm_result_done(&r);
}

static void survives_one_at_a_time(void **state UNUSED)
{
	survives("test=survive batch=1 rounds=6000");
}

static void survives_many_at_once(void **state UNUSED)
{
	survives("test=survive batch=16 rounds=1500 event_idx=1");
}

/* ---- Requests on their way when it dies ---- */

static struct fake_blk_news *news;

static void start_fake(void)
{
	int listening;

	unlink(sock);
	listening = local_listen(sock);
	assert_true(listening >= 0);
	daemon_pid = fork();
	if (daemon_pid == 0) {
		int fd = open(image, O_RDWR | O_CLOEXEC);

		fake_blk_serve(listening, fd, BYTES, news);
	}
	close(listening);
}

static uint32_t told(const uint32_t *word)
{
	return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

/* It has answered half of what it took, and dies; more is in the ring. */
static void die_with_requests(pid_t vmm UNUSED)
{
	__atomic_store_n(&news->stop, 1, __ATOMIC_SEQ_CST);
	for (unsigned i = 0; i < 2000 && !told(&news->stopped); i++)
		pause_ms(10);
	assert_int_equal(told(&news->stopped), FAKE_BLK_BATCH / 2);
	assert_int_equal(told(&news->resumed), 0);
	kill_daemon();
	__atomic_store_n(&news->stop, 0, __ATOMIC_SEQ_CST);
	start_fake();
}

static void none_in_flight_is_lost(void **state UNUSED)
{
	struct vm_setup s = {
		.append = "test=survive batch=16 rounds=600",
		.when = "a third is done",
		.then = die_with_requests,
	};
	struct vm_result r;

	news = mmap(NULL, sizeof(*news), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(news != MAP_FAILED);
	make_image(true);
	start_fake();
	run(&s, &r);
	kill_daemon();
	vm_assert_good(&r);
	assert_int_equal(vm_report(&r, "devices/virtio-blk0/backend-losses"), 1);
	assert_int_equal(vm_report(&r, "devices/virtio-blk0/backend-returns"), 1);
	assert_int_equal(told(&news->accounts), 1);
	assert_int_equal(told(&news->resumed), FAKE_BLK_BATCH / 2);
	vm_result_done(&r);
	munmap(news, sizeof(*news));
}

/* A guest that starts when nobody is there does not start, and says why. */
static void nobody_there(void **state UNUSED)
{
	struct vm_setup s = { .append = "test=blk" };
	struct vm_result r;

	unlink(sock);
	run(&s, &r);
	vm_assert_ended(&r, 1, "failed");
	assert_non_null(
		strstr(r.errors, "virtio-blk0: the back end cannot be used: nobody listens"));
	vm_result_done(&r);
}

/* Somebody listens there and never says a word: that has an end. */
static void a_hang_has_an_end(void **state UNUSED)
{
	struct vm_setup s = { .append = "test=blk" };
	struct vm_result r;
	int fd;

	unlink(sock);
	fd = local_listen(sock);
	assert_true(fd >= 0);
	run(&s, &r);
	close(fd);
	vm_assert_ended(&r, 1, "failed");
	assert_non_null(strstr(r.errors, "GET_FEATURES: no answer"));
	vm_result_done(&r);
}

/* Whose threads do the work is not ours to say, and nobody here polls for nothing. */
static void is_not_served_here(void **state UNUSED)
{
	struct vm_setup s = { .append = "test=blk" };
	struct vm_result r;

	make_image(true);
	start_daemon();
	run_with(",poll=adaptive", &s, &r);
	kill_daemon();
	assert_int_not_equal(r.status, 0);
	assert_non_null(strstr(r.errors, "is served elsewhere (vhost)"));
	vm_result_done(&r);
}

static int find_program(void **state UNUSED)
{
	FILE *p = popen(QSD, "r");
	size_t n;

	if (!p || !fgets(program, sizeof(program), p) || pclose(p))
		fail_msg("no storage daemon is to be had: see tests/guest/qsd");
	n = strlen(program);
	program[n - 1] = '\0';
	strcpy(folder, "/tmp/vhost-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(image, sizeof(image), "%s/image", folder);
	snprintf(sock, sizeof(sock), "%s/socket", folder);
	return 0;
}

static int clean_up(void **state UNUSED)
{
	kill_daemon();
	unlink(image);
	unlink(sock);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(data_is_right),
		cmocka_unit_test(data_is_right_with_event_idx),
		cmocka_unit_test(data_is_right_polled),
		cmocka_unit_test(costs_nothing_here),
		cmocka_unit_test(reboots),
		cmocka_unit_test(survives_one_at_a_time),
		cmocka_unit_test(survives_many_at_once),
		cmocka_unit_test(none_in_flight_is_lost),
		cmocka_unit_test(nobody_there),
		cmocka_unit_test(a_hang_has_an_end),
		cmocka_unit_test(is_not_served_here),
	};

	return cmocka_run_group_tests(tests, find_program, clean_up);
}
